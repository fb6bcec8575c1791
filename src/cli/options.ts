/** The options of the command line, declared once, and what they parse to. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Decisions } from '../plan/types.ts';

/** Flags that lift one refusal each, and what it says. A refusal without a flag is not here: nothing lifts it. */
export const LIFTS: Readonly<Record<string, string>> = {
  'even-healthy': 'the server works, and Nova could delete it',
  'even-working': 'Nova may be working on it right now',
  'even-locked': 'it is locked',
  'even-protected': 'its termination is disabled (disable_terminate)',
  'even-hidden': 'it is the hidden copy of a cross-cell resize',
  'even-migrating': 'a migration of it is under way',
  'even-manual':
    'a volume is connected in a way that has to be undone by hand, or persistent memory is to be wiped, and you have done it or will',
  'delete-trunk': 'a port that is to be deleted is the parent of a trunk: delete the trunk too',
  'even-late-delete':
    'a delete that may run later takes volumes with it that are to be kept, or from other servers of its host',
  'keep-snapshot': 'the snapshot of its shelving is protected, or others were made from it: leave it',
  'shared-instances': 'its folder is on storage that other hosts use too',
};

export interface CommonOptions {
  readonly site?: string;
  readonly format: 'text' | 'json' | 'yaml';
  readonly timings?: boolean;
}

export interface DecisionOptions {
  readonly ports: Decisions['ports'];
  readonly allHosts?: boolean;
  readonly volumes?: Decisions['volumes'];
  readonly detach?: Decisions['detach'];
  readonly surgery?: boolean;
  readonly portSurgery?: readonly string[];
  readonly fenced?: readonly string[];
  readonly [lift: string]: unknown;
}

/** The options that every command has. They may stand before the command too: `expunge --site demo inspect web`. */
export function addCommonOptions(command: Command): Command {
  return command
    .option('--site <file>', 'site file, or demo (default: ./expunge.yaml, then /etc/expunge/expunge.yaml)')
    .addOption(
      new Option('--format <format>', 'output for people or for programs (default: text)').choices([
        'text',
        'json',
        'yaml',
      ]),
    )
    .option('--timings', 'show where the time went, on standard error');
}

/** What was said of a command: behind it, else before it, else the default. */
export function givenOptions(program: Command, command: Command): CommonOptions & Record<string, unknown> {
  const said: Record<string, unknown> = { ...program.opts(), ...command.opts() };
  return { format: 'text', ...said };
}

export function addDecisionOptions(command: Command): Command {
  command.addOption(
    new Option(
      '--ports <what>',
      'as-nova: delete what Nova made, unbind what users made; delete: delete all; keep: unbind all',
    )
      .choices(['as-nova', 'delete', 'keep'])
      .default('as-nova'),
  );
  command.addOption(
    new Option(
      '--volumes <what>',
      'what becomes of its volumes. as-nova: delete those that Nova would; keep; delete; or one by one: <volume id>=keep,<volume id>=delete',
    ).argParser(parseVolumes),
  );
  command.addOption(
    new Option(
      '--detach <how>',
      'begin lower on the ladder by which volumes are let go of: force: force-detach; reset: only reset their state',
    ).choices(['attachment', 'force', 'reset']),
  );
  command.option(
    '--surgery',
    "where an API cannot do it, change the rows of Cinder's and Neutron's databases",
  );
  command.option(
    '--port-surgery <port>',
    "let go of this port by changing rows of Neutron's database, because its API fails (may be repeated)",
    parsePort,
  );
  command.option(
    '--fenced <host>',
    'this host is powered off: what is on it waits for resume (may be repeated)',
    parseHost,
  );
  command.option('--all-hosts', 'look on every compute host, not only where a trace leads');
  command.optionsGroup('Each lifts one refusal:');
  for (const [flag, what] of Object.entries(LIFTS)) command.option(`--${flag}`, what);
  return command.optionsGroup('Options:');
}

export function decisionsFrom(options: DecisionOptions): Decisions {
  const lift = Object.keys(LIFTS).filter((flag) => options[camel(flag)] === true);
  const { volumes, detach, surgery, portSurgery, fenced } = options;
  return {
    ports: options.ports,
    allHosts: options.allHosts ?? false,
    lift,
    ...(volumes === undefined ? {} : { volumes }),
    ...(detach === undefined ? {} : { detach }),
    ...(surgery === true ? { surgery } : {}),
    ...(portSurgery === undefined ? {} : { portSurgery: [...portSurgery].sort() }),
    ...(fenced === undefined ? {} : { fenced: [...fenced].sort() }),
  };
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** One `--volumes`, added to what those before it said. */
function parseVolumes(value: string, earlier?: Decisions['volumes']): NonNullable<Decisions['volumes']> {
  const named: Record<string, 'keep' | 'delete'> = { ...earlier?.named };
  let rest = earlier?.rest;
  for (const word of value.split(',')) {
    const [id = '', fate, more] = word.trim().split('=');
    if (fate === undefined && (id === 'as-nova' || id === 'keep' || id === 'delete')) {
      if (rest !== undefined && rest !== id)
        throw new InvalidArgumentError(`the volumes cannot be both ${rest} and ${id}`);
      rest = id;
    } else if (UUID.test(id) && (fate === 'keep' || fate === 'delete') && more === undefined) {
      if (named[id] !== undefined && named[id] !== fate)
        throw new InvalidArgumentError(`volume ${id} cannot be both ${named[id]} and ${fate}`);
      named[id] = fate;
    } else
      throw new InvalidArgumentError('say as-nova, keep, delete, or <volume id>=keep or <volume id>=delete');
  }
  return { ...(rest === undefined ? {} : { rest }), named };
}

function parseHost(value: string, earlier: readonly string[] = []): readonly string[] {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(value))
    throw new InvalidArgumentError('a host is called as Nova calls it');
  return earlier.includes(value) ? earlier : [...earlier, value];
}

function parsePort(value: string, earlier: readonly string[] = []): readonly string[] {
  if (!UUID.test(value)) throw new InvalidArgumentError('a port is named by its id');
  return earlier.includes(value) ? earlier : [...earlier, value];
}

function camel(flag: string): string {
  return flag.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** One or more, in digits. */
export function parseNumber(value: string): number {
  if (!/^[1-9]\d{0,5}$/.test(value)) throw new InvalidArgumentError('say a whole number, from 1 on');
  return Number(value);
}

export function parsePercent(value: string): number {
  const percent = parseNumber(value.replace(/%$/, ''));
  if (percent > 100) throw new InvalidArgumentError('a share is at most 100 percent');
  return percent;
}

/** commander's `<server...>` with nothing empty in it. */
export function parseServer(value: string, earlier: readonly string[] = []): readonly string[] {
  if (value.trim() === '') throw new InvalidArgumentError('a server is a uuid or a name');
  return [...earlier, value];
}
