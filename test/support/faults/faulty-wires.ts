/** Wires around those of a simulated cloud, on which every call is counted and one of them, or all from one on, fail. */
import type { HttpClient } from '../../../src/site/http/request.ts';
import type { BusMessage } from '../../../src/site/queue/request.ts';
import type { SqlConnection } from '../../../src/site/sql/connections.ts';
import type { Wires } from '../../../src/site/wires.ts';
import { type Door, type Strike, Striker } from './fault.ts';
import { HTTP_FAULTS, type HttpCall } from './http-faults.ts';
import {
  CACHE_FAULTS,
  type CacheCall,
  COMMAND_FAULTS,
  type CommandCall,
  commandCall,
  JOURNAL_FAULTS,
  type JournalCall,
  QUEUE_FAULTS,
  type QueueCall,
} from './other-faults.ts';
import { SQL_FAULTS, type SqlCall } from './sql-faults.ts';

/** Every door, and the names of how it fails. */
export const FAULTS: Readonly<Record<Door, readonly string[]>> = {
  http: HTTP_FAULTS.map(({ name }) => name),
  sql: SQL_FAULTS.map(({ name }) => name),
  command: COMMAND_FAULTS.map(({ name }) => name),
  queue: QUEUE_FAULTS.map(({ name }) => name),
  cache: CACHE_FAULTS.map(({ name }) => name),
  journal: JOURNAL_FAULTS.map(({ name }) => name),
};

/** The six doors of one run, of which at most one fails. */
export interface Doors {
  readonly rewire: (wires: Wires) => Wires;
  readonly journal: Striker<JournalCall>;
  /** how many calls each fault of a door could have met */
  reach(door: Door): readonly (readonly [fault: string, calls: number])[];
  /** the calls that it met */
  met(): readonly string[];
}

export function openDoors(strike: Strike): Doors {
  const http = new Striker<HttpCall>('http', HTTP_FAULTS, strike);
  const sql = new Striker<SqlCall>('sql', SQL_FAULTS, strike);
  const command = new Striker<CommandCall>('command', COMMAND_FAULTS, strike);
  const queue = new Striker<QueueCall>('queue', QUEUE_FAULTS, strike);
  const cache = new Striker<CacheCall>('cache', CACHE_FAULTS, strike);
  const journal = new Striker<JournalCall>('journal', JOURNAL_FAULTS, strike);
  const all = { http, sql, command, queue, cache, journal };
  return {
    journal,
    reach: (door) => all[door].reach(),
    met: () => Object.values(all).flatMap(({ met }) => met),
    rewire: (wires) => ({
      http: (tls) => throughHttp(wires.http(tls), http),
      sql: (place, url, readOnly, session) =>
        connectThrough(place, sql, () => wires.sql(place, url, readOnly, session)),
      command(host) {
        const { run, close } = wires.command(host);
        return {
          run: (argv, timeoutMs, input) =>
            command.through(commandCall(host.name, argv), () => run(argv, timeoutMs, input)),
          close,
        };
      },
      async queue(place, url) {
        const call = (
          kind: QueueCall['kind'],
          what: string,
          take?: (m: BusMessage) => boolean,
        ): QueueCall => ({
          place,
          what,
          kind,
          writes: false,
          showGarbage: () =>
            take?.({ body: Buffer.from('\u0000{"oslo.message": "}'), packed: false }) ?? false,
        });
        const bus = await queue.through(call('connect', 'connect'), () => wires.queue(place, url));
        return {
          ...bus,
          visit: (name, take) => queue.through(call('visit', name, take), () => bus.visit(name, take)),
        };
      },
      cache: {
        get: (server, key) =>
          cache.through({ place: `memcached ${server}`, what: 'get', writes: false, server }, () =>
            wires.cache.get(server, key),
          ),
        delete: (server, key) =>
          cache.through({ place: `memcached ${server}`, what: 'delete', writes: true, server }, () =>
            wires.cache.delete(server, key),
          ),
      },
    }),
  };
}

function throughHttp(client: HttpClient, http: Striker<HttpCall>): HttpClient {
  return {
    send(place, request, onSent) {
      const { method, url } = request;
      const writes = method !== 'GET' && place !== 'Keystone';
      const call = { place, what: `${method} ${url.host}${url.pathname}`, writes, request };
      return http.through(call, () => client.send(place, request, onSent));
    },
    close: () => client.close(),
  };
}

async function connectThrough(
  place: string,
  sql: Striker<SqlCall>,
  open: () => Promise<SqlConnection>,
): Promise<SqlConnection> {
  const callbacks: (() => void)[] = [];
  let gone = false;
  let line: SqlConnection | null = null;
  const lose = () => {
    gone = true;
    // What was not committed is rolled back by the server.
    line?.giveUp();
    for (const callback of callbacks) callback();
  };
  const call = (kind: SqlCall['kind'], what: string, writes = false): SqlCall => ({
    place,
    what: what.slice(0, 80),
    kind,
    writes,
    lose,
  });
  line = await sql.through(call('connect', 'connect'), open);
  const connection = line;
  const alive = <T>(ask: () => Promise<T>): Promise<T> =>
    gone ? Promise.reject(new Error("Can't add new command when connection is in closed state")) : ask();
  return {
    rows: (text, parameters, timeoutMs) =>
      alive(() => sql.through(call('select', text), () => connection.rows(text, parameters, timeoutMs))),
    run: (text, parameters, timeoutMs) =>
      alive(() =>
        sql.through(
          call(text === 'COMMIT' ? 'commit' : 'run', text, /^(?:update|insert|delete)/i.test(text)),
          () => connection.run(text, parameters, timeoutMs),
        ),
      ),
    onLost(callback) {
      callbacks.push(callback);
      connection.onLost(callback);
    },
    async end() {
      if (!gone) await connection.end();
    },
    giveUp() {
      if (!gone) connection.giveUp();
      gone = true;
    },
  };
}
