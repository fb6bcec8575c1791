/** The sql wire: MySQL's statements, as expunge compiles them, on SQLite files with the same tables. */

import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { LookError, messageOf, UsageError } from '../plan/errors.ts';
import type { SessionOptions, SqlConnection, SqlPacket } from '../site/sql/connections.ts';
import type { DatabaseUrl } from '../site/sql/url.ts';
import { describeSessions, numberConnection, teachLocks } from './locks.ts';
import { SERVICE_DATABASES, type ServiceDatabase, sqlTime, type World } from './world.ts';

/**
 * A client's connection to one database. One that may write is a connection of its own, as to a server: what it has not committed
 * nobody else sees. One that only reads has nothing to hide, and reads through the world's own.
 *
 * @throws LookError with MySQL's own code for a database or a user that is not there
 */
export async function connectSql(
  world: World,
  place: string,
  url: DatabaseUrl,
  readOnly: boolean,
  react: () => void,
  session?: SessionOptions,
): Promise<SqlConnection> {
  const name = SERVICE_DATABASES.find((each) => each === url.database);
  if (name === undefined)
    throw new LookError(place, `the database says: Unknown database '${url.database}'`, {
      code: 'database-er-bad-db-error',
      hint: 'there is no such database on this server',
    });
  // The one account of every database here, as `cell_mappings` of the recorded cloud has it.
  if (url.user !== 'nova' || url.password !== 'nova')
    throw new UsageError(`${place}: the database says: Access denied for user '${url.user}'`, {
      code: 'database-er-access-denied-error',
      hint: 'check user and password of this database',
    });
  react();
  const database = readOnly ? world.db(name) : openToWrite(world, name);
  teachFunctions(database, world, name);
  const connection = numberConnection();
  const locks = readOnly ? null : teachLocks(database, world, connection, session?.says ?? {});
  let isOpen = true;
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    locks?.releaseAll();
    if (!readOnly) database.close();
  };
  const take = (sql: string, parameters: readonly unknown[]) => {
    if (!isOpen) throw new Error('database is not open');
    const translated = translate(sql, parameters);
    if (readOnly && !READS.test(sql)) throw asMysqlError(new Error('attempt to write a readonly database'));
    return translated;
  };
  const run = (sql: string, parameters: readonly unknown[]) => {
    const { text, values } = take(sql, parameters);
    try {
      return Number(database.prepare(text).run(...values).changes);
    } catch (error) {
      throw asMysqlError(error);
    }
  };
  return {
    async rows(sql, parameters) {
      react();
      if (sql.includes('information_schema')) describeDatabase(database, name);
      if (sql.includes('performance_schema')) describeSessions(database, world);
      const { text, values } = take(sql, parameters);
      try {
        return database
          .prepare(text)
          .all(...values)
          .map(asPacket);
      } catch (error) {
        throw asMysqlError(error);
      }
    },
    async run(sql, parameters) {
      react();
      const changes = run(sql, parameters);
      if (sql === 'COMMIT') react();
      return changes;
    },
    onLost() {},
    async end() {
      close();
    },
    giveUp() {
      close();
    },
  };
}

/** What a client in a read-only transaction may say. */
const READS = /^[\s(]*(select|explain)\b/i;

function openToWrite(world: World, name: ServiceDatabase): DatabaseSync {
  const database = new DatabaseSync(join(world.folder, `${name}.sqlite`));
  database.exec('PRAGMA busy_timeout=5000; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON');
  return database;
}

/** The world's own connection serves many clients. */
const taught = new WeakSet<DatabaseSync>();

function teachFunctions(database: DatabaseSync, world: World, name: ServiceDatabase): void {
  if (taught.has(database)) return;
  taught.add(database);
  database.function('utc_timestamp', () => sqlTime(world.now()));
  database.function('database', () => name);
  database.function('current_user', () => 'nova@%');
}

/** The tables that `information_schema` tells of, as SQLite counts their changes. */
const described = new WeakMap<DatabaseSync, unknown>();

/**
 * MySQL tells of its tables and of the user's rights in `information_schema`, which is a database of its own here too, made when first
 * asked, and filled anew when the tables have changed. The one user may do everything with the database, as `GRANT ALL ON nova.*` lets
 * Nova's own.
 */
function describeDatabase(database: DatabaseSync, name: string): void {
  const version = database.prepare('PRAGMA schema_version').get()?.['schema_version'];
  if (described.get(database) === version) return;
  if (!described.has(database))
    database.exec(`ATTACH ':memory:' AS information_schema;
      CREATE TABLE information_schema.columns (table_schema TEXT, table_name TEXT, column_name TEXT);
      CREATE TABLE information_schema.schema_privileges (grantee TEXT, table_schema TEXT, privilege_type TEXT);
      INSERT INTO information_schema.schema_privileges
      SELECT '''nova''@''%''', '${name}', value FROM json_each('${JSON.stringify(RIGHTS)}');
      CREATE TABLE information_schema.table_privileges (grantee TEXT, table_schema TEXT, table_name TEXT, privilege_type TEXT);
      CREATE TABLE information_schema.user_privileges (grantee TEXT, privilege_type TEXT);
      INSERT INTO information_schema.user_privileges VALUES ('''nova''@''%''', 'USAGE')`);
  database.exec(`DELETE FROM information_schema.columns;
    INSERT INTO information_schema.columns
    SELECT '${name}', t.name, c.name FROM main.sqlite_master t, pragma_table_info(t.name, 'main') c WHERE t.type = 'table'`);
  described.set(database, version);
}

const RIGHTS = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'CREATE', 'DROP', 'REFERENCES', 'INDEX', 'ALTER'];

/**
 * Statements that SQLite writes otherwise, and a list given for one question mark, as mysql2 spreads it.
 *
 * @throws Error for a statement of a kind that was not taught
 */
function translate(sql: string, parameters: readonly unknown[]): { text: string; values: SQLInputValue[] } {
  if (sql === 'START TRANSACTION') return { text: 'BEGIN IMMEDIATE', values: [] };
  const verb = /^\s*(select|update|delete|insert|explain|commit|rollback)\b/i.exec(sql)?.[1];
  if (verb === undefined && !sql.startsWith('('))
    throw new Error(`the simulated database was not taught: ${sql.slice(0, 60)}`);
  const values: SQLInputValue[] = [];
  let next = 0;
  // Quoted names and texts are passed over: a question mark in them is none.
  const text = sql.replaceAll(/`[^`]*`|'(?:[^']|'')*'|\?/g, (found) => {
    if (found !== '?') return found;
    const value = parameters[next++];
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    values.push(...list.map(asInput));
    return list.map(() => '?').join(', ');
  });
  return { text, values };
}

function asInput(value: unknown): SQLInputValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value;
  if (value instanceof Uint8Array) return value;
  throw new Error(`a ${typeof value} is no parameter`);
}

function asPacket(row: Record<string, unknown>): SqlPacket {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      column,
      value instanceof Uint8Array ? Buffer.from(value) : value,
    ]),
  );
}

const CODES: readonly (readonly [RegExp, string])[] = [
  [/no such table/, 'ER_NO_SUCH_TABLE'],
  [/no such column/, 'ER_BAD_FIELD_ERROR'],
  [/readonly database/, 'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION'],
  [/database is locked/, 'ER_LOCK_WAIT_TIMEOUT'],
  [/UNIQUE constraint/, 'ER_DUP_ENTRY'],
  [/FOREIGN KEY constraint/, 'ER_ROW_IS_REFERENCED_2'],
  [/NOT NULL constraint/, 'ER_BAD_NULL_ERROR'],
];

function asMysqlError(error: unknown): Error {
  const said = messageOf(error);
  const code = CODES.find(([pattern]) => pattern.test(said))?.[1] ?? 'ER_UNKNOWN_ERROR';
  return Object.assign(new Error(said), { code });
}
