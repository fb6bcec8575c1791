/** The runs that a site's folder holds, and how each stands. */
import { readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { reason } from '../kinds/kind.ts';
import { mergeTraces, readTraces, type Traces } from '../kinds/subject/traces.ts';
import { deletedVolume } from '../kinds/volumes/steps.ts';
import { hasCode, isExpungeError, UsageError } from '../plan/errors.ts';
import { processExists, startTicks } from '../site/process-identity.ts';
import { readAbandonment } from './abandon.ts';
import { ClosedRecord } from './closed-record.ts';
import { type RunRecord, readRun } from './read-run.ts';

/** A folder that cannot be read as a run. */
export interface UnreadableRun {
  readonly folder: string;
  readonly why: string;
  /** the error's code: `format-unknown` for one of another version */
  readonly code: string;
  /** it is whole, as far as anybody here can tell: of another version, or closed to this user */
  readonly foreign: boolean;
}

/**
 * `not-begun`: it ended before its first step. `running`: its process lives. `cut`: its process ended without a word. `elsewhere`: it has
 * no end, and whether its process lives can only be seen on its own machine.
 */
export type RunState =
  | 'complete'
  | 'open'
  | 'incomplete'
  | 'interrupted'
  | 'running'
  | 'cut'
  | 'elsewhere'
  | 'not-begun';

/** All runs below a folder, or those on one server, the oldest first. */
async function readRuns(
  runsDir: string,
  uuid?: string,
): Promise<{ readonly runs: readonly RunRecord[]; readonly unreadable: readonly UnreadableRun[] }> {
  const runs: RunRecord[] = [];
  const unreadable: UnreadableRun[] = [];
  for (const name of await listFolders(runsDir)) {
    if (uuid !== undefined && !name.includes(uuid)) continue;
    const folder = join(runsDir, name);
    try {
      runs.push(await readRun(folder));
    } catch (error) {
      if (!isExpungeError(error)) throw error;
      const foreign = error.code === 'format-unknown' || error instanceof ClosedRecord;
      unreadable.push({ folder, why: reason(error), code: error.code, foreign });
    }
  }
  return { runs: runs.sort((a, b) => (timeOf(a) < timeOf(b) ? -1 : 1)), unreadable };
}

/** Their names: locks lie beside the runs. @throws UsageError when the folder is there and cannot be read */
export async function listFolders(runsDir: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(runsDir, { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw new UsageError(`the folder of runs ${runsDir} cannot be read: ${String(error)}`, {
      code: 'runs-unreadable',
    });
  }
}

/** A run that never began is as old as its plan. Both are ISO 8601, UTC. */
export function timeOf({ begunAt, plan }: RunRecord): string {
  return begunAt ?? plan.madeAt;
}

/** @throws nothing: a process that cannot be told from one that lives counts as alive */
async function stateOf({ begunAt, by, end }: RunRecord): Promise<RunState> {
  if (end !== null) return end;
  if (begunAt === null || by === null) return 'not-begun';
  if (by.host !== hostname()) return 'elsewhere';
  return isAlive(by.pid, Date.parse(begunAt)) ? 'running' : 'cut';
}

/** Process ids come round again: one that was started after the run began is another's. */
function isAlive(pid: number, begunAt: number): boolean {
  if (!processExists(pid)) return false;
  const startedAt = startTime(pid);
  return startedAt === null || startedAt <= begunAt + CLOCK_SLACK_MS;
}

/** Linux counts a process's start in hundredths of a second since boot. */
const TICKS_PER_SECOND = 100;
const CLOCK_SLACK_MS = 2_000;

/**
 * Milliseconds since 1970; null where /proc does not tell. Reckoned from the start of this process: in a container of LXC /proc/uptime is
 * the container's, and ticks count from the boot of its host all the same.
 */
function startTime(pid: number): number | null {
  const ticks = startTicks(pid);
  const own = startTicks(process.pid);
  if (ticks === null || own === null) return null;
  const since = (Number(ticks) - Number(own)) / TICKS_PER_SECOND;
  return Date.now() + (since - process.uptime()) * 1000;
}

function isUndo({ links }: RunRecord): boolean {
  return links.undoes !== undefined;
}

/** The run that took this one back, all of it, and was not taken back itself; null: none did. */
function undoneBy(run: RunRecord, runs: readonly RunRecord[]): RunRecord | null {
  const name = basename(run.folder);
  const undoes = (other: RunRecord) => other.links.undoes === name && other.end === 'complete';
  return runs.findLast((other) => undoes(other) && undoneBy(other, runs) === null) ?? null;
}

/**
 * The latest run that makes this one a thing of the past: one that went on with it, or a later one on the same server that was complete.
 * Null: it is the last word.
 */
function followedBy(run: RunRecord, runs: readonly RunRecord[]): RunRecord | null {
  const others = runs.filter(
    (other) =>
      other.folder !== run.folder &&
      other.plan.site === run.plan.site &&
      other.plan.server.uuid === run.plan.server.uuid &&
      !isUndo(other) &&
      undoneBy(other, runs) === null,
  );
  // Who went on with it is later, whatever the clocks of two machines said.
  const chain = new Set([basename(run.folder)]);
  for (const { folder, links } of others)
    if (links.continues !== undefined && chain.has(links.continues)) chain.add(basename(folder));
  const isLater = (other: RunRecord) => other.end === 'complete' && timeOf(other) > timeOf(run);
  return others.findLast((other) => chain.has(basename(other.folder)) || isLater(other)) ?? null;
}

/** A run, and how it stands among the others on its site. */
export interface ListedRun {
  readonly record: RunRecord;
  readonly state: RunState;
  readonly undoneBy: RunRecord | null;
  readonly followedBy: RunRecord | null;
}

/**
 * The last run on a server of which something is left to do, or may be; null: there is none. Who resumes or abandons it is asked by its name.
 *
 * @throws UsageError when a run on it was recorded by another version, or is closed to this user: nobody can tell how that stands, and
 *   nobody gave it up
 */
export async function findUnfinished(runsDir: string, site: string, uuid: string): Promise<ListedRun | null> {
  const { runs, unreadable } = await readRuns(runsDir, uuid);
  const [foreign] = await foreignOf(unreadable);
  if (foreign !== undefined) throw new UsageError(foreign.why, { code: foreign.code });
  const own = runs.filter(({ plan }) => plan.site === site && plan.server.uuid === uuid);
  return (await Promise.all(own.map((record) => listOne(record, own)))).findLast(isUnfinished) ?? null;
}

/** Something of it is left to do, or may be, and nobody went on with it, took it back, or gave it up. */
export function isUnfinished({ record, state, undoneBy: undo, followedBy: next }: ListedRun): boolean {
  if (isUndo(record) || record.abandoned !== null || undo !== null || next !== null) return false;
  return state !== 'complete' && state !== 'not-begun';
}

/** Those of which nobody here can tell the end, and which nobody gave up. */
async function foreignOf(unreadable: readonly UnreadableRun[]): Promise<readonly UnreadableRun[]> {
  const foreign = unreadable.filter((run) => run.foreign);
  const givenUp = await Promise.all(foreign.map(({ folder }) => wasGivenUp(folder)));
  return foreign.filter((_, at) => !givenUp[at]);
}

/** Also of a run whose record is of another version. @throws nothing: what cannot be read says nothing */
async function wasGivenUp(folder: string): Promise<boolean> {
  const abandonment = await readAbandonment(folder).catch(() => null);
  return abandonment !== null;
}

async function listOne(record: RunRecord, own: readonly RunRecord[]): Promise<ListedRun> {
  return {
    record,
    state: await stateOf(record),
    undoneBy: undoneBy(record, own),
    followedBy: followedBy(record, own),
  };
}

/** How a run stands among all that were recorded on its server. */
export async function standingOf(runsDir: string, run: RunRecord): Promise<ListedRun> {
  return listOne(run, (await readRuns(runsDir, run.plan.server.uuid)).runs);
}

/** What a folder holds of one site, the oldest run first. `elsewhere` counts the runs on other sites. */
export async function listRuns(runsDir: string, site: string) {
  const { runs: all, unreadable } = await readRuns(runsDir);
  const own = all.filter(({ plan }) => plan.site === site);
  // How a run stands, only those on its own server tell.
  const byServer = Map.groupBy(own, ({ plan }) => plan.server.uuid);
  const runs = await Promise.all(
    own.map((record) => listOne(record, byServer.get(record.plan.server.uuid) ?? [])),
  );
  return { runs, unreadable, elsewhere: all.length - own.length };
}

/** What the records of earlier runs tell of a server. */
export interface Known {
  /** where they looked; null: there are none */
  readonly known: Traces | null;
  /** ids of the volumes that they were to delete, done or not */
  readonly doomed: readonly string[];
  /** records of another version, or closed to this user, each with why: where those runs looked is not known */
  readonly unread: readonly UnreadableRun[];
}

/**
 * Of a record that is damaged `runs` tells: a folder that a full disk left empty must not keep a server from being looked at.
 *
 * @throws UsageError when another version of expunge wrote it down in another way, and that run is unfinished
 */
export async function readKnown(runsDir: string, site: string, uuid: string): Promise<Known> {
  const { runs, unreadable } = await readRuns(runsDir, uuid);
  const own = runs.filter(({ plan }) => plan.site === site && plan.server.uuid === uuid);
  const known: Traces[] = [];
  for (const run of own) {
    const { folder, plan } = run;
    if (plan.traces === undefined) continue;
    const traces = readTraces(plan.traces);
    if (traces !== null) known.push(traces);
    // Of a run that is over nothing waits to be found by them; and nobody could go on with it, or give it up.
    else if (isUnfinished(await listOne(run, own)))
      throw new UsageError(`${folder}: what it wrote down of the server is not of this version of expunge`, {
        code: 'run-invalid',
        hint: `finish it with expunge ${plan.tool}, or give it up: expunge abandon ${basename(folder)}`,
      });
  }
  return {
    known: mergeTraces(known.toReversed()),
    doomed: doomedVolumes(own),
    unread: await foreignOf(unreadable),
  };
}

/** @param runs the oldest first: who decides later has the last word, and so has who gave the run up or took it back */
function doomedVolumes(runs: readonly RunRecord[]): readonly string[] {
  const doomed = new Set<string>();
  for (const run of runs) {
    if (run.begunAt === null || isUndo(run) || run.abandoned !== null || undoneBy(run, runs) !== null)
      continue;
    const { steps, decisions } = run.plan;
    for (const step of steps) {
      const id = deletedVolume(step);
      if (id !== null) doomed.add(id);
    }
    for (const id of doomed)
      if ((decisions.volumes?.named[id] ?? decisions.volumes?.rest) === 'keep') doomed.delete(id);
  }
  return [...doomed];
}
