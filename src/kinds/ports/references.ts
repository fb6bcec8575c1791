/** Which rows of Neutron's database name a port, those of plugins that nobody here has heard of too. */
import type { Reader, Row, Select } from '../../site/reader.ts';

/** The database's name for the sql door. */
export const NEUTRON = 'neutron';

/** References that do not end in `port_id` (VMware's plugins). */
export const OTHER_REFERENCES = [
  { table: 'neutron_nsx_port_mappings', column: 'neutron_id' },
  { table: 'nsxv_port_vnic_mappings', column: 'neutron_id' },
] as const;

export interface Reference {
  readonly table: string;
  readonly column: string;
}

export interface Count extends Reference {
  readonly id: string;
  readonly rows: number;
}

/** All columns by which a table may name a port, those of plugins that nobody here has heard of too. */
export async function findReferences(look: Reader): Promise<readonly Reference[]> {
  const rows = await look.sql.rows(NEUTRON, (sql) =>
    sql
      .selectFrom('information_schema.columns')
      .select(['table_name as t', 'column_name as c'])
      .where((e) => e('table_schema', '=', e.fn('database', [])))
      .where('column_name', 'like', '%port_id')
      .orderBy('table_name')
      .orderBy('column_name'),
  );
  return rows.map((row) => ({ table: text(row, 't'), column: text(row, 'c') }));
}

/** One question for all tables: only those with rows of these ports are in the answer. */
export async function countReferences(
  look: Reader,
  references: readonly Reference[],
  ids: readonly string[],
): Promise<readonly Count[]> {
  if (references.length === 0) return [];
  const rows = await look.sql.rows(NEUTRON, (sql) => {
    const one = ({ table, column }: Reference) => countOf(sql, table, column, ids);
    const [first, ...rest] = references.map(one);
    if (first === undefined) throw new Error('unreachable: there are references');
    return rest.reduce((all, each) => all.unionAll(each), first);
  });
  return rows.map((row) => ({
    table: text(row, 't'),
    column: text(row, 'c'),
    id: text(row, 'id'),
    rows: Number(row['n']),
  }));
}

function countOf(sql: Select, table: string, column: string, ids: readonly string[]) {
  return sql
    .selectFrom(table)
    .select((e) => [
      e.val(table).as('t'),
      e.val(column).as('c'),
      e.ref(column).as('id'),
      e.fn.countAll().as('n'),
    ])
    .where(column, 'in', ids)
    .groupBy(column);
}

export function text(row: Row, column: string): string {
  const value = row[column] ?? '';
  return typeof value === 'object' ? '' : String(value);
}

export function numberIn(row: Row, column: string): number[] {
  const value = row[column];
  return value === null || value === undefined || typeof value === 'object' ? [] : [Number(value)];
}
