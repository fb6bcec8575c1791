import { isExpungeError } from '../../plan/errors.ts';
import type { Io } from '../io.ts';
import { plain } from './plain.ts';

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
