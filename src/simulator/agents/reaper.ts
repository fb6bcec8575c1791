/** nova-compute's search for domains of deleted servers. */
import type { World } from '../world.ts';
import { shutDownServer } from './shutdown.ts';

/** nova `[DEFAULT] running_deleted_instance_poll_interval`, in seconds; `…_timeout` is 0 and `…_action` is `reap`. */
const POLL_INTERVAL_S = 1_800;

/**
 * nova 26 `compute/manager.py:_cleanup_running_deleted_instances`, when it is due: a domain that libvirt knows on this host, running
 * or not, and whose row is deleted goes, wherever its row says it was, with everything that a delete takes from host and network.
 * Rows are left as they are but for the note that the files are gone; volumes of soft-deleted mappings would go as well.
 *
 * @returns the moment of the next search, in milliseconds since 1970
 */
export function reapDeleted(world: World, host: string): number {
  const now = world.now();
  const row = world.machines.prepare('SELECT reaped_at FROM hosts WHERE name = ?').get(host);
  const last = row?.['reaped_at'];
  const due = typeof last === 'string' ? Date.parse(last) + POLL_INTERVAL_S * 1000 : 0;
  if (now.getTime() < due) return due;
  for (const uuid of findDeleted(world, host)) shutDownServer(world, host, uuid, { readDeleted: true });
  world.machines.prepare('UPDATE hosts SET reaped_at = ? WHERE name = ?').run(now.toISOString(), host);
  return now.getTime() + POLL_INTERVAL_S * 1000;
}

/**
 * Deleted is what Nova itself marks: with the row's own id (`db/main/api.py:instance_get_all_by_filters`). Without a date it counts as
 * old enough (`_deleted_old_enough`).
 */
function findDeleted(world: World, host: string): readonly string[] {
  const deleted = world
    .db('nova')
    .prepare(
      `SELECT deleted_at FROM instances WHERE uuid = ? AND deleted = id AND coalesce(vm_state, '') <> 'soft-delete'`,
    );
  return world.machines
    .prepare('SELECT uuid FROM domains WHERE host = ? ORDER BY name')
    .all(host)
    .map((row) => String(row['uuid']))
    .filter((uuid) => {
      const row = deleted.get(uuid);
      if (row === undefined) return false;
      const at = row['deleted_at'];
      return typeof at !== 'string' || Date.parse(`${at.replace(' ', 'T')}Z`) < world.now().getTime();
    });
}
