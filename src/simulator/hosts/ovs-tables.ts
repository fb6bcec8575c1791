/** The tables Interface, Port, Bridge and QoS of Open vSwitch 3.1 as ovsdb has them, each record a map from column to value. */
import type { World } from '../world.ts';
import { type LinkRow, linksOf } from './links.ts';
import { bridgesOf, isInternal, type SwitchPort, switchPortsOf } from './switch.ts';

/** A value as RFC 7047 section 5.1 writes it. */
export type OvsValue =
  | string
  | number
  | readonly ['uuid', string]
  | readonly ['set', readonly OvsValue[]]
  | readonly ['map', readonly (readonly [string, string | number])[]];

export type OvsRow = ReadonlyMap<string, OvsValue>;

/** All columns of a table that are modelled. Of Interface and QoS that is every one, in the order in which ovs-vsctl lists them. */
export const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  Interface: [
    ...['_uuid', 'admin_state', 'bfd', 'bfd_status', 'cfm_fault', 'cfm_fault_status', 'cfm_flap_count'],
    ...[
      'cfm_health',
      'cfm_mpid',
      'cfm_remote_mpids',
      'cfm_remote_opstate',
      'duplex',
      'error',
      'external_ids',
    ],
    ...['ifindex', 'ingress_policing_burst', 'ingress_policing_kpkts_burst', 'ingress_policing_kpkts_rate'],
    ...['ingress_policing_rate', 'lacp_current', 'link_resets', 'link_speed', 'link_state', 'lldp', 'mac'],
    ...['mac_in_use', 'mtu', 'mtu_request', 'name', 'ofport', 'ofport_request', 'options', 'other_config'],
    ...['statistics', 'status', 'type'],
  ],
  Port: ['_uuid', 'interfaces', 'name', 'tag'],
  Bridge: ['name', 'ports'],
  QoS: ['_uuid', 'external_ids', 'other_config', 'queues', 'type'],
};

const NONE: OvsValue = ['set', []];
const NO_PAIRS: OvsValue = ['map', []];

const COUNTERS = [
  ...['collisions', 'rx_bytes', 'rx_crc_err', 'rx_dropped', 'rx_errors', 'rx_frame_err', 'rx_missed_errors'],
  ...[
    'rx_multicast_packets',
    'rx_over_err',
    'rx_packets',
    'tx_bytes',
    'tx_dropped',
    'tx_errors',
    'tx_packets',
  ],
];

/** Driver and version as `ethtool -i` tells them of a kind of device. */
const DRIVERS: Readonly<Record<string, readonly [string, string]>> = {
  veth: ['veth', '1.0'],
  tun: ['tun', '1.6'],
};

/** A set of one is written as its only element. */
function uuids(ids: readonly string[]): OvsValue {
  const set = [...ids].sort().map((id): OvsValue => ['uuid', id]);
  return set.length === 1 && set[0] !== undefined ? set[0] : ['set', set];
}

export function interfaceRows(world: World, host: string): OvsRow[] {
  const links = new Map(linksOf(world, host).map((link) => [link.name, link]));
  return switchPortsOf(world, host).map((port) => interfaceRow(port, links.get(port.name)));
}

function interfaceRow(port: SwitchPort, link: LinkRow | undefined): OvsRow {
  return new Map<string, OvsValue>([
    ['_uuid', ['uuid', port.interfaceId]],
    ['bfd', NO_PAIRS],
    ['bfd_status', NO_PAIRS],
    ...['cfm_fault', 'cfm_fault_status', 'cfm_flap_count', 'cfm_health', 'cfm_mpid'].map(
      (column): [string, OvsValue] => [column, NONE],
    ),
    ['cfm_remote_mpids', NONE],
    ['cfm_remote_opstate', NONE],
    ['external_ids', ['map', [...port.externalIds]]],
    ...['burst', 'kpkts_burst', 'kpkts_rate', 'rate'].map((what): [string, OvsValue] => [
      `ingress_policing_${what}`,
      0,
    ]),
    ['lacp_current', NONE],
    ['link_resets', 0],
    ['lldp', NO_PAIRS],
    ['mac', NONE],
    ['mtu_request', NONE],
    ['name', port.name],
    ['ofport_request', NONE],
    ['options', NO_PAIRS],
    ['other_config', NO_PAIRS],
    ['type', port.name === port.bridge || isInternal(port, link) ? 'internal' : ''],
    ...(link === undefined ? withoutDevice(port) : ofDevice(port, link)),
  ]);
}

/** What the switch sees of a device. No traffic goes through a simulated one. */
function ofDevice(port: SwitchPort, link: LinkRow): [string, OvsValue][] {
  const flags = link.flags.split(',');
  const [driver, version] = DRIVERS[link.kind ?? ''] ?? [link.kind ?? '', ''];
  return [
    ['admin_state', flags.includes('UP') ? 'up' : 'down'],
    ['duplex', 'full'],
    ['error', NONE],
    ['ifindex', link.ifindex],
    ['link_speed', 10_000_000_000],
    ['link_state', flags.includes('LOWER_UP') ? 'up' : 'down'],
    ['mac_in_use', link.mac ?? NONE],
    ['mtu', link.mtu],
    ['ofport', port.number],
    ['statistics', ['map', COUNTERS.map((name): [string, number] => [name, 0])]],
    [
      'status',
      [
        'map',
        [
          ['driver_name', driver],
          ['driver_version', version],
          ['firmware_version', ''],
        ],
      ],
    ],
  ];
}

/** A record whose device is gone (Open vSwitch 3.1 `vswitchd/bridge.c:iface_clear_db_record`). */
function withoutDevice(port: SwitchPort): [string, OvsValue][] {
  return [
    ...['admin_state', 'duplex', 'ifindex', 'link_speed', 'link_state', 'mac_in_use', 'mtu'].map(
      (column): [string, OvsValue] => [column, NONE],
    ),
    ['error', `could not open network device ${port.name} (No such device)`],
    ['ofport', -1],
    ['statistics', NO_PAIRS],
    ['status', NO_PAIRS],
  ];
}

export function portRows(world: World, host: string): OvsRow[] {
  return switchPortsOf(world, host).map(
    (port) =>
      new Map<string, OvsValue>([
        ['_uuid', ['uuid', port.portId]],
        ['interfaces', uuids([port.interfaceId])],
        ['name', port.name],
        ['tag', port.tag ?? NONE],
      ]),
  );
}

/** As os-vif makes them: the type stands in its `_type` too. */
export function qosRows(world: World, host: string): OvsRow[] {
  return world.machines
    .prepare('SELECT id, external_ids FROM switch_qos WHERE host = ? ORDER BY id')
    .all(host)
    .map(({ id, external_ids }) => {
      const ids = Object.entries(JSON.parse(String(external_ids)) as Record<string, string>);
      return new Map<string, OvsValue>([
        ['_uuid', ['uuid', String(id)]],
        ['external_ids', ['map', ids.sort(([a], [b]) => (a < b ? -1 : 1))]],
        ['other_config', NO_PAIRS],
        ['queues', NO_PAIRS],
        ['type', 'linux-noop'],
      ]);
    });
}

export function bridgeRows(world: World, host: string): OvsRow[] {
  const ports = switchPortsOf(world, host);
  return bridgesOf(world, host).map(
    (bridge) =>
      new Map<string, OvsValue>([
        ['name', bridge],
        ['ports', uuids(ports.filter((port) => port.bridge === bridge).map((port) => port.portId))],
      ]),
  );
}
