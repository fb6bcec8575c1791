/** Applying a plan with a person watching: refusals first, progress while it runs, proof at the end. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { LookError, RefusedError } from '../plan/errors.ts';
import type { Plan } from '../plan/types.ts';
import { applyPlan, type StepResult } from '../run/apply.ts';
import { openJournal } from '../run/journal.ts';
import { isClean } from '../run/make-plan.ts';
import type { Site } from '../site/connect.ts';
import type { Io } from './io.ts';
import { plain } from './render/plain.ts';
import { OUTCOMES, openProgress } from './render/progress.ts';
import { renderRefusals, renderUnknown } from './render/survey.ts';
import { planUuid } from './session.ts';

export interface RunReport {
  readonly results: readonly StepResult[];
  readonly verified: Plan;
  readonly run: string;
  readonly exitCode: number;
  /** somebody asked to stop: nothing else is to be begun either */
  readonly interrupted: boolean;
}

/**
 * Stops before anything is touched when the plan has a refusal or a place that could not be looked at.
 *
 * @throws LookError (exit 4) or RefusedError (exit 3), after all reasons were shown
 */
export function assertAppliable(plan: Plan, io: Io): void {
  if (plan.unknown.length > 0) {
    io.err(renderUnknown(plan, io.paint));
    throw new LookError('plan', 'could not look everywhere, so nothing was touched', {
      code: 'knowledge-incomplete',
    });
  }
  if (plan.refusals.length > 0) {
    io.err(renderRefusals(plan, io.paint));
    throw new RefusedError('refused; nothing was touched', { code: 'refused' });
  }
}

/** Applies and then looks everywhere again. Ctrl-C lets the step under way end and begins no other. */
export async function runPlan(site: Site, plan: Plan, io: Io, quiet: boolean): Promise<RunReport> {
  assertAppliable(plan, io);
  const journal = await openJournal(runsDir(site, io), plan, new Date());
  let stopAsked = false;
  const release = io.onInterrupt(() => {
    stopAsked = true;
    io.err('\nfinishing the step under way; nothing new begins\n');
  });
  try {
    const results = await applyPlan(site, plan, {
      journal,
      emit: quiet ? () => {} : openProgress(io),
      stopAsked: () => stopAsked,
    });
    const verified = await planUuid(site, plan.server.uuid, plan.decisions);
    return {
      results,
      verified,
      run: journal.folder,
      exitCode: exitCodeOf(results, verified, stopAsked),
      interrupted: stopAsked,
    };
  } finally {
    release();
    await journal.close();
  }
}

function runsDir(site: Site, io: Io): string {
  const state = io.env['XDG_STATE_HOME'] || join(io.env['HOME'] || homedir(), '.local/state');
  return site.config.file.runs_dir ?? join(state, 'expunge', 'runs');
}

function exitCodeOf(results: readonly StepResult[], verified: Plan, stopAsked: boolean): number {
  const unfinished = results.some(({ outcome }) => outcome !== 'done' && outcome !== 'already');
  if (stopAsked && unfinished) return 130;
  if (verified.unknown.length > 0) return 4;
  if (!unfinished && isClean(verified)) return 0;
  const some = (outcome: StepResult['outcome']) => results.some((r) => r.outcome === outcome);
  return some('refused') && !some('failed') && !some('unknown') ? 3 : 1;
}

/** What was done, what was so already, what was kept, and what the second look found. */
export function renderOutcome(plan: Plan, { results, verified, run }: RunReport, io: Io): string {
  const count = (outcome: StepResult['outcome']) => results.filter((r) => r.outcome === outcome).length;
  const counts = (['done', 'already', 'refused', 'failed', 'unknown', 'not-run'] as const)
    .filter((outcome) => count(outcome) > 0)
    .map((outcome) => `${count(outcome)} ${OUTCOMES[outcome]}`);
  const notRun = results.filter((r) => r.outcome === 'not-run');
  return [
    '\n',
    `${counts.length === 0 ? 'nothing to do' : counts.join(', ')}`,
    results.length === 0 ? '\n' : ` · journal and before-images in ${run}\n`,
    ...notRun.map((r) => `  not run: ${plain(r.step.title)}: ${plain(r.detail ?? '')}\n`),
    isClean(verified)
      ? `${io.paint.good('Verified')}: looked everywhere again, nothing of ${plan.server.uuid} is left.\n`
      : `${io.paint.bad('Not clean')}: ${verified.remains.length} things are left.\n`,
  ].join('');
}
