/** Advisory locks of the one database server: `GET_LOCK` and what belongs to it, as MySQL answers, for processes side by side. */
import type { DatabaseSync } from 'node:sqlite';
import { isSameProcess, startOf } from '../site/process-identity.ts';
import { inTransaction, type World } from './world.ts';

let opened = 0;

/** A number that no other connection to the server has, whichever process it is of. */
export function numberConnection(): number {
  opened += 1;
  return process.pid * 1_000_000 + opened;
}

/**
 * Teaches a connection `connection_id()`, `get_lock(name, seconds)`, `is_used_lock(name)` and `release_lock(name)`. Whoever waits is an
 * error: expunge does not.
 *
 * @param says its connection attributes
 * @returns what the end of the connection does: all that it held is free
 */
export function teachLocks(
  database: DatabaseSync,
  world: World,
  connection: number,
  says: Readonly<Record<string, string>>,
): { releaseAll(): void } {
  const { machines } = world;
  let asked = false;
  database.function('connection_id', () => connection);
  database.function('get_lock', (name, seconds) => {
    if (seconds !== 0) throw new Error(`the simulated database was not taught: a lock after ${seconds} s`);
    asked = true;
    return inTransaction(machines, () => {
      const holder = holderOf(machines, String(name));
      if (holder !== null) return holder === connection ? 1 : 0;
      machines
        .prepare('INSERT INTO locks (name, connection, pid, start, says) VALUES (?, ?, ?, ?, ?)')
        .run(String(name), connection, process.pid, startOf(process.pid), JSON.stringify(says));
      return 1;
    });
  });
  database.function('is_used_lock', (name) =>
    inTransaction(machines, () => holderOf(machines, String(name))),
  );
  database.function('release_lock', (name) =>
    inTransaction(machines, () => {
      const holder = holderOf(machines, String(name));
      if (holder === null) return null;
      if (holder !== connection) return 0;
      machines.prepare('DELETE FROM locks WHERE name = ?').run(String(name));
      return 1;
    }),
  );
  return {
    releaseAll() {
      if (asked) machines.prepare('DELETE FROM locks WHERE connection = ?').run(connection);
    },
  };
}

/** The connection that holds a lock. One whose process has ended has let go of it, as a server notices. */
function holderOf(machines: DatabaseSync, name: string): number | null {
  const row = machines.prepare('SELECT connection, pid, start FROM locks WHERE name = ?').get(name);
  if (row === undefined) return null;
  const { connection, pid, start } = row;
  if (isSameProcess(Number(pid), typeof start === 'string' ? start : null)) return Number(connection);
  machines.prepare('DELETE FROM locks WHERE name = ?').run(name);
  return null;
}

/** `performance_schema`, as far as it tells of connections: made anew each time, because they come and go. */
export function describeSessions(database: DatabaseSync, world: World): void {
  const known = database.prepare('PRAGMA database_list').all();
  if (!known.some((each) => each['name'] === 'performance_schema'))
    database.exec(`ATTACH ':memory:' AS performance_schema;
      CREATE TABLE performance_schema.session_account_connect_attrs (processlist_id INTEGER, attr_name TEXT, attr_value TEXT)`);
  database.exec('DELETE FROM performance_schema.session_account_connect_attrs');
  const insert = database.prepare(
    'INSERT INTO performance_schema.session_account_connect_attrs VALUES (?, ?, ?)',
  );
  for (const { connection, says } of world.machines.prepare('SELECT connection, says FROM locks').all())
    for (const [name, value] of Object.entries(JSON.parse(String(says)) as Record<string, string>))
      insert.run(Number(connection), name, value);
}
