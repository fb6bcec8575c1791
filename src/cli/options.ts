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
  command.option('--all-hosts', 'look on every compute host, not only where a trace leads');
  command.optionsGroup('Each lifts one refusal:');
  for (const [flag, what] of Object.entries(LIFTS)) command.option(`--${flag}`, what);
  return command.optionsGroup('Options:');
}

export function decisionsFrom(options: DecisionOptions): Decisions {
  const lift = Object.keys(LIFTS).filter((flag) => options[camel(flag)] === true);
  return { ports: options.ports, allHosts: options.allHosts ?? false, lift };
}

function camel(flag: string): string {
  return flag.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** commander's `<server...>` with nothing empty in it. */
export function parseServer(value: string, earlier: readonly string[] = []): readonly string[] {
  if (value.trim() === '') throw new InvalidArgumentError('a server is a uuid or a name');
  return [...earlier, value];
}
