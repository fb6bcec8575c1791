/** Work of one service on several databases at once, so that nobody sees half of it. */
import type { DatabaseSync } from 'node:sqlite';
import type { ServiceDatabase, World } from '../world.ts';

/** SQLite's code for a database that somebody else is writing to. */
const SQLITE_BUSY = 5;
/** What `openWorld` sets. */
const PATIENCE_MS = 5_000;

/**
 * Runs `work` with the machines and the named databases locked, and commits all of them; an error takes all of it back. A
 * database in which the caller has begun a transaction stays the caller's to end.
 *
 * @throws Error when somebody keeps one of them locked for five seconds
 */
export function together<T>(world: World, names: readonly ServiceDatabase[], work: () => T): T {
  return finish(begin(list(world, names)), work);
}

/**
 * The same, but not at all when one of them is locked: a client of the sql wire in the middle of a transaction, who would wait for
 * this call to return as this call would for him.
 *
 * @returns whether the work was done
 */
export function tryTogether(world: World, names: readonly ServiceDatabase[], work: () => void): boolean {
  const databases = list(world, names);
  let begun: readonly DatabaseSync[];
  for (const database of databases) database.exec('PRAGMA busy_timeout=0');
  try {
    begun = begin(databases);
  } catch (error) {
    if (isBusy(error)) return false;
    throw error;
  } finally {
    for (const database of databases) database.exec(`PRAGMA busy_timeout=${PATIENCE_MS}`);
  }
  finish(begun, work);
  return true;
}

function list(world: World, names: readonly ServiceDatabase[]): readonly DatabaseSync[] {
  return [world.machines, ...names.map((name) => world.db(name))];
}

function begin(databases: readonly DatabaseSync[]): readonly DatabaseSync[] {
  const begun: DatabaseSync[] = [];
  try {
    for (const database of databases) {
      if (database.isTransaction) continue;
      database.exec('BEGIN IMMEDIATE');
      begun.push(database);
    }
  } catch (error) {
    for (const database of begun) database.exec('ROLLBACK');
    throw error;
  }
  return begun;
}

function finish<T>(begun: readonly DatabaseSync[], work: () => T): T {
  try {
    const result = work();
    for (const database of begun) database.exec('COMMIT');
    return result;
  } catch (error) {
    for (const database of begun) if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}
