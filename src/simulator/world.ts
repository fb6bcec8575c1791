/** One simulated cloud: a folder of SQLite files, one for each service's database and one for the machines. */
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { UsageError } from '../plan/errors.ts';
import { MACHINES } from './machines.ts';

export const SERVICE_DATABASES = [
  'nova_api',
  'nova',
  'nova_cell0',
  'neutron',
  'glance',
  'placement',
  'cinder',
  'keystone',
] as const;

export type ServiceDatabase = (typeof SERVICE_DATABASES)[number];

export interface World {
  readonly folder: string;
  /** A service's database, opened when first asked for. */
  db(name: ServiceDatabase): DatabaseSync;
  readonly machines: DatabaseSync;
  /** The cloud's own clock: it goes with the machine's, moved by what `advance` has added, or stands where `freeze` put it. */
  now(): Date;
  /** Lets time pass: what happens by itself happens when somebody next looks. */
  advance(seconds: number): void;
  close(): void;
}

const MACHINES_FILE = 'machines.sqlite';

const CLOCK = `SELECT (SELECT value FROM meta WHERE key = 'frozen_at') AS frozen,
  (SELECT value FROM meta WHERE key = 'advanced_ms') AS advanced`;

/** Makes an empty world: all tables of all databases, no rows. Whatever world was in the folder is gone. */
export async function createWorld(folder: string, options: { readonly now?: Date } = {}): Promise<World> {
  const { default: schema } = await import('./recorded/schema.json', { with: { type: 'json' } });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of [...SERVICE_DATABASES.map((each) => `${each}.sqlite`), MACHINES_FILE])
    for (const suffix of ['', '-wal', '-shm', '-journal'])
      rmSync(join(folder, name + suffix), { force: true });
  for (const name of SERVICE_DATABASES) build(join(folder, `${name}.sqlite`), schema[name]);
  // Last: it says that there is a world, and one that was cut while it was made is none.
  build(join(folder, MACHINES_FILE), MACHINES);
  const world = openWorld(folder);
  if (options.now !== undefined) setMeta(world, 'frozen_at', options.now.toISOString());
  return world;
}

/** Empty databases as bytes: tests make many worlds, and the tables are the same every time. */
const images = new Map<readonly string[], Uint8Array>();

function build(file: string, statements: readonly string[]): void {
  let image = images.get(statements);
  if (image === undefined) {
    const database = new DatabaseSync(':memory:');
    database.exec(`PRAGMA foreign_keys=OFF; BEGIN; ${statements.join(';\n')}; COMMIT`);
    image = database.serialize();
    // "File format write and read version" 2: a WAL database from the start, which saves turning each new file into one.
    image.set([2, 2], 18);
    images.set(statements, image);
    database.close();
  }
  writeFileSync(file, image, { mode: 0o600 });
}

/** Agents ask the same few questions after every operation: reading them anew each time took a tenth of a command. */
class Prepared extends DatabaseSync {
  readonly #known = new Map<string, StatementSync>();

  override prepare(sql: string): StatementSync {
    const known = this.#known.get(sql);
    if (known !== undefined) return known;
    const made = super.prepare(sql);
    this.#known.set(sql, made);
    return made;
  }
}

function open(file: string): DatabaseSync {
  const database = new Prepared(file);
  // Not synchronous: a demo need not survive a power cut, only the end of its process.
  database.exec(
    'PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON',
  );
  return database;
}

/** Code of the error for a world that another version of expunge made. */
export const OTHER_VERSION = 'simulator-other-version';

/**
 * As commands open one.
 *
 * @throws Error when the folder lacks a file of a world: SQLite would make an empty one in its place
 * @throws UsageError (`OTHER_VERSION`) when its machines have not the tables of this version
 */
export function openWholeWorld(folder: string): World {
  for (const name of [...SERVICE_DATABASES.map((each) => `${each}.sqlite`), MACHINES_FILE])
    if (!existsSync(join(folder, name))) throw new Error(`${name} is not there`);
  const world = openWorld(folder);
  if (hasThisVersionsTables(world)) return world;
  world.close();
  throw new UsageError(`the embedded cloud in ${folder} was made by another version of expunge`, {
    code: OTHER_VERSION,
    hint: 'make it anew: expunge demo --reset',
  });
}

function hasThisVersionsTables({ machines }: World): boolean {
  const there = machines.prepare('SELECT sql FROM sqlite_master WHERE sql IS NOT NULL').all();
  const made = new Set(there.map((row) => row['sql']));
  return MACHINES.every((statement) => made.has(statement));
}

interface Shared {
  readonly world: World;
  /** of the machines' file: another one in its place is another world */
  readonly inode: number;
  users: number;
}

/** Worlds that this process has open, by folder. */
const shared = new Map<string, Shared>();

/**
 * Whoever opens a world that this process has open already gets the same one, and closes it for himself: reading the tables of eight
 * databases anew took a fifth of a command.
 *
 * @throws Error when there is no world in the folder
 */
export function openWorld(folder: string): World {
  const file = join(folder, MACHINES_FILE);
  const inode = statSync(file, { throwIfNoEntry: false })?.ino;
  if (inode === undefined) throw new Error(`no simulated cloud in ${folder}`);
  const key = resolve(folder);
  const known = shared.get(key);
  if (known?.inode === inode) {
    known.users += 1;
    return known.world;
  }
  const files = openFiles(folder);
  const close = () => {
    own.users -= 1;
    if (own.users > 0) return;
    if (shared.get(key) === own) shared.delete(key);
    files.close();
  };
  const own: Shared = { world: { ...files, close }, inode, users: 1 };
  shared.set(key, own);
  return own.world;
}

function openFiles(folder: string): World {
  const machines = open(join(folder, MACHINES_FILE));
  const clock = machines.prepare(CLOCK);
  const services = new Map<ServiceDatabase, DatabaseSync>();
  const world: World = {
    folder,
    machines,
    db(name) {
      const known = services.get(name);
      if (known !== undefined) return known;
      const database = open(join(folder, `${name}.sqlite`));
      services.set(name, database);
      return database;
    },
    now() {
      const row = clock.get();
      const frozen = row?.['frozen'];
      const base = typeof frozen === 'string' ? Date.parse(frozen) : Date.now();
      return new Date(base + Number(row?.['advanced'] ?? 0));
    },
    advance(seconds) {
      setMeta(world, 'advanced_ms', String(Number(readMeta(world, 'advanced_ms') ?? 0) + seconds * 1000));
    },
    close() {
      for (const database of services.values()) database.close();
      services.clear();
      machines.close();
    },
  };
  return world;
}

export function readMeta(world: World, key: string): string | null {
  const row = world.machines.prepare('SELECT value FROM meta WHERE key = ?').get(key);
  return typeof row?.['value'] === 'string' ? row['value'] : null;
}

export function setMeta(world: World, key: string, value: string): void {
  world.machines
    .prepare('INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value')
    .run(key, value);
}

/** All or nothing in one database. Work on two databases is two transactions, as in the real cloud. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  // A caller may have begun one.
  if (database.isTransaction) return work();
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

/** `2026-11-01 10:00:00`, UTC: how every service writes a time. */
export function sqlTime(date: Date): string {
  return date.toISOString().slice(0, 19).replace('T', ' ');
}
