/** The options of the command line, declared once, and what they parse to. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Decisions } from '../plan/types.ts';

/** Flags that lift one refusal each. A refusal without a flag is not here: nothing lifts it. */
export const LIFTS: Readonly<Record<string, string>> = {
  'even-healthy': 'a server that works and that Nova could delete',
  'even-working': 'a server that Nova may be working on right now',
  'even-locked': 'a locked server',
  'even-protected': 'a server with disable_terminate',
  'even-hidden': 'the hidden copy of a cross-cell resize',
  'even-migrating': 'a server with a migration under way',
  'shared-instances': 'a folder on storage that other hosts use too',
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

export function addCommonOptions(command: Command): Command {
  return command
    .option('--site <file>', 'site file (default: ./expunge.yaml, then /etc/expunge/expunge.yaml)')
    .addOption(new Option('--format <format>', 'output').choices(['text', 'json', 'yaml']).default('text'))
    .option('--timings', 'show where the time went');
}

export function addDecisionOptions(command: Command): Command {
  command.addOption(
    new Option('--ports <what>', 'ports: as-nova deletes its own and unbinds the users’, delete, keep')
      .choices(['as-nova', 'delete', 'keep'])
      .default('as-nova'),
  );
  command.option('--all-hosts', 'look on every compute host, not only where a trace leads');
  for (const [flag, what] of Object.entries(LIFTS)) command.option(`--${flag}`, `go on for ${what}`);
  return command;
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
