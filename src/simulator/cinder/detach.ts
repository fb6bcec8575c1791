/** The rows of an attachment that ends (cinder 21 `objects/volume.py:finish_detach`, `db/sqlalchemy/api.py:volume_detached`). */
import { inTransaction, sqlTime, type World } from '../world.ts';

const STATUS_BY_ATTACH_STATUS: Readonly<Record<string, string>> = {
  attached: 'in-use',
  detached: 'available',
};

/**
 * Marks the attachment as deleted and works the volume's two statuses out anew. An attachment that is not there is passed over.
 * `updated_at` of all rows stays as it was.
 */
export function finishDetach(world: World, volumeId: string, attachmentId: string | null): void {
  const db = world.db('cinder');
  const now = sqlTime(world.now());
  inTransaction(db, () => {
    db.prepare(
      `UPDATE volume_attachment SET deleted = 1, deleted_at = ?, attach_status = 'detached', detach_time = ?
       WHERE id = ? AND coalesce(deleted, 0) = 0`,
    ).run(now, now, attachmentId);
    // Alphabetical order is the order of importance: attached, attaching, detaching, reserved.
    const first = db
      .prepare(
        `SELECT attach_status FROM volume_attachment WHERE volume_id = ? AND coalesce(deleted, 0) = 0
         AND attach_status NOT LIKE 'error\\_%' ESCAPE '\\' ORDER BY attach_status LIMIT 1`,
      )
      .get(volumeId);
    const attachStatus = String(first?.['attach_status'] ?? 'detached');
    const status = STATUS_BY_ATTACH_STATUS[attachStatus] ?? attachStatus;
    db.prepare('UPDATE volumes SET attach_status = ? WHERE id = ?').run(attachStatus, volumeId);
    // Migration and upload set the status themselves when they end.
    db.prepare(
      `UPDATE volumes SET status = ? WHERE id = ? AND (? <> 'detached' OR migration_status IN ('success', 'error')
       OR (coalesce(migration_status, '') = '' AND status <> 'uploading'))`,
    ).run(status, volumeId, attachStatus);
    db.prepare(
      `UPDATE volume_admin_metadata SET deleted = 1, deleted_at = ?
       WHERE volume_id = ? AND key = 'attached_mode' AND coalesce(deleted, 0) = 0`,
    ).run(now, volumeId);
  });
}
