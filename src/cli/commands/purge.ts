import { UsageError } from '../../plan/errors.ts';
import type { Plan } from '../../plan/types.ts';
import { isClean } from '../../run/make-plan.ts';
import type { Given } from '../begin.ts';
import { confirmByName } from '../confirm.ts';
import type { Io } from '../io.ts';
import { noTrace } from '../no-trace.ts';
import { type CommonOptions, type DecisionOptions, decisionsFrom } from '../options.ts';
import { renderData, type ServerReport } from '../render/data.ts';
import { whileLooking } from '../render/live-line.ts';
import { renderOutcome } from '../render/outcome.ts';
import { renderSteps } from '../render/steps.ts';
import { joinParts, renderHeading, renderKept, renderWhere } from '../render/survey.ts';
import { assertAppliable, isAppliable, runPlan } from '../run-plan.ts';
import { planFor, planUuid, type RunSite, withSite } from '../session.ts';

type PurgeOptions = CommonOptions & DecisionOptions & { readonly yes?: boolean };

type Report = ServerReport & { readonly exitCode: number; readonly interrupted: boolean };

/** A plan that a person has pondered for longer than this is made anew before it is applied. */
const FRESH_MS = 5_000;

export async function purge(command: Given): Promise<number> {
  const { io, options, args } = command;
  const given = options as unknown as PurgeOptions;
  const servers = args[0] as readonly string[];
  if (given.yes !== true && (!io.interactive || given.format !== 'text'))
    throw new UsageError('purge asks for the name of the server, and there is no terminal to ask on', {
      code: 'no-terminal',
      hint: 'look with: expunge plan; then say --yes',
    });
  return withSite(command, async (site) => {
    // What is wrong with any of several servers is said before the first of them is touched.
    if (servers.length > 1) for (const server of servers) await checkOne(site, server, given, io);
    const reports: Report[] = [];
    for (const server of servers) {
      if (reports.length > 0 && given.format === 'text') io.out('\n\n');
      const report = await purgeOne(site, server, given, io);
      reports.push(report);
      if (report.interrupted) break;
    }
    const cut = reports.length < servers.length;
    const exitCode = cut ? 130 : Math.max(...reports.map((r) => r.exitCode));
    if (given.format !== 'text') io.out(await renderData(given.format, 'purge', exitCode, reports));
    return exitCode;
  });
}

async function checkOne(site: RunSite, server: string, given: PurgeOptions, io: Io): Promise<void> {
  const look = () => planFor(site, server, decisionsFrom(given));
  const plan = noTrace(await whileLooking(io, given.format === 'text', look));
  if (isClean(plan) || isAppliable(plan)) return;
  // Of several, which one.
  io.err(`${renderHeading(plan, io.onErr)}\n`);
  assertAppliable(plan, io);
}

async function purgeOne(site: RunSite, server: string, given: PurgeOptions, io: Io): Promise<Report> {
  const text = given.format === 'text';
  const decisions = decisionsFrom(given);
  let plan = noTrace(await whileLooking(io, text, () => planFor(site, server, decisions)));
  const shownAt = performance.now();
  // What is kept is shown once: to who is asked, before; in a log, with what was done.
  const asks = given.yes !== true;
  const clean = isClean(plan);
  if (text)
    io.out(
      joinParts([
        renderHeading(plan, io),
        renderWhere(plan, io),
        // Steps that are not begun would hide why.
        isAppliable(plan) ? renderSteps(plan, io, null) : '',
        asks || clean ? renderKept(plan, io) : '',
      ]),
    );
  if (clean) return { plan, exitCode: 0, interrupted: false };
  if (text) io.out('\n');
  assertAppliable(plan, io);
  if (asks) await confirmByName(plan, io);
  if (performance.now() - shownAt > FRESH_MS) plan = await whileLooking(io, text, () => remake(site, plan));
  const report = await runPlan(site, plan, io, !text);
  if (text) io.out(renderOutcome(plan, report, io, { kept: asks, site: given.site }));
  return { plan, ...report };
}

/** @throws UsageError when what was confirmed is no longer what would be done */
async function remake(site: RunSite, shown: Plan): Promise<Plan> {
  const now = await planUuid(site, shown.server.uuid, shown.decisions);
  if (now.digest === shown.digest) return now;
  const { refuseStale } = await import('../stale.ts');
  return refuseStale(shown, now);
}
