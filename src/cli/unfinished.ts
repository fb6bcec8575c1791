/** A run on the server that is not over: it is gone on with, or given up, by its name, before another begins. */
import { basename } from 'node:path';
import { RefusedError } from '../plan/errors.ts';
import type { Plan } from '../plan/types.ts';
import type { RunLinks } from '../run/journal.ts';
import { isClean } from '../run/make-plan.ts';
import type { RunRecord } from '../run/read-run.ts';
import { findUnfinished, type ListedRun } from '../run/runs.ts';
import { assertNotLocked } from '../run/server-lock.ts';
import { RUNS } from '../run/survey.ts';
import { abandonCommand, resumeCommand } from './render/next.ts';
import { sayState } from './render/run-state.ts';
import type { ReadSite } from './session.ts';

/**
 * Whether a new run may begin. One that ended in order, but could not do all, stands in nobody's way: what it did and what is left is known,
 * and whoever purges again may have to decide otherwise than it did. The new run goes on with it.
 *
 * @param said as it was given with `--site`
 * @returns the run that a new one goes on with; null: there is none
 * @throws RefusedError (`run-unfinished`) for a run that is open, was cut or stopped, or may still be going
 */
export async function assertNoneUnfinished(
  site: ReadSite,
  uuid: string,
  said: string | undefined,
): Promise<RunRecord | null> {
  const found = await findUnfinished(site.runs, site.name, uuid);
  if (found === null) return null;
  if (found.state === 'incomplete') return found.record;
  const { record, state } = found;
  throw new RefusedError(
    `run ${basename(record.folder)} on this server is not over: ${sayState(record, state)}; nothing was touched`,
    { code: 'run-unfinished', hint: waysOn(found, said) },
  );
}

/**
 * Early, as far as this machine tells: nobody should read and confirm a plan that cannot begin. The lock itself is taken later.
 *
 * @throws RefusedError (`server-locked`)
 */
export function assertUnlocked(site: ReadSite, uuid: string): Promise<void> {
  return assertNotLocked(site.runs, uuid);
}

/**
 * Nobody is at work on it, and no run on it has to be gone on with first.
 *
 * @returns as `assertNoneUnfinished`
 * @throws RefusedError
 */
export async function assertFree(
  site: ReadSite,
  uuid: string,
  said: string | undefined,
): Promise<RunRecord | null> {
  await assertUnlocked(site, uuid);
  return assertNoneUnfinished(site, uuid, said);
}

export function linksTo(earlier: RunRecord | null): RunLinks {
  return earlier === null ? {} : { continues: basename(earlier.folder) };
}

/** Of each plan's server, the folder of a run that has to be resumed or given up before a purge; null: there is none. */
export function blockingRuns(site: ReadSite, plans: readonly Plan[]): Promise<readonly (string | null)[]> {
  return Promise.all(
    plans.map(async (plan) => {
      // Of a record that this version cannot read the plan itself tells.
      if (isClean(plan) || plan.unknown.some(({ kind }) => kind === RUNS)) return null;
      const found = await findUnfinished(site.runs, site.name, plan.server.uuid);
      const goesOn = found === null || found.state === 'running' || found.state === 'elsewhere';
      return goesOn || found.state === 'incomplete' ? null : found.record.folder;
    }),
  );
}

function waysOn({ record, state }: ListedRun, said: string | undefined): string {
  const giveUp = abandonCommand(record.folder, said);
  if (state === 'running') return 'wait for its end, or stop it';
  if (state === 'elsewhere')
    return `resume it on ${record.by?.host}; or make sure that it has ended there, and give it up: ${giveUp}`;
  return `go on with it: ${resumeCommand(record.folder, said)}; or give it up: ${giveUp}`;
}
