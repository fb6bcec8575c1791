/** What changes a server happens under its lock: taken when the name was typed, given back however the command ends. */
import type { Plan } from '../plan/types.ts';
import { holdServer } from '../run/gate.ts';
import type { ServerLock } from '../run/server-lock.ts';
import type { Io } from './io.ts';
import { wrap } from './render/lines.ts';
import { plain } from './render/plain.ts';
import { LONG } from './render/survey.ts';
import type { RunSite } from './session.ts';

/**
 * @param prepare makes sure that the plan still holds, which another run may have changed until the lock was had; it touches nothing, and an
 *   interrupt ends it at once
 * @throws what `lockServer` throws, before anything is touched
 */
export async function withLock<T>(
  site: RunSite,
  uuid: string,
  io: Io,
  prepare: () => Promise<Plan>,
  run: (plan: Plan, lock: ServerLock) => Promise<T>,
): Promise<T> {
  const lock = await holdServer(site, site.runs, uuid);
  try {
    if (lock.tookOver !== null)
      io.err(`${wrap(plain(lock.tookOver, LONG), io.onErr.columns, '').join('\n')}\n`);
    const watch = io.onInterrupt(() => {
      lock.drop();
      io.err('interrupted; nothing was touched\n');
      io.exit(130);
    });
    const plan = await prepare().finally(watch);
    return await run(plan, lock);
  } finally {
    await lock.release();
  }
}
