/** A made-up cloud with one host, before and after a server came: as small as the recorder's rules allow. */
import type { Moment } from '../../lab/record/difference.ts';
import { type TableFacts, toFacts } from '../../lab/record/facts.ts';
import type { Played } from '../../lab/record/recording.ts';
import type { RecordedHost, RecordedRow } from '../../src/simulator/recorded/types.ts';

const key = (table: string, column: string, other: string) => ({ table, column, other });

/** table, its columns (`#` counts up, `+` is a number), the columns of its key, its foreign keys */
function table(
  place: string,
  columns: string,
  foreign: readonly ReturnType<typeof key>[] = [],
  primary = ['id'],
): TableFacts {
  const [database = '', name = ''] = place.split('.');
  return toFacts(database, {
    name,
    columns: columns.split(' ').map((column) => ({
      name: column.replace(/^[#+]/, ''),
      type: /^[#+]/.test(column) ? 'int' : 'varchar',
      nullable: true,
      fallback: null,
      collation: null,
      counted: column.startsWith('#'),
    })),
    indexes: [{ name: 'PRIMARY', unique: true, columns: primary }],
    foreignKeys: foreign.map(({ table: to, column, other }) => ({
      columns: [column],
      table: to,
      references: [other],
      onDelete: 'RESTRICT',
      onUpdate: 'RESTRICT',
    })),
    checks: [],
  });
}

export const facts: readonly TableFacts[] = [
  table('glance.image_properties', '#id image_id name value', [key('images', 'image_id', 'id')]),
  table('glance.images', 'id name checksum'),
  table('neutron.ipallocations', 'port_id ip_address', [key('ports', 'port_id', 'id')], ['port_id']),
  table('neutron.ports', 'id mac_address device_id device_owner +standard_attr_id network_id', [
    key('standardattributes', 'standard_attr_id', 'id'),
  ]),
  table('neutron.standardattributes', '#id resource_type updated_at'),
  table('neutron.subnets', 'id cidr gateway_ip'),
  table('nova.compute_nodes', '#id uuid hypervisor_hostname'),
  table('nova.instance_actions', '#id instance_uuid request_id +deleted'),
  table('nova.instance_actions_events', '#id +action_id host event', [
    key('instance_actions', 'action_id', 'id'),
  ]),
  table('nova.instance_extra', '#id instance_uuid migration_context'),
  table('nova.instances', '#id uuid display_name hostname host node launched_at reservation_id +deleted'),
  table('nova.migrations', '#id instance_uuid dest_compute'),
  table('nova_api.request_specs', '#id instance_uuid spec'),
  table('placement.allocations', '#id +resource_provider_id consumer_id +used'),
  table('placement.resource_providers', '#id uuid name +generation'),
];

export const lab = { dir: '/srv/lab', instances: '/srv/lab/nova/instances' };
export const network = '0000000a-0000-4000-8000-00000000000a';
/** of an image's content, which other images may share */
export const checksum = '0123456789abcdef0123456789abcdef';
export const hostUuid = '0000000b-0000-4000-8000-00000000000b';

export interface Made {
  readonly uuid: string;
  readonly name: string;
  readonly port: string;
  readonly mac: string;
  readonly ip: string;
  readonly request: string;
  /** what the database counted before this server came */
  readonly counted: number;
  /** in whole seconds */
  readonly at: Date;
}

const emptyHost: RecordedHost = {
  domains: [],
  links: [],
  switchPorts: [],
  files: [],
  imageFiles: [],
  firewall: [],
  namespaces: [],
};

export function ownRows(made: Made): ReadonlyMap<string, readonly RecordedRow[]> {
  const { uuid, port, mac, ip, counted, name } = made;
  const id = counted + 1;
  const then = made.at.toISOString().slice(0, 19);
  const device = `tap${port.slice(0, 11)}`;
  return new Map<string, readonly RecordedRow[]>([
    ['neutron.standardattributes', [{ id, resource_type: 'ports', updated_at: then.replace('T', ' ') }]],
    [
      'neutron.ports',
      [
        {
          id: port,
          mac_address: mac,
          device_id: uuid,
          device_owner: 'compute:nova',
          standard_attr_id: id,
          network_id: network,
        },
      ],
    ],
    ['neutron.ipallocations', [{ port_id: port, ip_address: ip }]],
    ['nova.instance_actions', [{ id, instance_uuid: uuid, request_id: `req-${made.request}`, deleted: 0 }]],
    [
      'nova.instance_actions_events',
      [{ id, action_id: id, host: 'compute1', event: 'compute_terminate_instance' }],
    ],
    [
      'nova.instance_extra',
      [
        {
          id,
          instance_uuid: uuid,
          migration_context: `{"migration_id": ${id}, "created_at": "${then}Z", "mac": "${mac}"}`,
        },
      ],
    ],
    [
      'nova.instances',
      [
        {
          id,
          uuid,
          display_name: name,
          hostname: name,
          host: 'compute1',
          node: 'vm',
          launched_at: then.replace('T', ' '),
          reservation_id: 'r-ab12cd34',
          deleted: id,
        },
      ],
    ],
    ['nova.migrations', [{ id, instance_uuid: uuid, dest_compute: 'compute1' }]],
    [
      'nova_api.request_specs',
      [
        {
          id,
          instance_uuid: uuid,
          spec: `{"port": "${port}", "network": "${network}", "dev": "${device}", "reservation_id": "r-ab12cd34", "checksum": "${checksum}"}`,
        },
      ],
    ],
    ['placement.allocations', [{ id, resource_provider_id: 1, consumer_id: uuid, used: 64 }]],
  ]);
}

function ownThings({ uuid, port, mac, ip, counted }: Made): RecordedHost {
  const domain = `instance-${(counted + 1).toString(16).padStart(8, '0')}`;
  const device = `tap${port.slice(0, 11)}`;
  const chain = `neutron-openvswi-i${port.slice(0, 10)}`;
  return {
    ...emptyHost,
    domains: [
      {
        uuid,
        name: domain,
        state: 'running',
        persistent: true,
        managedSave: false,
        xml: `<domain><name>${domain}</name><source file='${lab.instances}/${uuid}/disk'/></domain>`,
      },
    ],
    links: [{ name: device, kind: 'tun', peer: null, master: 'br-int', mac, mtu: 1500, flags: 'UP' }],
    switchPorts: [
      { name: device, bridge: 'br-int', tag: 1, externalIds: { 'iface-id': port, 'vm-uuid': uuid } },
    ],
    files: [{ path: `${lab.instances}/${uuid}`, kind: 'folder', mode: '755', owner: '0:0', target: null }],
    firewall: [`iptables filter -A ${chain} -s ${ip}/32 -m mac --mac-source ${mac.toUpperCase()} -j RETURN`],
  };
}

const baseRows: ReadonlyMap<string, readonly RecordedRow[]> = new Map<string, readonly RecordedRow[]>([
  ['neutron.subnets', [{ id: network, cidr: '10.9.0.0/16', gateway_ip: '10.9.0.1' }]],
  ['nova.compute_nodes', [{ id: 3, uuid: hostUuid, hypervisor_hostname: 'vm' }]],
  ['placement.resource_providers', [{ id: 1, uuid: hostUuid, name: 'vm', generation: 4 }]],
]);

/** A moment at which these servers are there. */
export function moment(servers: readonly Made[], at: Date): Moment {
  const rows = new Map(baseRows);
  for (const made of servers)
    for (const [place, own] of ownRows(made)) rows.set(place, [...(rows.get(place) ?? []), ...own]);
  const things = servers.map(ownThings);
  const merge = <T>(pick: (host: RecordedHost) => readonly T[]): readonly T[] => things.flatMap(pick);
  const host: RecordedHost = {
    domains: merge((each) => each.domains),
    links: [
      { name: 'br-int', kind: 'openvswitch', peer: null, master: null, mac: null, mtu: 1500, flags: 'UP' },
      ...merge((each) => each.links),
    ],
    switchPorts: merge((each) => each.switchPorts),
    files: merge((each) => each.files),
    imageFiles: [],
    firewall: ['iptables filter :INPUT ACCEPT', ...merge((each) => each.firewall)],
    namespaces: [],
  };
  return { rows, host, at };
}

/** One server came, while these others were there. */
export function played(made: Made, others: readonly Made[] = []): Played {
  return {
    name: 'healthy',
    title: 'made up',
    server: { id: made.uuid, name: made.name, prePort: undefined },
    before: moment(others, made.at),
    after: moment([...others, made], made.at),
    compute: 'alive',
    waiting: [],
  };
}
