/** One run at a time works on a server, across operators and machines: a lock in Nova's API database, and a file that says who. */
import { hostname } from 'node:os';
import { ActError, isExpungeError, RefusedError } from '../plan/errors.ts';
import type { Writer } from '../site/connect.ts';
import type { HeldBy, Hold } from '../site/sql/hold.ts';
import {
  describeSelf,
  type Holder,
  type LockFile,
  type LockState,
  makeLockFile,
  readLockFile,
  removeStale,
} from './lock-file.ts';

export interface ServerLock {
  /** whose lock was found and taken over, as a sentence; null: there was none */
  readonly tookOver: string | null;
  /** Others are told which run it is. @throws ActError */
  nameRun(run: string): Promise<void>;
  /** Takes a lock again that was lost with its connection. @throws ActError when another has it by now, or nobody can tell */
  assertHeld(): Promise<void>;
  /** Never throws. */
  release(): Promise<void>;
  /** The same at once, for a process that ends. */
  drop(): void;
}

/** As long as anybody may look at the file between our looks. */
const TRIES = 3;

/**
 * Takes the lock, or refuses at once: nobody waits for a run whose length nobody knows.
 *
 * @param now when it is taken
 * @throws RefusedError (`server-locked`) with who holds it; LookError when the database cannot be asked; ActError when the folder of runs
 *   takes no file
 */
export async function lockServer(
  writer: Pick<Writer, 'hold'>,
  runsDir: string,
  uuid: string,
  now: Date,
): Promise<ServerLock> {
  const self = describeSelf(now);
  const take = () => writer.hold(`expunge:${uuid}`, sayOf(self));
  const answer = await take();
  // The database's lock first: whoever has it is alone with the file.
  if (!isHold(answer)) {
    const { why, hint } = await whoHolds(answer, runsDir, uuid);
    throw locked(uuid, why, hint);
  }
  try {
    const { file, tookOver } = await takeFile(runsDir, uuid, self);
    return openLock(answer, file, tookOver, async () => {
      const again = await take();
      if (isHold(again)) return again;
      const { why, hint } = await whoHolds(again, runsDir, uuid);
      throw new RefusedError(sayLocked(uuid, why), { code: 'server-locked', hint });
    });
  } catch (error) {
    await answer.release();
    throw error;
  }
}

/** @throws RefusedError when the lock file says that somebody is at work on the server, or may say so */
export async function assertNotLocked(runsDir: string, uuid: string): Promise<void> {
  refuseHeld(uuid, await readLockFile(runsDir, uuid));
}

function openLock(
  first: Hold,
  file: LockFile,
  tookOver: string | null,
  takeAgain: () => Promise<Hold>,
): ServerLock {
  let hold = first;
  let taking: Promise<Hold> | null = null;
  return {
    tookOver,
    nameRun: (run) => file.nameRun(run),
    async assertHeld() {
      if (hold.isHeld()) return;
      // Steps end side by side: one of them asks, and all hear the answer.
      taking ??= takeAgain();
      try {
        hold = await taking;
      } catch (error) {
        if (!isExpungeError(error)) throw error;
        throw new ActError(`the lock on the server was lost, and cannot be had again: ${error.message}`, {
          code: 'lock-lost',
          hint: 'nothing more is done; resume goes on when the lock can be had',
        });
      } finally {
        taking = null;
      }
    },
    async release() {
      file.release();
      await hold.release();
    },
    drop() {
      file.release();
      hold.drop();
    },
  };
}

function isHold(answer: Hold | HeldBy): answer is Hold {
  return 'isHeld' in answer;
}

/** @throws RefusedError when another has it */
async function takeFile(runsDir: string, uuid: string, self: Holder) {
  let tookOver: string | null = null;
  for (let n = 0; n < TRIES; n++) {
    const file = await makeLockFile(runsDir, uuid, self);
    if (file !== null) return { file, tookOver };
    const found = await readLockFile(runsDir, uuid);
    refuseHeld(uuid, found);
    if (found.is === 'unfinished' && found.young)
      throw locked(uuid, 'another run is just taking it', 'try again in a few seconds');
    if (found.is === 'free') continue;
    tookOver =
      found.is === 'stale'
        ? `The lock of ${sayHolder(found.by)} was taken over: that process has ended.`
        : `The lock file ${found.path} was taken over: it was not written to its end, as if its machine had stopped.`;
    await removeStale(runsDir, uuid);
  }
  throw locked(uuid, 'others take and leave it right now', 'try again');
}

/** @throws RefusedError for a lock that somebody has, or that only another version, or another user, could judge */
function refuseHeld(
  uuid: string,
  found: LockState,
): asserts found is Exclude<LockState, { readonly is: 'held' | 'foreign' | 'closed' }> {
  if (found.is === 'closed')
    throw locked(
      uuid,
      `its lock file ${found.path} is another user's, who may be at work on it`,
      `wait for its end; or have whoever may read the file make sure that its process has ended, and remove ${found.path}`,
    );
  if (found.is === 'foreign') {
    const { path, format } = found;
    const what =
      format === null
        ? 'is not what this version of expunge writes'
        : `is in format ${format}, of another version of expunge`;
    throw locked(
      uuid,
      `its lock file ${path} ${what}, and whether that lock still holds cannot be told`,
      `make sure that no expunge is at work on the server, then remove ${path}`,
    );
  }
  if (found.is !== 'held') return;
  const { by, path } = found;
  throw locked(
    uuid,
    `${sayHolder(by)} is at work on it`,
    by.host === hostname()
      ? 'wait for its end, or stop it; runs tells how it stands'
      : `whether that process still lives can only be seen on ${by.host}; make sure that it has ended, then remove ${path}`,
  );
}

/** Who it is says the holder's own connection, else the lock file, else what the database shows of its connections. */
async function whoHolds(
  { connection, said, account }: HeldBy,
  runsDir: string,
  uuid: string,
): Promise<{ readonly why: string; readonly hint: string }> {
  const hint = `wait for its end. A process that is gone lets go by itself, of a machine that is gone after two minutes; or: KILL ${connection} in the database nova_api`;
  const file = await readLockFile(runsDir, uuid);
  // Our own file tells nothing of who took over a lock that we lost.
  const onFile = file.is === 'held' && !isSelf(file.by) ? file.by : null;
  const { expunge_user: user, expunge_host: host, expunge_pid: pid, expunge_since: since } = said ?? {};
  if (user !== undefined && host !== undefined && pid !== undefined && since !== undefined) {
    const run = onFile !== null && String(onFile.pid) === pid && onFile.host === host ? onFile.run : null;
    return { why: `${sayHolder({ user, host, pid, since, run })} is at work on it`, hint };
  }
  if (onFile !== null) return { why: `${sayHolder(onFile)} is at work on it`, hint };
  const who = `connection ${connection}${account === null ? '' : `, ${account},`} holds the lock in Nova's API database`;
  return { why: `${who}, and says no more of itself`, hint };
}

function sayLocked(uuid: string, why: string): string {
  return `server ${uuid} is locked: ${why}`;
}

function locked(uuid: string, why: string, hint: string): RefusedError {
  return new RefusedError(`${sayLocked(uuid, why)}; nothing was touched`, {
    code: 'server-locked',
    hint,
  });
}

function isSelf({ pid, host }: Holder): boolean {
  return pid === process.pid && host === hostname();
}

function sayHolder(by: Pick<Holder, 'user' | 'host' | 'since' | 'run'> & { readonly pid: number | string }) {
  const since = `${by.since.slice(0, 19).replace('T', ' ')} UTC`;
  const run = by.run === null ? '' : ` (run ${by.run})`;
  return `${by.user} on ${by.host}, process ${by.pid}, since ${since}${run}`;
}

/** For other users of the same account: MySQL shows it beside the connection. */
function sayOf({ user, host, pid, since }: Holder): Readonly<Record<string, string>> {
  return { expunge_user: user, expunge_host: host, expunge_pid: String(pid), expunge_since: since };
}
