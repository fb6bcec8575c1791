import { readdir, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import packageJson from '../../../package.json' with { type: 'json' };
import { UsageError } from '../../plan/errors.ts';
import type { Plan } from '../../plan/types.ts';
import { type RunRecord, readRun } from '../../run/read-run.ts';
import { makeUndoPlan } from '../../run/undo/make-undo-plan.ts';
import type { Site } from '../../site/connect.ts';
import type { Given } from '../begin.ts';
import { confirmByName } from '../confirm.ts';
import type { Io } from '../io.ts';
import type { CommonOptions } from '../options.ts';
import { renderData } from '../render/data.ts';
import { whileLooking } from '../render/live-line.ts';
import { renderNothing, renderUndo, renderUndone } from '../render/undo.ts';
import { assertAppliable, type RunReport, runPlan } from '../run-plan.ts';
import { withSite } from '../session.ts';
import { runsFolder } from '../state-folder.ts';

type UndoOptions = CommonOptions & { readonly yes?: boolean };

/** A plan that a person has pondered for longer than this is made anew before it is applied. */
const FRESH_MS = 5_000;

export async function undo(command: Given): Promise<number> {
  const { io, options, args } = command;
  const given = options as unknown as UndoOptions;
  if (given.yes !== true && (!io.interactive || given.format !== 'text'))
    throw new UsageError('undo asks for the name of the server, and there is no terminal to ask on', {
      code: 'no-terminal',
      hint: 'say --yes',
    });
  return withSite(command, async (site) => {
    const run = await readRun(await findRun(runsFolder(site, io), String(args[0])));
    if (run.plan.site !== site.name)
      throw new UsageError(`this run was on the site ${run.plan.site}, not on ${site.name}`, {
        code: 'other-site',
      });
    return undoRun(site, run, given, io);
  });
}

async function undoRun(site: Site, run: RunRecord, given: UndoOptions, io: Io): Promise<number> {
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
  if (performance.now() - shownAt > FRESH_MS)
    plan = await whileLooking(io, text, () => remake(site, run, plan));
  const report = await runPlan(site, plan, io, !text, {
    says: '  looking again',
    look: () => makePlan(site, run),
    // What came after the run stays, and is no fault of the undo.
    isAsMeant: ({ steps, refusals }) => steps.length === 0 && refusals.length === 0,
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

/** A path as it was printed, the last part of it, or a beginning of that which only one run has. */
async function findRun(runs: string, typed: string): Promise<string> {
  if (typed.includes(sep) && (await isFolder(typed))) return typed;
  const names = typed === '' || typed.includes(sep) ? [] : await readdir(runs).catch(() => []);
  const begun = names.filter((name) => name.startsWith(typed)).sort();
  const found = begun.includes(typed) ? [typed] : begun;
  if (found.length > 1)
    throw new UsageError(`${found.length} runs begin with ${typed}: ${found.slice(0, 5).join(', ')}`, {
      code: 'run-not-unique',
      hint: 'say more of its name',
    });
  const [only] = found;
  if (only !== undefined) return join(runs, only);
  if (await isFolder(typed)) return typed;
  throw new UsageError(`there is no run ${typed}`, {
    code: 'no-such-run',
    hint: `a run is a folder, as purge and apply print it, or the name of one in ${runs}, or how that begins`,
  });
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

function makePlan(site: Site, run: RunRecord): Promise<Plan> {
  return makeUndoPlan(run, site.reader, { tool: packageJson.version, madeAt: new Date().toISOString() });
}

/** @throws RefusedError when what was confirmed is no longer what would be done */
async function remake(site: Site, run: RunRecord, shown: Plan): Promise<Plan> {
  const now = await makePlan(site, run);
  if (now.digest === shown.digest) return now;
  const { refuseStale } = await import('../stale.ts');
  return refuseStale(shown, now);
}
