import { expect } from 'vitest';
import { goOn } from '../../support/kept-cloud.ts';
import { difference } from '../../support/world-dump.ts';
import { type Cut, type Cutting, needless, placesOf } from './cut.ts';

export interface Whole {
  /** the cloud after a purge that nobody cut */
  readonly end: readonly string[];
  /** how many writes it made into its record */
  readonly writes: number;
  /** the steps that acted */
  readonly steps: readonly string[];
}

export interface CutPlaces {
  readonly met: readonly string[];
  readonly needless: readonly string[];
}

/** A purge that nobody cuts, and everything that it comes to. */
export async function purgeWhole(cutting: Cutting): Promise<Whole> {
  cutting.restore();
  const { exit, writes, said } = await cutting.cut(cutting.purgeArgv, { at: 0, how: 'before' });
  expect(exit, said).toBe(0);
  const steps = new Set(
    writes.flatMap((write) => placesOf(write, 'before')).map((place) => place.replace(/: [a-z ]+$/, '')),
  );
  return { end: cutting.dump(), writes: writes.length, steps: [...steps] };
}

/**
 * Cuts a purge, goes on with it as its operator would, and compares.
 *
 * @returns the places at which steps were cut, none when the purge ended before it came to that write; and the places that it shows
 *   there need not be
 */
export async function cutAndResume(cutting: Cutting, cut: Cut, { end }: Whole): Promise<CutPlaces> {
  cutting.restore();
  const { exit, writes, said } = await cutting.cut(cutting.purgeArgv, cut);
  const what = `cut ${cut.how} write ${cut.at}: ${JSON.stringify(writes.at(-1))}`;
  if (exit !== null) {
    expect(exit, `${what}\n${said}`).toBe(0);
    return { met: [], needless: writes.flatMap(needless) };
  }
  await goOn(cutting.expunge, cutting.purgeArgv, `${what}\n${said}`);
  expect(difference(end, cutting.dump()), what).toEqual([]);
  const verified = await cutting.expunge(cutting.verifyArgv);
  expect(verified.exit, `${what}\n${verified.out}`).toBe(0);
  const mine =
    typeof cut.at === 'number'
      ? writes[cut.at - 1]
      : writes.find(({ text }) => text.includes(String(cut.at)));
  return { met: mine === undefined ? [] : placesOf(mine, cut.how), needless: [] };
}
