import type { Plan } from '../plan/types.ts';
import type { RunLinks } from '../run/journal.ts';
import type { ServerLock } from '../run/server-lock.ts';
import type { Io } from './io.ts';
import type { CommonOptions } from './options.ts';
import { freshPlan } from './pondered.ts';
import { renderOutcome } from './render/outcome.ts';
import { type RunReport, runPlan } from './run-plan.ts';
import { planUuid, type RunSite } from './session.ts';
import { withLock } from './with-lock.ts';

/** A plan that was shown, and confirmed where somebody was asked. */
export interface Confirmed {
  readonly shown: Plan;
  /** by `performance.now()` */
  readonly shownAt: number;
  /** somebody was asked, and has seen what is kept */
  readonly asked: boolean;
  readonly links: RunLinks;
  /** throws when, until the lock was had, another run has taken the place of this one */
  readonly mayBegin: () => Promise<unknown>;
  /** what an interrupt does before the first step, unless it only says that nothing was touched */
  readonly interrupted?: (() => void) | undefined;
}

/**
 * Does what was confirmed, under the server's lock, and says how it ended.
 *
 * @returns what was done, with the plan that was: the one that was shown, or the same made anew
 */
export function runConfirmed(
  site: RunSite,
  { shown, shownAt, asked, links, mayBegin, interrupted }: Confirmed,
  given: CommonOptions,
  io: Io,
): Promise<RunReport & { readonly plan: Plan }> {
  const text = given.format === 'text';
  const { uuid } = shown.server;
  const prepare = async () => {
    await mayBegin();
    return freshPlan(shown, shownAt, { io, text }, () => planUuid(site, uuid, shown.decisions));
  };
  const run = async (plan: Plan, lock: ServerLock) => {
    const report = await runPlan(site, plan, io, !text, { lock, said: given.site, links });
    if (text) io.out(renderOutcome(plan, report, io, { kept: asked, site: given.site }));
    return { plan, ...report };
  };
  return withLock(site, uuid, io, prepare, run, interrupted);
}
