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
import { type Confirmed, runConfirmed } from '../run-confirmed.ts';
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
      const left = servers.slice(reports.length);
      // With the first of them nothing is lost.
      const cut = reports.length === 0 ? undefined : await cutBetween(reports, left, given, io);
      let report: Report;
      try {
        report = await purgeOne(site, server, given, { decided: decided.get(server), cut }, io);
      } catch (error) {
        if (reports.length === 0) throw error;
        return endBy(error, { left, of: servers.length, reports }, given, io);
      }
      reports.push(report);
      if (report.interrupted || report.broken !== undefined) break;
    }
    const left = servers.slice(reports.length);
    const stopped = left.length > 0 && reports.some(({ interrupted }) => interrupted);
    const exitCode = stopped ? 130 : Math.max(...reports.map((r) => r.exitCode));
    // The last words would else be those on the last one that was begun: that nothing is left, perhaps.
    if (left.length > 0) io.err(sayNotBegun(left, io));
    if (given.format !== 'text')
      io.out(await renderData(given.format, 'purge', exitCode, reports, { notBegun: left.map(uuidOf) }));
    return exitCode;
  });
}

/** Of several servers, as `identify` names them. */
function uuidOf(server: string): string {
  return server.replace(/^uuid:/, '');
}

function sayNotBegun(left: readonly string[], io: Io): string {
  return `${wrap(`not begun: ${left.map(uuidOf).join(', ')}`, io.onErr.columns, '', '  ').join('\n')}\n`;
}

/**
 * Between two servers nothing is under way, so an interrupt ends the process at once; what was done to those before must not be lost with
 * it. Rendered ahead, because nothing may go on while a signal is answered.
 */
async function cutBetween(
  reports: readonly Report[],
  left: readonly string[],
  { format }: PurgeOptions,
  io: Io,
): Promise<() => void> {
  const notBegun = left.map(uuidOf);
  const document = format === 'text' ? '' : await renderData(format, 'purge', 130, reports, { notBegun });
  return () => {
    // Where a name is asked for, the terminal's ^C stands behind the question.
    io.err(`${io.interactive ? '\n' : ''}interrupted\n${sayNotBegun(left, io)}`);
    if (document !== '') io.out(document);
    io.exit(130);
  };
}

interface Ended {
  readonly reports: readonly Report[];
  /** the server at which the error was met, and those after it */
  readonly left: readonly string[];
  readonly of: number;
}

/**
 * An error at one of several servers must not hide what was done to those before it: "nothing was touched" is true of that one alone.
 *
 * @returns the largest exit code of all
 */
async function endBy(
  error: unknown,
  { left: [server = '', ...after], of, reports }: Ended,
  { format }: PurgeOptions,
  io: Io,
): Promise<number> {
  const done = reports.length;
  const before = `what was done to the ${done === 1 ? 'one' : done} before it stays done`;
  const more = after.length === 1 ? 'one after it is' : `${after.length} after it are`;
  const says = `${uuidOf(server)} is server ${done + 1} of ${of}: ${before}${after.length === 0 ? '' : `, the ${more} not begun`}`;
  io.err(`${wrap(says, io.onErr.columns, '').join('\n')}\n`);
  const exitCode = Math.max(reportError(io, error), ...reports.map((report) => report.exitCode));
  if (format === 'text') return exitCode;
  const said = sayOf(error);
  const { plan } = said;
  const servers: readonly ServerReport[] = plan === undefined ? reports : [...reports, { plan }];
  io.out(await renderData(format, 'purge', exitCode, servers, { error: said, notBegun: after.map(uuidOf) }));
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

interface Turn {
  readonly decided: Decisions | undefined;
  /** what an interrupt does until its run begins; undefined: what it does by itself */
  readonly cut: (() => void) | undefined;
}

async function purgeOne(
  site: RunSite,
  server: string,
  given: PurgeOptions,
  { decided, cut }: Turn,
  io: Io,
): Promise<Report> {
  const watch = cut === undefined ? undefined : io.onInterrupt(cut);
  const { plan, confirmed } = await confirmOne(site, server, given, decided, io).finally(watch);
  if (confirmed === null) return { plan, exitCode: 0, interrupted: false };
  return runConfirmed(site, { ...confirmed, interrupted: cut }, given, io);
}

/** Shows what would be done, and asks. Nothing is confirmed where nothing is left. */
async function confirmOne(
  site: RunSite,
  server: string,
  given: PurgeOptions,
  decided: Decisions | undefined,
  io: Io,
): Promise<{ readonly plan: Plan; readonly confirmed: Confirmed | null }> {
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
  if (clean) return { plan, confirmed: null };
  if (text) io.out('\n');
  assertAppliable(plan, io);
  if (asks) await confirmByName(plan, io);
  return {
    plan,
    confirmed: {
      shown: plan,
      shownAt,
      asked: asks,
      links: linksTo(earlier),
      mayBegin: () => assertNoneUnfinished(site, uuid, given.site),
    },
  };
}
