import type { SqlWhere } from '../../plan/types.ts';
import { type KindPlan, NOTHING } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';
import type { MappingFacts } from './find.ts';

const PLACE = 'database nova_api';

/**
 * Marks the mapping as nova 26 `compute/api.py:_update_queued_for_deletion` does. `updated_at` follows, as in every update through
 * SQLAlchemy (oslo.db `sqlalchemy/models.py:TimestampMixin`).
 */
export function planMapping({ unmarked }: MappingFacts, subject: Subject): KindPlan {
  if (!unmarked) return NOTHING;
  const where: SqlWhere[] = [{ column: 'instance_uuid', is: '=', value: subject.uuid }];
  return {
    refusals: [],
    kept: [],
    remains: [{ place: PLACE, what: 'mapping to its cell, not marked as deleted' }],
    steps: [
      {
        id: 'mapping/queued-for-delete',
        phase: 'mapping',
        place: PLACE,
        title: 'mark the mapping as deleted',
        why: 'Nova counts a server whose mapping is not marked towards quota, and lists it while its cell is down.',
        act: {
          door: 'sql',
          database: 'api',
          writes: [
            {
              verb: 'update',
              table: 'instance_mappings',
              set: { queued_for_delete: 1, updated_at: { now: true } },
              where,
              rows: 1,
            },
          ],
        },
        guards: [],
        settled: {
          door: 'sql',
          database: 'api',
          table: 'instance_mappings',
          where: [...where, { column: 'queued_for_delete', is: '=', value: 1 }],
          count: 1,
        },
        before: [{ door: 'sql', database: 'api', table: 'instance_mappings', where }],
        undo: 'before-image',
      },
    ],
  };
}
