/** What becomes of one step of a run when the run is undone. */
import type { Kept, Refusal, Remain, Step } from '../../plan/types.ts';

export interface Undone {
  /** the step of the run */
  readonly of: Step;
  /** what brings it back; null: nothing to do, or not possible */
  readonly step: Step | null;
  /** what does not come back, and why */
  readonly lost: Omit<Kept, 'kind'> | null;
  readonly refusals: readonly Omit<Refusal, 'kind'>[];
  /** what came after the run and stays */
  readonly remains: readonly Omit<Remain, 'kind'>[];
}

/** Everything that the step touched is as it was before. */
export function asBefore(step: Step): Undone {
  return { of: step, step: null, lost: null, refusals: [], remains: [] };
}
