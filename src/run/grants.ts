/** What the user of a database may do there: apply needs more than plan does. */
import type { Site } from '../site/connect.ts';
import type { Row } from '../site/reader.ts';

const WRITES = ['INSERT', 'UPDATE', 'DELETE'] as const;

/**
 * Reads the rights of the site's user on a database, whether they were granted everywhere, on the database, or table by table.
 *
 * A user who may read everything is shown everybody's rights, so that only those count that were granted to itself. What it has by a
 * role is not among them (MariaDB 10.11).
 *
 * @returns a phrase: `may write`, or what it may not
 * @throws LookError when the database cannot be asked
 */
export async function grantsOf(site: Site, database: string): Promise<string> {
  const [everywhere, here, single] = await Promise.all([
    grantedIn(site, database, 'user_privileges'),
    grantedIn(site, database, 'schema_privileges'),
    grantedIn(site, database, 'table_privileges'),
  ]);
  const lacks = WRITES.filter((right) => !holds([...everywhere, ...here], right));
  const some = lacks.filter((right) => holds(single, right));
  if (lacks.length === 0) return 'may write';
  return some.length === 0
    ? `may not ${lacks.join(', ')}: plan works, apply does not`
    : `may ${some.join(', ')} in single tables: docs/reference.md lists those that apply needs`;
}

function holds(granted: readonly Row[], right: string): boolean {
  return granted.some((row) => row['may'] === right);
}

/**
 * What was granted to the user itself, of one of the tables that tell of rights. What is not renamed MySQL 8 may name in capitals, however
 * it was asked for: it does so where a table of `information_schema` is a view.
 */
async function grantedIn(
  site: Site,
  database: string,
  table: 'user_privileges' | 'schema_privileges' | 'table_privileges',
): Promise<readonly Row[]> {
  const rows = await site.reader.sql.rows(database, (sql) => {
    const all = sql
      .selectFrom(`information_schema.${table}`)
      .select(({ fn }) => [fn('current_user', []).as('me'), 'grantee as who', 'privilege_type as may']);
    // The name of a database in a GRANT is a pattern.
    return table === 'user_privileges'
      ? all
      : all.where((e) => e(e.fn('database', []), 'like', e.ref('table_schema')));
  });
  return rows.filter((row) => quoteUser(String(row['me'])) === row['who']);
}

/** `nova@10.0.0.%` → `'nova'@'10.0.0.%'`, as those tables name it. A user's name may have an `@`, a host none. */
function quoteUser(user: string): string {
  return user.replace(/^(.*)@([^@]*)$/, "'$1'@'$2'");
}
