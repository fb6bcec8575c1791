/** nova-compute of one host: requests that wait for it, and the deletes that it does. */
import { portsOf } from '../neutron/ports.ts';
import { removeAllocations } from '../placement/allocations.ts';
import { type ServiceDatabase, sqlTime, type World } from '../world.ts';
import { DeleteFailure } from './failure.ts';
import { readCachedVifs } from './network.ts';
import {
  destroyServer,
  failServer,
  markMapping,
  readServer,
  recordEvent,
  saveExtraOfDeleted,
  saveServer,
} from './server-rows.ts';
import { shutDownServer } from './shutdown.ts';
import { together } from './together.ts';
import { parseMappings, type VolumeMapping } from './volumes.ts';

/** The databases that a delete writes to. */
export const DELETE_WRITES: readonly ServiceDatabase[] = [
  'nova',
  'nova_api',
  'neutron',
  'placement',
  'cinder',
];

/** nova 26 `compute/power_state.py:NOSTATE` */
const NOSTATE = 0;

/**
 * Nova's own delete on a host, in the order of nova 26 `compute/manager.py:_delete_instance`: domain, interfaces, volumes and files, network,
 * volumes in Cinder, allocations, console tokens, rows. Also sets `queued_for_delete`, which nova-api has done by then when the request came from it.
 *
 * A server that is deleted already ends where Nova notices it: host and network are done, its rows are not touched again, but for
 * one row in instance_extra that holds nothing.
 *
 * @throws DeleteFailure where Nova's delete fails, or the simulated one was not taught; the host is as far as it came
 */
export function terminateInstance(
  world: World,
  host: string,
  serverUuid: string,
  volumes: readonly VolumeMapping[] | null = null,
): void {
  together(world, DELETE_WRITES, () => {
    shutDownServer(world, host, serverUuid, { readDeleted: false, volumes });
    const row = readServer(world, 'nova', serverUuid);
    if (row === null) return;
    if (row.deleted !== 0) {
      saveExtraOfDeleted(world, serverUuid);
      return;
    }
    saveServer(world, 'nova', serverUuid, {
      vm_state: 'deleted',
      task_state: null,
      power_state: NOSTATE,
      terminated_at: sqlTime(world.now()),
    });
    removeAllocations(world, serverUuid);
    destroyServer(world, 'nova', serverUuid);
    markMapping(world, serverUuid);
  });
}

/** Does everything that waits for the nova-compute of a host, the oldest first. */
export function takeWaiting(world: World, host: string): void {
  const waiting = world.machines
    .prepare('SELECT id, method, server, mappings FROM waiting WHERE host = ? ORDER BY id')
    .all(host);
  for (const { id, method, server, mappings } of waiting) {
    take(world, host, String(method), String(server), parseMappings(mappings));
    world.machines.prepare('DELETE FROM waiting WHERE id = ?').run(Number(id));
  }
}

/** The action that a user asked for, by the method that nova-compute is asked for. */
const ACTIONS: ReadonlyMap<string, string> = new Map([
  ['terminate_instance', 'delete'],
  ['shelve_instance', 'shelve'],
]);

/** @throws Error for a method that nobody taught */
function take(
  world: World,
  host: string,
  method: string,
  server: string,
  volumes: readonly VolumeMapping[] | null,
): void {
  if (method === 'external_instance_event') {
    hearNeutron(world, server);
    return;
  }
  const action = ACTIONS.get(method);
  if (action === undefined) throw notTaught(method);
  const step = { action, event: `compute_${method}`, host };
  const error =
    method === 'terminate_instance' ? tryTerminate(world, host, server, volumes) : notTaught(method).message;
  if (error !== null && readServer(world, 'nova', server)?.deleted === 0)
    failServer(world, server, host, error);
  recordEvent(world, server, error === null ? step : { ...step, error });
}

/**
 * Neutron tells that something is new with a port of a server (nova 26 `compute/manager.py:external_instance_event`). A deleted server
 * cannot be written to, and where the cache has the same ports as Neutron there is nothing to write.
 *
 * @throws Error when a live server has lost or got a port, which nova-compute would now unplug or plug
 */
function hearNeutron(world: World, server: string): void {
  if (readServer(world, 'nova', server)?.deleted !== 0) return;
  const cached = readCachedVifs(world, 'nova', server).map(({ id }) => id);
  const there = portsOf(world, server).map(({ id }) => id);
  if (cached.length !== there.length || cached.some((id) => !there.includes(id)))
    throw notTaught(`external_instance_event for the changed ports of ${server}`);
}

function tryTerminate(
  world: World,
  host: string,
  server: string,
  volumes: readonly VolumeMapping[] | null = null,
): string | null {
  try {
    terminateInstance(world, host, server, volumes);
    return null;
  } catch (error) {
    if (error instanceof DeleteFailure) return error.message;
    throw error;
  }
}

/** A request of a user fails as others do in a real cloud, and the server's fault says why; any other is an error of the world. */
function notTaught(what: string): Error {
  return new Error(`the simulated nova-compute was not taught ${what}`);
}

/**
 * nova 26 `compute/manager.py:_init_instance`, when nova-compute starts: a delete that it had in hand is begun again, one of which
 * only the end is missing is ended (`_complete_partial_deletion`).
 */
export function restartInterruptedDeletes(world: World, host: string): void {
  const rows = world
    .db('nova')
    .prepare('SELECT uuid, vm_state, task_state FROM instances WHERE host = ? AND deleted = 0 ORDER BY id')
    .all(host);
  for (const row of rows) {
    const uuid = String(row['uuid']);
    if (row['vm_state'] === 'deleted') endDelete(world, uuid);
    else if (row['task_state'] === 'deleting' && row['vm_state'] !== 'soft-delete') {
      const error = tryTerminate(world, host, uuid);
      if (error !== null) saveServer(world, 'nova', uuid, { vm_state: 'error' });
    }
  }
}

function endDelete(world: World, uuid: string): void {
  together(world, DELETE_WRITES, () => {
    destroyServer(world, 'nova', uuid);
    removeAllocations(world, uuid);
  });
}
