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
 * @param interrupted what such an interrupt does, in place of saying that nothing was touched; it ends the process
 * @throws what `lockServer` throws, before anything is touched
 */
export async function withLock<T>(
  site: RunSite,
  uuid: string,
  io: Io,
  prepare: () => Promise<Plan>,
  run: (plan: Plan, lock: ServerLock) => Promise<T>,
  interrupted: () => void = () => {
    io.err('interrupted; nothing was touched\n');
    io.exit(130);
  },
): Promise<T> {
  let lock: ServerLock | null = null;
  const watch = io.onInterrupt(() => {
    lock?.drop();
    interrupted();
  });
  try {
    lock = await holdServer(site, site.runs, uuid);
    if (lock.tookOver !== null)
      io.err(`${wrap(plain(lock.tookOver, LONG), io.onErr.columns, '').join('\n')}\n`);
    const plan = await prepare();
    watch();
    return await run(plan, lock);
  } finally {
    watch();
    await lock?.release();
  }
}
