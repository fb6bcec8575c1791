/** `GET /os-services`: Nova's services of all cells, and whether they report. */
import {
  type Answer,
  type Asked,
  type DatabaseRow,
  isoTime,
  notTaught,
  unknownKeys,
} from '../http/exchange.ts';
import type { World } from '../world.ts';
import { fault } from './errors.ts';

/** `[DEFAULT]service_down_time`, in the simulated cloud's nova.conf and in Nova's default alike. */
const DOWN_AFTER_S = 60;

/** nova 26 `api/openstack/compute/services.py:index`. */
export function listServices(world: World, asked: Asked, version: number): Answer {
  const unknown = unknownKeys(asked.query, ['host', 'binary']);
  if (unknown.length > 0) return fault(501, notTaught(asked, `the query ${unknown.join(', ')}`));
  const wanted = (row: DatabaseRow) =>
    ['host', 'binary'].every((key) => (asked.query.get(key) ?? row[key]) === row[key]);
  const rows = (['nova_cell0', 'nova'] as const)
    .flatMap((cell) => world.db(cell).prepare('SELECT * FROM services WHERE deleted = 0 ORDER BY id').all())
    .filter(wanted);
  return { status: 200, body: { services: rows.map((row) => show(world, row, version)) } };
}

function show(world: World, row: DatabaseRow, version: number): unknown {
  const isCompute = row['binary'] === 'nova-compute';
  return {
    binary: row['binary'],
    host: row['host'],
    id: version >= 53 ? row['uuid'] : row['id'],
    zone: isCompute ? zoneOf(world, String(row['host'])) : 'internal',
    status: row['disabled'] === 1 ? 'disabled' : 'enabled',
    state: isUp(world, row) ? 'up' : 'down',
    updated_at: isoTime(row['updated_at'])?.replace('Z', '.000000') ?? null,
    disabled_reason: row['disabled_reason'],
    ...(version >= 11 ? { forced_down: row['forced_down'] === 1 } : {}),
  };
}

/** nova 26 `servicegroup/drivers/db.py:is_up`. */
function isUp(world: World, row: DatabaseRow): boolean {
  if (row['forced_down'] === 1) return false;
  const seen = isoTime(row['last_seen_up'] ?? row['created_at']);
  return seen !== null && Math.abs(world.now().getTime() - Date.parse(seen)) <= DOWN_AFTER_S * 1000;
}

/** The zone of the aggregate that the host is in (nova 26 `availability_zones.py:set_availability_zones`). */
function zoneOf(world: World, host: string): unknown {
  const row = world
    .db('nova_api')
    .prepare(
      `SELECT m.value AS zone FROM aggregate_hosts h JOIN aggregate_metadata m ON m.aggregate_id = h.aggregate_id
       WHERE h.host = ? AND m.key = 'availability_zone' LIMIT 1`,
    )
    .get(host);
  return row?.['zone'] ?? 'nova';
}
