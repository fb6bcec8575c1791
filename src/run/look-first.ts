/** The last look before an act. */
import { reason } from '../kinds/kind.ts';
import { isExpungeError } from '../plan/errors.ts';
import type { Step } from '../plan/types.ts';
import type { Reader } from '../site/reader.ts';
import type { StepResult } from './apply.ts';
import type { Outcome } from './journal.ts';

export interface Looked {
  readonly step: Step;
  /** null: nothing speaks against doing it */
  readonly verdict: StepResult | null;
  readonly images: readonly { step: string; of: unknown; image: unknown }[];
}

/** Just before the act: is it done already, does every guard hold, what is there to be saved. */
export async function lookFirst(look: Reader, step: Step): Promise<Looked> {
  const ended = (outcome: Outcome, detail: string | null): Looked => ({
    step,
    verdict: { step, outcome, detail },
    images: [],
  });
  try {
    const [settled, guards, images] = await Promise.all([
      look.holds(step.settled),
      Promise.all(
        step.guards.map(async (guard) => ({ guard, holds: await holdsOrError(look, guard.check) })),
      ),
      Promise.allSettled(step.before.map(async (of) => ({ step: step.id, of, image: await look.image(of) }))),
    ]);
    // Done already: its guards speak of a thing that is gone, and need not hold. Asked twice, because nothing looks at it after that:
    // what led to it, a port's id in a row, may be gone itself when everything is looked at again.
    if (settled)
      return (await look.fresh().holds(step.settled))
        ? ended('already', null)
        : ended('failed', 'it seemed to be so already, and a moment later it was not');
    for (const { guard, holds } of guards) {
      if (holds instanceof Error)
        return ended('failed', `could not check that ${guard.must}: ${reason(holds)}`);
      if (!holds) return ended('refused', `it must hold that ${guard.must}`);
    }
    const unread = images.find((i) => i.status === 'rejected');
    if (unread !== undefined)
      return ended('failed', `its before-image cannot be read: ${reason(unread.reason)}`);
    return {
      step,
      verdict: null,
      images: images.flatMap((i) => (i.status === 'fulfilled' ? [i.value] : [])),
    };
  } catch (error) {
    if (!isExpungeError(error)) throw error;
    return ended('failed', reason(error));
  }
}

async function holdsOrError(look: Reader, check: Step['guards'][number]['check']): Promise<boolean | Error> {
  try {
    return await look.holds(check);
  } catch (error) {
    if (isExpungeError(error)) return error;
    throw error;
  }
}
