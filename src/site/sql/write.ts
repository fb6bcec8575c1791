/** The writing half of the sql door: all statements of a step in one transaction, row counts asserted. */
import { ActError, hasCode, LookError, type UsageError } from '../../plan/errors.ts';
import type { SqlAct, SqlWrite } from '../../plan/types.ts';
import { explainSqlError, lacksStatement, type SqlConnection } from './connections.ts';
import type { Databases } from './databases.ts';
import { renderWrite } from './render.ts';

/** Longer than InnoDB waits for a lock (`innodb_lock_wait_timeout`, 50 s), so that a live server answers first. */
const WRITE_TIMEOUT_MS = 60_000;

function expectedRows(write: SqlWrite): number {
  return write.verb === 'insert' ? 1 : write.rows;
}

/**
 * Does all writes or none. A count other than the planned one means that the world moved since the plan: rolled back.
 *
 * @throws ActError; `unknown` when the connection broke while COMMIT was under way
 */
export async function writeTransaction(
  databases: Databases,
  act: SqlAct,
  timeoutMs = WRITE_TIMEOUT_MS,
): Promise<void> {
  const place = await databases.placeOf(act.database);
  const connection = await beginForAct(databases, act, timeoutMs);
  let committing = false;
  try {
    for (const write of act.writes) {
      const { sql, parameters } = renderWrite(write);
      const affectedRows = await connection.run(sql, parameters, timeoutMs);
      const expected = expectedRows(write);
      if (affectedRows !== expected)
        throw new ActError(
          `${place}: ${write.verb} ${write.table} touched ${affectedRows} rows where ${expected} were planned; rolled back`,
          { code: 'row-count', hint: 'the rows changed since the plan was made: plan again' },
        );
    }
    committing = true;
    await connection.run('COMMIT', [], timeoutMs);
    await connection.end();
  } catch (error) {
    // Ending the connection rolls back whatever was not committed; rollback() itself could hang on a dead line.
    connection.giveUp();
    if (error instanceof ActError) throw error;
    // Galera weighs a transaction against those of other nodes at its COMMIT, and says so when it was rolled back.
    const isUndone = hasCode(error, 'ER_LOCK_DEADLOCK');
    throw asFailedAct(explainSqlError(place, error), committing && !isUndone);
  }
}

/**
 * A transaction begun, on the connection of the rehearsal if that still stands: hours may lie between, and proxies cut what is
 * idle. Without a connection nothing was done: that much is known.
 */
async function beginForAct(databases: Databases, act: SqlAct, timeoutMs: number): Promise<SqlConnection> {
  const rehearsed = databases.takeSpare(act.database);
  if (rehearsed !== undefined) {
    try {
      await rehearsed.run('START TRANSACTION', [], timeoutMs);
      return rehearsed;
    } catch {
      rehearsed.giveUp();
    }
  }
  const place = await databases.placeOf(act.database);
  try {
    const connection = await databases.openWriting(act.database);
    await connection.run('START TRANSACTION', [], timeoutMs);
    return connection;
  } catch (error) {
    throw asFailedAct(explainSqlError(place, error), false);
  }
}

function asFailedAct(error: LookError | UsageError, unknown: boolean): ActError {
  const sentence = error instanceof LookError ? `${error.place}: ${error.message}` : error.message;
  return new ActError(sentence, { code: error.code, hint: error.hint, unknown });
}

/**
 * Asks the database to explain every statement of a transaction, which takes the same rights as running it and changes nothing:
 * a user who may not write is found out before the first step, not at the last, and so is a replica (tried on MariaDB 10.11, `read_only`).
 * A server that cannot explain a write (5.5) is not asked: there it is found out at the step itself, and rolled back.
 *
 * @throws UsageError when a right is missing, LookError when the database cannot be asked or takes no writes
 */
export async function rehearseTransaction(databases: Databases, act: SqlAct): Promise<void> {
  const place = await databases.placeOf(act.database);
  const connection = await databases.openWriting(act.database);
  try {
    for (const write of act.writes) {
      const { sql, parameters } = renderWrite(write);
      await connection.run(`explain ${sql}`, parameters, WRITE_TIMEOUT_MS);
    }
    databases.keepSpare(act.database, connection);
  } catch (error) {
    if (await lacksStatement(connection, error).catch(() => false))
      return databases.keepSpare(act.database, connection);
    connection.giveUp();
    throw explainSqlError(place, error);
  }
}
