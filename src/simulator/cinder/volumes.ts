/** `/volumes`: list, show, delete (cinder 21 `api/v3/volumes.py`, `volume/api.py:delete`). */
import { type Answer, type DatabaseRow, notTaught } from '../http/exchange.ts';
import { isAdmin } from '../keystone/tokens.ts';
import { fault } from '../nova-api/errors.ts';
import { inTransaction, sqlTime, type World } from '../world.ts';
import { deleteData } from './backend.ts';
import { readFilters, type VolumeRequest } from './request.ts';
import { findVolume, listRows } from './rows.ts';
import { backendAnswers } from './services.ts';
import { volumeDetail, volumeSummary } from './volume-body.ts';

/** Filters with their columns. */
const FILTERS: Readonly<Record<string, string>> = { name: 'display_name', status: 'status' };

export function answerVolumes(world: World, request: VolumeRequest): Answer {
  const { asked, path, caller } = request;
  if (asked.method === 'GET' && path === '/volumes')
    return list(world, request, (row) => volumeSummary(request, row));
  if (asked.method === 'GET' && path === '/volumes/detail')
    return list(world, request, (row) => volumeDetail(world, request, row));
  const id = /^\/volumes\/([^/]+)$/.exec(path)?.[1];
  if (id === undefined || asked.query.size > 0 || !['GET', 'DELETE'].includes(asked.method))
    return fault(501, notTaught(asked, [...asked.query.keys()].join(', ') || undefined));
  const volume = findVolume(world, id, caller);
  if (volume === null) return volumeNotFound(id);
  return asked.method === 'GET'
    ? { status: 200, body: { volume: volumeDetail(world, request, volume) } }
    : remove(world, request, volume);
}

export function volumeNotFound(id: string): Answer {
  return fault(404, `Volume ${id} could not be found.`);
}

function list(world: World, { asked, caller }: VolumeRequest, show: (row: DatabaseRow) => unknown): Answer {
  const { query } = asked;
  const given = readFilters(asked, FILTERS);
  if ('status' in given) return given;
  const isForAll = isAdmin(caller) && /^(1|t|true|on|y|yes)$/i.test(query.get('all_tenants') ?? '');
  const own = isForAll ? [] : [caller.project];
  const rows = listRows(world, 'volumes', given, own);
  return { status: 200, body: { volumes: rows.map(show) } };
}

const DELETABLE = ['available', 'error', 'error_restoring', 'error_extending', 'error_managing'];

/**
 * Cinder's API marks the volume as `deleting` and asks cinder-volume, which is quick here: the volume is gone with the answer. Without
 * one it stays so.
 */
function remove(world: World, { asked, caller }: VolumeRequest, volume: DatabaseRow): Answer {
  if (!isAdmin(caller)) return fault(501, notTaught(asked, 'what a user without the role admin may delete'));
  if (!deleteVolume(world, volume))
    return fault(
      400,
      `Invalid volume: Volume status must be ${DELETABLE.join(' or ')} and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.`,
    );
  return { status: 202 };
}

/**
 * One whose data the storage keeps, because a client has it open, is available again (cinder 21 `volume/manager.py:delete_volume`).
 *
 * @returns false when the API refuses: it is in use, or has what must go first
 */
export function deleteVolume(world: World, volume: DatabaseRow): boolean {
  const id = String(volume['id']);
  const snapshots = world
    .db('cinder')
    .prepare('SELECT 1 FROM snapshots WHERE volume_id = ? AND coalesce(deleted, 0) = 0')
    .all(id);
  const migration = volume['migration_status'];
  const mayGo =
    DELETABLE.includes(String(volume['status'])) &&
    volume['attach_status'] !== 'attached' &&
    (migration === null || ['deleting', 'error', 'success'].includes(String(migration))) &&
    volume['consistencygroup_id'] === null &&
    volume['group_id'] === null &&
    snapshots.length === 0;
  if (!mayGo) return false;
  const mark = (status: string) =>
    world
      .db('cinder')
      .prepare('UPDATE volumes SET status = ?, updated_at = ? WHERE id = ?')
      .run(status, sqlTime(world.now()), id);
  if (!backendAnswers(world, volume)) mark('deleting');
  else if (deleteData(world, id)) destroyVolume(world, volume);
  else mark('available');
  return true;
}

/** cinder 21 `db/sqlalchemy/api.py:volume_destroy` with `VOLUME_DEPENDENT_MODELS`, and the project's quota as it counts then. */
function destroyVolume(world: World, volume: DatabaseRow): void {
  const db = world.db('cinder');
  const id = volume['id'] ?? null;
  const now = sqlTime(world.now());
  inTransaction(db, () => {
    db.prepare(
      `UPDATE volumes SET status = 'deleted', deleted = 1, deleted_at = ?, terminated_at = ?, migration_status = NULL
       WHERE id = ?`,
    ).run(now, now, id);
    for (const table of [
      'volume_metadata',
      'volume_admin_metadata',
      'snapshots',
      'transfers',
      'volume_glance_metadata',
      'volume_attachment',
    ])
      db.prepare(
        `UPDATE ${table} SET deleted = 1, deleted_at = ? WHERE volume_id = ? AND coalesce(deleted, 0) = 0`,
      ).run(now, id);
    if (volume['status'] === 'error_managing' || volume['use_quota'] === 0) return;
    const type = db
      .prepare('SELECT name FROM volume_types WHERE id = ?')
      .get(volume['volume_type_id'] ?? null);
    const give = db.prepare(
      `UPDATE quota_usages SET in_use = in_use - ?, updated_at = ?
       WHERE project_id = ? AND resource = ? AND coalesce(deleted, 0) = 0`,
    );
    for (const suffix of ['', ...(type === undefined ? [] : [`_${type['name']}`])]) {
      give.run(1, now, volume['project_id'] ?? null, `volumes${suffix}`);
      give.run(Number(volume['size'] ?? 0), now, volume['project_id'] ?? null, `gigabytes${suffix}`);
    }
  });
}
