import { basename } from 'node:path';
import packageJson from '../../../package.json' with { type: 'json' };
import type { Plan } from '../../plan/types.ts';
import { type RunRecord, readRun } from '../../run/read-run.ts';
import { standingOf } from '../../run/runs.ts';
import { makeUndoPlan } from '../../run/undo/make-undo-plan.ts';
import type { Given } from '../begin.ts';
import { assertCanAsk, confirmByName } from '../confirm.ts';
import { assertSameSite, findRun } from '../find-run.ts';
import type { Io } from '../io.ts';
import type { CommonOptions } from '../options.ts';
import { freshPlan } from '../pondered.ts';
import { renderData } from '../render/data.ts';
import { whileLooking } from '../render/live-line.ts';
import { renderNothing, renderUndo, renderUndone } from '../render/undo.ts';
import { assertAppliable, isAppliable, type RunReport, runPlan } from '../run-plan.ts';
import { type RunSite, withSite } from '../session.ts';
import { assertUnlocked } from '../unfinished.ts';
import { withLock } from '../with-lock.ts';

type UndoOptions = CommonOptions & { readonly yes?: boolean };

export async function undo(command: Given): Promise<number> {
  const { io, options, args } = command;
  const given = options as unknown as UndoOptions;
  assertCanAsk('undo', given, io);
  return withSite(command, async (site) => {
    const run = await readRun(await findRun(site.runs, String(args[0])));
    assertSameSite(run, site);
    return undoRun(site, run, given, io);
  });
}

async function undoRun(site: RunSite, run: RunRecord, given: UndoOptions, io: Io): Promise<number> {
  const text = given.format === 'text';
  const shown = await whileLooking(io, text, () => makePlan(site, run));
  const shownAt = performance.now();
  if (text) io.out(`${renderUndo(shown, run, io)}\n`);
  const later = isAppliable(shown) ? null : (await standingOf(site.runs, run)).followedBy;
  assertAppliable(shown, io, () =>
    later === null ? undefined : `${basename(later.folder)} came after it on this server: undo that first`,
  );
  if (shown.steps.length === 0) {
    if (text) io.out(renderNothing(shown, run, io));
    const exitCode = run.acted.length > 0 && shown.kept.length === run.acted.length ? 1 : 0;
    return finish(exitCode, shown, given, io);
  }
  const { uuid } = shown.server;
  await assertUnlocked(site, uuid);
  const asks = given.yes !== true;
  if (asks) await confirmByName(shown, io, { warning: '', goal: 'bring this back' });
  const prepare = () => freshPlan(shown, shownAt, { io, text }, () => makePlan(site, run));
  return withLock(site, uuid, io, prepare, async (plan, lock) => {
    const report = await runPlan(site, plan, io, !text, {
      lock,
      said: given.site,
      second: {
        says: '  looking again',
        look: () => makePlan(site, run),
        // What came after the run stays, and is no fault of the undo.
        isAsMeant: ({ steps, refusals }) => steps.length === 0 && refusals.length === 0,
      },
      links: { undoes: basename(run.folder) },
    });
    if (text) io.out(renderUndone(plan, report, io, asks));
    return finish(report.exitCode, plan, given, io, report);
  });
}

async function finish(
  exitCode: number,
  plan: Plan,
  { format }: UndoOptions,
  io: Io,
  report: Partial<RunReport> = {},
): Promise<number> {
  if (format !== 'text') io.out(await renderData(format, 'undo', exitCode, [{ plan, ...report }]));
  return exitCode;
}

function makePlan(site: RunSite, run: RunRecord): Promise<Plan> {
  return makeUndoPlan(run, site.reader, { tool: packageJson.version, madeAt: new Date().toISOString() });
}
