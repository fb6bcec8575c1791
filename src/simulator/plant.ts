/** Puts recordings into a world: the cloud itself, compute hosts, servers in the states that were recorded. */
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import { addRule } from './hosts/firewall.ts';
import { fillRows, fillText, type Identities, type Row } from './instantiate.ts';
import { type Random, seededRandom } from './random.ts';
import type { RecordedFile, RecordedHost, Recording } from './recorded/types.ts';
import {
  inTransaction,
  readMeta,
  SERVICE_DATABASES,
  type ServiceDatabase,
  setMeta,
  type World,
} from './world.ts';

/** Numbers of the world's own random source: every thing that is planted has a stream of its own. */
function nextRandom(world: World): Random {
  const planted = Number(readMeta(world, 'planted') ?? 0) + 1;
  setMeta(world, 'planted', String(planted));
  return seededRandom(Number(readMeta(world, 'seed') ?? 1) * 1_000_003 + planted);
}

export function newIdentities(
  world: World,
  now: Date,
  named: Iterable<readonly [string, string]>,
): Identities {
  const handedOut = new Map<string, number>();
  const addresses = new Set<string>();
  return {
    random: nextRandom(world),
    named: new Map(named),
    now,
    nextId(table) {
      const last = handedOut.get(table) ?? lastId(world, table);
      handedOut.set(table, last + 1);
      return last + 1;
    },
    nextAddress() {
      const address = freeAddress(world, addresses);
      addresses.add(address);
      return address;
    },
  };
}

/** The last number that a table's key was given, also to a row that is gone. */
function lastId(world: World, table: string): number {
  const { database, name } = split(table);
  const db = world.db(database);
  const sequence = db.prepare('SELECT seq FROM sqlite_sequence WHERE name = ?').get(name);
  if (sequence !== undefined) return Number(sequence['seq']);
  const row = db.prepare(`SELECT coalesce(max(id), 0) AS last FROM "${name}"`).get();
  return Number(row?.['last'] ?? 0);
}

/** Addresses of the first IPv4 subnet, from .20 on: below are the gateway and the DHCP server. */
function freeAddress(world: World, taken: ReadonlySet<string>): string {
  const neutron = world.db('neutron');
  const subnet = neutron.prepare('SELECT cidr FROM subnets WHERE ip_version = 4 ORDER BY cidr').get();
  const start = /^(\d+\.\d+\.\d+)\.\d+\//.exec(String(subnet?.['cidr']))?.[1];
  if (start === undefined) throw new Error('the world has no network to take an address from');
  const used = new Set(
    neutron
      .prepare('SELECT ip_address FROM ipallocations')
      .all()
      .map((row) => row['ip_address']),
  );
  for (let last = 20; last < 255; last++) {
    const address = `${start}.${last}`;
    if (!used.has(address) && !taken.has(address)) return address;
  }
  throw new Error('the network of the world is full');
}

function split(table: string): { database: ServiceDatabase; name: string } {
  const at = table.indexOf('.');
  const database = SERVICE_DATABASES.find((each) => each === table.slice(0, at));
  const name = table.slice(at + 1);
  if (database === undefined || !/^\w+$/.test(name)) throw new Error(`${table} is no table of a world`);
  return { database, name };
}

/** Inserts rows as they are. Foreign keys are checked when all are in. */
export function insertRows(world: World, rows: ReadonlyMap<string, readonly Row[]>): void {
  const databases = new Set([...rows.keys()].map((table) => split(table).database));
  for (const database of databases) {
    const db = world.db(database);
    inTransaction(db, () => {
      db.exec('PRAGMA defer_foreign_keys=ON');
      for (const [table, own] of rows) if (split(table).database === database) insertInto(world, table, own);
    });
  }
}

function insertInto(world: World, table: string, rows: readonly Row[]): void {
  const { database, name } = split(table);
  let shape = '';
  let insert: StatementSync | undefined;
  for (const row of rows) {
    const columns = Object.keys(row);
    const quoted = columns.map((column) => `"${column}"`).join(', ');
    if (insert === undefined || quoted !== shape) {
      const marks = columns.map(() => '?').join(', ');
      insert = world.db(database).prepare(`INSERT INTO "${name}" (${quoted}) VALUES (${marks})`);
      shape = quoted;
    }
    const values: SQLInputValue[] = Object.values(row);
    insert.run(...values);
  }
}

export function plantCloud(world: World, recording: Recording): void {
  insertRows(world, fillRows(recording.rows, newIdentities(world, world.now(), [])));
}

/** A compute host: its records in every service, and the machine itself. */
export function plantHost(
  world: World,
  recording: Recording,
  host: { readonly name: string; readonly instances: string },
): void {
  const identities = newIdentities(world, world.now(), [
    ['host', host.name],
    ['instances', host.instances],
  ]);
  insertRows(world, fillRows(recording.rows, identities));
  inTransaction(world.machines, () => {
    world.machines
      .prepare('INSERT INTO hosts (name, instances, reaped_at, identities) VALUES (?, ?, ?, ?)')
      .run(host.name, host.instances, world.now().toISOString(), JSON.stringify([...identities.named]));
    world.machines
      .prepare('INSERT INTO mounts VALUES (?, 0, ?, ?, ?, ?)')
      .run(host.name, '/', 'ext4', '/dev/vda1', 2049);
    plantOnHost(world, host.name, recording.host, identities);
  });
}

export interface Planted {
  readonly uuid: string;
  readonly name: string;
  readonly host: string;
  /** what became of each placeholder */
  readonly identities: ReadonlyMap<string, string>;
  /** in the order in which they were described */
  readonly volumes: readonly PlantedVolume[];
}

/** A volume of a server. */
export interface PlantedVolume {
  readonly id: string;
  readonly name: string;
  /** the uuid of its attachment to this server */
  readonly attachment: string;
  /** what the domain was given: `/dev/sda`; null: not over iSCSI, or connected nowhere */
  readonly device: string | null;
  readonly unit: { readonly iqn: string; readonly lun: number } | null;
  /** other servers have it too */
  readonly multiattach: boolean;
}

/** A server in a recorded state. `ageSeconds` is how long ago it got into it. */
export function plantServer(
  world: World,
  recording: Recording,
  server: {
    readonly name: string;
    readonly host: string;
    readonly uuid?: string;
    readonly ageSeconds?: number;
  },
): Planted {
  const row = world.machines.prepare('SELECT identities FROM hosts WHERE name = ?').get(server.host);
  if (row === undefined) throw new Error(`the world has no host ${server.host}`);
  const ofHost = JSON.parse(String(row['identities'])) as [string, string][];
  const then = new Date(world.now().getTime() - (server.ageSeconds ?? 0) * 1000);
  const identities = newIdentities(world, then, ofHost);
  const uuid = server.uuid ?? identities.random.uuid();
  identities.named.set('server', uuid);
  identities.named.set('name', server.name);
  insertRows(world, fillRows(recording.rows, identities));
  inTransaction(world.machines, () => {
    plantOnHost(world, server.host, recording.host, identities);
    for (const { method } of recording.waiting)
      world.machines
        .prepare('INSERT INTO waiting (host, method, server, mappings) VALUES (?, ?, ?, ?)')
        .run(server.host, method, uuid, method === 'terminate_instance' ? '[]' : null);
  });
  return { uuid, name: server.name, host: server.host, identities: identities.named, volumes: [] };
}

function plantOnHost(world: World, host: string, recorded: RecordedHost, identities: Identities): void {
  const { machines } = world;
  const text = (value: string) => fillText(value, identities);
  const textOrNull = (value: string | null) => (value === null ? null : text(value));
  for (const domain of recorded.domains) {
    // A paused or crashed domain is active too, and has a number.
    const active = domain.state !== 'shut off';
    const running = active ? nextNumber(world, 'running_id', 'domains', host) : null;
    machines
      .prepare(
        'INSERT INTO domains (host, uuid, name, state, running_id, persistent, managed_save, xml) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      )
      .run(
        host,
        text(domain.uuid),
        text(domain.name),
        domain.state,
        running,
        domain.persistent ? 1 : 0,
        domain.managedSave ? 1 : 0,
        text(domain.xml),
      );
  }
  for (const link of recorded.links)
    machines
      .prepare('INSERT INTO links VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
      .run(
        host,
        nextNumber(world, 'ifindex', 'links', host),
        text(link.name),
        link.kind,
        textOrNull(link.peer),
        textOrNull(link.master),
        textOrNull(link.mac),
        link.mtu,
        link.flags,
      );
  for (const port of recorded.switchPorts)
    machines
      .prepare('INSERT INTO switch_ports VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run(
        host,
        text(port.name),
        text(port.bridge),
        port.tag,
        text(JSON.stringify(port.externalIds)),
        identities.random.uuid(),
        identities.random.uuid(),
      );
  plantFiles(world, host, recorded.files, text);
  plantFiles(world, 'glance', recorded.imageFiles, text);
  for (const rule of recorded.firewall) addRule(world, host, text(rule));
  for (const name of recorded.namespaces)
    machines.prepare('INSERT INTO namespaces VALUES (?, ?)').run(host, text(name));
}

function plantFiles(
  world: World,
  host: string,
  files: readonly RecordedFile[],
  text: (value: string) => string,
): void {
  for (const file of files)
    world.machines
      .prepare('INSERT OR IGNORE INTO files VALUES (?, ?, ?, ?, ?, ?)')
      .run(
        host,
        text(file.path),
        file.kind,
        file.mode,
        file.owner,
        file.target === null ? null : text(file.target),
      );
}

function nextNumber(world: World, column: string, table: string, host: string): number {
  const row = world.machines
    .prepare(`SELECT coalesce(max(${column}), 0) + 1 AS next FROM ${table} WHERE host = ?`)
    .get(host);
  return Number(row?.['next']);
}
