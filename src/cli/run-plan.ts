/** Applying a plan with a person watching: refusals first, progress while it runs, proof at the end. */
import { basename } from 'node:path';
import { isExpungeError } from '../plan/errors.ts';
import type { Plan } from '../plan/types.ts';
import { applyPlan, type StepResult } from '../run/apply.ts';
import { type Journal, openJournal, type RunLinks } from '../run/journal.ts';
import { isClean, planUnseen, waitsOnly } from '../run/make-plan.ts';
import type { ServerLock } from '../run/server-lock.ts';
import type { Io } from './io.ts';
import { NotKnown, NotLet, sayFenced } from './not-appliable.ts';
import { reportError, type Said, sayOf } from './render/error.ts';
import { wrap } from './render/lines.ts';
import { commandFor, resumeCommand } from './render/next.ts';
import { nameRun } from './render/outcome.ts';
import { plain } from './render/plain.ts';
import { openProgress } from './render/progress.ts';
import { LONG, renderObstacles } from './render/survey.ts';
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
  /** what ended the run when it had done something: its record takes nothing more, mostly */
  readonly broken?: Said;
}

export function isAppliable({ unknown, refusals }: Plan): boolean {
  return unknown.length === 0 && refusals.length === 0;
}

/**
 * Stops before anything is touched when the plan has a refusal or a place that could not be looked at.
 *
 * @param hint what may be tried
 * @throws LookError (exit 4) or RefusedError (exit 3), after all reasons were shown
 */
export function assertAppliable(
  plan: Plan,
  io: Io,
  hint: () => string | undefined = () => sayFenced(plan),
): void {
  if (isAppliable(plan)) return;
  io.err(`${renderObstacles(plan, io.onErr)}\n`);
  throw plan.unknown.length > 0 ? new NotKnown(plan, hint()) : new NotLet(plan, hint());
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
  readonly lock: ServerLock;
  /** as it was given with `--site` */
  readonly said: string | undefined;
  /** everywhere, and nothing may be left, unless something else is meant */
  readonly second?: SecondLook;
  readonly links?: RunLinks;
}

/**
 * Applies and then looks again. Ctrl-C, SIGTERM and SIGHUP let the steps under way end and begin no other; the second of them ends the
 * process at once, and then the journal knows of those steps only that they were about to be done.
 */
export async function runPlan(
  site: RunSite,
  plan: Plan,
  io: Io,
  quiet: boolean,
  { lock, said, second = lookEverywhere(site, plan), links = {} }: RunPlanOptions,
): Promise<RunReport> {
  assertAppliable(plan, io);
  const { journal, underWay, isComplete } = watchIntents(await openJournal(site.runs, plan, new Date()));
  let stopAsked = false;
  const progress = quiet ? null : openProgress(plan, io);
  const release = io.onInterrupt(() => {
    progress?.clear();
    if (stopAsked) {
      lock.drop();
      const isUndo = links.undoes !== undefined;
      io.err(sayCut(plan, underWay, journal.folder, io, { said, isUndo, isComplete: isComplete() }));
      io.exit(130);
      return;
    }
    stopAsked = true;
    io.err(
      `${io.live ? '' : '\n'}finishing the step under way; nothing new begins. Once more stops at once\n`,
    );
  });
  try {
    await lock.nameRun(basename(journal.folder));
    const told = new Map<string, StepResult>();
    const { results, broken } = await applyPlan(site, plan, {
      journal,
      emit: (event) => {
        if (event.type === 'step-ended') told.set(event.result.step.id, event.result);
        progress?.show(event);
      },
      stopAsked: () => stopAsked,
      links,
      lock,
    }).then(
      (all) => ({ results: all, broken: null }),
      (error: unknown) => {
        // What was done by then must not be hidden by it: where the record is, what is left, and how to go on is said as ever.
        if (told.size === 0 && underWay.size === 0) throw error;
        const known = resultsUntilThen(plan, told, underWay);
        for (const result of known)
          if (result.outcome === 'unknown' && !told.has(result.step.id))
            progress?.show({ type: 'step-ended', result });
        progress?.clear();
        reportError(io, error);
        return { results: known, broken: sayOf(error) };
      },
    );
    progress?.say(second.says);
    const verified = await lookAgain(second, plan);
    return {
      results,
      verified,
      run: journal.folder,
      exitCode: broken?.exitCode ?? exitCodeOf(results, verified, stopAsked, second.isAsMeant(verified)),
      listed: progress?.listed() ?? false,
      interrupted: stopAsked,
      ...(broken === null ? {} : { broken }),
    };
  } finally {
    release();
    progress?.clear();
    await journal.close();
  }
}

/** What was done stands in the record, whatever becomes of the second look: it must not end in an error that hides the way to it. */
async function lookAgain({ look }: SecondLook, plan: Plan): Promise<Plan> {
  try {
    return await look();
  } catch (error) {
    // An account that lost a right meanwhile is no LookError: it could not begin, but this did.
    if (!isExpungeError(error)) throw error;
    return planUnseen(plan, error, new Date().toISOString());
  }
}

/** Of a run that broke off: what stands in the record, and of what was under way only that. */
function resultsUntilThen(
  { steps }: Plan,
  told: ReadonlyMap<string, StepResult>,
  underWay: ReadonlySet<string>,
): readonly StepResult[] {
  return steps.map(
    (step) =>
      told.get(step.id) ??
      (underWay.has(step.id)
        ? { step, outcome: 'unknown', detail: 'what became of it could not be written down' }
        : { step, outcome: 'not-run', detail: 'the run ended before it' }),
  );
}

interface Watched {
  readonly journal: Journal;
  /** steps that are announced and without a result */
  readonly underWay: ReadonlySet<string>;
  /** its end is written: there is nothing to resume */
  readonly isComplete: () => boolean;
}

/** How far a run is, as its lines go into the journal. */
function watchIntents(journal: Journal): Watched {
  const underWay = new Set<string>();
  let complete = false;
  return {
    underWay,
    isComplete: () => complete,
    journal: {
      ...journal,
      async write(entries) {
        const intents = entries.flatMap((entry) => (entry.event === 'intent' ? [entry.step] : []));
        for (const step of intents) underWay.add(step);
        try {
          await journal.write(entries);
        } catch (error) {
          // Not announced, so not let through the gate.
          for (const step of intents) underWay.delete(step);
          throw error;
        }
        for (const entry of entries) {
          if (entry.event === 'result') underWay.delete(entry.step);
          complete ||= entry.event === 'end' && entry.outcome === 'complete';
        }
      },
    },
  };
}

/** The last words of a run that is cut off. Short: whoever asks twice is in a hurry. */
function sayCut(
  plan: Plan,
  underWay: ReadonlySet<string>,
  run: string,
  io: Io,
  {
    said,
    isUndo,
    isComplete,
  }: { readonly said: string | undefined; readonly isUndo: boolean; readonly isComplete: boolean },
): string {
  const { columns } = io.onErr;
  const uncertain = plan.steps.flatMap(({ id, place, title }, i) =>
    underWay.has(id) ? wrap(plain(`step ${i + 1}, ${place}: ${title}`, LONG), columns, '  ', '    ') : [],
  );
  const head =
    uncertain.length === 0
      ? 'stopped at once; no step was under way'
      : 'stopped at once; not known is what became of';
  // Cut in the look afterwards: every step is done, and a run that is complete cannot be resumed.
  const command = isComplete ? commandFor('verify', plan, said) : resumeCommand(run, said);
  const next = isUndo ? 'An undo that was cut is begun again.' : `Next: ${command}`;
  return `${[head, ...uncertain, ...nameRun('Record of this run', run, columns), next].join('\n')}\n`;
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
