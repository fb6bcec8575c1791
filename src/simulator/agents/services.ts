/** Signs of life of Nova's services: rows of `services`, which everybody else judges them by. */
import { readMeta, sqlTime, type World } from '../world.ts';

/** nova `[DEFAULT] report_interval`: how often a service reports, in seconds. */
const REPORT_INTERVAL_S = 10;
/** nova `[DEFAULT] service_down_time`, in seconds, and what the world's nova.conf says. */
const SERVICE_DOWN_TIME_S = 60;

const OF_HOST = 'SELECT * FROM services WHERE host = ? AND "binary" = \'nova-compute\' AND deleted = 0';

/** Without a conductor a nova-compute can neither read nor write what the database has: every call of it times out. */
export function conductorIsAlive(world: World): boolean {
  return readMeta(world, 'conductor') !== 'dead';
}

/**
 * nova 26 `servicegroup/drivers/db.py:DbDriver.is_up`, and `servicegroup/api.py:API.service_is_up` for `forced_down`.
 *
 * @returns null when Nova knows no nova-compute of that host
 */
export function computeIsUp(world: World, host: string): boolean | null {
  const row = world.db('nova').prepare(OF_HOST).get(host);
  if (row === undefined) return null;
  if (row['forced_down'] === 1) return false;
  const seen = parseTime(row['last_seen_up'] ?? row['created_at']);
  return Math.abs(world.now().getTime() - seen) <= SERVICE_DOWN_TIME_S * 1000;
}

/**
 * Nova 26 `servicegroup/drivers/db.py:_report_state`: a report counts up and dates the row; nothing is written before it is due.
 *
 * @returns the moment of the next report, in milliseconds since 1970; Infinity when nobody here reports
 */
export function reportComputes(world: World, hosts: readonly string[]): number {
  return Math.min(Infinity, ...hosts.map((host) => report(world, 'nova-compute', host)));
}

/** The same for nova-conductor and nova-scheduler, on whatever host they are. */
export function reportController(world: World): number {
  const scheduler = report(world, 'nova-scheduler');
  return conductorIsAlive(world) ? Math.min(scheduler, report(world, 'nova-conductor')) : scheduler;
}

function report(world: World, binary: string, host?: string): number {
  const nova = world.db('nova');
  const now = world.now();
  const rows = nova
    .prepare('SELECT id, host, last_seen_up FROM services WHERE "binary" = ? AND deleted = 0')
    .all(binary)
    .filter((row) => host === undefined || row['host'] === host);
  let next = Infinity;
  for (const row of rows) {
    let seen = parseTime(row['last_seen_up']);
    if (now.getTime() - seen >= REPORT_INTERVAL_S * 1000) {
      nova
        .prepare(
          'UPDATE services SET last_seen_up = ?, updated_at = ?, report_count = report_count + 1 WHERE id = ?',
        )
        .run(sqlTime(now), sqlTime(now), Number(row['id']));
      seen = parseTime(sqlTime(now));
    }
    next = Math.min(next, seen + REPORT_INTERVAL_S * 1000);
  }
  return next;
}

/** Puts a service's last report ten minutes back, where it is not older: from then on it counts as down. */
export function silence(world: World, binary: 'nova-compute' | 'nova-conductor', host?: string): void {
  const then = sqlTime(new Date(world.now().getTime() - 600_000));
  world
    .db('nova')
    .prepare(
      `UPDATE services SET last_seen_up = min(coalesce(last_seen_up, ?1), ?1), updated_at = min(coalesce(updated_at, ?1), ?1)
       WHERE "binary" = ?2 AND deleted = 0 AND (?3 IS NULL OR host = ?3)`,
    )
    .run(then, binary, host ?? null);
}

/** A service's time, UTC without saying so. Never seen is long ago. */
function parseTime(value: unknown): number {
  return typeof value === 'string' ? Date.parse(`${value.replace(' ', 'T')}Z`) : 0;
}
