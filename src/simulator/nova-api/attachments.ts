/** What Nova says when Cinder asks it for a volume of a server. */
import type { World } from '../world.ts';

/**
 * `GET /servers/{server}/os-volume_attachments/{volume}` at 2.89 (nova 26 `api/openstack/compute/volumes.py:show`): the server is
 * looked up by its mapping, then the volume among the block devices that are not deleted.
 *
 * @returns the id of the attachment that Nova holds, null when it holds none by id; undefined for Nova's 404
 */
export function attachmentKnownToNova(
  world: World,
  server: string,
  volume: string,
): string | null | undefined {
  const mapping = world
    .db('nova_api')
    .prepare('SELECT 1 FROM instance_mappings WHERE instance_uuid = ? AND cell_id IS NOT NULL')
    .get(server);
  if (mapping === undefined) return undefined;
  for (const cell of ['nova', 'nova_cell0'] as const) {
    const row = world
      .db(cell)
      .prepare(
        `SELECT b.attachment_id FROM instances i JOIN block_device_mapping b ON b.instance_uuid = i.uuid
         WHERE i.uuid = ? AND i.deleted = 0 AND b.volume_id = ? AND b.deleted = 0`,
      )
      .get(server, volume);
    if (row !== undefined) return typeof row['attachment_id'] === 'string' ? row['attachment_id'] : null;
  }
  return undefined;
}
