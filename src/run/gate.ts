/** The one place through which every write goes. Nobody else asks a site for its writer. */
import { ActError } from '../plan/errors.ts';
import type { Plan, Step } from '../plan/types.ts';
import type { Site } from '../site/connect.ts';
import type { Journal } from './journal.ts';
import { lockServer, type ServerLock } from './server-lock.ts';

export interface Gate {
  /** Before the first step: whether any of the plan's acts would lack a right. Changes nothing. @throws UsageError | LookError */
  rehearse(): Promise<void>;
  /** Writes down what is about to happen to these steps, their before-images first. */
  announce(
    steps: readonly Step[],
    images: readonly { step: string; of: unknown; image: unknown }[],
  ): Promise<void>;
  /** Performs the act of an announced step, once. @throws ActError */
  perform(step: Step): Promise<void>;
}

/** Before a gate is opened: from here on the server is this run's alone. Throws as `lockServer` does. */
export function holdServer(site: Site, runsDir: string, uuid: string): Promise<ServerLock> {
  return lockServer(site.openWriter(), runsDir, uuid, new Date());
}

/** A gate for one plan: an act that is not in the plan, or was not announced, or was done before, does not pass. */
export function openGate(
  site: Site,
  plan: Plan,
  journal: Journal,
  lock?: Pick<ServerLock, 'assertHeld'>,
): Gate {
  const writer = site.openWriter();
  const planned = new Set(plan.steps);
  const announced = new Set<Step>();
  return {
    async rehearse() {
      await Promise.all(plan.steps.map((step) => writer.rehearse(step.act)));
    },
    async announce(steps, images) {
      await journal.save(images);
      await journal.write(steps.map((step) => ({ event: 'intent', step: step.id })));
      for (const step of steps) announced.add(step);
    },
    async perform(step) {
      if (!planned.has(step) || !announced.delete(step))
        throw new ActError(`step ${step.id} may not pass: it was not announced`, { code: 'gate-closed' });
      if (lock !== undefined) await lock.assertHeld();
      await writer.perform(step.act);
    },
  };
}
