/** Images in Glance's tables and store (glance 25, Zed). */

import { isRecord } from '../../site/parse.ts';
import { type DatabaseRow, isoTime, readJson } from '../http/exchange.ts';
import { inTransaction, readMeta, sqlTime, type World } from '../world.ts';

/** A deleted image is found by nobody, an administrator included (glance 25 `db/__init__.py:ImageRepo.get`). */
export function findImage(world: World, id: string): DatabaseRow | null {
  return world.db('glance').prepare('SELECT * FROM images WHERE id = ? AND deleted = 0').get(id) ?? null;
}

/** Keys and order of glance 25 `api/v2/images.py:_format_image`: what users set comes first. */
export function imageBody(world: World, image: DatabaseRow): Readonly<Record<string, unknown>> {
  const id = String(image['id']);
  const list = (table: string, order: string) =>
    world
      .db('glance')
      .prepare(`SELECT * FROM ${table} WHERE image_id = ? AND deleted = 0 ORDER BY ${order}`)
      .all(id);
  const stores = list('image_locations', 'id').flatMap((location) => {
    const data = readJson(location['meta_data']);
    return isRecord(data) && typeof data['store'] === 'string' ? [data['store']] : [];
  });
  const columns = [
    'name',
    'disk_format',
    'container_format',
    'visibility',
    'size',
    'virtual_size',
    'status',
    'checksum',
    'protected',
    'min_ram',
    'min_disk',
    'owner',
    'os_hidden',
    'os_hash_algo',
    'os_hash_value',
  ];
  const flags = new Set(['protected', 'os_hidden']);
  return {
    ...Object.fromEntries(list('image_properties', 'id').map((row) => [String(row['name']), row['value']])),
    ...Object.fromEntries(columns.map((name) => [name, flags.has(name) ? image[name] === 1 : image[name]])),
    id,
    created_at: isoTime(image['created_at']),
    updated_at: isoTime(image['updated_at']),
    tags: list('image_tags', 'id').map((tag) => tag['value']),
    self: `/v2/images/${id}`,
    file: `/v2/images/${id}/file`,
    schema: '/v2/schemas/image',
    ...(stores.length === 0 ? {} : { stores: stores.join(',') }),
  };
}

/**
 * Whether the store refuses to give the data up: on Ceph when images were cloned from it. A world lists such images in
 * `glance.in_use`, with spaces between.
 */
export function isInUse(world: World, imageId: string): boolean {
  return (readMeta(world, 'glance.in_use') ?? '').split(' ').includes(imageId);
}

/**
 * Deletes the image's data and marks the image and all that belongs to it as deleted (glance 25 `location.py:ImageProxy.delete`,
 * then `db/sqlalchemy/api.py:image_update` and `image_destroy`). No row goes. Nothing happens to an image that is not there.
 */
export function deleteImage(world: World, imageId: string): void {
  if (findImage(world, imageId) === null) return;
  const db = world.db('glance');
  const now = sqlTime(world.now());
  removeData(world, imageId);
  inTransaction(db, () => {
    db.prepare(
      "UPDATE images SET status = 'deleted', deleted = 1, deleted_at = ?, updated_at = ? WHERE id = ?",
    ).run(now, now, imageId);
    db.prepare("UPDATE image_locations SET status = 'deleted' WHERE image_id = ? AND deleted = 0").run(
      imageId,
    );
    for (const table of ['image_locations', 'image_properties', 'image_members', 'image_tags'])
      db.prepare(
        `UPDATE ${table} SET deleted = 1, deleted_at = ?, updated_at = ? WHERE image_id = ? AND deleted = 0`,
      ).run(now, now, imageId);
  });
}

/** The files that the image's locations name, `file:///…`, on the machine `glance`. One that is gone already is no error. */
function removeData(world: World, imageId: string): void {
  const locations = world
    .db('glance')
    .prepare('SELECT value FROM image_locations WHERE image_id = ? AND deleted = 0')
    .all(imageId);
  inTransaction(world.machines, () => {
    for (const { value } of locations) {
      const url = new URL(String(value));
      if (url.protocol !== 'file:')
        throw new Error(`the simulator was not taught to delete an image at ${url.protocol}`);
      world.machines
        .prepare("DELETE FROM files WHERE host = 'glance' AND path = ?")
        .run(decodeURIComponent(url.pathname));
    }
  });
}
