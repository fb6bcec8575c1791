import { isExpungeError } from '../../plan/errors.ts';
import type { Io } from '../io.ts';
import { plain } from './plain.ts';

/** For a reader that is a program: a document on standard output, and the same line for people on standard error. */
export async function reportErrorAsData(
  io: Io,
  error: unknown,
  command: string,
  format: 'json' | 'yaml',
): Promise<number> {
  const exitCode = reportError(io, error);
  if (!isExpungeError(error)) return exitCode;
  const { serialise } = await import('./data.ts');
  const { code, message, hint = null } = error;
  io.out(await serialise(format, { format: 1, command, exitCode, error: { code, message, hint } }));
  return exitCode;
}

/** What commander says of a command line, in the form of every other error. */
export function reportUsage(io: Io, said: string): void {
  const sentence = said
    .trim()
    .replace(/^error: /, '')
    .replaceAll(/\n(?=\(Did you mean)/g, ' ');
  io.err(`expunge: ${plain(sentence, 600)}\n  expunge --help shows the commands and their options\n`);
}

/** One clear line, a hint where there is one, and the exit code that the error means. */
export function reportError(io: Io, error: unknown): number {
  if (isExpungeError(error)) {
    const where = 'place' in error && typeof error.place === 'string' ? `${error.place}: ` : '';
    io.err(`expunge: ${plain(where + error.message, 600)}\n`);
    if (error.hint !== undefined) io.err(`  ${plain(error.hint, 600)}\n`);
    return error.exitCode;
  }
  io.err(
    `expunge: a fault in expunge itself: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return 1;
}
