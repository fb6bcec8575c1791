/** The rows of Cinder's database that an attachment's end changes, as Cinder itself would change them. */
import type { DraftStep, SqlSet, SqlWhere, SqlWrite } from '../../plan/types.ts';
import { describeVolume } from './describe.ts';
import type { HeldVolume } from './find.ts';
import { type CinderRows, DATABASE } from './rows.ts';

const NOW: SqlSet = { now: true };

const STATUS: Readonly<Record<string, string>> = { attached: 'in-use', detached: 'available' };

function is(column: string, value: string | number | null): SqlWhere {
  return value === null ? { column, is: 'null' } : { column, is: '=', value };
}

/**
 * What Cinder leaves when it ends an attachment itself. The row of the attachment and that of its mode are the same from Kilo on (cinder
 * 2015.1, 11 and 21 `db/sqlalchemy/api.py:volume_detached`, `volume_admin_metadata_delete`); `updated_at` stays, as from Ocata (10) on.
 * What the volume is afterwards differs: `attachStatusAfter`.
 */
export function surgeryStep(held: HeldVolume, rows: CinderRows, server: string, why: string): DraftStep {
  const { volume } = held;
  const own = rows.attachments.filter((row) => row.server === server);
  const writes: SqlWrite[] = [
    ...own.map(
      ({ id, status }): SqlWrite => ({
        verb: 'update',
        table: 'volume_attachment',
        set: { deleted: 1, deleted_at: NOW, attach_status: 'detached', detach_time: NOW },
        where: [
          is('id', id),
          is('volume_id', volume.id),
          is('instance_uuid', server),
          is('attach_status', status),
        ],
        rows: 1,
      }),
    ),
    ...(rows.attachedModes.length === 0
      ? []
      : [
          {
            verb: 'update' as const,
            table: 'volume_admin_metadata',
            set: { deleted: 1, deleted_at: NOW },
            where: [{ column: 'id', is: 'in' as const, value: [...rows.attachedModes] }],
            rows: rows.attachedModes.length,
          },
        ]),
    ...volumeWrite(volume.id, rows, server),
  ];
  const ids = own.map(({ id }) => id);
  return {
    id: `volumes/${volume.id}/rows`,
    // Others have it: see `mannerOf` in ladder.ts.
    phase: 'volumes-late',
    place: 'database cinder',
    title: `let go of ${describeVolume(volume)} in Cinder's rows (${writes.length} statements, one transaction)`,
    why,
    act: { door: 'sql', database: DATABASE, writes },
    guards: [
      {
        must: `volume ${volume.id} has the attachments that the plan was made for`,
        check: {
          door: 'sql',
          database: DATABASE,
          table: 'volume_attachment',
          where: [is('volume_id', volume.id), is('deleted', 0)],
          count: rows.attachments.length,
        },
      },
    ],
    settled: {
      door: 'sql',
      database: DATABASE,
      table: 'volume_attachment',
      where: [{ column: 'id', is: 'in', value: ids }, is('deleted', 1), is('attach_status', 'detached')],
      count: ids.length,
    },
    before: [
      { door: 'sql', database: DATABASE, table: 'volumes', where: [is('id', volume.id)] },
      { door: 'sql', database: DATABASE, table: 'volume_attachment', where: [is('volume_id', volume.id)] },
      ...(rows.attachedModes.length === 0
        ? []
        : [
            {
              door: 'sql' as const,
              database: DATABASE,
              table: 'volume_admin_metadata',
              where: [is('volume_id', volume.id)],
            },
          ]),
    ],
    undo: 'before-image',
  };
}

/**
 * Queens (12) and later: the first by the alphabet of the attachments that stay, without those in error. Up to 17.2, 18.1 and 19.0
 * cinder-api writes that (`volume/api.py:attachment_delete`), later the database layer (`db/sqlalchemy/api.py:volume_detached` with
 * `_get_statuses_from_attachments`, first in 17.3, 18.2, 19.1 and 20). No answer and no column shows which it is, and where somebody has
 * the volume the rows are the same. Three things of the older are not copied: a volume that only attachments in error are left of became
 * `available` in the midst of its migration or upload; `updated_at` of the volume moved; and `os-detach` did as before Queens.
 *
 * Kilo to Pike: attached while there is any other attachment, in whatever state (cinder 11 `db/sqlalchemy/api.py:volume_detached`). Up to
 * Newton one in no state does not count there; here it does, so that nobody takes the volume for free.
 */
function attachStatusAfter({ attachments, sinceQueens }: CinderRows, server: string): string {
  const others = attachments.filter((row) => row.server !== server);
  if (!sinceQueens) return others.length === 0 ? 'detached' : 'attached';
  const [first] = others
    .flatMap(({ status }) => (status === null || status.startsWith('error_') ? [] : [status]))
    .sort();
  return first ?? 'detached';
}

function volumeWrite(id: string, rows: CinderRows, server: string): SqlWrite[] {
  const attachStatus = attachStatusAfter(rows, server);
  const status = STATUS[attachStatus] ?? attachStatus;
  // A migration and an upload set the status themselves when they end.
  const settles =
    attachStatus !== 'detached' ||
    (!rows.migration && rows.status !== 'uploading') ||
    rows.migration === 'success' ||
    rows.migration === 'error';
  const set: Record<string, SqlSet> = {
    ...(attachStatus === rows.attachStatus ? {} : { attach_status: attachStatus }),
    ...(settles && status !== rows.status ? { status } : {}),
  };
  if (Object.keys(set).length === 0) return [];
  return [
    {
      verb: 'update',
      table: 'volumes',
      set,
      where: [is('id', id), is('status', rows.status), is('attach_status', rows.attachStatus)],
      rows: 1,
    },
  ];
}
