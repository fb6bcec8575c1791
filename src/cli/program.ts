/** The command line: arguments in, exit code out. */
import { Command, CommanderError } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import type { Given } from './begin.ts';
import { openIo, type ProcessLike } from './io.ts';
import { addCommonOptions, addDecisionOptions, type CommonOptions, parseServer } from './options.ts';
import { reportError, reportErrorAsData, reportUsage } from './render/error.ts';

const EXIT_CODES = `
Exit codes:
  0    clean, or done
  1    something is left, or a step failed
  2    the command line or the configuration is not usable; nothing was touched
  3    refused by a guard; nothing was touched by what it guards
  4    could not look everywhere
  130  interrupted`;

type Action = (given: Given) => Promise<number>;

/** @returns the exit code; never throws and never exits */
export async function runCli(argv: readonly string[], process: ProcessLike): Promise<number> {
  const io = openIo(process);
  let exitCode = 0;
  let asked = 'expunge';
  let format: unknown = 'text';
  const program = new Command('expunge')
    .description(
      'Removes a stuck OpenStack server from every place it ever touched, and proves that nothing else was.',
    )
    .version(packageJson.version)
    .addHelpText('after', EXIT_CODES)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      outputError: (text) => reportUsage(io, text),
    });

  const add = (command: Command, load: () => Promise<Action>) => {
    command.exitOverride().action(async (...given: unknown[]) => {
      const own = given.at(-1);
      const options = own instanceof Command ? own.opts() : {};
      if (own instanceof Command) [asked, format] = [own.name(), options['format']];
      const { beginSite } = await import('./begin.ts');
      const begun = await beginSite(io, options as CommonOptions);
      const action = await load();
      exitCode = await action({ io, options, args: given.slice(0, -2), begun });
    });
    return command;
  };
  const servers = (command: Command) =>
    command.argument('<server...>', 'uuid, or a name that only one server bears', parseServer);

  add(
    addCommonOptions(program.command('doctor')).summary('try every door and say what is missing'),
    async () => {
      const { doctor } = await import('./commands/doctor.ts');
      return doctor;
    },
  ).description(
    'Tries every door of the site: APIs, databases, memcached, hosts. Says what is missing and how to grant it.',
  );
  add(
    servers(addDecisionOptions(addCommonOptions(program.command('inspect')))).summary(
      'what is left, and where',
    ),
    async () => (await import('./commands/inspect.ts')).inspect,
  ).description('Shows what is left of a server, and where. Reads only.');
  add(
    servers(addDecisionOptions(addCommonOptions(program.command('plan'))))
      .summary('the steps, exact, in order')
      .option('-o, --output <file>', 'write the plan to a file, for apply')
      .option('--commands', 'show what goes through the doors, word for word'),
    async () => (await import('./commands/plan.ts')).plan,
  ).description('Shows the steps that purge would do, exact and in order. Reads only.');
  add(
    addCommonOptions(program.command('apply'))
      .argument('<file>', 'plan file')
      .summary('do a plan, or refuse it as stale')
      .option('--yes', 'do not ask'),
    async () => (await import('./commands/apply.ts')).apply,
  ).description(
    'Does the steps of a plan file, exactly those, or refuses it when the world has moved since.',
  );
  add(
    servers(addDecisionOptions(addCommonOptions(program.command('purge'))))
      .summary('inspect, plan, confirm by name, apply, verify')
      .option('--yes', 'do not ask for the name'),
    async () => (await import('./commands/purge.ts')).purge,
  ).description(
    'Removes a server from everywhere: inspects, plans, asks for its name, applies, and looks everywhere again.',
  );
  add(
    servers(addDecisionOptions(addCommonOptions(program.command('verify')))).summary(
      'exit 0 only when nothing is left',
    ),
    async () => (await import('./commands/verify.ts')).verify,
  ).description('Looks everywhere. Exit 0 only when nothing is left and every place could be looked at.');

  try {
    await program.parseAsync([...argv]);
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (format === 'json' || format === 'yaml') return reportErrorAsData(io, error, asked, format);
    return reportError(io, error);
  }
}
