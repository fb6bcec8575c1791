/** The command line: arguments in, exit code out. */
import { Command, CommanderError } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { UsageError } from '../plan/errors.ts';
import type { Wires } from '../site/wires.ts';
import type { Given } from './begin.ts';
import type { DemoOptions } from './commands/demo.ts';
import { openIo, type ProcessLike } from './io.ts';
import {
  addCommonOptions,
  addDecisionOptions,
  givenOptions,
  parseNumber,
  parsePercent,
  parseServer,
} from './options.ts';
import { reportError, reportErrorAsData, usageSentence } from './render/error.ts';

const AFTER_HELP = `
To see it all without a cloud: expunge demo
Begin with doctor, then inspect: both only read. The options of a command:
expunge <command> --help

Exit codes:
  0    clean, or done
  1    something is left, or a step failed
  2    the command line or the configuration is not usable; nothing was touched
  3    refused; what is refused was not touched
  4    could not look everywhere
  130  interrupted`;

type Action = (given: Given) => Promise<number>;

/**
 * @param rewire what is put around the wires of an embedded cloud: whoever tries how expunge fails lets them fail here. The network's are
 *   never touched
 * @returns the exit code; never throws and never exits
 */
export async function runCli(
  argv: readonly string[],
  process: ProcessLike,
  rewire: (wires: Wires) => Wires = (wires) => wires,
): Promise<number> {
  const io = openIo(process);
  let exitCode = 0;
  let asked = 'expunge';
  let format: unknown = 'text';
  const program = addCommonOptions(new Command('expunge'))
    .enablePositionalOptions()
    .description(
      'Removes a stuck OpenStack server (a Nova instance) from every place it ever touched, and then looks everywhere again.',
    )
    .version(packageJson.version)
    .addHelpText('after', AFTER_HELP)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      // Said below, in the form of every other error.
      outputError: () => {},
      getOutHelpWidth: () => process.stdout.columns ?? 80,
      getErrHelpWidth: () => process.stdout.columns ?? 80,
    });

  const add = (command: Command, load: () => Promise<Action>, logsIn = true) => {
    command.exitOverride().action(async (...given: unknown[]) => {
      const own = given.at(-1);
      const options = givenOptions(program, own instanceof Command ? own : program);
      if (own instanceof Command) [asked, format] = [own.name(), options['format']];
      const { beginSite } = await import('./begin.ts');
      const begun = await beginSite(io, options, rewire, logsIn);
      const action = await load();
      exitCode = await action({ io, options, args: given.slice(0, -2), begun });
    });
    return command;
  };
  const servers = (command: Command) =>
    command.argument('<server...>', 'uuid, or the exact name of a server that is not deleted', parseServer);

  add(addCommonOptions(program.command('doctor')).summary('check every API, database and host'), async () => {
    const { doctor } = await import('./commands/doctor.ts');
    return doctor;
  }).description(
    'Tries every API, database, memcached server and host of the site, and says what is missing. Reads only.',
  );
  add(
    servers(addDecisionOptions(addCommonOptions(program.command('inspect')))).summary(
      'what is left, and where',
    ),
    async () => (await import('./commands/inspect.ts')).inspect,
  ).description('Shows what is left of a server, and where. Reads only.');
  add(
    servers(addDecisionOptions(addCommonOptions(program.command('plan'))))
      .summary('what purge would do, step by step')
      .option('-o, --output <file>', 'also write the plan to a new file, for apply (one server)')
      .option('--commands', 'each step word for word: reason, conditions, command or statement'),
    async () => (await import('./commands/plan.ts')).plan,
  ).description('Shows what is left of a server, and the steps that purge would do. Reads only.');
  add(
    addCommonOptions(program.command('apply'))
      .argument('<file>', 'plan file, written by expunge plan -o')
      .summary('do a plan file, or refuse it as stale')
      .option('--yes', "do not ask for the server's name"),
    async () => (await import('./commands/apply.ts')).apply,
  ).description(
    'Does the steps of a plan file, exactly those, or refuses it when anything in it is not as it was.',
  );
  add(
    servers(addDecisionOptions(addCommonOptions(program.command('purge'))))
      .summary('remove it: inspect, plan, ask, apply, verify')
      .option('--yes', "do not ask for the server's name")
      .option('--max-servers <n>', 'refuse more servers than this at once (default: 10)', parseNumber)
      .option(
        '--max-share <percent>',
        'refuse more than this share of the live servers of one host or project, when more than 4 of it are named (default: 50)',
        parsePercent,
      ),
    async () => (await import('./commands/purge.ts')).purge,
  ).description(
    'Removes a server from everywhere: shows where it is left and each step, asks for its name, does the steps, and looks everywhere again.',
  );
  add(
    servers(addDecisionOptions(addCommonOptions(program.command('verify')))).summary(
      'exit 0 only when nothing is left',
    ),
    async () => (await import('./commands/verify.ts')).verify,
  ).description('Looks everywhere. Exit 0 only when nothing is left and every place could be looked at.');
  add(
    addCommonOptions(program.command('runs')).summary('what was done so far, and what of it is not finished'),
    async () => (await import('./commands/runs.ts')).runs,
    false,
  ).description(
    'Lists the runs that are recorded on this machine for the site: when, which server, by whom, and how they stand. Reads only the records.',
  );
  add(
    addCommonOptions(program.command('resume'))
      .argument('<run>', "a run's folder, as purge and apply print it, or the last part of its path")
      .summary('finish a run that was cut, or waits for a host')
      .option('--yes', "do not ask for the server's name"),
    async () => (await import('./commands/resume.ts')).resume,
  ).description(
    'Goes on with a run: looks which of its hosts are back and what is left, asks for the name, removes that, and looks everywhere again.',
  );
  add(
    addCommonOptions(program.command('abandon'))
      .argument('<run>', "a run's folder, as purge and apply print it, or the last part of its path")
      .summary('give up a run that nobody is to finish')
      .option('--why <text>', 'the reason, for who reads the list of runs'),
    async () => (await import('./commands/abandon.ts')).abandon,
    false,
  ).description(
    'Gives up a run that was cut or stopped, or waits for a host, so that its server can be purged anew. Writes that down, and touches nothing else: what the run did stays done.',
  );
  add(
    addCommonOptions(program.command('undo'))
      .argument('<run>', "a run's folder, as purge and apply print it, or the last part of its path")
      .summary('bring back what a run saved first')
      .option('--yes', "do not ask for the server's name"),
    async () => (await import('./commands/undo.ts')).undo,
  ).description(
    'Puts back what a run changed and saved: rows of databases, and ports. Says first what cannot come back.',
  );
  program
    .command('demo')
    .summary('all of it on an embedded cloud')
    .description(
      'Makes an embedded OpenStack with servers that Nova could not delete, and walks through inspect, plan, purge and verify on one of them. Needs no root, no network and no cloud; every other command takes it as --site demo.',
    )
    .option('--list', 'only list its servers, also those that are refused')
    .option('--reset', 'start over with a new cloud')
    .option('--power-on <host>', 'a host of it that is off is on again: for resume')
    .option('--no-input', 'do not wait for Enter, nor ask for the name')
    .exitOverride()
    .action(async (options: DemoOptions) => {
      const { demo } = await import('./commands/demo.ts');
      exitCode = await demo(io, options);
    });

  const report = (error: unknown): number | Promise<number> =>
    format === 'json' || format === 'yaml'
      ? reportErrorAsData(io, error, asked, format)
      : reportError(io, error);
  try {
    await program.parseAsync([...argv]);
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) return report(error);
    // No command at all: commander has shown the help.
    if (error.exitCode === 0 || error.code === 'commander.help') return error.exitCode === 0 ? 0 : 2;
    // The options were not parsed, so the words themselves tell what was asked for, and how it is to be answered.
    const words = argv.slice(2).filter((_, i, all) => all[i - 1] !== '--site');
    asked = words.find((word) => program.commands.some((command) => command.name() === word)) ?? 'expunge';
    format = words.flatMap(
      (word, i) => /^--format=(.*)/.exec(word)?.[1] ?? (words[i - 1] === '--format' ? word : []),
    )[0];
    const help = asked === 'expunge' ? 'expunge --help' : `expunge ${asked} --help`;
    return report(
      new UsageError(usageSentence(error.message), { code: 'usage', hint: `${help} shows what can be said` }),
    );
  }
}
