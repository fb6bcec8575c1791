/** Limits of one purge of many servers: a list that is longer than meant must not empty a host or a project. */
import { text } from '../kinds/subject/parse.ts';
import { LookError, RefusedError } from '../plan/errors.ts';
import type { Row } from '../site/reader.ts';
import type { SurveySite } from './survey.ts';

export interface Limits {
  readonly maxServers: number;
  /** percent of the live servers of one host, or of one project */
  readonly maxShare: number;
}

/** Of so few servers a share says nothing: a project may have no more than these. */
const FEW = 4;

/** How much of one host, or of one project, is named. */
interface Share {
  readonly of: string;
  readonly named: number;
  readonly live: number;
}

/** @throws RefusedError (`too-many-servers`) */
export function assertNumber(named: number, { maxServers }: Limits): void {
  if (named <= maxServers) return;
  throw new RefusedError(
    `${named} servers are named, and one purge takes at most ${maxServers}; nothing was touched`,
    { code: 'too-many-servers', hint: `if all of them are meant: --max-servers ${named}` },
  );
}

/**
 * Counts live rows, those with `deleted = 0`, as nova-api does for its quotas: what is deleted already is no part of a share.
 *
 * @throws RefusedError (`too-large-share`); LookError when a cell cannot be asked, or gives no number
 */
export async function assertShares(
  site: Pick<SurveySite, 'cells' | 'reader'>,
  uuids: readonly string[],
  { maxShare }: Limits,
): Promise<void> {
  if (uuids.length <= FEW) return;
  const shares = await countShares(site, [...new Set(uuids)]);
  const over = shares.filter(({ named, live }) => named > FEW && named * 100 > live * maxShare);
  if (over.length === 0) return;
  const most = Math.max(...over.map(({ named, live }) => Math.min(100, Math.ceil((named * 100) / live))));
  const said = over.map(({ of, named, live }) => `${named} of the ${live} live servers of ${of}`).join(', ');
  throw new RefusedError(
    `${said} are named, and one purge takes at most ${maxShare} % of a host or a project; nothing was touched`,
    { code: 'too-large-share', hint: `if all of them are meant: --max-share ${most}` },
  );
}

async function countShares(
  { cells, reader }: Pick<SurveySite, 'cells' | 'reader'>,
  uuids: readonly string[],
): Promise<readonly Share[]> {
  const databases = (await cells()).map(({ database }) => database);
  const named = (
    await Promise.all(
      databases.map((database) =>
        reader.sql.rows(database, (sql) =>
          sql
            .selectFrom('instances')
            .select(['uuid', 'host', 'project_id'])
            .where('uuid', 'in', [...uuids])
            .where('deleted', '=', 0),
        ),
      ),
    )
  ).flat();
  const [hosts, projects] = await Promise.all([
    countBy('host', databases, named, reader),
    countBy('project_id', databases, named, reader),
  ]);
  return [
    ...hosts.map(({ of, ...share }) => ({ of: `host ${of}`, ...share })),
    ...projects.map(({ of, ...share }) => ({ of: `project ${of}`, ...share })),
  ];
}

async function countBy(
  column: 'host' | 'project_id',
  databases: readonly string[],
  named: readonly Row[],
  reader: SurveySite['reader'],
): Promise<readonly Share[]> {
  const groups = Map.groupBy(named, (row) => text(row, column));
  // A server that never came to a host is on none.
  const names = [...groups.keys()].filter((name) => name !== null);
  if (names.length === 0) return [];
  const counted = await Promise.all(
    databases.map((database) =>
      reader.sql.rows(database, (sql) =>
        sql
          .selectFrom('instances')
          .select((e) => [column, e.fn.countAll().as('n')])
          .where(column, 'in', names)
          .where('deleted', '=', 0)
          .groupBy(column),
      ),
    ),
  );
  return names.map((of) => {
    const own = counted.flatMap((rows, i) =>
      rows.filter((row) => text(row, column) === of).map((row) => numberOf(row, databases[i] ?? '')),
    );
    return {
      of,
      named: groups.get(of)?.length ?? 0,
      live: own.reduce((sum, n) => sum + n, 0),
    };
  });
}

function numberOf(row: Row, database: string): number {
  const n = Number(row['n']);
  if (Number.isSafeInteger(n)) return n;
  throw new LookError(database, 'it does not say how many servers are live', {
    code: 'answer-not-understood',
  });
}
