/** nova-api's part of a delete. */
import { deleteImage } from '../glance/images.ts';
import { portsOf } from '../neutron/ports.ts';
import { removeAllocations } from '../placement/allocations.ts';
import { type ServiceDatabase, sqlTime, type World } from '../world.ts';
import { deallocateNetwork } from './network.ts';
import {
  type Cell,
  destroyServer,
  markMapping,
  readServer,
  type ServerRow,
  saveServer,
  softDelete,
  startAction,
} from './server-rows.ts';
import { computeIsUp } from './services.ts';
import { together } from './together.ts';
import { deleteVolumes, detachVolumes, readVolumes } from './volumes.ts';

/** nova `objects/cell_mapping.py:CellMapping.CELL0_UUID` */
const CELL0_UUID = '00000000-0000-0000-0000-000000000000';

const WRITES: readonly ServiceDatabase[] = [
  'nova',
  'nova_cell0',
  'nova_api',
  'neutron',
  'placement',
  'glance',
  'cinder',
];

/**
 * `DELETE /servers/{id}` by an admin (nova 26 `compute/api.py:_delete`). With its nova-compute up, the server is marked and the request
 * put into that host's queue; with it down, or without a host, nova-api deletes alone what it can reach (`_local_delete`): ports,
 * allocations, rows. The host keeps everything then.
 *
 * @throws Error when Nova knows no such server, and for a delete that the simulated nova-api was not taught
 */
export function requestDelete(world: World, serverUuid: string): void {
  together(world, WRITES, () => {
    const cell = findCell(world, serverUuid);
    if (cell === null) {
      deleteWhileBooting(world, serverUuid);
      return;
    }
    const server = readServer(world, cell, serverUuid);
    if (server === null || server.deleted !== 0) throw notFound(serverUuid);
    if (server.disableTerminate) return;
    if (server.host === null && !mayHavePorts(server)) {
      destroyServer(world, cell, serverUuid);
      cleanUpLocally(world, serverUuid);
      return;
    }
    deleteScheduled(world, cell, server);
  });
}

/** nova 26 `compute/utils.py:may_have_ports_or_volumes`: once had a host, or failed on one. */
function mayHavePorts({ vmState }: ServerRow): boolean {
  return vmState === 'shelved_offloaded' || vmState === 'error';
}

function deleteScheduled(world: World, cell: Cell, server: ServerRow): void {
  const { uuid, host, vmState } = server;
  refuseUntaught(server);
  if (vmState === 'shelved' || vmState === 'shelved_offloaded') deleteShelvedImage(world, cell, uuid);
  saveServer(world, cell, uuid, { task_state: 'deleting', progress: 0 });
  const up = host !== null && computeIsUp(world, host) === true;
  if (up) {
    // Nova answers 204 and does nothing: the first request is thought to be under way.
    if (server.taskState === 'deleting' || server.taskState === 'soft-deleting') return;
    startAction(world, cell, server, 'delete');
    world.machines
      .prepare("INSERT INTO waiting (host, method, server, mappings) VALUES (?, 'terminate_instance', ?, ?)")
      .run(host, uuid, JSON.stringify(readVolumes(world, cell, uuid)));
    markMapping(world, uuid);
    return;
  }
  if (host !== null && portsOf(world, uuid).length > 0) sendEvent(world, host, uuid);
  deallocateNetwork(world, cell, uuid);
  cleanUpVolumes(world, cell, uuid);
  removeAllocations(world, uuid);
  saveServer(world, cell, uuid, {
    vm_state: 'deleted',
    task_state: null,
    terminated_at: sqlTime(world.now()),
  });
  markMapping(world, uuid);
  destroyServer(world, cell, uuid);
}

/**
 * Neutron tells Nova of the first port that changes, while the row still lives, and nova-api hands it on, whether the host's
 * nova-compute is up or not (`compute/api.py:external_instance_event`). Of the others it tells two seconds later, of a server that is gone.
 */
function sendEvent(world: World, host: string, uuid: string): void {
  world.machines
    .prepare("INSERT INTO waiting (host, method, server) VALUES (?, 'external_instance_event', ?)")
    .run(host, uuid);
}

/** A resize is confirmed first by the host that it came from. */
function refuseUntaught({ uuid, vmState }: ServerRow): void {
  if (vmState === 'resized')
    throw new Error(`the simulated nova-api was not taught to confirm the resize of ${uuid}`);
}

/** `_local_cleanup_bdm_volumes`, with a service token: what Cinder refuses stays, and the rows go in any case. The host keeps all of it. */
function cleanUpVolumes(world: World, cell: Cell, uuid: string): void {
  const volumes = readVolumes(world, cell, uuid);
  detachVolumes(world, volumes);
  deleteVolumes(world, volumes);
  softDelete(world, cell, 'block_device_mapping', 'instance_uuid', uuid);
}

/** An image that is gone already is no error to Nova. */
function deleteShelvedImage(world: World, cell: Cell, uuid: string): void {
  const row = world
    .db(cell)
    .prepare(
      "SELECT value FROM instance_system_metadata WHERE instance_uuid = ? AND key = 'shelved_image_id' AND deleted = 0",
    )
    .get(uuid);
  const image = row?.['value'];
  if (typeof image === 'string') deleteImage(world, image);
}

/** `_delete_while_booting`: without the request nothing is built; the mapping stays, marked. */
function deleteWhileBooting(world: World, uuid: string): void {
  const { changes } = world
    .db('nova_api')
    .prepare('DELETE FROM build_requests WHERE instance_uuid = ?')
    .run(uuid);
  if (changes === 0) throw notFound(uuid);
  cleanUpLocally(world, uuid);
}

/** `_local_delete_cleanup` */
function cleanUpLocally(world: World, uuid: string): void {
  removeAllocations(world, uuid);
  markMapping(world, uuid);
}

/** @returns null when it is in none yet */
function findCell(world: World, uuid: string): Cell | null {
  const api = world.db('nova_api');
  const row = api.prepare('SELECT cell_id FROM instance_mappings WHERE instance_uuid = ?').get(uuid);
  if (row === undefined) throw notFound(uuid);
  if (row['cell_id'] === null) return null;
  const cell = api.prepare('SELECT uuid FROM cell_mappings WHERE id = ?').get(Number(row['cell_id']));
  return cell?.['uuid'] === CELL0_UUID ? 'nova_cell0' : 'nova';
}

function notFound(uuid: string): Error {
  return new Error(`Instance ${uuid} could not be found.`);
}
