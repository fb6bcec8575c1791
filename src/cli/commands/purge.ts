import type { Decisions, Plan } from '../../plan/types.ts';
import { assertNumber, assertShares, type Limits } from '../../run/limits.ts';
import { isClean } from '../../run/make-plan.ts';
import { resolve } from '../../run/survey.ts';
import { askVolumes, openQuestions } from '../ask-volumes.ts';
import type { Given } from '../begin.ts';
import { assertCanAsk, confirmByName } from '../confirm.ts';
import type { Io } from '../io.ts';
import { noTrace } from '../no-trace.ts';
import { type CommonOptions, type DecisionOptions, decisionsFrom } from '../options.ts';
import { renderData, type ServerReport } from '../render/data.ts';
import { reportError, sayOf } from '../render/error.ts';
import { wrap } from '../render/lines.ts';
import { whileLooking } from '../render/live-line.ts';
import { renderLost } from '../render/lost.ts';
import { renderEarlier } from '../render/resume.ts';
import { renderSteps } from '../render/steps.ts';
import { joinParts, renderHeading, renderKept, renderWhere } from '../render/survey.ts';
import { runConfirmed } from '../run-confirmed.ts';
import { assertAppliable, isAppliable } from '../run-plan.ts';
import { planFor, planUuid, type RunSite, withSite } from '../session.ts';
import { assertFree, assertNoneUnfinished, linksTo } from '../unfinished.ts';

type PurgeOptions = CommonOptions &
  DecisionOptions & { readonly yes?: boolean; readonly maxServers?: number; readonly maxShare?: number };

/** What one purge takes when nothing else is said: more is a slip of the hand sooner than a wish. */
const MAX_SERVERS = 10;
const MAX_SHARE_PERCENT = 50;

type Report = ServerReport & { readonly exitCode: number; readonly interrupted: boolean };

export async function purge(command: Given): Promise<number> {
  const { io, options, args } = command;
  const given = options as unknown as PurgeOptions;
  const named = args[0] as readonly string[];
  assertCanAsk('purge', given, io, 'look with: expunge plan; then say --yes');
  const limits = {
    maxServers: given.maxServers ?? MAX_SERVERS,
    maxShare: given.maxShare ?? MAX_SHARE_PERCENT,
  };
  assertNumber(new Set(named).size, limits);
  return withSite(command, async (site) => {
    const servers = await identify(site, named, limits);
    // What is wrong with any of several servers is said before the first of them is touched.
    const decided = new Map<string, Decisions>();
    if (servers.length > 1)
      for (const server of servers) decided.set(server, await checkOne(site, server, given, io));
    const reports: Report[] = [];
    for (const server of servers) {
      if (reports.length > 0 && given.format === 'text') io.out('\n\n');
      let report: Report;
      try {
        report = await purgeOne(site, server, given, decided.get(server), io);
      } catch (error) {
        if (reports.length === 0) throw error;
        return endBy(error, { server, of: servers.length, reports }, given, io);
      }
      reports.push(report);
      if (report.interrupted) break;
    }
    const cut = reports.length < servers.length;
    const exitCode = cut ? 130 : Math.max(...reports.map((r) => r.exitCode));
    if (given.format !== 'text') io.out(await renderData(given.format, 'purge', exitCode, reports));
    return exitCode;
  });
}

/**
 * An error at one of several servers must not hide what was done to those before it: "nothing was touched" is true of that one alone.
 *
 * @returns the largest exit code of all
 */
async function endBy(
  error: unknown,
  {
    server,
    of,
    reports,
  }: { readonly server: string; readonly of: number; readonly reports: readonly Report[] },
  { format }: PurgeOptions,
  io: Io,
): Promise<number> {
  const uuid = server.replace(/^uuid:/, '');
  const done = reports.length;
  const left = of - done - 1;
  const before = `what was done to the ${done === 1 ? 'one' : done} before it stays done`;
  const after =
    left === 0 ? '' : `, the ${left === 1 ? 'one' : left} after it ${left === 1 ? 'is' : 'are'} not begun`;
  const says = `${uuid} is server ${done + 1} of ${of}: ${before}${after}`;
  io.err(`${wrap(says, io.onErr.columns, '').join('\n')}\n`);
  const exitCode = Math.max(reportError(io, error), ...reports.map((report) => report.exitCode));
  if (format === 'text') return exitCode;
  const { code, message, hint, plan } = sayOf(error);
  const servers: readonly ServerReport[] = plan === undefined ? reports : [...reports, { plan }];
  io.out(await renderData(format, 'purge', exitCode, servers, { code, message, hint }));
  return exitCode;
}

/**
 * Before anything else: which servers these are, and how much of a host or a project. One that is named twice is meant once, and a name
 * means the same server also when that has gone. One server needs no count.
 */
async function identify(site: RunSite, named: readonly string[], limits: Limits): Promise<readonly string[]> {
  if (named.length === 1) return named;
  const uuids = new Set<string>();
  for (const server of named) uuids.add(await resolve(site, server));
  await assertShares(site, [...uuids], limits);
  return [...uuids].map((uuid) => `uuid:${uuid}`);
}

/** @returns what was decided, with the answers that were given on the way */
async function checkOne(site: RunSite, server: string, given: PurgeOptions, io: Io): Promise<Decisions> {
  const plan = await planOne(site, server, decisionsFrom(given), given, io);
  if (isClean(plan)) return plan.decisions;
  await assertFree(site, plan.server.uuid, given.site);
  if (isAppliable(plan)) return plan.decisions;
  // Of several, which one.
  io.err(`${renderHeading(plan, io.onErr)}\n`);
  assertAppliable(plan, io);
  return plan.decisions;
}

/** A plan; and where only a decision about volumes is missing and a person is there, that is asked for first. */
async function planOne(
  site: RunSite,
  server: string,
  decisions: Decisions,
  given: PurgeOptions,
  io: Io,
): Promise<Plan> {
  const text = given.format === 'text';
  const plan = noTrace(await whileLooking(io, text, () => planFor(site, server, decisions)));
  const questions = given.yes === true ? [] : openQuestions(plan);
  if (questions.length === 0) return plan;
  io.out(`${renderHeading(plan, io)}\n`);
  const answered = await askVolumes(questions, decisions, io);
  io.out('\n');
  return whileLooking(io, text, () => planUuid(site, plan.server.uuid, answered));
}

async function purgeOne(
  site: RunSite,
  server: string,
  given: PurgeOptions,
  decided: Decisions | undefined,
  io: Io,
): Promise<Report> {
  const text = given.format === 'text';
  const plan = await planOne(site, server, decided ?? decisionsFrom(given), given, io);
  const { uuid } = plan.server;
  const clean = isClean(plan);
  const earlier = clean ? null : await assertFree(site, uuid, given.site);
  const shownAt = performance.now();
  // What is kept is shown once: to who is asked, before; in a log, with what was done.
  const asks = given.yes !== true;
  if (text)
    io.out(
      joinParts([
        renderHeading(plan, io),
        earlier === null ? '' : renderEarlier(earlier, io),
        renderWhere(plan, io),
        // Steps that are not begun would hide why.
        isAppliable(plan) ? renderSteps(plan, io, null) : '',
        isAppliable(plan) ? renderLost(plan, io) : '',
        asks || clean ? renderKept(plan, io) : '',
      ]),
    );
  if (clean) return { plan, exitCode: 0, interrupted: false };
  if (text) io.out('\n');
  assertAppliable(plan, io);
  if (asks) await confirmByName(plan, io);
  return runConfirmed(
    site,
    {
      shown: plan,
      shownAt,
      asked: asks,
      links: linksTo(earlier),
      mayBegin: () => assertNoneUnfinished(site, uuid, given.site),
    },
    given,
    io,
  );
}
