import { stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { UsageError } from '../plan/errors.ts';
import type { RunRecord } from '../run/read-run.ts';
import { listFolders } from '../run/runs.ts';
import type { RunSite } from './session.ts';

/**
 * A path as it was printed, the last part of it, or a beginning of that which only one run has.
 *
 * @throws UsageError when there is none or several, or the folder of runs cannot be read
 */
export async function findRun(runs: string, typed: string): Promise<string> {
  if (typed.includes(sep) && (await isFolder(typed))) return typed;
  const names = typed === '' || typed.includes(sep) ? [] : await listFolders(runs);
  const begun = names.filter((name) => name.startsWith(typed));
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

/** @throws UsageError for a run on another cloud */
export function assertSameSite({ plan }: RunRecord, { name }: Pick<RunSite, 'name'>): void {
  if (plan.site === name) return;
  throw new UsageError(`this run was on the site ${plan.site}, not on ${name}`, { code: 'other-site' });
}
