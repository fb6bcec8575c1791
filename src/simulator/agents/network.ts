/** A server's network, as Nova knows and releases it. */
import * as z from '../../plan/zod.ts';
import { deletePort, portsOf, unbindPort } from '../neutron/ports.ts';
import { sqlTime, type World } from '../world.ts';
import { type Cell, readServer, softDelete } from './server-rows.ts';

const vif = z.object({
  id: z.string(),
  type: z.string().nullish(),
  details: z.object({ ovs_hybrid_plug: z.boolean().optional() }).nullish(),
  preserve_on_delete: z.boolean().nullish(),
});

export interface Vif {
  /** of its Neutron port */
  readonly id: string;
  /** Neutron's `binding:vif_type`, in Nova's words; null when it is not known */
  readonly type: string | null;
  readonly hybrid: boolean;
  /** Nova did not make its port, and does not delete it */
  readonly preserved: boolean;
}

/** `instance_info_caches.network_info`, also where the row is marked deleted. */
export function readCachedVifs(world: World, cell: Cell, uuid: string): readonly Vif[] {
  const row = world
    .db(cell)
    .prepare('SELECT network_info FROM instance_info_caches WHERE instance_uuid = ?')
    .get(uuid);
  const cached = row?.['network_info'];
  if (typeof cached !== 'string') return [];
  return z
    .array(vif)
    .parse(JSON.parse(cached))
    .map((each) => ({
      id: each.id,
      type: each.type ?? null,
      hybrid: each.details?.ovs_hybrid_plug === true,
      preserved: each.preserve_on_delete === true,
    }));
}

/**
 * nova 26 `compute/manager.py:_shutdown_instance`: what the cache says, or Neutron where it says nothing. So after a delete by the
 * API alone, which empties the cache and deletes the ports, the reaper unplugs none of the interfaces that are left.
 */
export function readVifs(world: World, uuid: string): readonly Vif[] {
  const cached = readCachedVifs(world, 'nova', uuid);
  return cached.length > 0 ? cached : portsOf(world, uuid).map(({ id }) => nameOnly(id));
}

/**
 * What a request says that was made before the server was deleted: it brings the cache of that time along. Read from
 * `virtual_interfaces`, whose rows Nova only marks and which name their ports, `<mac>/<port>`.
 */
export function readVifsOfRequest(world: World, uuid: string): readonly Vif[] {
  const now = readVifs(world, uuid);
  if (now.length > 0) return now;
  return world
    .db('nova')
    .prepare('SELECT address FROM virtual_interfaces WHERE instance_uuid = ? ORDER BY id')
    .all(uuid)
    .flatMap((row) => String(row['address']).split('/').slice(1).map(nameOnly));
}

function nameOnly(id: string): Vif {
  return { id, type: null, hybrid: false, preserved: false };
}

/**
 * nova 26 `network/neutron.py:deallocate_for_instance`: ports that the user made are unbound, whoever has them by now; all others
 * that name the server are deleted. The cache of a server that is deleted already is left as it is.
 */
export function deallocateNetwork(world: World, cell: Cell, uuid: string): void {
  const preserved = readCachedVifs(world, cell, uuid).filter((each) => each.preserved);
  for (const { id } of preserved) unbindPort(world, id);
  const kept = new Set(preserved.map((each) => each.id));
  for (const { id } of portsOf(world, uuid)) if (!kept.has(id)) deletePort(world, id);
  softDelete(world, cell, 'virtual_interfaces', 'instance_uuid', uuid);
  if (readServer(world, cell, uuid)?.deleted !== 0) return;
  world
    .db(cell)
    .prepare(
      "UPDATE instance_info_caches SET network_info = '[]', updated_at = ? WHERE instance_uuid = ? AND deleted = 0",
    )
    .run(sqlTime(world.now()), uuid);
}
