/** What programs print, line by line. */
import { LookError } from '../../plan/errors.ts';

/** The lines that hold something. */
export function linesOf(out: string): string[] {
  return out.split('\n').filter((line) => line.trim() !== '');
}

/** @param what whose line it is: `the list of mounts` */
export function lineNotUnderstood(host: string, what: string, line: string): LookError {
  return new LookError(`host ${host}`, `${what} is not understood: ${line}`, {
    code: 'answer-not-understood',
  });
}
