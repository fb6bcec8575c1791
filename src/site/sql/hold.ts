/**
 * An advisory lock in Nova's API database: `GET_LOCK`, which MySQL and MariaDB give to one connection at a time and take back when that
 * connection ends, however it ends. It needs no GRANT. Tried on MariaDB 10.11 with a user that has SELECT on one database.
 *
 * The lock is one server process's own: of a Galera cluster each node has locks of its own.
 */
import { LookError, UsageError } from '../../plan/errors.ts';
import { explainSqlError, queryRows, type SqlConnection } from './connections.ts';
import type { Databases } from './databases.ts';

const DATABASE = 'api';

/** Where the lock lies, as messages call it. */
const PLACE = 'database nova_api';

/** How often the holder is heard of; and after how long a silence the database lets go: that of a machine that lost its power. */
const SIGN_MS = 30_000;
const IDLE_SECONDS = 120;

/** Whether the lock is this connection's own. */
const OWNED = 'select is_used_lock(?) as holder, connection_id() as own';

/** Who holds a lock, as far as the database tells. */
export interface HeldBy {
  /** the number of the connection: `KILL <number>` ends it */
  readonly connection: number;
  /** what the holder said of itself when it connected; null: the database does not keep that, or was not told */
  readonly said: Readonly<Record<string, string>> | null;
  /** `nova@10.0.0.5:51234`; null: this user may not see it */
  readonly account: string | null;
}

export interface Hold {
  /** False from the moment at which the connection was lost, and with it the lock. */
  readonly isHeld: () => boolean;
  /** Lets go. Never throws: a connection that is gone has let go already. */
  release(): Promise<void>;
  /** Lets go without a word, for a process that ends. */
  drop(): void;
}

/**
 * Takes the lock of this name, or says who has it. Never waits.
 *
 * @param says who takes it: what other users of the same account can read as long as the connection stands
 * @throws LookError | UsageError when the database cannot be asked, or has the lock and another connection is said to hold it
 */
export async function holdLock(
  databases: Databases,
  name: string,
  says: Readonly<Record<string, string>>,
): Promise<Hold | HeldBy> {
  const connection = await databases.openWriting(DATABASE, { says, idleSeconds: IDLE_SECONDS });
  try {
    const [answer] = await queryRows(PLACE, connection, 'select get_lock(?, 0) as got', [name]);
    const got = numberIn(answer?.['got']);
    if (got === 0) {
      const holder = await findHolder(connection, name);
      // Let go of between the two questions: whoever asks again gets it.
      if (holder === null) throw notToBeHad('it was let go of this very moment', 'try again');
      await connection.end().catch(() => {});
      return holder;
    }
    if (got !== 1) throw notToBeHad('the database gives no reason', 'its error log may say why');
    if (!(await ownsLock(connection, name)))
      throw notToBeHad(
        'another connection answers than the one that asked for it',
        'a proxy that spreads statements over connections cannot keep a lock: name the database itself',
      );
    return keepHold(connection, name);
  } catch (error) {
    connection.giveUp();
    throw error instanceof LookError || error instanceof UsageError ? error : explainSqlError(PLACE, error);
  }
}

function notToBeHad(why: string, hint: string): LookError {
  return new LookError(PLACE, `the lock on the server cannot be had: ${why}`, {
    code: 'lock-unavailable',
    hint,
  });
}

/** MySQL's integers come as numbers, MariaDB's `BIGINT` as either; NULL and anything else is null. */
function numberIn(value: unknown): number | null {
  const n = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN;
  return Number.isSafeInteger(n) ? n : null;
}

async function ownsLock(connection: SqlConnection, name: string): Promise<boolean> {
  const [row] = await queryRows(PLACE, connection, OWNED, [name]);
  const holder = numberIn(row?.['holder']);
  return holder !== null && holder === numberIn(row?.['own']);
}

function keepHold(connection: SqlConnection, name: string): Hold {
  let held = true;
  const lose = () => {
    held = false;
    clearInterval(signs);
  };
  // A proxy cuts what is idle, and the database lets go of a holder that it does not hear of.
  const signs = setInterval(() => {
    ownsLock(connection, name).then((own) => {
      if (!own) lose();
    }, lose);
  }, SIGN_MS);
  signs.unref();
  connection.onLost(lose);
  return {
    isHeld: () => held,
    async release() {
      const had = held;
      lose();
      // In words too: the end of a connection is not always heard of before the next command asks.
      try {
        if (had) await queryRows(PLACE, connection, 'select release_lock(?) as released', [name]);
        await connection.end();
      } catch {
        connection.giveUp();
      }
    },
    drop() {
      lose();
      connection.giveUp();
    },
  };
}

async function findHolder(connection: SqlConnection, name: string): Promise<HeldBy | null> {
  const [row] = await queryRows(PLACE, connection, OWNED, [name]);
  const holder = numberIn(row?.['holder']);
  if (holder === null) return null;
  const said = await readSaid(connection, holder);
  return { connection: holder, said, account: said === null ? await readAccount(connection, holder) : null };
}

/** What a connection of the same account said of itself. MySQL keeps it; MariaDB only with `performance_schema` on. */
async function readSaid(
  connection: SqlConnection,
  holder: number,
): Promise<Readonly<Record<string, string>> | null> {
  const rows = await ifTold(
    connection,
    'select attr_name as name, attr_value as value from performance_schema.session_account_connect_attrs where processlist_id = ?',
    holder,
  );
  const said = rows.flatMap(({ name, value }) =>
    typeof name === 'string' && typeof value === 'string' ? [[name, value] as const] : [],
  );
  return said.length === 0 ? null : Object.fromEntries(said);
}

/** Without the right PROCESS a user sees the connections of its own account. Renamed, or MySQL 8 may give the columns in capitals. */
async function readAccount(connection: SqlConnection, holder: number): Promise<string | null> {
  const [row] = await ifTold(
    connection,
    'select user as user, host as host from information_schema.processlist where id = ?',
    holder,
  );
  const { user, host } = row ?? {};
  return typeof user === 'string' && typeof host === 'string' ? `${user}@${host}` : null;
}

/** Who holds the lock is told as well as may be: that it is held is known without. */
async function ifTold(connection: SqlConnection, sql: string, holder: number) {
  try {
    return await queryRows(PLACE, connection, sql, [holder]);
  } catch (error) {
    if (error instanceof LookError || error instanceof UsageError) return [];
    throw error;
  }
}
