import type { DraftStep, SqlWhere } from '../../plan/types.ts';
import type { Cell, VolumeMapping } from '../subject/subject.ts';
import { countOf } from '../words.ts';

/**
 * Before anything is taken from under a late actor: a delete request that waits in a queue, and the reaper of any nova-compute that
 * finds the domain, delete what the rows say `delete_on_termination` of, soft-deleted rows too (nova 26
 * `compute/manager.py:_cleanup_running_deleted_instances`, `_cleanup_volumes`).
 *
 * `updated_at` as Nova writes it when a user changes the flag (`objects/block_device.py:BlockDeviceMapping.save`).
 */
export function secureStep(mappings: readonly VolumeMapping[], server: string, cell: Cell): DraftStep {
  const rowIds = mappings.map(({ rowId }) => rowId);
  const where: SqlWhere[] = [
    { column: 'id', is: 'in', value: rowIds },
    { column: 'instance_uuid', is: '=', value: server },
    { column: 'delete_on_termination', is: '=', value: 1 },
  ];
  const place = { door: 'sql' as const, database: cell.database };
  return {
    id: `volumes/${cell.database}/secure`,
    phase: 'secure',
    place: `database of ${cell.name}`,
    title: `keep Nova from deleting ${countOf(rowIds.length, 'volume')} later (delete_on_termination = 0)`,
    why: `A delete request that still waits, or a nova-compute that comes back, would delete ${rowIds.length === 1 ? 'it' : 'them'}: ${mappings.map(({ volumeId }) => volumeId).join(', ')}.`,
    act: {
      ...place,
      writes: [
        {
          verb: 'update',
          table: 'block_device_mapping',
          set: { delete_on_termination: 0, updated_at: { now: true } },
          where,
          rows: rowIds.length,
        },
      ],
    },
    guards: [
      {
        must: `the ${countOf(rowIds.length, 'row')} still say so`,
        check: { ...place, table: 'block_device_mapping', where, count: rowIds.length },
      },
    ],
    settled: { ...place, table: 'block_device_mapping', where, count: 0 },
    before: [{ ...place, table: 'block_device_mapping', where: [{ column: 'id', is: 'in', value: rowIds }] }],
    undo: 'before-image',
  };
}
