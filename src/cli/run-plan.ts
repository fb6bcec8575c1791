/** Applying a plan with a person watching: refusals first, progress while it runs, proof at the end. */
import type { Plan } from '../plan/types.ts';
import { applyPlan, type StepResult } from '../run/apply.ts';
import { openJournal, type RunLinks } from '../run/journal.ts';
import { isClean, waitsOnly } from '../run/make-plan.ts';
import type { Io } from './io.ts';
import { NotKnown, NotLet } from './not-appliable.ts';
import { openProgress } from './render/progress.ts';
import { renderObstacles } from './render/survey.ts';
import { planUuid, type RunSite } from './session.ts';

export interface RunReport {
  readonly results: readonly StepResult[];
  readonly verified: Plan;
  readonly run: string;
  readonly exitCode: number;
  /** lines about steps stand on the screen, right above whatever comes next */
  readonly listed: boolean;
  /** somebody asked to stop: nothing else is to be begun either */
  readonly interrupted: boolean;
}

export function isAppliable({ unknown, refusals }: Plan): boolean {
  return unknown.length === 0 && refusals.length === 0;
}

/**
 * Stops before anything is touched when the plan has a refusal or a place that could not be looked at.
 *
 * @throws LookError (exit 4) or RefusedError (exit 3), after all reasons were shown
 */
export function assertAppliable(plan: Plan, io: Io): void {
  if (isAppliable(plan)) return;
  io.err(`${renderObstacles(plan, io.onErr)}\n`);
  throw plan.unknown.length > 0 ? new NotKnown(plan) : new NotLet(plan);
}

/** How it is seen afterwards whether a run did what it was to do. */
export interface SecondLook {
  /** what stands on the screen meanwhile */
  readonly says: string;
  readonly look: () => Promise<Plan>;
  /** the second look found it as it was to be */
  readonly isAsMeant: (verified: Plan) => boolean;
}

/** Everywhere again, and nothing may be left. */
function lookEverywhere(site: RunSite, plan: Plan): SecondLook {
  return {
    says: '  looking everywhere again',
    look: () => planUuid(site, plan.server.uuid, plan.decisions),
    isAsMeant: isClean,
  };
}

interface RunPlanOptions {
  /** everywhere, and nothing may be left, unless something else is meant */
  readonly second?: SecondLook;
  readonly links?: RunLinks;
}

/** Applies and then looks again. Ctrl-C lets the step under way end and begins no other. */
export async function runPlan(
  site: RunSite,
  plan: Plan,
  io: Io,
  quiet: boolean,
  { second = lookEverywhere(site, plan), links = {} }: RunPlanOptions = {},
): Promise<RunReport> {
  assertAppliable(plan, io);
  const journal = await openJournal(site.runs, plan, new Date());
  let stopAsked = false;
  const progress = quiet ? null : openProgress(plan, io);
  const release = io.onInterrupt(() => {
    stopAsked = true;
    progress?.clear();
    io.err(`${io.live ? '' : '\n'}finishing the step under way; nothing new begins\n`);
  });
  try {
    const results = await applyPlan(site, plan, {
      journal,
      emit: progress?.show ?? (() => {}),
      stopAsked: () => stopAsked,
      links,
    });
    progress?.say(second.says);
    const verified = await second.look();
    return {
      results,
      verified,
      run: journal.folder,
      exitCode: exitCodeOf(results, verified, stopAsked, second.isAsMeant(verified)),
      listed: progress?.listed() ?? false,
      interrupted: stopAsked,
    };
  } finally {
    release();
    progress?.clear();
    await journal.close();
  }
}

function exitCodeOf(
  results: readonly StepResult[],
  verified: Plan,
  stopAsked: boolean,
  isAsMeant: boolean,
): number {
  const unfinished = results.some(({ outcome }) => outcome !== 'done' && outcome !== 'already');
  if (stopAsked && unfinished) return 130;
  if (verified.unknown.length > 0) return 4;
  if (!unfinished && isAsMeant) return 0;
  if (!unfinished && waitsOnly(verified)) return 4;
  const some = (outcome: StepResult['outcome']) => results.some((r) => r.outcome === outcome);
  return some('refused') && !some('failed') && !some('unknown') ? 3 : 1;
}
