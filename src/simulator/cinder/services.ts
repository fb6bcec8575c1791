/**
 * `GET /os-services` (cinder 21 `api/contrib/services.py:index`), and which cinder-volume is there to be asked. Their reports are no rows
 * here: one that is alive has always just reported.
 */
import { type Answer, type DatabaseRow, isoTime, notTaught, unknownKeys } from '../http/exchange.ts';
import { isAdmin } from '../keystone/tokens.ts';
import { fault } from '../nova-api/errors.ts';
import { readMeta, setMeta, sqlTime, type World } from '../world.ts';
import type { VolumeRequest } from './request.ts';

const CLUSTERS_SINCE = 7;
const BACKEND_STATE_SINCE = 49;

export function answerServices(world: World, { asked, caller, version }: VolumeRequest): Answer {
  const unknown = unknownKeys(asked.query, ['host', 'binary']);
  if (asked.method !== 'GET' || unknown.length > 0 || version >= BACKEND_STATE_SINCE)
    return fault(501, notTaught(asked, unknown.join(', ') || undefined));
  if (!isAdmin(caller))
    return fault(403, "Policy doesn't allow volume_extension:services:index to be performed.");
  const rows = world
    .db('cinder')
    .prepare('SELECT * FROM services WHERE coalesce(deleted, 0) = 0 ORDER BY id')
    .all()
    .filter((row) => ['host', 'binary'].every((key) => (asked.query.get(key) ?? row[key]) === row[key]));
  return { status: 200, body: { services: rows.map((row) => show(world, row, version)) } };
}

function show(world: World, row: DatabaseRow, version: number): unknown {
  const alive = isAlive(world, String(row['host']));
  const seen = alive ? sqlTime(world.now()) : row['updated_at'];
  return {
    binary: row['binary'],
    host: row['host'],
    zone: row['availability_zone'],
    status: row['disabled'] === 1 ? 'disabled' : 'enabled',
    state: alive ? 'up' : 'down',
    updated_at: isoTime(seen)?.replace('Z', '.000000') ?? null,
    ...(version >= CLUSTERS_SINCE ? { cluster: row['cluster_name'] } : {}),
    disabled_reason: row['disabled_reason'],
    ...(row['binary'] === 'cinder-volume'
      ? {
          replication_status: row['replication_status'],
          active_backend_id: row['active_backend_id'],
          frozen: row['frozen'] === 1,
        }
      : {}),
  };
}

/** Ends a cinder-volume: what is asked of it from now on waits for an answer in vain. */
export function killBackend(world: World, host: string): void {
  setMeta(world, 'cinder.dead', JSON.stringify([...deadHosts(world), host]));
}

function deadHosts(world: World): readonly string[] {
  return JSON.parse(readMeta(world, 'cinder.dead') ?? '[]') as readonly string[];
}

function isAlive(world: World, host: string): boolean {
  return !deadHosts(world).includes(host);
}

/** Whether the cinder-volume of a volume (`host@backend#pool`) is there; one that was never scheduled has none, and needs none. */
export function backendAnswers(world: World, volume: DatabaseRow): boolean {
  const { host } = volume;
  return typeof host !== 'string' || isAlive(world, host.replace(/#.*$/, ''));
}

/** Cinder's API when cinder-volume does not answer within `rpc_response_timeout` (cinder 21 `api/middleware/fault.py`). */
export function timedOut(): Answer {
  return fault(500, 'The server has either erred or is incapable of performing the requested operation.');
}
