/** What a program on a simulated host says. */
import { LookError } from '../../plan/errors.ts';
import type { CommandAnswer } from '../../site/reader.ts';
import type { World } from '../world.ts';

/** A program of a host: its arguments to what it says. What it was not taught it refuses by `untaught`. */
export type Program = (world: World, host: string, args: readonly string[], input?: string) => CommandAnswer;

export function says(out: string): CommandAnswer {
  return { exit: 0, out, err: '' };
}

/** @param err one line, without its end; '' for a program that only ends with a code */
export function fails(exit: number, err: string, out = ''): CommandAnswer {
  return { exit, out, err: err === '' ? '' : `${err}\n` };
}

/** Nobody knows what the real program would say: so nothing is said. */
export function untaught(host: string, argv: readonly string[]): LookError {
  return new LookError(`host ${host}`, `the simulated host was not taught: ${argv.join(' ')}`, {
    code: 'simulator-untaught',
    hint: 'only what expunge itself runs is modelled there',
  });
}

export function sameWords(words: readonly string[], ...expected: readonly string[]): boolean {
  return words.length === expected.length && words.every((word, i) => word === expected[i]);
}
