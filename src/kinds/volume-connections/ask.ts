/** Commands of which every exit code is known to mean something; all else is "could not look". */
import { LookError } from '../../plan/errors.ts';
import { perhapsInContainer } from '../../site/command/containers.ts';
import { lineNotUnderstood, linesOf, whyFailed } from '../../site/command/lines.ts';
import type { CommandAnswer, Reader } from '../../site/reader.ts';

const ABSENT = ': No such file or directory';

/**
 * @param exits exit codes that are answers
 * @throws LookError for any other, with the program's last words
 */
export async function ask(
  look: Reader,
  host: string,
  argv: readonly string[],
  exits: readonly number[] = [0],
): Promise<CommandAnswer> {
  const answer = await look.command.run(host, argv);
  if (exits.includes(answer.exit)) return answer;
  const program = argv[0] ?? '';
  if (answer.exit === 127)
    throw new LookError(`host ${host}`, `${program} is not there`, {
      code: 'program-missing',
      hint: perhapsInContainer(host),
    });
  throw new LookError(`host ${host}`, `${program} does not answer: ${whyFailed(program, answer)}`, {
    code: 'connections-unreadable',
  });
}

export function notUnderstood(host: string, program: string, line: string): LookError {
  return lineNotUnderstood(host, `what ${program} says`, line);
}

/**
 * Links directly in these folders, as name and target. A folder that is not there holds none: the kernel and udev make it with
 * the first.
 *
 * @param format of the name: `%f`, or `%p` for the whole path
 */
export function findLinks(
  look: Reader,
  host: string,
  folders: readonly string[],
  format: '%f' | '%p' = '%f',
): Promise<(readonly [string, string])[]> {
  return findPairs(look, host, [
    ...['find', ...folders, '-mindepth', '1', '-maxdepth', '1'],
    ...['-printf', `${format}\\t%l\\n`],
  ]);
}

/**
 * Pairs of words that `find` prints with a tab between them. What is not there, or went while it was looked at, is no failure.
 *
 * @throws LookError for every other complaint of it, and for a line that is no pair
 */
export async function findPairs(
  look: Reader,
  host: string,
  argv: readonly string[],
): Promise<(readonly [string, string])[]> {
  const { exit, out, err } = await ask(look, host, argv, [0, 1]);
  const failed = exit === 0 ? undefined : linesOf(err).find((line) => !line.endsWith(ABSENT));
  if (failed !== undefined)
    throw new LookError(`host ${host}`, `its devices cannot be read: ${failed}`, {
      code: 'connections-unreadable',
    });
  return linesOf(out).map((line) => {
    const [name = '', target, more] = line.split('\t');
    // Taken for a device of another name, it would be none of the server's.
    if (target === undefined || more !== undefined) throw notUnderstood(host, 'find', line);
    return [name, target] as const;
  });
}
