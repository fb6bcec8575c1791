import { LookError } from '../../plan/errors.ts';
import * as z from '../../plan/zod.ts';
import { parseAnswer } from '../../site/parse.ts';
import type { Reader } from '../../site/reader.ts';
import { type Found, lookAt } from '../kind.ts';
import type { InstanceRow, Subject } from '../subject/subject.ts';

const RESOURCES = ['instances', 'cores', 'ram'] as const;
export type Resource = (typeof RESOURCES)[number];

/** A row of `quota_usages` that does not agree with what there is. */
export interface Usage {
  readonly id: number;
  readonly resource: Resource;
  readonly projectId: string;
  /** null: a row from before Havana, which stands for the whole project */
  readonly userId: string | null;
  readonly inUse: number;
  /** the count over the servers that stay */
  readonly counted: number;
}

export interface QuotaFacts {
  readonly wrong: readonly Usage[];
}

const usageRows = z.array(
  z.object({
    id: z.coerce.number().int(),
    user_id: z.string().nullable(),
    resource: z.enum(RESOURCES),
    in_use: z.coerce.number().int(),
  }),
);

// SUM() comes as text, and as NULL where it has nothing to sum.
const groupRows = z.array(
  z.object({
    user_id: z.string().nullable(),
    vm_state: z.string().nullable(),
    instances: z.coerce.number().int(),
    cores: z.coerce.number().int(),
    ram: z.coerce.number().int(),
  }),
);

/**
 * Up to Ocata (15) Nova counts quota by reservations on `quota_usages` of its main database (nova 15 `quota.py:DbQuotaDriver`, `db/sqlalchemy/api.py:quota_reserve`,
 * `reservation_commit`), one row per project, owner and resource. From Pike it counts live and the table, though still there, is dead.
 */
export async function findQuota(look: Reader, subject: Subject): Promise<Found<QuotaFacts>> {
  const { cell, row, era } = subject;
  if (cell === null || row === null || (era !== null && era.atLeast >= 16))
    return { facts: { wrong: [] }, unknown: [] };
  const place = `database of ${cell.name}`;
  const { facts, unknown } = await lookAt([cell.database], async (database) => {
    const wrong = await findWrong(look, place, database, row);
    if (wrong.length > 0 && (era === null || era.below > 16))
      throw new LookError(
        place,
        'quota_usages differs from the count, but the release is not known and only Ocata and older use it',
        { code: 'release-not-known' },
      );
    return wrong;
  });
  return { facts: { wrong: facts.flat() }, unknown };
}

async function findWrong(look: Reader, place: string, database: string, row: InstanceRow): Promise<Usage[]> {
  const { projectId, userId } = row;
  if (projectId === null || userId === null) return [];
  const tables = await look.sql.columns(database, ['quota_usages']);
  if (!tables.has('quota_usages')) return [];
  const [usages, groups] = await Promise.all([
    look.sql
      .rows(database, (sql) =>
        sql
          .selectFrom('quota_usages')
          .select(['id', 'user_id', 'resource', 'in_use'])
          .where('project_id', '=', projectId)
          .where('resource', 'in', [...RESOURCES])
          .where('deleted', '=', 0)
          .orderBy('id'),
      )
      .then((rows) => parseAnswer(place, usageRows, rows)),
    look.sql
      .rows(database, (sql) =>
        sql
          .selectFrom('instances')
          .select((e) => [
            'user_id',
            'vm_state',
            e.fn.countAll().as('instances'),
            e.fn.sum('vcpus').as('cores'),
            e.fn.sum('memory_mb').as('ram'),
          ])
          .where('deleted', '=', 0)
          .where('project_id', '=', projectId)
          .where('uuid', '!=', row.uuid)
          .groupBy(['user_id', 'vm_state']),
      )
      .then((rows) => parseAnswer(place, groupRows, rows)),
  ]);
  return usages.flatMap((usage) => {
    // Beside rows per owner, one for the whole project would count every server twice.
    const owned = usages.some((other) => other.resource === usage.resource && other.user_id !== null);
    if (usage.user_id === null ? owned : usage.user_id !== userId) return [];
    const counted = countFor(place, usage, groups);
    const { id, resource, user_id, in_use } = usage;
    return counted === in_use ? [] : [{ id, resource, projectId, userId: user_id, inUse: in_use, counted }];
  });
}

/** A server in `soft-delete` has given its quota back already (nova 15 `compute/manager.py:soft_delete_instance`). */
function countFor(
  place: string,
  usage: { user_id: string | null; resource: Resource },
  groups: z.infer<typeof groupRows>,
): number {
  const own = groups.filter(({ user_id }) => usage.user_id === null || user_id === usage.user_id);
  // NULL is neither equal nor unequal to a state: the recount in the transaction would leave such a server out.
  if (own.some(({ vm_state }) => vm_state === null))
    throw new LookError(place, 'a live server of this owner has no vm_state, so quota cannot be counted', {
      code: 'no-vm-state',
    });
  return own
    .filter(({ vm_state }) => vm_state !== 'soft-delete')
    .reduce((sum, group) => sum + group[usage.resource], 0);
}
