import { basename } from 'node:path';
import { UsageError } from '../../plan/errors.ts';
import type { Plan } from '../../plan/types.ts';
import { isClean } from '../../run/make-plan.ts';
import { type RunRecord, readRun } from '../../run/read-run.ts';
import { lookBefore, type Resumption } from '../../run/resume.ts';
import { standingOf } from '../../run/runs.ts';
import type { Given } from '../begin.ts';
import { assertCanAsk, confirmByName } from '../confirm.ts';
import { assertSameSite, findRun } from '../find-run.ts';
import type { Io } from '../io.ts';
import { sayOtherwise } from '../not-appliable.ts';
import type { CommonOptions } from '../options.ts';
import { renderData, type ServerReport } from '../render/data.ts';
import { whileLooking } from '../render/live-line.ts';
import { renderLost } from '../render/lost.ts';
import { abandonCommand, resumeCommand } from '../render/next.ts';
import { renderResumed, renderStillOff } from '../render/resume.ts';
import { sayWhoGaveUp } from '../render/run-state.ts';
import { renderSteps } from '../render/steps.ts';
import { joinParts, renderHeading, renderKept, renderWhere } from '../render/survey.ts';
import { runConfirmed } from '../run-confirmed.ts';
import { assertAppliable, isAppliable } from '../run-plan.ts';
import { planUuid, type RunSite, withSite } from '../session.ts';
import { assertUnlocked, linksTo } from '../unfinished.ts';

type ResumeOptions = CommonOptions & { readonly yes?: boolean };

export async function resume(command: Given): Promise<number> {
  const { io, options, args } = command;
  const given = options as unknown as ResumeOptions;
  assertCanAsk('resume', given, io);
  return withSite(command, async (site) => {
    const run = await readRun(await findRun(site.runs, String(args[0])));
    assertSameSite(run, site);
    await assertResumable(run, site, given.site);
    return resumeRun(site, run, given, io);
  });
}

/** @throws UsageError for a run that is over, still going, or not the last word on its server */
async function assertResumable(run: RunRecord, site: RunSite, said: string | undefined): Promise<void> {
  const name = basename(run.folder);
  const no = (code: string, sentence: string, hint: string) => {
    throw new UsageError(`${name} ${sentence}`, { code, hint });
  };
  if (run.links.undoes !== undefined)
    no('run-is-undo', 'is the undo of a run: there is nothing to resume', 'undo that run again');
  const { state, undoneBy: undo, followedBy: next } = await standingOf(site.runs, run);
  if (undo !== null)
    no('run-undone', `was taken back by ${basename(undo.folder)}`, 'purge the server anew, if it is to go');
  if (next?.end === 'complete')
    no('run-complete', `was finished by ${basename(next.folder)}`, 'verify looks everywhere again');
  if (next !== null)
    no('run-continued', `was gone on with by ${basename(next.folder)}`, resumeCommand(next.folder, said));
  if (run.abandoned !== null)
    no('run-abandoned', `was given up by ${sayWhoGaveUp(run.abandoned)}`, 'purge the server anew');
  if (state === 'complete') no('run-complete', 'is complete', 'verify looks everywhere again');
  if (state === 'running')
    no('run-still-going', `is still going, as process ${run.by?.pid}`, 'wait for its end, or stop it');
  if (state === 'elsewhere')
    no(
      'run-elsewhere',
      `has no end, and was begun on ${run.by?.host}: whether it is still going can only be seen there`,
      `resume it there; or make sure that it has ended, and give it up: ${abandonCommand(run.folder, said)}`,
    );
}

async function resumeRun(site: RunSite, run: RunRecord, given: ResumeOptions, io: Io): Promise<number> {
  const text = given.format === 'text';
  const { uuid } = run.plan.server;
  const { before, plan: shown } = await whileLooking(io, text, async () => {
    const seen = await lookBefore(run, site.reader);
    return { before: seen, plan: await planUuid(site, uuid, seen.decisions) };
  });
  const shownAt = performance.now();
  const asks = given.yes !== true;
  if (text)
    io.out(
      `${joinParts([
        renderHeading(shown, io),
        renderResumed(run, before, io),
        renderWhere(shown, io),
        isAppliable(shown) ? renderSteps(shown, io, null) : '',
        isAppliable(shown) ? renderLost(shown, io) : '',
        asks ? renderKept(shown, io) : '',
      ])}\n`,
    );
  assertAppliable(shown, io, () => sayOtherwise(shown, nameOtherWay(run, given.site)));
  const { back, off } = before;
  const announced = before.announced.map(({ step, settled, why }) => ({ step: step.id, settled, why }));
  const resumed = { run: basename(run.folder), back, off, announced };
  if (isVain(run, before, shown)) {
    if (text) io.out(renderStillOff(run, before, io, given.site));
    return finish(4, { plan: shown, resumed }, given, io);
  }
  await assertUnlocked(site, uuid);
  // With nothing to do nothing can go wrong: that it is done is written down.
  if (asks && shown.steps.length > 0) await confirmByName(shown, io);
  const report = await runConfirmed(
    site,
    {
      shown,
      shownAt,
      asked: asks,
      links: linksTo(run),
      // Somebody else may have finished it.
      mayBegin: () => assertResumable(run, site, given.site),
    },
    given,
    io,
  );
  return finish(report.exitCode, { ...report, resumed }, given, io);
}

/** To decide otherwise than the run did takes a purge, and a run that is not over has to be given up before that. */
function nameOtherWay({ folder, begunAt, end }: RunRecord, said: string | undefined): string {
  const isOver = begunAt === null || end === 'incomplete';
  return isOver ? 'purge anew' : `give this run up (${abandonCommand(folder, said)}) and purge anew`;
}

/** Nothing has changed since an open run ended: its hosts are still off, and nothing else is there to be done. */
function isVain({ end }: RunRecord, { back }: Resumption, plan: Plan): boolean {
  return end === 'open' && back.length === 0 && plan.steps.length === 0 && !isClean(plan);
}

async function finish(
  exitCode: number,
  report: ServerReport,
  { format }: ResumeOptions,
  io: Io,
): Promise<number> {
  if (format !== 'text') io.out(await renderData(format, 'resume', exitCode, [report]));
  return exitCode;
}
