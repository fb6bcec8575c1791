/** Everything that there is in a simulated cloud, as sorted lines of text. */
import type { DatabaseSync } from 'node:sqlite';
import type { Planted } from '../../src/simulator/plant.ts';
import { SERVICE_DATABASES, type World } from '../../src/simulator/world.ts';

/** Tables that say only that somebody is alive, or how the simulator itself stands. */
const SAY_NOTHING = [
  'nova.services',
  'nova_cell0.services',
  'neutron.agents',
  'machines.meta',
  'machines.hosts',
  // Who is at work on the cloud is no part of it.
  'machines.locks',
];

/** `database.table {row as JSON}` */
export function dumpWorld(world: World): readonly string[] {
  const services = SERVICE_DATABASES.flatMap((name) => dumpDatabase(name, world.db(name)));
  return [...services, ...dumpDatabase('machines', world.machines)].sort();
}

function dumpDatabase(name: string, database: DatabaseSync): string[] {
  const tables = database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .all()
    .map((row) => `${name}.${row['name']}`)
    .filter((table) => !SAY_NOTHING.includes(table));
  return tables.flatMap((table) =>
    database
      .prepare(`SELECT * FROM "${table.slice(name.length + 1)}"`)
      .all()
      .map((row) => `${table} ${JSON.stringify(row)}`),
  );
}

/** Lines that name one of these servers, or a port, address, device, domain, or volume of theirs. */
export function linesOf(servers: readonly Planted[], dump: readonly string[]): readonly string[] {
  const marks = servers.flatMap(({ uuid, identities, volumes }) => [
    uuid,
    ...volumes.flatMap(({ id, attachment, multiattach }) =>
      // Lines that name a volume of several servers are not one server's alone. A disk bears the number without its dashes.
      multiattach ? [attachment] : [attachment, id, id.replaceAll('-', '')],
    ),
    ...[...identities]
      .filter(([key]) => /^(uuid:|hex:|mac:|domain$)/.test(key))
      // Devices bear the first eleven characters of their port's uuid.
      .flatMap(([key, value]) => (key.startsWith('uuid:') ? [value, value.slice(0, 11)] : [value])),
  ]);
  return dump.filter((line) => marks.some((mark) => line.includes(mark)));
}

/** What differs of two dumps, short enough to be read: `-` only before, `+` only after. */
export function difference(before: readonly string[], after: readonly string[]): readonly string[] {
  const only = (of: readonly string[], other: readonly string[], sign: string) => {
    const known = new Set(other);
    return of.filter((line) => !known.has(line)).map((line) => `${sign} ${line.slice(0, 400)}`);
  };
  return [...only(before, after, '-'), ...only(after, before, '+')];
}
