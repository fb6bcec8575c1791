import type { SqlWhere } from '../../plan/types.ts';
import { type KindPlan, NOTHING } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';
import type { BuildRequestFacts } from './find.ts';

const PLACE = 'database nova_api';

/**
 * Deletes the row, as nova 26 `objects/build_request.py:_destroy_in_db` does. The request spec and the mapping stay, as in
 * `compute/api.py:_delete_while_booting` and `_local_delete_cleanup`; `nova-manage db archive_deleted_rows` takes them later.
 */
export function planBuildRequest({ id }: BuildRequestFacts, subject: Subject): KindPlan {
  if (id === null) return NOTHING;
  const where: SqlWhere[] = [{ column: 'instance_uuid', is: '=', value: subject.uuid }];
  return {
    refusals: [],
    kept: [],
    remains: [{ place: PLACE, what: 'build request' }],
    steps: [
      {
        id: `build-request/${id}`,
        phase: 'rows',
        place: PLACE,
        title: `delete build request ${id}`,
        why: 'A build request is listed as a server that is being built, for as long as it is there.',
        act: {
          door: 'sql',
          database: 'api',
          writes: [{ verb: 'delete', table: 'build_requests', where, rows: 1 }],
        },
        guards: [],
        settled: { door: 'sql', database: 'api', table: 'build_requests', where, count: 0 },
        before: [{ door: 'sql', database: 'api', table: 'build_requests', where }],
        undo: 'before-image',
      },
    ],
  };
}
