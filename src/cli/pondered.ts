import type { Plan } from '../plan/types.ts';
import type { Io } from './io.ts';
import { whileLooking } from './render/live-line.ts';

/** A plan that a person has pondered for longer than this is made anew before it is applied. */
const FRESH_MS = 5_000;

/**
 * What is to be applied of a plan that was shown: itself, or the same made anew.
 *
 * @param shownAt by `performance.now()`
 * @param text the run is watched by a person
 * @throws RefusedError when what was confirmed is no longer what would be done, LookError when that cannot be seen
 */
export async function freshPlan(
  shown: Plan,
  shownAt: number,
  { io, text }: { readonly io: Io; readonly text: boolean },
  make: () => Promise<Plan>,
): Promise<Plan> {
  if (performance.now() - shownAt <= FRESH_MS) return shown;
  return whileLooking(io, text, async () => {
    const now = await make();
    if (now.digest === shown.digest) return now;
    const { refuseStale } = await import('./stale.ts');
    return refuseStale(shown, now, io, () => undefined);
  });
}
