import { basename } from 'node:path';
import packageJson from '../../../package.json' with { type: 'json' };
import type { Plan } from '../../plan/types.ts';
import { type RunRecord, readRun } from '../../run/read-run.ts';
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
import { assertAppliable, type RunReport, runPlan } from '../run-plan.ts';
import { type RunSite, withSite } from '../session.ts';

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
  let plan = await whileLooking(io, text, () => makePlan(site, run));
  const shownAt = performance.now();
  if (text) io.out(`${renderUndo(plan, run, io)}\n`);
  assertAppliable(plan, io);
  if (plan.steps.length === 0) {
    if (text) io.out(renderNothing(plan, run, io));
    const exitCode = run.acted.length > 0 && plan.kept.length === run.acted.length ? 1 : 0;
    return finish(exitCode, plan, given, io);
  }
  const asks = given.yes !== true;
  if (asks) await confirmByName(plan, io, { warning: '', goal: 'bring this back' });
  plan = await freshPlan(plan, shownAt, { io, text }, () => makePlan(site, run));
  const report = await runPlan(site, plan, io, !text, {
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
