/** What has become of the volumes of a server that does not run any more, by what Nova does on the way there. */
import { deleteVolumes, detachVolumes, disconnectVolumes, readVolumes } from './agents/volumes.ts';
import { endAttachment } from './cinder/attachments.ts';
import type { Row } from './instantiate.ts';
import { insertRows, type Planted } from './plant.ts';
import type { State } from './recordings.ts';
import type { World } from './world.ts';

/** What has become of the volumes of a server in this state. */
const AFTERWARDS: Partial<Readonly<Record<State, (world: World, server: Planted) => void>>> = {
  // nova-api deleted it alone, with its host down.
  'host-was-down': (world, server) => release(world, server, { onHost: false }),
  // Rows were marked by hand, and nobody asked Cinder.
  'row-gone-domain-runs': (world, server) => markMappings(world, server),
  'already-clean': (world, server) => release(world, server, { onHost: true }),
  'shelved-offloaded': reserve,
};

const NO_ROW_ON_A_HOST: readonly State[] = ['error-never-scheduled', 'build-request-only'];

/** From a running server's volumes to those of a server in this state. @throws Error for a state in which no volume was thought of */
export function reachState(world: World, server: Planted, state: State): void {
  if (NO_ROW_ON_A_HOST.includes(state))
    throw new Error(`volumes of a server that is ${state} were not thought of`);
  AFTERWARDS[state]?.(world, server);
  world.machines
    .prepare("UPDATE waiting SET mappings = ? WHERE server = ? AND method = 'terminate_instance'")
    .run(JSON.stringify(readVolumes(world, 'nova', server.uuid)), server.uuid);
}

/**
 * Off its host a server holds its volumes by attachments to no host (nova 26 `compute/manager.py:_terminate_volume_connections`): a new
 * one is made, then the old one deleted. Nova keeps what it noted of the connection.
 */
function reserve(world: World, server: Planted): void {
  disconnectVolumes(world, server.host, readVolumes(world, 'nova', server.uuid));
  for (const volume of server.volumes) {
    const id = volume.attachment.replace(/^.{8}/, '5e5e5e5e');
    const cinder = world.db('cinder');
    const old = cinder.prepare('SELECT * FROM volume_attachment WHERE id = ?').get(volume.attachment);
    if (old === undefined) throw new Error(`${volume.name} has no attachment`);
    const fresh = {
      id,
      attach_status: 'reserved',
      attached_host: null,
      mountpoint: null,
      attach_time: null,
      attach_mode: 'null',
    };
    insertRows(
      world,
      new Map([
        ['cinder.volume_attachment', [{ ...(old as Row), ...fresh, connection_info: null, connector: null }]],
      ]),
    );
    endAttachment(world, old);
    world
      .db('nova')
      .prepare('UPDATE block_device_mapping SET attachment_id = ? WHERE attachment_id = ?')
      .run(id, volume.attachment);
  }
}

function release(world: World, server: Planted, { onHost }: { readonly onHost: boolean }): void {
  const volumes = readVolumes(world, 'nova', server.uuid);
  if (onHost) disconnectVolumes(world, server.host, volumes);
  detachVolumes(world, volumes);
  deleteVolumes(world, volumes);
  markMappings(world, server);
}

/** With the moment at which the server was marked. */
function markMappings(world: World, { uuid }: Planted): void {
  world
    .db('nova')
    .prepare(
      `UPDATE block_device_mapping SET deleted = id, deleted_at = (SELECT deleted_at FROM instances WHERE uuid = ?1)
       WHERE instance_uuid = ?1 AND destination_type = 'volume' AND deleted = 0`,
    )
    .run(uuid);
}
