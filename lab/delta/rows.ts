import type { Connection, RowDataPacket } from 'mysql2/promise';
import { type DatabaseName, databases } from '../mariadb.ts';
import type { Lab } from '../paths.ts';
import { type TextRow, withDatabase } from '../sql.ts';

/** `database.table` to the row's primary key to the row. */
export type Rows = Readonly<Record<string, Readonly<Record<string, TextRow>>>>;

/** Tables that change by themselves, or by every attempt to do anything, and so say nothing about what was removed. */
const volatileTables: ReadonlyMap<string, string> = new Map([
  ['nova.services', 'every service reports here every few seconds'],
  ['nova_cell0.services', 'the API reports here'],
  ['nova.compute_nodes', 'what the host has left, written by its audit'],
  ['nova.instance_actions', 'a record of every request; Nova keeps it after a delete'],
  ['nova.instance_actions_events', 'the steps of those requests'],
  ['nova_cell0.instance_actions', 'as in nova'],
  ['nova_cell0.instance_actions_events', 'as in nova'],
  ['neutron.agents', 'heartbeats'],
  ['cinder.services', 'heartbeats'],
  ['cinder.workers', 'what a cinder service is busy with'],
]);

/** Columns that count or date every write, also one that changes nothing. */
const volatileColumns: ReadonlyMap<string, string> = new Map([
  ['updated_at', 'the time of the last write'],
  ['revision_number', 'Neutron counts every write'],
  ['placement.resource_providers.generation', 'Placement counts every change of what is used'],
  ['placement.inventories.total', 'what the host has, which its audit measures anew'],
  ['placement.inventories.max_unit', 'the same'],
]);

interface Table {
  readonly name: string;
  readonly key: readonly string[];
}

const schemas = new Map<string, readonly Table[]>();

/** Every row of every database of the cloud but the volatile ones: one connection and two round trips per database. */
export async function readRows(lab: Lab): Promise<Rows> {
  const names = Object.keys(databases) as DatabaseName[];
  const parts = await Promise.all(
    names.map((name) => withDatabase(lab, name, (connection) => readDatabase(connection, lab, name))),
  );
  return Object.assign({}, ...parts) as Rows;
}

async function readDatabase(connection: Connection, lab: Lab, database: DatabaseName): Promise<Rows> {
  const tables = schemas.get(`${lab.dir}/${database}`) ?? (await readSchema(connection, database));
  schemas.set(`${lab.dir}/${database}`, tables);
  const statements = tables.map((table) => `SELECT * FROM \`${table.name}\``).join(';');
  const [results] = await connection.query<RowDataPacket[][]>(statements);
  const found: Record<string, Record<string, TextRow>> = {};
  for (const [at, table] of tables.entries()) {
    const place = `${database}.${table.name}`;
    const keyed: Record<string, TextRow> = {};
    for (const raw of results[at] ?? []) {
      const row = withoutVolatile(place, raw as TextRow);
      let key = table.key.map((column) => row[column]).join('|');
      if (table.key.length === 0) key = JSON.stringify(row);
      while (key in keyed) key += '#';
      keyed[key] = row;
    }
    found[place] = keyed;
  }
  return found;
}

async function readSchema(connection: Connection, database: string): Promise<readonly Table[]> {
  const [results] = await connection.query<RowDataPacket[][]>(
    `SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_TYPE = 'BASE TABLE';
     SELECT TABLE_NAME AS name, COLUMN_NAME AS col FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = ? AND COLUMN_KEY = 'PRI' ORDER BY ORDINAL_POSITION`,
    [database, database],
  );
  const [tables = [], columns = []] = results as readonly (readonly TextRow[])[];
  return tables
    .map(({ name }) => ({
      name: name ?? '',
      key: columns.filter((column) => column['name'] === name).map((column) => column['col'] ?? ''),
    }))
    .filter((table) => !isVolatile(`${database}.${table.name}`));
}

/** Whether a table says nothing about what was removed. */
export function isVolatile(place: string): boolean {
  return volatileTables.has(place);
}

export function withoutVolatile(place: string, row: TextRow): TextRow {
  return Object.fromEntries(
    Object.entries(row).filter(
      ([column]) => !volatileColumns.has(column) && !volatileColumns.has(`${place}.${column}`),
    ),
  );
}
