/** A site, connected: its reader, and the writer that only the gate may ask for. */

import { ActError, LookError } from '../plan/errors.ts';
import type { Act, Check, CommandAct } from '../plan/types.ts';
import { checkHolds, readImage } from './check.ts';
import { Hosts } from './command/hosts.ts';
import { lastLine } from './command/lines.ts';
import { isReading } from './command/reading.ts';
import type { SiteConfig } from './config/load.ts';
import { acceptAnswer } from './http/answer.ts';
import type { ApiSession } from './http/session.ts';
import { Buses } from './queue/buses.ts';
import type { CommandAnswer, Reader, Row } from './reader.ts';
import { compileSelect } from './sql/compile.ts';
import { type CellEntry, Databases } from './sql/databases.ts';
import { type HeldBy, type Hold, holdLock } from './sql/hold.ts';
import { rehearseTransaction, writeTransaction } from './sql/write.ts';
import { type Timings, timed } from './timings.ts';
import { NETWORK, type Wires } from './wires.ts';

const READ_TIMEOUT_MS = 30_000;
const ACT_TIMEOUT_MS = 180_000;

/** What goes through the doors to change something. Handed out to the gate in `run/`, to nobody else. */
export interface Writer {
  /** Finds out, without changing anything, that an act would lack a right. @throws UsageError | LookError */
  rehearse(act: Act): Promise<void>;
  /** @throws ActError */
  perform(act: Act): Promise<void>;
  /**
   * Takes the lock of this name in Nova's API database, or says who has it. At most 64 characters.
   *
   * @param says who takes it, for others to read
   * @throws LookError | UsageError
   */
  hold(name: string, says: Readonly<Record<string, string>>): Promise<Hold | HeldBy>;
}

export interface Site {
  readonly name: string;
  readonly reader: Reader;
  readonly config: SiteConfig;
  cells(): Promise<readonly CellEntry[]>;
  openWriter(): Writer;
  readonly timings: Timings;
  close(): Promise<void>;
}

/** @param wires what the doors lead to: the network, unless a simulated cloud stands there */
export function connectSite(
  config: SiteConfig,
  api: ApiSession,
  timings: Timings,
  wires: Wires = NETWORK,
): Site {
  const databases = new Databases(config, wires.sql);
  const hosts = new Hosts(config, wires.command);
  const buses = new Buses(config, databases, wires.queue);
  const doors = { databases, buses, hosts, api, cache: wires.cache, config, timings };
  return {
    name: config.name,
    config,
    reader: openReader(doors),
    timings,
    cells: async () => [...(await databases.cells()).values()],
    openWriter: () => ({
      perform: (act) => timed(timings, `write ${placeOfAct(act)}`, () => perform(doors, act)),
      async rehearse(act) {
        if (act.door === 'sql')
          await timed(timings, `rehearse ${placeOfAct(act)}`, () => rehearseTransaction(databases, act));
      },
      hold: (name, says) => timed(timings, 'lock sql api', () => holdLock(databases, name, says)),
    }),
    async close() {
      api.close();
      await Promise.all([databases.close(), buses.close(), hosts.close()]);
    },
  };
}

interface Doors {
  readonly databases: Databases;
  readonly buses: Buses;
  readonly hosts: Hosts;
  readonly api: ApiSession;
  readonly cache: Wires['cache'];
  readonly config: SiteConfig;
  readonly timings: Timings;
}

function openReader(doors: Doors): Reader {
  const { databases, buses, hosts, api, cache, config, timings } = doors;
  const answers = new Map<string, Promise<unknown>>();
  function once<T>(place: string, question: string, ask: () => Promise<T>): Promise<T> {
    const key = `${place} ${question}`;
    const known = answers.get(key);
    if (known !== undefined) return known as Promise<T>;
    const asked = timed(timings, `read ${place}`, ask);
    answers.set(key, asked);
    return asked;
  }
  const reader: Reader = {
    sql: {
      rows(database, build) {
        const { query, text } = compileSelect(build);
        return once(`sql ${database}`, text, () => databases.select(database, query.sql, query.parameters));
      },
      columns(database, tables) {
        return once(`sql ${database}`, `columns ${tables.join()}`, async () =>
          groupColumns(
            await databases.select(
              database,
              'select table_name as t, column_name as c from information_schema.columns where table_schema = database() and table_name in (?)',
              [tables],
            ),
          ),
        );
      },
      names: (database) => databases.names(database),
    },
    http: {
      async get(service, path, options) {
        const version = options?.microversion;
        const answer = await once(`http ${service}`, `${path} ${version ?? ''}`, () =>
          api.ask(service, path, version),
        );
        return acceptAnswer(service, path, answer, options?.also);
      },
      list: (service, path, key, options) =>
        once(`http ${service}`, `list ${path} ${options?.microversion ?? ''}`, () =>
          api.list(service, path, key, options?.microversion),
        ),
      has: (service) => api.has(service),
      serviceToken: () => once('http identity', 'service token', () => api.serviceToken()),
    },
    command: {
      run(host, argv): Promise<CommandAnswer> {
        if (!isReading(argv))
          throw new ActError(`${argv.slice(0, 3).join(' ')} … is not a reading command`, {
            code: 'not-a-reading',
          });
        return once(`host ${host}`, JSON.stringify(argv), () => hosts.run(host, argv, READ_TIMEOUT_MS));
      },
    },
    cache: {
      servers: config.file.memcached ?? [],
      get: (server, key) => once(`cache ${server}`, key, () => cache.get(server, key)),
    },
    queue: {
      waiting: (database, queue) => once(`queue ${database}`, queue, () => buses.waiting(database, queue)),
    },
    host(name) {
      const access = hosts.access(name);
      if (access === null) return null;
      const { instancesPath, novasInstancesPath, containers, images, proxied = false } = access;
      return { name, instancesPath, novasInstancesPath, containers, images, proxied };
    },
    holds: (check: Check) => checkHolds(reader, databases, check),
    image: (what) => readImage(reader, databases, what),
    fresh: () => openReader(doors),
  };
  return reader;
}

function groupColumns(rows: readonly Row[]): ReadonlyMap<string, ReadonlySet<string>> {
  const tables = new Map<string, Set<string>>();
  for (const row of rows) {
    const table = String(row['t']);
    const columns = tables.get(table) ?? new Set<string>();
    tables.set(table, columns.add(String(row['c'])));
  }
  return tables;
}

function placeOfAct(act: Act): string {
  switch (act.door) {
    case 'sql':
      return `sql ${act.database}`;
    case 'http':
      return `http ${act.service}`;
    case 'command':
      return `host ${act.host}`;
    case 'cache':
      return `cache ${act.server}`;
    case 'queue':
      return `queue ${act.database}`;
  }
}

async function perform({ databases, buses, hosts, api, cache }: Doors, act: Act): Promise<void> {
  switch (act.door) {
    case 'sql':
      return writeTransaction(databases, act);
    case 'http':
      return api.send(act);
    case 'cache':
      return cache.delete(act.server, act.key);
    case 'command':
      return performCommand(hosts, act);
    case 'queue':
      return buses.take(act.database, act.queue, act.server);
  }
}

async function performCommand(hosts: Hosts, act: CommandAct): Promise<void> {
  for (const { argv, exit } of act.first ?? []) {
    const answer = await runActing(hosts, act, argv);
    if (!exit.includes(answer.exit)) throw commandFailed(act.host, argv, answer);
  }
  let failure: ActError | undefined;
  for (const argv of [act.argv, ...(act.otherwise ?? [])]) {
    const answer = await runActing(hosts, act, argv, act.input);
    if (act.exit.includes(answer.exit)) return;
    failure = commandFailed(act.host, argv, answer);
  }
  throw failure;
}

function commandFailed(host: string, argv: readonly string[], { exit, err }: CommandAnswer): ActError {
  const words = argv.slice(0, 3).join(' ');
  const said = lastLine(err) || 'no message';
  return new ActError(`host ${host}: ${words} … ended with ${exit}: ${said}`, { code: 'command-failed' });
}

async function runActing(
  hosts: Hosts,
  { host, seconds = 0 }: CommandAct,
  argv: readonly string[],
  input?: string,
): Promise<CommandAnswer> {
  try {
    return await hosts.run(host, argv, Math.max(ACT_TIMEOUT_MS, seconds * 1000), input);
  } catch (error) {
    if (!(error instanceof LookError)) throw error;
    const started = ['host-unreachable', 'command-timeout', 'command-cut'].includes(error.code);
    throw new ActError(`${error.place}: ${error.message}`, {
      code: error.code,
      hint: error.hint,
      unknown: started,
    });
  }
}
