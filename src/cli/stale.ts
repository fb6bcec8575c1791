import { RefusedError } from '../plan/errors.ts';
import type { Plan } from '../plan/types.ts';
import { describeDrift } from '../run/make-plan.ts';
import type { Io } from './io.ts';
import { assertAppliable } from './run-plan.ts';

/**
 * @param hint what may be tried where a place does not answer any more
 * @throws RefusedError: says what moved between the plan that was shown and the world as it is; LookError where that cannot be seen
 */
export function refuseStale(shown: Plan, now: Plan, io: Io, hint: () => string | undefined): never {
  // What cannot be looked at any more is not gone: it would be among what is "no longer" there.
  if (now.unknown.length > 0) assertAppliable(now, io, hint);
  const drift = describeDrift(shown, now);
  const more = drift.length > 5 ? `, and ${drift.length - 5} more` : '';
  throw new RefusedError(
    `the world has moved since this plan was made: ${drift.slice(0, 5).join('; ')}${more}`,
    {
      code: 'stale-plan',
      hint: 'nothing was touched; make the plan again',
    },
  );
}
