/** What must hold of a purge that was let fail, and of what goes on with it. */
import { expect } from 'vitest';
import { goOn } from '../kept-cloud.ts';
import { findSecrets } from '../secrets.ts';
import { difference } from '../world-dump.ts';
import type { Strike } from './fault.ts';
import { type Bench, type Failed, ofNeighbours } from './fault-bench.ts';

/** The exit codes of `--help`, and `interrupted`, which nobody asked for here. */
const EXITS = [0, 1, 2, 3, 4];
/** No pause is longer than what a step waits for at most, and few steps wait. */
const PATIENCE_MS = 30 * 60_000;
const SAYS_CLEAN = /Verified: looked everywhere again, nothing is left/;
/** What a program is told of a server that is gone. */
const CLEAN_TO_A_PROGRAM = /"verified": \{\s+"clean": true/;
const STACK = /a fault in expunge itself|\n\s+at \S+ \(|\.ts:\d+:\d+/;

/** A purge in which nothing failed. */
export interface Whole {
  readonly before: readonly string[];
  readonly end: readonly string[];
  /** how many calls each fault of a door could have met */
  readonly reach: Failed['reach'];
}

const NOTHING: Strike = { door: 'http', fault: 'none', at: 0, lasting: false };

export async function purgeWhole(bench: Bench): Promise<Whole> {
  bench.restore();
  const before = bench.dump();
  const { exit, out, err, reach } = await bench.fail(NOTHING, bench.purgeArgv);
  expect(exit, out + err).toBe(0);
  return { before, end: bench.dump(), reach };
}

export function describeStrike({ door, fault, at, lasting }: Strike): string {
  return `${door} ${fault} at ${at}${lasting ? ' and for ever' : ''}`;
}

/**
 * Lets a purge fail, goes on with it as its operator would, and compares.
 *
 * @returns what the fault met; empty: the purge ended before it came to that call
 */
export async function failAndGoOn(bench: Bench, strike: Strike, whole: Whole): Promise<readonly string[]> {
  bench.restore();
  // Every third one as a program asks for it: what is said then is other text, with other ways for a secret to come through.
  const asked = strike.at % 3 === 2 ? ['--format', 'json'] : [];
  const failed = await bench.fail(strike, [...bench.purgeArgv, ...asked]);
  const what = `${describeStrike(strike)}: ${failed.met[0] ?? 'nothing met'}`;
  const all = `${what}\n${failed.out}\n${failed.err}`;
  assertHonest(bench, failed, whole, all);
  if (failed.met.length === 0) {
    expect(failed.exit, all).toBe(0);
    return [];
  }
  // Nothing was begun and nothing is other than before: what a purge makes of that is known.
  if (bench.listRuns().length === 0 && difference(whole.before, bench.dump()).length === 0) return failed.met;
  bench.endProcesses();
  const ended = await goOn(bench.expunge, bench.purgeArgv, all);
  const later = `${all}\n----- gone on with -----\n${ended.out}\n${ended.err}`;
  expect(difference(whole.end, bench.dump()), later).toEqual([]);
  expect(findSecrets(ended.out + ended.err, bench.secrets.all()), later).toEqual([]);
  const verified = await bench.expunge(bench.verifyArgv);
  expect(verified.exit, `${later}\n----- verified -----\n${verified.out}${verified.err}`).toBe(0);
  return failed.met;
}

/** It ended, in words, and says of the cloud what is so. */
function assertHonest(bench: Bench, failed: Failed, whole: Whole, all: string): void {
  const { exit, out, err, waited } = failed;
  expect(EXITS, all).toContain(exit);
  expect(waited, all).toBeLessThan(PATIENCE_MS);
  expect(out + err, all).not.toMatch(STACK);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
  expect(out + err, all).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  const now = bench.dump();
  if (exit === 0 || SAYS_CLEAN.test(out) || CLEAN_TO_A_PROGRAM.test(out)) {
    // A message bus that cannot be asked stops nobody, and the verdict says so: see the kind waiting-requests.
    const told = /looked again everywhere but at the message bus|"unseen": "the message bus"/.test(out);
    const left = difference(whole.end, now).filter(
      (line) => !(told && line.startsWith('+ machines.waiting ')),
    );
    expect(left, all).toEqual([]);
  }
  expect(difference(ofNeighbours(bench, whole.before), ofNeighbours(bench, now)), all).toEqual([]);
  // What is gone now goes in a whole purge, too.
  const [kept, left] = [new Set(now), new Set(whole.end)];
  expect(
    whole.before.filter((line) => left.has(line) && !kept.has(line)),
    all,
  ).toEqual([]);
  const said = [out, err, ...bench.records()].join('\n');
  expect(findSecrets(said, bench.secrets.all()), all).toEqual([]);
}
