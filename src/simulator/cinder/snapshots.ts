/** `GET /snapshots` (cinder 21 `api/v3/snapshots.py`, `api/views/snapshots.py:summary`). */
import { type Answer, type DatabaseRow, isoTime, notTaught } from '../http/exchange.ts';
import { isAdmin } from '../keystone/tokens.ts';
import { fault } from '../nova-api/errors.ts';
import type { World } from '../world.ts';
import { readFilters, type VolumeRequest } from './request.ts';
import { listRows } from './rows.ts';

const FILTERS: Readonly<Record<string, string>> = { volume_id: 'volume_id', status: 'status' };

export function answerSnapshots(world: World, { asked, caller, path }: VolumeRequest): Answer {
  if (asked.method !== 'GET' || path !== '/snapshots') return fault(501, notTaught(asked));
  const given = readFilters(asked, FILTERS);
  if ('status' in given) return given;
  const own = isAdmin(caller) && asked.query.has('all_tenants') ? [] : [caller.project];
  const rows = listRows(world, 'snapshots', given, own);
  return { status: 200, body: { snapshots: rows.map((row) => summary(world, row)) } };
}

function summary(world: World, row: DatabaseRow): unknown {
  const metadata = world
    .db('cinder')
    .prepare(
      'SELECT key, value FROM snapshot_metadata WHERE snapshot_id = ? AND coalesce(deleted, 0) = 0 ORDER BY id',
    )
    .all(row['id'] ?? null);
  const time = (column: string) => isoTime(row[column])?.replace('Z', '.000000') ?? null;
  return {
    id: row['id'],
    created_at: time('created_at'),
    updated_at: time('updated_at'),
    name: row['display_name'],
    description: row['display_description'],
    volume_id: row['volume_id'],
    status: row['status'],
    size: row['volume_size'],
    metadata: Object.fromEntries(metadata.map((pair) => [String(pair['key']), pair['value']])),
  };
}
