/** Fails call 1, call 2, … until a run in which no fault fires: once, and from there on for ever, in every way that a door knows. */
import { appendFileSync } from 'node:fs';
import type { Scene } from '../kept-cloud.ts';
import { tempFolder } from '../temp.ts';
import type { Door, Strike } from './fault.ts';
import { type Bench, openBench } from './fault-bench.ts';
import { FAULTS } from './faulty-wires.ts';
import { describeStrike, failAndGoOn, purgeWhole, type Whole } from './oracle.ts';

export interface Tally {
  runs: number;
  /** how often each fault fired, `http 500`: zero is a path that was never tried */
  readonly fired: Map<string, number>;
  readonly failures: string[];
}

/** More would be the same over and over. */
const MOST_FAILURES = 20;

/** @param isAsked which faults of these doors; all unless told */
export function newTally(doors: readonly Door[], isAsked = (_fault: string) => true): Tally {
  const names = doors.flatMap((door) => FAULTS[door].filter(isAsked).map((fault) => `${door} ${fault}`));
  return { runs: 0, fired: new Map(names.map((name) => [name, 0])), failures: [] };
}

export async function openScene(scene: Scene): Promise<{ bench: Bench; whole: Whole }> {
  const bench = await openBench(tempFolder(), scene);
  return { bench, whole: await purgeWhole(bench) };
}

/** @returns whether it fired; what goes wrong stands in the tally, so that one failure does not hide the next */
export async function tryStrike(
  { bench, whole }: { bench: Bench; whole: Whole },
  strike: Strike,
  tally: Tally,
): Promise<boolean> {
  tally.runs++;
  const name = `${strike.door} ${strike.fault}`;
  try {
    const met = await failAndGoOn(bench, strike, whole);
    if (met.length > 0) tally.fired.set(name, (tally.fired.get(name) ?? 0) + 1);
    return met.length > 0;
  } catch (error) {
    const said = error instanceof Error ? `${error.message}\n${error.stack}` : String(error);
    tally.failures.push(`===== ${describeStrike(strike)}\n${said}`);
    const log = process.env['FAULT_LOG'];
    if (log !== undefined) appendFileSync(log, `${tally.failures.at(-1)}\n`);
    return tally.failures.length < MOST_FAILURES;
  }
}

/**
 * @param tally the faults that stand in it are tried
 * @param every the first call and each so many after it; 1: all of them
 */
export async function failEverywhere(scene: Scene, door: Door, tally: Tally, every = 1): Promise<void> {
  const opened = await openScene(scene);
  for (const fault of FAULTS[door].filter((name) => tally.fired.has(`${door} ${name}`)))
    for (const lasting of [false, true])
      for (let at = 1; await tryStrike(opened, { door, fault, at, lasting }, tally); at += every);
}

/** Names of the faults that never fired. */
export function neverFired({ fired }: Tally): readonly string[] {
  return [...fired].flatMap(([name, times]) => (times === 0 ? [name] : []));
}
