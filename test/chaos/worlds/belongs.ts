/**
 * What belongs to one server, and what may be left of it, said without a look at how expunge finds it: by the references between the rows
 * and things of a simulated cloud.
 */

export type Row = Readonly<Record<string, unknown>>;
export interface Thing {
  /** `nova.instances`, `machines.files` */
  readonly table: string;
  readonly row: Row;
}

export interface Belongings {
  readonly uuid: string;
  /** what only its rows and things are called by */
  readonly marks: readonly string[];
  readonly addresses: readonly string[];
  readonly standardAttributes: readonly number[];
  /** what its disks are called on a host on which nobody else has them */
  readonly onHosts: readonly { readonly host: string; readonly mark: string }[];
  /** ids of what Nova noted of what was done with it */
  readonly actions: readonly number[];
  /** ports that the user made before the server: they stay */
  readonly keptPorts: readonly string[];
  /** ports that were made for it: they go */
  readonly ownPorts: readonly string[];
  /** volumes that nobody else has, and that it has not let go of */
  readonly volumes: readonly string[];
}

export function readThings(dump: readonly string[]): readonly Thing[] {
  return dump.map((line) => {
    const at = line.indexOf(' ');
    return { table: line.slice(0, at), row: JSON.parse(line.slice(at + 1)) as Row };
  });
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

export function belongingsOf(things: readonly Thing[], uuid: string): Belongings {
  const rows = (table: string) => things.filter((thing) => thing.table === table).map(({ row }) => row);
  const migrations = rows('nova.migrations').filter((row) => row['instance_uuid'] === uuid);
  // Also of ports that Neutron has forgotten: their interfaces may still be plugged.
  const interfaces = rows('nova.virtual_interfaces').filter((row) => row['instance_uuid'] === uuid);
  const ports = rows('neutron.ports').filter((port) => port['device_id'] === uuid);
  const portIds = ports.map((port) => text(port['id']));
  const kept = ports.filter((port) => text(port['name']).startsWith('pre-')).map((port) => text(port['id']));
  const addresses = rows('neutron.ipallocations')
    .filter((row) => portIds.includes(text(row['port_id'])))
    .map((row) => text(row['ip_address']));
  const attachments = rows('cinder.volume_attachment').filter((row) => row['instance_uuid'] === uuid);
  const mappings = rows('nova.block_device_mapping').filter(
    (row) => row['instance_uuid'] === uuid && row['volume_id'] !== null,
  );
  const volumes = [...new Set([...attachments, ...mappings].map((row) => text(row['volume_id'])))];
  const isShared = (id: string) =>
    rows('cinder.volume_attachment').some(
      (row) => row['volume_id'] === id && row['instance_uuid'] !== uuid && row['deleted'] === 0,
    );
  const own = volumes.filter((id) => !isShared(id));
  const units = rows('machines.units').filter((row) => own.includes(text(row['volume'])));
  const others = rows('cinder.volume_attachment').filter(
    (row) => row['instance_uuid'] !== uuid && row['deleted'] === 0,
  );
  const isElses = (host: string, unit: Row) =>
    others.some((row) => row['volume_id'] === unit['volume'] && row['attached_host'] === host);
  const all = rows('machines.units');
  const noted = mappings.flatMap((row) =>
    [...text(row['connection_info']).matchAll(/"(iqn\.[^"]+|3600[0-9a-f]{28,})"/g)].map(
      ([, mark]) => mark ?? '',
    ),
  );
  const onHosts = [...new Set(rows('machines.mounts').map((row) => text(row['host'])))].flatMap((host) =>
    all
      .filter((unit) => volumes.includes(text(unit['volume'])) && !isElses(host, unit))
      .flatMap((unit) => {
        const ofTarget = all.filter(({ iqn }) => iqn === unit['iqn']);
        const isAlone = !ofTarget.some((each) => isElses(host, each));
        return [text(unit['wwid']), ...(isAlone ? [text(unit['iqn'])] : [])].map((mark) => ({ host, mark }));
      })
      // A volume that is gone from the storage is known by what Nova noted of its connection.
      .concat(
        noted
          .filter(
            (mark) =>
              !all.some((unit) => (unit['iqn'] === mark || unit['wwid'] === mark) && isElses(host, unit)),
          )
          .map((mark) => ({ host, mark })),
      ),
  );
  const numbers = rows('nova.instances').filter((row) => row['uuid'] === uuid);
  const shelved = rows('nova.instance_system_metadata').filter(
    (row) => row['instance_uuid'] === uuid && row['key'] === 'shelved_image_id',
  );
  const names = [...rows('nova.instances'), ...rows('nova_cell0.instances')].filter(
    (row) => row['uuid'] === uuid,
  );
  const images = rows('glance.image_properties').filter(
    (row) => row['name'] === 'instance_uuid' && row['value'] === uuid,
  );
  const shelvedByName = rows('glance.images').filter(
    (image) =>
      images.some((property) => property['image_id'] === image['id']) &&
      names.some((row) => image['name'] === `${text(row['display_name'])}-shelved`),
  );
  return {
    uuid,
    marks: [
      uuid,
      ...portIds.flatMap((id) => [id, id.slice(0, 11), id.slice(0, 10)]),
      ...interfaces.map((row) => text(row['uuid'])).flatMap((id) => [id, id.slice(0, 11), id.slice(0, 10)]),
      ...migrations.map((row) => text(row['uuid'])),
      ...ports.map((port) => text(port['mac_address'])),
      ...units.map((row) => text(row['wwid'])),
      ...attachments.map((row) => text(row['id'])),
      ...mappings.map((row) => text(row['attachment_id'])),
      ...own.flatMap((id) => [id, id.replaceAll('-', '')]),
      ...numbers.map((row) => `instance-${Number(row['id']).toString(16).padStart(8, '0')}`),
      ...shelved.map((row) => text(row['value'])),
      ...shelvedByName.map((row) => text(row['id'])),
    ].filter((mark) => mark !== ''),
    addresses,
    onHosts,
    actions: rows('nova.instance_actions')
      .filter((row) => row['instance_uuid'] === uuid)
      .map((row) => Number(row['id'])),
    standardAttributes: ports.map((port) => Number(port['standard_attr_id'])),
    keptPorts: kept,
    ownPorts: portIds.filter((id) => !kept.includes(id)),
    volumes: own.filter((id) =>
      [...attachments, ...mappings].some((row) => row['volume_id'] === id && row['deleted'] === 0),
    ),
  };
}

/** Rows that count for a whole host or project, and change when anybody comes or goes. */
const COUNTERS = [
  'placement.resource_providers',
  'cinder.quota_usages',
  'cinder.reservations',
  'neutron.quotausages',
];

/** Whether a thing may change when this server goes. */
export function isOf(belongings: Belongings, { table, row }: Thing): boolean {
  if (COUNTERS.includes(table)) return true;
  const { actions, onHosts, marks, addresses, standardAttributes } = belongings;
  if (table === 'neutron.standardattributes') return standardAttributes.includes(Number(row['id']));
  if (table === 'nova.instance_actions_events') return actions.includes(Number(row['action_id']));
  const whole = JSON.stringify(row);
  if (marks.some((mark) => whole.includes(mark))) return true;
  if (onHosts.some(({ host, mark }) => row['host'] === host && whole.includes(mark))) return true;
  return addresses.some((address) =>
    new RegExp(`(?<![\\d.])${address.replaceAll('.', '\\.')}(?![\\d.])`).test(whole),
  );
}

/** Nova's own records of a server that is gone, which it keeps. */
const RECORDS = ['instance_actions', 'instance_actions_events'];

/** What may be left of a server that is gone. @returns why not; null: it may */
export function mayStay(
  belongings: Belongings,
  { table, row }: Thing,
  fate: string,
  frozen: boolean,
): string | null {
  const { uuid, ownPorts, keptPorts, volumes } = belongings;
  const [database = '', name = ''] = table.split('.');
  const whole = JSON.stringify(row);
  const names = (id: string) => whole.includes(id) || whole.includes(id.slice(0, 11));
  if (database === 'nova' || database === 'nova_cell0') {
    if (RECORDS.includes(name) || name.startsWith('shadow_')) return null;
    if (!whole.includes(uuid)) return null;
    return 'deleted' in row && row['deleted'] !== 0 ? null : 'a row that lives';
  }
  if (database === 'nova_api') {
    if (name === 'request_specs') return null;
    if (name === 'instance_mappings') return row['queued_for_delete'] === 1 ? null : 'not marked';
    return whole.includes(uuid) ? 'a row of it' : null;
  }
  if (database === 'placement') return whole.includes(uuid) ? 'what it was given' : null;
  if (database === 'neutron') {
    if (ownPorts.some(names)) return 'its own port';
    if (name === 'ports' && keptPorts.includes(text(row['id'])))
      return row['device_id'] === '' ? null : 'a port that is not let go';
    return whole.includes(uuid) ? 'it is named' : null;
  }
  if (name === 'volume_attachment' && row['instance_uuid'] === uuid)
    return row['deleted'] === 1 ? null : 'an attachment';
  if (name === 'volumes' && volumes.includes(text(row['id']))) {
    if (row['deleted'] === 1) return null;
    if (fate === 'delete') return 'a volume that was to go';
    return row['status'] === 'available' && row['attach_status'] === 'detached'
      ? null
      : 'a volume that nobody can use';
  }
  if (database === 'machines') {
    // What a frozen nova-compute has in hand nobody can take from it; and an event asks for nothing.
    if (name === 'waiting') return frozen || row['method'] === 'external_instance_event' ? null : 'a request';
    // The disks themselves are the storage's.
    if (['units', 'rbd_images', 'rbd_snapshots'].includes(name)) return null;
    return `a thing of it on a host`;
  }
  return null;
}
