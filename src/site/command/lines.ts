/** What programs print, line by line. */
import { LookError } from '../../plan/errors.ts';
import type { CommandAnswer } from '../reader.ts';

/** The lines that hold something. */
export function linesOf(out: string): string[] {
  return out.split('\n').filter((line) => line.trim() !== '');
}

const LONGEST = 200;

/** The last line that a program printed on standard error, cut to 200 characters: there most of them say what went wrong. */
export function lastLine(err: string): string {
  return err.trim().split('\n').at(-1)?.trim().slice(0, LONGEST) ?? '';
}

/** Why a program failed, in its own words; where it has none, how it ended. */
export function whyFailed(program: string, { exit, err }: Pick<CommandAnswer, 'exit' | 'err'>): string {
  return lastLine(err) || `${program} ended with ${exit}`;
}

/** @param what whose line it is: `the list of mounts` */
export function lineNotUnderstood(host: string, what: string, line: string): LookError {
  return new LookError(`host ${host}`, `${what} is not understood: ${line}`, {
    code: 'answer-not-understood',
  });
}
