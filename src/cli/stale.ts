import { RefusedError } from '../plan/errors.ts';
import type { Plan } from '../plan/types.ts';
import { describeDrift } from '../run/make-plan.ts';

/** @throws RefusedError always: says what moved between the plan that was shown and the world as it is */
export function refuseStale(shown: Plan, now: Plan): never {
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
