import type { RowDataPacket } from 'mysql2/promise';
import type { RecordedRow, RecordedValue } from '../../src/simulator/recorded/types.ts';
import type { Lab } from '../paths.ts';
import { type TextRow, withDatabase } from '../sql.ts';
import type { Kind, TableFacts } from './facts.ts';

/** `database.table` to its rows in the order of their keys; tables without rows are not there. */
export type RawRows = ReadonlyMap<string, readonly RecordedRow[]>;

/** Every row with every column, volatile ones too. */
export async function readRows(lab: Lab, facts: readonly TableFacts[]): Promise<RawRows> {
  const perDatabase = [...Map.groupBy(facts, ({ place }) => place.split('.')[0] ?? '')];
  const parts = await Promise.all(
    perDatabase.map(([database, tables]) =>
      withDatabase(lab, database, async (connection) => {
        const statements = tables.map(({ place, key }) => {
          const order =
            key.length === 0 ? '' : ` ORDER BY ${key.map((column) => `\`${column}\``).join(', ')}`;
          return `SELECT * FROM \`${place.slice(database.length + 1)}\`${order}`;
        });
        const [results] = await connection.query<RowDataPacket[][]>(statements.join(';'));
        return tables.map((table, at) => [table, results[at] ?? []] as const);
      }),
    ),
  );
  const rows = new Map<string, readonly RecordedRow[]>();
  for (const [table, found] of parts.flat())
    if (found.length > 0)
      rows.set(
        table.place,
        found.map((row) => toTypedRow(row as TextRow, table)),
      );
  return rows;
}

function toTypedRow(row: TextRow, { place, columns }: TableFacts): RecordedRow {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => {
      const kind = columns.get(column);
      if (kind === undefined) throw new Error(`${place}.${column} was not there when the schema was read`);
      return [column, toValue(value, kind)];
    }),
  );
}

function toValue(value: string | null, kind: Kind): RecordedValue {
  if (value === null || kind === 'text') return value;
  const number = Number(value);
  if (kind === 'integer' ? !Number.isSafeInteger(number) : Number.isNaN(number))
    throw new Error(`${value} does not fit into a number`);
  return number;
}

/** What tells a row from every other of its table. */
export function keyOf(row: RecordedRow, { key }: TableFacts): string {
  return key.length === 0 ? JSON.stringify(row) : JSON.stringify(key.map((column) => row[column]));
}
