import { type DatabaseName, databases } from '../mariadb.ts';
import type { Lab } from '../paths.ts';
import { query, type TextRow } from '../sql.ts';
import { type Column, type ForeignKey, type Index, renderTable, type Table } from './ddl.ts';

/** A database to the statements that make its tables in SQLite. */
export type Schema = Readonly<Record<string, readonly string[]>>;

/** Every table of every database of the cloud, in the order of their names. */
export async function readSchema(lab: Lab): Promise<Schema> {
  const schema: Record<string, readonly string[]> = {};
  for (const name of (Object.keys(databases) as DatabaseName[]).sort())
    schema[name] = (await readTables(lab, name)).flatMap(renderTable);
  return schema;
}

/** The tables of one database as information_schema has them. */
export async function readTables(lab: Lab, database: DatabaseName): Promise<readonly Table[]> {
  const ask = (statement: string): Promise<readonly TextRow[]> =>
    query(lab, 'information_schema', statement, [database]);
  const [tables, columns, indexes, keys, checks] = await Promise.all([
    ask("SELECT TABLE_NAME AS t FROM TABLES WHERE TABLE_SCHEMA = ? AND TABLE_TYPE = 'BASE TABLE'"),
    ask(`SELECT TABLE_NAME AS t, COLUMN_NAME, DATA_TYPE, IS_NULLABLE, COLUMN_DEFAULT, COLLATION_NAME, EXTRA
         FROM COLUMNS WHERE TABLE_SCHEMA = ? ORDER BY ORDINAL_POSITION`),
    ask(`SELECT TABLE_NAME AS t, INDEX_NAME AS name, NON_UNIQUE, COLUMN_NAME, SUB_PART FROM STATISTICS
         WHERE TABLE_SCHEMA = ? ORDER BY INDEX_NAME, SEQ_IN_INDEX`),
    ask(`SELECT k.TABLE_NAME AS t, k.CONSTRAINT_NAME AS name, k.COLUMN_NAME, k.REFERENCED_TABLE_NAME,
           k.REFERENCED_COLUMN_NAME, r.DELETE_RULE, r.UPDATE_RULE
         FROM KEY_COLUMN_USAGE k JOIN REFERENTIAL_CONSTRAINTS r ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA
           AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND r.TABLE_NAME = k.TABLE_NAME
         WHERE k.CONSTRAINT_SCHEMA = ? ORDER BY k.CONSTRAINT_NAME, k.ORDINAL_POSITION`),
    ask('SELECT TABLE_NAME AS t, CHECK_CLAUSE FROM CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ? ORDER BY 2'),
  ]);
  return tables
    .map((table) => text(table, 't'))
    .sort()
    .map((name) => {
      const of = (rows: readonly TextRow[]): readonly TextRow[] => rows.filter((row) => row['t'] === name);
      return {
        name,
        columns: of(columns).map(toColumn),
        indexes: groupByName(of(indexes)).map(toIndex),
        foreignKeys: groupByName(of(keys)).map(toForeignKey),
        checks: of(checks).map((row) => text(row, 'CHECK_CLAUSE')),
      };
    });
}

function toColumn(row: TextRow): Column {
  return {
    name: text(row, 'COLUMN_NAME'),
    type: text(row, 'DATA_TYPE'),
    nullable: row['IS_NULLABLE'] === 'YES',
    fallback: row['COLUMN_DEFAULT'] ?? null,
    collation: row['COLLATION_NAME'] ?? null,
    counted: row['EXTRA'] === 'auto_increment',
  };
}

function toIndex([name, rows]: readonly [string, readonly TextRow[]]): Index {
  const unique = rows[0]?.['NON_UNIQUE'] === '0';
  // SQLite has no index on the beginning of a text, and a whole one would let more through.
  if (unique && rows.some((row) => row['SUB_PART'] !== null))
    throw new Error(`${name} is unique in the first characters of a text`);
  return { name, unique, columns: rows.map((row) => text(row, 'COLUMN_NAME')) };
}

function toForeignKey([, rows]: readonly [string, readonly TextRow[]]): ForeignKey {
  const first = rows[0] ?? {};
  return {
    columns: rows.map((row) => text(row, 'COLUMN_NAME')),
    table: text(first, 'REFERENCED_TABLE_NAME'),
    references: rows.map((row) => text(row, 'REFERENCED_COLUMN_NAME')),
    onDelete: text(first, 'DELETE_RULE'),
    onUpdate: text(first, 'UPDATE_RULE'),
  };
}

function groupByName(rows: readonly TextRow[]): readonly (readonly [string, readonly TextRow[]])[] {
  return [...Map.groupBy(rows, (row) => text(row, 'name'))];
}

function text(row: TextRow, column: string): string {
  const value = row[column];
  if (value === null || value === undefined) throw new Error(`information_schema says nothing of ${column}`);
  return value;
}
