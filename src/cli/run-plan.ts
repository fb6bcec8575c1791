/** Applying a plan with a person watching: refusals first, progress while it runs, proof at the end. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Plan } from '../plan/types.ts';
import { applyPlan, type StepResult } from '../run/apply.ts';
import { openJournal } from '../run/journal.ts';
import { isClean } from '../run/make-plan.ts';
import type { Site } from '../site/connect.ts';
import type { Io } from './io.ts';
import { NotKnown, NotLet } from './not-appliable.ts';
import { wrap } from './render/lines.ts';
import { plain } from './render/plain.ts';
import { OUTCOMES, openProgress } from './render/progress.ts';
import {
  block,
  count,
  joinParts,
  LONG,
  renderKept,
  renderObstacles,
  renderRemains,
} from './render/survey.ts';
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
  if (plan.unknown.length === 0 && plan.refusals.length === 0) return;
  io.err(`${renderObstacles(plan, io)}\n`);
  throw plan.unknown.length > 0 ? new NotKnown(plan) : new NotLet(plan);
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

/** What was done, what was so already, what was kept (unless it was shown before), and what the second look found. */
export function renderOutcome(plan: Plan, report: RunReport, io: Io, keptShown: boolean): string {
  const { results, verified, run } = report;
  const counts = (['done', 'already', 'refused', 'failed', 'unknown', 'not-run'] as const)
    .map((outcome) => ({ outcome, n: results.filter((r) => r.outcome === outcome).length }))
    .filter(({ n }) => n > 0)
    .map(({ outcome, n }) => `${n} ${OUTCOMES[outcome]}`);
  const kept =
    keptShown && plan.kept.length > 0 ? `; kept, as listed above: ${count(plan.kept.length, 'thing')}` : '';
  const notRun = results.filter((r) => r.outcome === 'not-run');
  const parts = joinParts([
    block([
      `${counts.length === 0 ? 'nothing to do' : counts.join(', ')}${kept}`,
      ...notRun.flatMap(({ step, detail }) =>
        wrap(plain(`not run: ${step.title}: ${named(plan, detail ?? '')}`, LONG), io.columns, '  ', '    '),
      ),
      `Record of this run: ${run}`,
    ]),
    keptShown ? '' : renderKept(plan, io),
    isClean(verified) ? '' : joinParts([renderRemains(verified, io), renderObstacles(verified, io)]),
    `${renderVerdict(verified, io)}\n`,
  ]);
  return `\n${parts}`;
}

/** `waits for <id of a step>`, with the step as the plan shows it. */
function named(plan: Plan, detail: string): string {
  const blocker = plan.steps.find(({ id }) => detail === `waits for ${id}`);
  return blocker === undefined ? detail : `waits for "${blocker.title}" (${blocker.place})`;
}

/** The last line of all: is it gone? */
function renderVerdict(verified: Plan, { paint }: Io): string {
  if (isClean(verified)) return `${paint.good('Verified')}: looked everywhere again, nothing is left.`;
  if (verified.unknown.length > 0)
    return `${paint.bad('Not verified')}: could not look everywhere again. When it can be reached: expunge verify ${verified.server.uuid}`;
  const left = verified.remains.length;
  return `${paint.bad('Not clean')}: ${left === 0 ? 'refused, see above' : `${count(left, 'thing')} left, see above`}. To go on: purge again.`;
}
