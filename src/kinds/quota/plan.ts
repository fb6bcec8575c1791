import type { DraftStep, Kept, SqlSet, SqlWhere } from '../../plan/types.ts';
import { type KindPlan, NOTHING } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';
import type { QuotaFacts, Resource, Usage } from './find.ts';

const SUMMED: Readonly<Record<Resource, string | null>> = {
  instances: null,
  cores: 'vcpus',
  ram: 'memory_mb',
};

/** The recount, done by the database in the same transaction: what others start or delete meanwhile is counted too. */
function recount({ resource, projectId, userId }: Usage): SqlSet {
  const where: SqlWhere[] = [
    { column: 'deleted', is: '=', value: 0 },
    { column: 'project_id', is: '=', value: projectId },
    ...(userId === null ? [] : [{ column: 'user_id', is: '=' as const, value: userId }]),
    { column: 'vm_state', is: '!=', value: 'soft-delete' },
  ];
  const column = SUMMED[resource];
  return column === null ? { count: true, of: 'instances', where } : { sum: column, of: 'instances', where };
}

function makeStep(usage: Usage, database: string, place: string): DraftStep {
  const { id, resource, inUse, counted } = usage;
  const where: SqlWhere[] = [
    { column: 'id', is: '=', value: id },
    { column: 'deleted', is: '=', value: 0 },
  ];
  return {
    id: `quota/${database}/${id}`,
    phase: 'quota',
    place,
    title: `recount ${resource} in use: ${inUse} → ${counted}`,
    why: 'A stuck delete never gives its quota back in this release, and only a recount cannot be wrong twice.',
    act: {
      door: 'sql',
      database,
      writes: [
        {
          verb: 'update',
          table: 'quota_usages',
          set: { in_use: recount(usage), updated_at: { now: true } },
          where,
          rows: 1,
        },
      ],
    },
    guards: [],
    settled: {
      door: 'sql',
      database,
      table: 'quota_usages',
      where: [...where, { column: 'in_use', is: '=', value: counted }],
      count: 1,
    },
    before: [{ door: 'sql', database, table: 'quota_usages', where }],
    undo: 'before-image',
  };
}

/**
 * A server that no host took has its row in cell0, and its share of the quota in the database that nova-api calls its own, which nothing
 * names (nova 15.1 `compute/api.py:_delete` gives it back there).
 */
function keepElsewhere({ cell, row, era }: Subject): Omit<Kept, 'kind'>[] {
  if (!cell?.isCell0 || row === null || era === null || era.below > 16) return [];
  return [
    {
      place: 'quota_usages',
      what: `what this server counts in the quota of project ${row.projectId ?? 'nobody'}`,
      why: 'Ocata counts it in the main database of nova-api, which cell0 is not: nova-manage project quota_usage_refresh',
    },
  ];
}

/** One step per row of `quota_usages` that will not agree once the server is gone. Limits and reservations are never written. */
export function planQuota({ wrong }: QuotaFacts, subject: Subject): KindPlan {
  const { cell } = subject;
  if (cell === null) return NOTHING;
  const place = `database of ${cell.name}`;
  return {
    refusals: [],
    kept: keepElsewhere(subject),
    remains: wrong.map(({ resource, inUse, counted }) => ({
      place,
      what: `${resource} in use ${inUse}, without this server ${counted}`,
    })),
    steps: wrong.map((usage) => makeStep(usage, cell.database, place)),
  };
}
