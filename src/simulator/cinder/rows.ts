/** Rows of Cinder's that are not deleted. `deleted` is 0 or 1 here, and 0 in rows that nothing wrote it into. */
import { type DatabaseRow, pythonJson } from '../http/exchange.ts';
import { type Caller, isAdmin } from '../keystone/tokens.ts';
import { sqlTime, type World } from '../world.ts';

/** For a service, which sees every project's. */
export function findAnyVolume(world: World, id: string): DatabaseRow | null {
  const row = world
    .db('cinder')
    .prepare('SELECT * FROM volumes WHERE id = ? AND coalesce(deleted, 0) = 0')
    .get(id);
  return row ?? null;
}

/** @param caller who may know only of its own project's volumes without the role admin */
export function findVolume(world: World, id: string, caller: Caller): DatabaseRow | null {
  const row = findAnyVolume(world, id);
  return row !== null && (isAdmin(caller) || row['project_id'] === caller.project) ? row : null;
}

/** Connectors of before Pike are taken over when an attachment is looked at (see `adoptSpecs`). */
export function findAnyAttachment(world: World, id: string): DatabaseRow | null {
  const sql = 'SELECT * FROM volume_attachment WHERE id = ? AND coalesce(deleted, 0) = 0';
  const statement = world.db('cinder').prepare(sql);
  if (statement.get(id) === undefined) return null;
  adoptSpecs(world, id);
  return statement.get(id) ?? null;
}

export function findAttachment(world: World, id: string, caller: Caller): DatabaseRow | null {
  const row = world
    .db('cinder')
    .prepare('SELECT volume_id FROM volume_attachment WHERE id = ? AND coalesce(deleted, 0) = 0')
    .get(id);
  if (row === undefined || findVolume(world, String(row['volume_id']), caller) === null) return null;
  return findAnyAttachment(world, id);
}

export function attachmentsOf(world: World, volumeId: string): readonly DatabaseRow[] {
  return world
    .db('cinder')
    .prepare(
      'SELECT * FROM volume_attachment WHERE volume_id = ? AND coalesce(deleted, 0) = 0 ORDER BY created_at, id',
    )
    .all(volumeId);
}

/** cinder 21 `objects/volume_attachment.py:_from_db_object`: whoever loads an attachment moves its old specs into `connector`. */
function adoptSpecs(world: World, attachmentId: string): void {
  const db = world.db('cinder');
  const specs = db
    .prepare('SELECT key, value FROM attachment_specs WHERE attachment_id = ? AND coalesce(deleted, 0) = 0')
    .all(attachmentId);
  if (specs.length === 0) return;
  const now = sqlTime(world.now());
  const connector = Object.fromEntries(specs.map((row) => [String(row['key']), row['value']]));
  db.prepare('UPDATE volume_attachment SET connector = ?, updated_at = ? WHERE id = ?').run(
    pythonJson(connector),
    now,
    attachmentId,
  );
  db.prepare(
    'UPDATE attachment_specs SET deleted = 1, deleted_at = ? WHERE attachment_id = ? AND coalesce(deleted, 0) = 0',
  ).run(now, attachmentId);
}

/** Rows of a list, the youngest first. @param own the project whose rows alone are shown; empty: all */
export function listRows(
  world: World,
  table: 'volumes' | 'snapshots',
  given: readonly { readonly column: string; readonly value: string }[],
  own: readonly (string | null)[],
): readonly DatabaseRow[] {
  const conditions = [
    'coalesce(deleted, 0) = 0',
    ...given.map(({ column }) => `${column} = ?`),
    ...own.map(() => 'project_id = ?'),
  ];
  return world
    .db('cinder')
    .prepare(`SELECT * FROM ${table} WHERE ${conditions.join(' AND ')} ORDER BY created_at DESC, id DESC`)
    .all(...given.map(({ value }) => value), ...own);
}
