/**
 * The lock of a server in the folder of runs, `<uuid>.lock`: it says who is at work. That nobody else is, the database's lock holds; this one
 * tells the others who it is, and holds where two of them do not meet in one database server.
 */
import { readFileSync, unlinkSync } from 'node:fs';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type ActError, hasCode } from '../plan/errors.ts';
import { parseJson } from '../plan/parse-json.ts';
import * as z from '../plan/zod.ts';
import { isSameProcess, startOf } from '../site/process-identity.ts';
import { recordFailure } from './journal.ts';
import { replaceFile } from './replace-file.ts';
import { whoAmI } from './who.ts';

const holder = z.object({
  format: z.literal(1),
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

/** `unreadable`: there is a file, and it is not what expunge writes. */
export type LockState =
  | { readonly is: 'free' }
  | { readonly is: 'held'; readonly by: Holder; readonly path: string }
  | { readonly is: 'stale'; readonly by: Holder }
  | { readonly is: 'unreadable'; readonly path: string; readonly young: boolean };

export interface LockFile {
  /** Adds the run to what it says. @throws ActError */
  nameRun(run: string): Promise<void>;
  release(): void;
}

/** Between making the file and filling it lies a moment; what is still empty later was left by a machine that stopped. */
const FILLED_AFTER_MS = 10_000;

function pathOf(runsDir: string, uuid: string): string {
  return join(runsDir, `${uuid}.lock`);
}

/** Who is about to take a lock: this process. */
export function describeSelf(now: Date): Holder {
  return {
    format: 1,
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
    throw lockFailure(error);
  }
  const parsed = holder.safeParse(parseJson(text));
  if (!parsed.success) return { is: 'unreadable', path, young: await isYoung(path) };
  const by = parsed.data;
  if (by.host !== hostname() || isSameProcess(by.pid, by.start)) return { is: 'held', by, path };
  return { is: 'stale', by };
}

/** Makes the file, unless there is one. @throws ActError when the folder does not take it */
export async function makeLockFile(runsDir: string, uuid: string, self: Holder): Promise<LockFile | null> {
  const path = pathOf(runsDir, uuid);
  const textOf = (says: Holder) => `${JSON.stringify(says)}\n`;
  try {
    await mkdir(runsDir, { recursive: true, mode: 0o700 });
    await writeFile(path, textOf(self), { mode: 0o600, flag: 'wx', flush: true });
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
