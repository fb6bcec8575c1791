import { type DatabaseName, databases } from '../mariadb.ts';
import type { Lab } from '../paths.ts';
import type { Table } from './ddl.ts';
import { readTables } from './schema.ts';

export type Kind = 'integer' | 'real' | 'text';

/** What a recorder must know of a table to read it and to follow its rows. */
export interface TableFacts {
  /** `database.table` */
  readonly place: string;
  readonly columns: ReadonlyMap<string, Kind>;
  /** columns of the primary key; empty where there is none */
  readonly key: readonly string[];
  /** the column that the database counts up */
  readonly counted: string | null;
  readonly references: readonly Reference[];
}

/** A column that holds another table's column. */
export interface Reference {
  readonly column: string;
  readonly place: string;
  readonly target: string;
}

/** References that the schema does not declare: Placement joins by these in `placement/objects` (Zed). */
const undeclared: readonly (readonly [place: string, column: string, target: string])[] = [
  ['placement.allocations', 'resource_provider_id', 'placement.resource_providers.id'],
  ['placement.inventories', 'resource_provider_id', 'placement.resource_providers.id'],
  ['placement.resource_provider_aggregates', 'resource_provider_id', 'placement.resource_providers.id'],
  ['placement.consumers', 'project_id', 'placement.projects.id'],
  ['placement.consumers', 'user_id', 'placement.users.id'],
];

/** All that may be read of Keystone: who there is, and no way to prove it. */
const keystoneTables = new Set(['alembic_version', 'project', 'user', 'local_user', 'role']);

/** The tables that may be recorded, sorted by name within each database. */
export async function readFacts(lab: Lab): Promise<readonly TableFacts[]> {
  const facts: TableFacts[] = [];
  for (const database of (Object.keys(databases) as DatabaseName[]).sort())
    for (const table of await readTables(lab, database))
      if (database !== 'keystone' || keystoneTables.has(table.name)) facts.push(toFacts(database, table));
  return facts;
}

export function toFacts(database: string, table: Table): TableFacts {
  const place = `${database}.${table.name}`;
  const declared = table.foreignKeys.flatMap((key) =>
    key.columns.map((column, at) => ({
      column,
      place: `${database}.${key.table}`,
      target: key.references[at] ?? '',
    })),
  );
  const others = undeclared
    .filter(([from]) => from === place)
    .map(([, column, target]) => {
      const at = target.lastIndexOf('.');
      return { column, place: target.slice(0, at), target: target.slice(at + 1) };
    });
  return {
    place,
    columns: new Map(
      table.columns.map((column) => [column.name, kindOf(column.type, `${place}.${column.name}`)]),
    ),
    key: table.indexes.find((index) => index.name === 'PRIMARY')?.columns ?? [],
    counted: table.columns.find((column) => column.counted)?.name ?? null,
    references: [...declared, ...others],
  };
}

function kindOf(type: string, column: string): Kind {
  if (/int$/.test(type)) return 'integer';
  if (['float', 'double', 'decimal'].includes(type)) return 'real';
  // The lab reads every value as text, which would damage it.
  if (/blob|binary/.test(type)) throw new Error(`${column} is binary, which is not recorded`);
  return 'text';
}
