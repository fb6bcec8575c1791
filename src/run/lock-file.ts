/**
 * The lock of a server in the folder of runs, `<uuid>.lock`: it says who is at work. That nobody else is, the database's lock holds; this one
 * tells the others who it is, and holds where two of them do not meet in one database server.
 */
import { readFileSync, unlinkSync } from 'node:fs';
import { type FileHandle, mkdir, open, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type ActError, hasCode } from '../plan/errors.ts';
import { madeBy } from '../plan/format.ts';
import { parseJson } from '../plan/parse-json.ts';
import * as z from '../plan/zod.ts';
import { isSameProcess, startOf } from '../site/process-identity.ts';
import { recordFailure } from './journal.ts';
import { replaceFile } from './replace-file.ts';
import { whoAmI } from './who.ts';

/** The one that this version writes and reads. */
const FORMAT = 1;

const holder = z.object({
  format: z.literal(FORMAT),
  user: z.string(),
  host: z.string(),
  pid: z.int(),
  /** boot and tick in which the process was started; null: that machine does not tell */
  start: z.string().nullable(),
  /** ISO 8601, UTC */
  since: z.string(),
  /** name of the run's folder; null: it has not begun */
  run: z.string().nullable(),
});

export type Holder = z.infer<typeof holder>;

/**
 * `unfinished`: a file of this version, and only the beginning of it. `foreign`: whole, and not what this version writes; `format` is the
 * other one that it says it is in, null: it names none. `closed`: another user's, who alone may read it.
 */
export type LockState =
  | { readonly is: 'free' }
  | { readonly is: 'held'; readonly by: Holder; readonly path: string }
  | { readonly is: 'stale'; readonly by: Holder }
  | { readonly is: 'unfinished'; readonly path: string; readonly young: boolean }
  | { readonly is: 'foreign'; readonly path: string; readonly format: number | null }
  | { readonly is: 'closed'; readonly path: string };

export interface LockFile {
  /** Adds the run to what it says. @throws ActError */
  nameRun(run: string): Promise<void>;
  release(): void;
}

/** Between making the file and filling it lies a moment; what is still not whole later was left by a machine that stopped. */
const FILLED_AFTER_MS = 10_000;

function pathOf(runsDir: string, uuid: string): string {
  return join(runsDir, `${uuid}.lock`);
}

/** Who is about to take a lock: this process. */
export function describeSelf(now: Date): Holder {
  return {
    format: FORMAT,
    ...whoAmI(),
    start: startOf(process.pid),
    since: now.toISOString(),
    run: null,
  };
}

/** A process of another machine is never judged: whether it lives can only be seen there. */
export async function readLockFile(runsDir: string, uuid: string): Promise<LockState> {
  const path = pathOf(runsDir, uuid);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { is: 'free' };
    if (hasCode(error, 'EACCES')) return { is: 'closed', path };
    throw lockFailure(error);
  }
  const data = parseJson(text);
  const parsed = holder.safeParse(data);
  if (!parsed.success) {
    if (isBeginning(text, data)) return { is: 'unfinished', path, young: await isYoung(path) };
    const { format } = madeBy(data);
    return { is: 'foreign', path, format: format === FORMAT ? null : format };
  }
  const by = parsed.data;
  if (by.host !== hostname() || isSameProcess(by.pid, by.start)) return { is: 'held', by, path };
  return { is: 'stale', by };
}

/**
 * Whether a process of this version can have been stopped while it wrote this. Nothing at all says nothing, and whoever made that file
 * had no more time than to make it. A file system that lost its power may fill up with NUL what was not written yet.
 */
function isBeginning(text: string, data: unknown): boolean {
  const written = text.replace(/\0+$/, '');
  const start = `{"format":${FORMAT},`;
  return (
    data === undefined && !written.includes('\n') && (start.startsWith(written) || written.startsWith(start))
  );
}

/** Makes the file, unless there is one. @throws ActError when the folder does not take it */
export async function makeLockFile(runsDir: string, uuid: string, self: Holder): Promise<LockFile | null> {
  const path = pathOf(runsDir, uuid);
  const textOf = (says: Holder) => `${JSON.stringify(says)}\n`;
  try {
    await mkdir(runsDir, { recursive: true, mode: 0o700 });
    await fill(await open(path, 'wx', 0o600), path, textOf(self));
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return null;
    throw lockFailure(error);
  }
  return {
    async nameRun(run) {
      try {
        await replaceFile(path, textOf({ ...self, run }));
      } catch (error) {
        throw lockFailure(error);
      }
    },
    release: () => removeIf(path, ({ pid, start, since }) => isOurs(self, pid, start, since)),
  };
}

/** Fills the file that was just made, or takes it away: an empty one would say for a while that somebody is just taking the lock. */
async function fill(file: FileHandle, path: string, text: string): Promise<void> {
  try {
    await file.writeFile(text);
    await file.sync();
  } catch (error) {
    await rm(path, { force: true }).catch(() => {});
    throw error;
  } finally {
    await file.close();
  }
}

/** Takes away what a process left that has ended. @throws ActError */
export async function removeStale(runsDir: string, uuid: string): Promise<void> {
  try {
    await rm(pathOf(runsDir, uuid), { force: true });
  } catch (error) {
    throw lockFailure(error);
  }
}

function isOurs(self: Holder, pid: number, start: string | null, since: string): boolean {
  return pid === self.pid && start === self.start && since === self.since;
}

/** Without a wait, so that it can be done by a process that ends at once. Whoever took the lock over meanwhile keeps it. */
function removeIf(path: string, ours: (by: Holder) => boolean): void {
  try {
    const parsed = holder.safeParse(parseJson(readFileSync(path, 'utf8')));
    if (parsed.success && ours(parsed.data)) unlinkSync(path);
  } catch {
    // It stays, and the next one sees that its process has ended.
  }
}

async function isYoung(path: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs < FILLED_AFTER_MS;
  } catch {
    return true;
  }
}

function lockFailure(error: unknown): ActError {
  return recordFailure('the lock file cannot be used', error);
}
