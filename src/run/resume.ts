/** Going on with a run: what it was to do, what of it waited, and what its process did not get to say. */
import { reason } from '../kinds/kind.ts';
import { isExpungeError } from '../plan/errors.ts';
import type { Decisions, Step } from '../plan/types.ts';
import type { Reader } from '../site/reader.ts';
import { askFenced } from './fenced.ts';
import type { RunRecord } from './read-run.ts';

/** A step that was let through the gate without a result: whether it is so now. Null: that cannot be seen, for the reason given. */
export interface Announced {
  readonly step: Step;
  readonly settled: boolean | null;
  readonly why: string | null;
}

export interface Resumption {
  /** those of the run, without the hosts that are back */
  readonly decisions: Decisions;
  /** hosts that were off and are back */
  readonly back: readonly string[];
  /** hosts that are still off */
  readonly off: readonly string[];
  readonly announced: readonly Announced[];
}

/** Looks which hosts are back, and what became of what was announced. Writes nothing. */
export async function lookBefore(run: RunRecord, reader: Reader): Promise<Resumption> {
  const look = reader.fresh();
  const { fenced = [], ...others } = run.plan.decisions;
  const [answers, announced] = await Promise.all([
    Promise.all(fenced.map((host) => askFenced(look, host))),
    Promise.all(run.announced.map((step) => seeWhether(look, step))),
  ]);
  const off = fenced.filter((_, i) => answers[i] === null);
  return {
    decisions: { ...others, ...(off.length === 0 ? {} : { fenced: off }) },
    back: fenced.filter((host) => !off.includes(host)),
    off,
    announced,
  };
}

async function seeWhether(look: Reader, step: Step): Promise<Announced> {
  try {
    return { step, settled: await look.holds(step.settled), why: null };
  } catch (error) {
    if (!isExpungeError(error)) throw error;
    return { step, settled: null, why: reason(error) };
  }
}
