/** Cinder's own rows of a volume, read only where the site file names Cinder's database: what no API tells, and what surgery changes. */

import { LookError } from '../../plan/errors.ts';
import * as z from '../../plan/zod.ts';
import type { Reader } from '../../site/reader.ts';
import { reason } from '../kind.ts';
import { type Connector, parseConnector } from '../subject/connector.ts';
import { flag, text } from '../subject/parse.ts';

export interface AttachmentRow {
  readonly id: string;
  readonly server: string | null;
  readonly status: string | null;
  /** what the host called itself: Queens (12) and later */
  readonly connector: Connector | null;
}

export interface CinderRows {
  readonly status: string | null;
  readonly attachStatus: string | null;
  readonly migration: string | null;
  /** Cinder is of Queens (12) or later */
  readonly sinceQueens: boolean;
  /** those that live */
  readonly attachments: readonly AttachmentRow[];
  /** ids of the live rows of volume_admin_metadata that say how it is attached */
  readonly attachedModes: readonly number[];
}

export const DATABASE = 'cinder';

/** @returns why not, where the site does not name the database or it cannot be read: only surgery cannot do without */
export async function readRows(
  look: Reader,
  volumeId: string,
): Promise<CinderRows | { readonly why: string }> {
  if (!look.sql.names(DATABASE))
    return { why: "the site file does not name Cinder's database (databases.cinder)" };
  try {
    return await readAll(look, volumeId);
  } catch (error) {
    if (!(error instanceof LookError)) throw error;
    return { why: `Cinder's database cannot be read: ${reason(error)}` };
  }
}

async function readAll(look: Reader, volumeId: string): Promise<CinderRows | { readonly why: string }> {
  const columns = (await look.sql.columns(DATABASE, ['volume_attachment'])).get('volume_attachment');
  // To 2014.2 the columns of `volumes` say it; such a Cinder has no attachment that one could tell from another.
  if (columns === undefined) return { why: 'this Cinder has no table volume_attachment (before Kilo)' };
  const [volumes, attachments, modes] = await Promise.all([
    look.sql.rows(DATABASE, (sql) =>
      sql
        .selectFrom('volumes')
        .select(['id', 'status', 'attach_status', 'migration_status'])
        .where('id', '=', volumeId),
    ),
    look.sql.rows(DATABASE, (sql) =>
      sql.selectFrom('volume_attachment').selectAll().where('volume_id', '=', volumeId).orderBy('id'),
    ),
    look.sql.rows(DATABASE, (sql) =>
      sql
        .selectFrom('volume_admin_metadata')
        .select(['id', 'deleted'])
        .where('volume_id', '=', volumeId)
        .where('key', '=', 'attached_mode')
        .orderBy('id'),
    ),
  ]);
  const [volume] = volumes;
  if (volume === undefined) return { why: `Cinder's database has no volume ${volumeId}` };
  return {
    status: text(volume, 'status'),
    attachStatus: text(volume, 'attach_status'),
    migration: text(volume, 'migration_status'),
    // It came with Queens (cinder 12 `db/sqlalchemy/migrate_repo/versions/116_add_volume_attachment_connector.py`).
    sinceQueens: columns.has('connector'),
    attachments: attachments
      .filter((row) => !flag(row, 'deleted'))
      .map((row) => ({
        id: text(row, 'id') ?? '',
        server: text(row, 'instance_uuid'),
        status: text(row, 'attach_status'),
        connector: parseConnector(text(row, 'connector')),
      })),
    attachedModes: modes.filter((row) => !flag(row, 'deleted')).map((row) => z.number().parse(row['id'])),
  };
}
