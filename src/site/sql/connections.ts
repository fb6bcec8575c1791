/** Connections to MySQL and MariaDB, and what goes over any of them. */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import type {
  Connection,
  ConnectionOptions,
  QueryResult,
  ResultSetHeader,
  RowDataPacket,
  SslOptions,
} from 'mysql2/promise';
import { hasCode, LookError, UsageError } from '../../plan/errors.ts';
import { net } from '../builtins.ts';
import type { Row } from '../reader.ts';
import type { DatabaseUrl } from './url.ts';

/** One connection, whatever is at its other end. Statements go one after the other. */
export interface SqlConnection {
  /** The rows of one statement, columns by name; dates as text, binary as Buffer. */
  rows(sql: string, parameters: readonly unknown[], timeoutMs: number): Promise<readonly SqlPacket[]>;
  /** The number of rows that one statement touched, also those that it found as it would have them. */
  run(sql: string, parameters: readonly unknown[], timeoutMs: number): Promise<number>;
  /** Calls back when the other end has gone away. */
  onLost(callback: () => void): void;
  end(): Promise<void>;
  /** Cuts the line at once, whatever is under way on it. */
  giveUp(): void;
}

/** What is asked of one connection beyond the usual. */
export interface SessionOptions {
  /** told to the server as connection attributes: others of the same account can read it */
  readonly says: Readonly<Record<string, string>>;
  /** after how many seconds of silence the server hangs up */
  readonly idleSeconds: number;
}

export type SqlPacket = Readonly<Record<string, unknown>>;

const CONNECT_TIMEOUT_MS = 5_000;
const QUERY_TIMEOUT_MS = 30_000;

/**
 * Opens a connection. One for reading says so to the server too: with `SET SESSION TRANSACTION READ ONLY` the database
 * itself refuses a write, whatever a bug upstairs may send.
 *
 * @throws LookError when the server cannot be reached or refuses
 */
export async function openConnection(
  place: string,
  url: DatabaseUrl,
  readOnly: boolean,
  session?: SessionOptions,
): Promise<SqlConnection> {
  // A CommonJS package: in a bundle only its default export is sure to be there.
  const { default: mysql } = await import('mysql2/promise');
  const options: ConnectionOptions = {
    ...(url.socketPath === undefined ? { host: url.host, port: url.port } : { socketPath: url.socketPath }),
    user: url.user,
    password: url.password,
    database: url.database,
    charset: 'utf8mb4',
    dateStrings: true,
    // As they stand in the row: what is saved of it is what an undo writes.
    jsonStrings: true,
    supportBigNumbers: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    ...(url.tls === undefined ? {} : { ssl: tlsOptions(place, url.host, url.tls) }),
    ...(session === undefined ? {} : { connectAttributes: { ...session.says } }),
  };
  try {
    const connection = await mysql.createConnection(options);
    // A server that hangs up between two questions: the next question says so. Unheard, it would end the process.
    connection.on('error', () => {});
    const wrapped = wrapConnection(connection);
    if (takesBackslashAsText(connection))
      await wrapped.run("SET SESSION sql_mode = 'TRADITIONAL'", [], QUERY_TIMEOUT_MS);
    if (readOnly) await sayReadOnly(wrapped);
    if (session !== undefined)
      await wrapped.run('SET SESSION wait_timeout = ?', [session.idleSeconds], QUERY_TIMEOUT_MS);
    return wrapped;
  } catch (error) {
    throw explainSqlError(place, error);
  }
}

/** `SERVER_STATUS_NO_BACKSLASH_ESCAPES`, a bit of the status in every greeting (mysql2 3.24 `constants/server_status.js`) */
const NO_BACKSLASH_ESCAPES = 512;

/**
 * With `NO_BACKSLASH_ESCAPES` in its `sql_mode` a server ends a text at a quote that mysql2 3.24 escapes with a backslash, and takes
 * what follows for SQL (tried on MariaDB 10.11). It says so when it greets. The session then gets the mode that Nova's own have
 * (oslo.db `options.py:mysql_sql_mode`).
 */
function takesBackslashAsText(connection: Connection): boolean {
  const { _handshakePacket: greeting } = (
    connection as unknown as { connection: { _handshakePacket?: { statusFlags?: number } } }
  ).connection;
  return ((greeting?.statusFlags ?? 0) & NO_BACKSLASH_ESCAPES) !== 0;
}

async function sayReadOnly(connection: SqlConnection): Promise<void> {
  try {
    await connection.run('SET SESSION TRANSACTION READ ONLY', [], QUERY_TIMEOUT_MS);
  } catch (error) {
    if (!(await lacksStatement(connection, error))) throw error;
  }
}

/**
 * Whether a statement was refused because the server is older than it: MySQL and MariaDB 5.5, the databases of Juno's time, know
 * neither transactions that only read (MySQL 5.6.5, MariaDB 10.0) nor EXPLAIN of a write (MySQL 5.6.3, MariaDB 10.0.5).
 */
export async function lacksStatement(connection: SqlConnection, error: unknown): Promise<boolean> {
  if (!hasCode(error, 'ER_PARSE_ERROR')) return false;
  const [row] = await connection.rows('select version() as v', [], QUERY_TIMEOUT_MS);
  return /^5\.[0-5]\./.test(String(row?.['v']));
}

/** mysql2 3.24 cannot ask for an address: it would compare the certificate with `localhost`. */
function tlsOptions(
  place: string,
  host: string,
  { verifyHost, ...files }: NonNullable<DatabaseUrl['tls']>,
): SslOptions {
  try {
    const read = Object.entries(files).map(([k, path]) => [k, readFileSync(path)] as const);
    return { ...Object.fromEntries(read), verifyIdentity: verifyHost && net().isIP(host) === 0 };
  } catch (error) {
    throw new LookError(place, `a TLS file cannot be read: ${String((error as Error).message)}`, {
      code: 'database-tls',
      hint: 'where the URL names a file of another machine, set databases.ca_file in the site file',
    });
  }
}

/**
 * Sends one statement and waits for its answer, but not for ever. After a silence the connection is given up: what was asked over it
 * meanwhile stands in a queue behind this statement, and would wait without an end.
 */
async function ask<T extends QueryResult>(
  connection: Connection,
  sql: string,
  parameters: readonly unknown[],
  timeoutMs: number,
): Promise<T> {
  try {
    const [answer] = await connection.query<T>({ sql, values: [...parameters], timeout: timeoutMs });
    return answer;
  } catch (error) {
    if (hasCode(error, 'PROTOCOL_SEQUENCE_TIMEOUT')) cut(connection);
    throw error;
  }
}

function streamOf(connection: Connection): Socket {
  return (connection as unknown as { connection: { stream: Socket } }).connection.stream;
}

/** Cuts the line. `destroy()` only says goodbye on it, and a dead line then holds the process until the kernel lets go of it. */
function cut(connection: Connection): void {
  streamOf(connection).destroy();
}

function wrapConnection(connection: Connection): SqlConnection {
  return {
    rows: (sql, parameters, timeoutMs) => ask<RowDataPacket[]>(connection, sql, parameters, timeoutMs),
    run: async (sql, parameters, timeoutMs) =>
      (await ask<ResultSetHeader>(connection, sql, parameters, timeoutMs)).affectedRows,
    onLost(callback) {
      connection.once('end', callback);
      connection.once('error', callback);
    },
    async end() {
      await connection.end();
      // The server hangs up at this goodbye; one that is gone does not, and nobody waits for it.
      streamOf(connection).unref();
    },
    giveUp: () => cut(connection),
  };
}

/** Runs one statement and parses its rows at the edge. @throws LookError */
export async function queryRows(
  place: string,
  connection: SqlConnection,
  sql: string,
  parameters: readonly unknown[],
  timeoutMs = QUERY_TIMEOUT_MS,
): Promise<readonly Row[]> {
  try {
    return (await connection.rows(sql, parameters, timeoutMs)).map(parseRow);
  } catch (error) {
    throw explainSqlError(place, error);
  }
}

function parseRow(packet: SqlPacket): Row {
  return Object.fromEntries(
    Object.entries(packet).map(([column, value]) => {
      if (value === null || typeof value === 'string' || typeof value === 'number') return [column, value];
      if (Buffer.isBuffer(value)) return [column, { base64: value.toString('base64') }];
      return [column, String(value)];
    }),
  );
}

const HINTS: Readonly<Record<string, string>> = {
  ER_ACCESS_DENIED_ERROR:
    'check user and password of this database, and whether the account may come from here, or without TLS (databases.ca_file)',
  ER_DBACCESS_DENIED_ERROR: 'this user may not use the database: docs/reference.md lists the GRANTs',
  ER_TABLEACCESS_DENIED_ERROR: 'this user lacks a right: docs/reference.md lists the GRANTs',
  ER_COLUMNACCESS_DENIED_ERROR: 'this user lacks a right: docs/reference.md lists the GRANTs',
  ER_BAD_DB_ERROR: 'there is no such database on this server',
  ER_HOST_NOT_PRIVILEGED: 'its accounts are for other machines than this one',
  ER_HOST_IS_BLOCKED:
    'after too many faulty connections from here: FLUSH HOSTS, or mysqladmin flush-hosts, lifts it',
  ER_CON_COUNT_ERROR: 'no connection is left (max_connections): try again, or see who holds them',
  ER_TOO_MANY_USER_CONNECTIONS: 'no connection is left for this account (max_user_connections)',
  ER_UNKNOWN_COM_ERROR: 'a node of a Galera cluster answers so when it is not in sync or has no quorum',
  ER_LOCK_DEADLOCK: 'another transaction was in the way, and this one was rolled back whole: try again',
  ER_LOCK_WAIT_TIMEOUT: 'an open transaction holds the rows: information_schema.innodb_trx lists them',
  HANDSHAKE_NO_SSL_SUPPORT: 'its URL (ssl_…) or databases.ca_file asks for TLS, and this server has none',
  ER_SECURE_TRANSPORT_REQUIRED: 'this server wants TLS: name who signed its certificate as databases.ca_file',
  HANDSHAKE_SSL_ERROR:
    'ssl_ca in its URL, or databases.ca_file, names who signed the certificate: is it that one, for that host?',
  ENOTFOUND: 'there is no such host',
  ECONNREFUSED: 'nothing listens there: is the database up, is the address right?',
  ETIMEDOUT: 'no answer: is the database up, is it behind a firewall?',
  PROTOCOL_CONNECTION_LOST: 'it hung up: did it just end, or is it a proxy without a backend?',
  ECONNRESET: 'it hung up: did it just end, or is it a proxy without a backend?',
  PROTOCOL_SEQUENCE_TIMEOUT:
    'connected, but no answer: is it locked, out of quorum, or a proxy without a backend?',
  ER_OPTION_PREVENTS_STATEMENT: 'this is a replica that takes no writes: name the server that does',
};

/** Percona XtraDB Cluster 5.7 and newer by default: ER_UNKNOWN_ERROR to `GET_LOCK` (its manual, PXC Strict Mode, explicit table locking). */
const STRICT_MODE =
  'where all writes go to one node, SET GLOBAL pxc_strict_mode = MASTER there allows it: docs/safety.md, One run at a time';

/**
 * The server's own words without the statement, which could hold values. A password or a right that is missing is the
 * operator's to mend (exit 2); anything else leaves it open what the database holds (exit 4).
 */
export function explainSqlError(place: string, error: unknown): LookError | UsageError {
  if (error instanceof LookError || error instanceof UsageError) return error;
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
  const said = error instanceof Error && error.message !== '' ? error.message : code;
  const hint = /pxc_strict_mode/.test(said) ? STRICT_MODE : HINTS[code];
  const details = { code: `database-${code.toLowerCase().replaceAll('_', '-')}`, hint };
  if (/^ER_.*ACCESS_?DENIED_ERROR$/.test(code))
    return new UsageError(`${place}: the database says: ${said}`, details);
  return new LookError(place, `the database says: ${said}`, details);
}
