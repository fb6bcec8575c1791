import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import type { Lab } from './paths.ts';

export type SqlValue = string | number | null;

/** One connection as the database's root over its socket; every value comes back as text or null, as the table has it. */
export async function withDatabase<T>(
  lab: Lab,
  database: string | undefined,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await createConnection({
    socketPath: lab.mysqlSocket,
    user: 'root',
    password: lab.secrets.mysqlRoot,
    multipleStatements: true,
    typeCast: (field) => field.string(),
    ...(database === undefined ? {} : { database }),
  });
  try {
    return await work(connection);
  } finally {
    await connection.end();
  }
}

export type TextRow = Readonly<Record<string, string | null>>;

/** Asks one database and gives the rows. */
export function query(
  lab: Lab,
  database: string,
  statement: string,
  values: readonly SqlValue[] = [],
): Promise<readonly TextRow[]> {
  return withDatabase(lab, database, async (connection) => {
    const [rows] = await connection.query<RowDataPacket[]>(statement, [...values]);
    return rows as readonly TextRow[];
  });
}

/** Runs statements in one transaction. */
export async function change(
  lab: Lab,
  database: string,
  statements: readonly (readonly [statement: string, values: readonly SqlValue[]])[],
): Promise<void> {
  await withDatabase(lab, database, async (connection) => {
    await connection.beginTransaction();
    for (const [statement, values] of statements) await connection.query(statement, [...values]);
    await connection.commit();
  });
}
