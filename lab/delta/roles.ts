import type { TextRow } from '../sql.ts';
import type { Rows } from './rows.ts';
import type { Snapshot } from './snapshot.ts';

/** Whose delta it is. */
export interface Subject {
  readonly id: string;
  readonly name: string;
  readonly prePort: string | undefined;
}

/** What stands in a snapshot, to what it is: the longest first, so that a name never hides a longer one. */
export interface Roles {
  /** Texts that belong to this server alone. */
  readonly own: readonly (readonly [text: string, role: string])[];
  /** Texts that it shares with others: network, image, project. */
  readonly shared: readonly (readonly [text: string, role: string])[];
}

/** Finds every identity of a server, in the snapshot in which it is still whole. */
export function findRoles(snapshot: Snapshot, server: Subject): Roles {
  const own = new Map<string, string>([
    [server.id, '<server>'],
    [server.name, '<name>'],
  ]);
  const { rows } = snapshot;
  for (const place of ['nova.instances', 'nova_cell0.instances']) {
    for (const row of select(rows, place, 'uuid', server.id)) {
      own.set(row['reservation_id'] ?? '', '<reservation>');
      // The number is counted per cell: in cell0 it names no domain, and another server's may have the same one.
      if (place === 'nova.instances') own.set(domainName(row), '<domain>');
    }
  }
  addPorts(own, rows, server);
  addImages(own, rows, server);
  addUuids(own, rows, server, 'block_device_mapping', '<bdm>');
  addVolumes(own, rows, server);
  addUuids(own, rows, server, 'migrations', '<migration>');
  addUuids(own, rows, server, 'virtual_interfaces', '<vif>');
  own.delete('');
  return { own: longestFirst(own), shared: longestFirst(findShared(rows, own)) };
}

function domainName(row: TextRow): string {
  return `instance-${Number(row['id']).toString(16).padStart(8, '0')}`;
}

function addPorts(own: Map<string, string>, rows: Rows, server: Subject): void {
  const ports = Object.values(rows['neutron.ports'] ?? {})
    .filter((row) => row['device_id'] === server.id || row['id'] === server.prePort)
    .sort((a, b) => (a['id'] === server.prePort ? -1 : 0) - (b['id'] === server.prePort ? -1 : 0));
  let made = 0;
  for (const port of ports) {
    const id = port['id'] ?? '';
    if (id !== server.prePort) made += 1;
    const who = id === server.prePort ? 'pre' : made === 1 ? 'own' : `own${made}`;
    addPort(own, rows, port, who);
    for (const trunk of select(rows, 'neutron.trunks', 'port_id', id)) {
      own.set(trunk['id'] ?? '', '<trunk>');
      // Its bridge carries the first ten characters.
      own.set((trunk['id'] ?? '').slice(0, 10), '<trunk:10>');
      for (const { port_id: sub } of select(rows, 'neutron.subports', 'trunk_id', trunk['id'] ?? ''))
        for (const subport of select(rows, 'neutron.ports', 'id', sub ?? ''))
          addPort(own, rows, subport, 'sub');
    }
  }
}

function addPort(own: Map<string, string>, rows: Rows, port: TextRow, who: string): void {
  const id = port['id'] ?? '';
  own.set(id, `<port:${who}>`);
  // Interfaces carry the first eleven characters, the agent's chains the first ten.
  own.set(id.slice(0, 11), `<port:${who}:11>`);
  own.set(id.slice(0, 10), `<port:${who}:10>`);
  const mac = port['mac_address'] ?? '';
  own.set(mac, `<mac:${who}>`);
  own.set(mac.toUpperCase(), `<mac:${who}>`);
  for (const address of select(rows, 'neutron.ipallocations', 'port_id', id))
    own.set(address['ip_address'] ?? '', `<ip:${who}>`);
}

/** Its volumes in the order of their devices, and what Cinder calls the bond. */
function addVolumes(own: Map<string, string>, rows: Rows, server: Subject): void {
  const mappings = select(rows, 'nova.block_device_mapping', 'instance_uuid', server.id)
    .filter((row) => row['volume_id'])
    .sort((a, b) => ((a['device_name'] ?? '') < (b['device_name'] ?? '') ? -1 : 1));
  for (const [at, row] of mappings.entries()) {
    own.set(row['volume_id'] ?? '', `<volume:${at + 1}>`);
    own.set(row['attachment_id'] ?? '', `<attachment:${at + 1}>`);
    const volume = rows['cinder.volumes']?.[row['volume_id'] ?? ''];
    if (volume?.['display_name']) own.set(volume['display_name'], `<volume:${at + 1}:name>`);
  }
}

function addImages(own: Map<string, string>, rows: Rows, server: Subject): void {
  for (const property of select(rows, 'glance.image_properties', 'value', server.id)) {
    if (property['name'] !== 'instance_uuid') continue;
    const image = rows['glance.images']?.[property['image_id'] ?? ''];
    const name = (image?.['name'] ?? '').replace(server.name, '<name>');
    own.set(property['image_id'] ?? '', `<image:${name}>`);
  }
}

function addUuids(own: Map<string, string>, rows: Rows, server: Subject, table: string, role: string): void {
  for (const database of ['nova', 'nova_cell0']) {
    for (const row of select(rows, `${database}.${table}`, 'instance_uuid', server.id)) {
      const uuid = row['uuid'] ?? '';
      // A virtual interface's uuid is its port's id, which has its name already.
      if (!own.has(uuid)) own.set(uuid, role);
    }
  }
}

function findShared(rows: Rows, own: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const shared = new Map<string, string>();
  const places: readonly (readonly [place: string, kind: string])[] = [
    ['neutron.networks', 'network'],
    ['neutron.subnets', 'subnet'],
    ['neutron.securitygroups', 'security-group'],
    ['glance.images', 'image'],
    ['keystone.project', 'project'],
    ['keystone.user', 'user'],
    ['placement.resource_providers', 'provider'],
  ];
  for (const [place, kind] of places) {
    for (const row of Object.values(rows[place] ?? {})) {
      const id = row['uuid'] ?? row['id'] ?? '';
      // The default domain's id is the word `default`, which stands in other texts too.
      if (id.length >= 32 && !own.has(id)) shared.set(id, `<${kind}${row['name'] ? `:${row['name']}` : ''}>`);
    }
  }
  return shared;
}

function select(rows: Rows, place: string, column: string, value: string): readonly TextRow[] {
  return Object.values(rows[place] ?? {}).filter((row) => row[column] === value);
}

function longestFirst(texts: ReadonlyMap<string, string>): readonly (readonly [string, string])[] {
  return [...texts].sort(([a], [b]) => b.length - a.length || (a < b ? -1 : 1));
}
