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
 * cinder 21 `db/sqlalchemy/api.py:volume_detached` with `_get_statuses_from_attachments`, and `objects/volume.py:finish_detach`: what is
 * left of the attachments, by the alphabet and without those in error, says what the volume is. `updated_at` stays.
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

function volumeWrite(id: string, rows: CinderRows, server: string): SqlWrite[] {
  const left = rows.attachments
    .filter((row) => row.server !== server)
    .flatMap(({ status }) => (status === null || status.startsWith('error_') ? [] : [status]))
    .sort();
  const attachStatus = left[0] ?? 'detached';
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
