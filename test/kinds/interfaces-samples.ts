/** What `ip -o link show` and `ovs-vsctl` said on a host of Nova 26, with the interface of one server in parts. */
import { interfaces } from '../../src/kinds/interfaces/index.ts';
import type { Subject, Vif } from '../../src/kinds/subject/subject.ts';
import { type FakeAnswers, fakeReader } from '../support/fake-reader.ts';
import { decisions, subject } from '../support/subjects.ts';
import { LIST, PORT, SERVER } from './domain-samples.ts';

export const LINKS = 'compute1: ip -o link show';
export const OVS =
  'compute1: ovs-vsctl --timeout=10 --format=json -- --columns=_uuid,name,external_ids list Interface -- --columns=_uuid,interfaces list Port -- --columns=name,ports list Bridge -- --columns=_uuid,external_ids list QoS';
export const NEUTRON = `network /v2.0/ports?device_id=${SERVER}`;
/** the question whose a port is */
export const OWNER = `network /v2.0/ports/${PORT}`;

export interface SampleLinks {
  /** the veth pair, its inner end in the bridge when that is there */
  readonly outer?: boolean;
  readonly bridge?: boolean;
  /** master of the tap; null: it has none; undefined: no tap */
  readonly tap?: string | null;
}

export function linkLines({ outer = false, bridge = false, tap }: SampleLinks): string {
  const fixed = `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000\\    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
4: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1400 qdisc pfifo_fast state UP mode DEFAULT group default qlen 1000\\    link/ether 02:fc:00:00:00:01 brd ff:ff:ff:ff:ff:ff
6: br-int: <BROADCAST,MULTICAST,PROMISC> mtu 1500 qdisc noop state DOWN mode DEFAULT group default qlen 1000\\    link/ether 3a:1c:28:23:78:48 brd ff:ff:ff:ff:ff:ff
`;
  return [
    fixed,
    bridge
      ? '7: qbrdfaeac36-44: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000\\    link/ether 5a:57:2b:b5:9d:64 brd ff:ff:ff:ff:ff:ff\n'
      : '',
    outer
      ? `8: qvodfaeac36-44@qvbdfaeac36-44: <BROADCAST,MULTICAST,PROMISC,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000\\    link/ether e6:a9:d6:ae:06:85 brd ff:ff:ff:ff:ff:ff
9: qvbdfaeac36-44@qvodfaeac36-44: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue${bridge ? ' master qbrdfaeac36-44' : ''} state UP mode DEFAULT group default qlen 1000\\    link/ether 5a:57:2b:b5:9d:64 brd ff:ff:ff:ff:ff:ff
`
      : '',
    tap === undefined
      ? ''
      : `10: tapdfaeac36-44: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue${tap === null ? '' : ` master ${tap}`} state UNKNOWN mode DEFAULT group default qlen 1000\\    link/ether fe:16:3e:26:ef:4f brd ff:ff:ff:ff:ff:ff\n`,
  ].join('');
}

export interface SampleRecord {
  readonly name: string;
  readonly ifaceId: string | null;
  /** written by Nova and os-vif */
  readonly vmUuid: string | null;
  /** written by libvirt */
  readonly vmId?: string;
}

export function plugged(changes: Partial<SampleRecord> = {}): SampleRecord {
  return { name: 'qvodfaeac36-44', ifaceId: PORT, vmUuid: SERVER, ...changes };
}

/** A record of QoS: its uuid, and the id that it bears. */
export type SampleQos = readonly [uuid: string, id: string];

/** br-int's own interface, and the records given, in one bridge. */
export function ovsOutput(records: readonly SampleRecord[], bridge = 'br-int'): string {
  return ovsOutputOf({ [bridge]: records });
}

/** Bridges with their records, each bridge with its own interface too. */
export function ovsOutputOf(
  bridges: Readonly<Record<string, readonly SampleRecord[]>>,
  qos: readonly SampleQos[] = [],
): string {
  const all = Object.entries(bridges).flatMap(([bridge, records]) =>
    [{ name: bridge, ifaceId: null, vmUuid: null }, ...records].map((record: SampleRecord) => ({
      ...record,
      bridge,
    })),
  );
  const interfaceRows = all.map(({ name, ifaceId, vmUuid, vmId }, i) => [
    ['uuid', `f5fd516a-0000-404e-8088-00000000000${i}`],
    name,
    [
      'map',
      [
        ...(ifaceId === null ? [] : [['iface-id', ifaceId]]),
        ...(vmId === undefined ? [] : [['vm-id', vmId]]),
        ...(vmUuid === null ? [] : [['vm-uuid', vmUuid]]),
      ],
    ],
  ]);
  const portOf = (i: number) => ['uuid', `65bf5f9f-0000-4d0f-96d9-00000000000${i}`];
  const bridgeRows = Object.keys(bridges).map((bridge) => {
    const ports = all.flatMap((each, i) => (each.bridge === bridge ? [portOf(i)] : []));
    // A set of one stands without its wrapping: RFC 7047 section 5.1.
    return [bridge, ports.length === 1 ? ports[0] : ['set', ports]];
  });
  const tables = [
    { data: interfaceRows, headings: ['_uuid', 'name', 'external_ids'] },
    { data: all.map((_, i) => [portOf(i), interfaceRows[i]?.[0]]), headings: ['_uuid', 'interfaces'] },
    { data: bridgeRows, headings: ['name', 'ports'] },
    {
      data: qos.map(([own, id]) => [
        ['uuid', own],
        [
          'map',
          [
            ['_type', 'linux-noop'],
            ['id', id],
          ],
        ],
      ]),
      headings: ['_uuid', 'external_ids'],
    },
  ];
  return `${tables.map((table) => JSON.stringify(table)).join('\n')}\n`;
}

export const vif: Vif = {
  portId: PORT,
  type: 'ovs',
  devname: 'tapdfaeac36-44',
  bridge: 'br-int',
  hybrid: true,
  vnicType: 'normal',
  preserveOnDelete: false,
};
export const one = subject({ vifs: [vif] });
/** a server whose ports no row tells any more */
export const bare = subject({ vifs: [] });

/** Neutron says that the port is the server's, with this VIF type. */
export function claimedAs(type: string): FakeAnswers['http'] {
  return { [NEUTRON]: { body: { ports: [{ id: PORT, 'binding:vif_type': type }] } } };
}
export const noPorts = { [NEUTRON]: { body: { ports: [] } } };
export const forgotten = { ...noPorts, [OWNER]: { status: 404 } };

export const noDomain = { [LIST]: '\n' };
export const hybrid = {
  ...noDomain,
  [LINKS]: linkLines({ outer: true, bridge: true }),
  [OVS]: ovsOutput([plugged()]),
};
export const nothing = { ...noDomain, [LINKS]: linkLines({}), [OVS]: ovsOutput([]) };
/** a host that has no Open vSwitch */
export const noOvs = { ...noDomain, [LINKS]: linkLines({}), [OVS]: { exit: 127 } };

export async function look(
  command: FakeAnswers['command'],
  http: FakeAnswers['http'] = claimedAs('ovs'),
  of: Subject = one,
) {
  const reader = fakeReader({ command: command ?? {}, http: http ?? {} });
  const { facts, unknown } = await interfaces.find(reader, of);
  return { ...interfaces.plan(facts, of, decisions()), unknown, unasked: reader.unasked() };
}

export function acts(plan: { steps: readonly { act: object }[] }) {
  return plan.steps.map((s) => ('argv' in s.act ? (s.act.argv as string[]).join(' ') : ''));
}

export const stopped = {
  door: 'command',
  host: 'compute1',
  argv: ['virsh', '-c', 'qemu:///system', 'list', '--uuid'],
  exit: [0],
  out: { lacksLine: SERVER },
};

/** The check that a record is of this server, and of this port where its id is known. */
export function marked(device = 'qvodfaeac36-44', portId: string | null = PORT) {
  const get = ['ovs-vsctl', '--timeout=10', '--if-exists', 'get', 'Interface', device];
  const ids = portId === null ? [SERVER] : [portId, SERVER];
  return {
    door: 'command',
    host: 'compute1',
    argv: [
      ...get,
      ...(portId === null ? [] : ['external_ids:iface-id']),
      'external_ids:vm-uuid',
      'external_ids:vm-id',
    ],
    exit: [0],
    out: { linesWithin: ids.map((id) => `"${id}"`) },
  };
}
