/** What `ip -o link show` and `ovs-vsctl` said on a host of Nova 26, with the interface of one server in parts. */
import { OVS_LISTING } from '../../src/kinds/interfaces/ovs.ts';
import { PORT, SERVER } from './domain-samples.ts';

export const LINKS = 'compute1: ip -o link show';
export const OVS = `compute1: ${OVS_LISTING.join(' ')}`;

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
  readonly vmUuid: string | null;
}

export function plugged(changes: Partial<SampleRecord> = {}): SampleRecord {
  return { name: 'qvodfaeac36-44', ifaceId: PORT, vmUuid: SERVER, ...changes };
}

/** br-int's own interface, and the records given, in one bridge. */
export function ovsOutput(records: readonly SampleRecord[], bridge = 'br-int'): string {
  return ovsOutputOf({ [bridge]: records });
}

/** Bridges with their records, each bridge with its own interface too. */
export function ovsOutputOf(bridges: Readonly<Record<string, readonly SampleRecord[]>>): string {
  const all = Object.entries(bridges).flatMap(([bridge, records]) =>
    [{ name: bridge, ifaceId: null, vmUuid: null }, ...records].map((record) => ({ ...record, bridge })),
  );
  const interfaceRows = all.map(({ name, ifaceId, vmUuid }, i) => [
    ['uuid', `f5fd516a-0000-404e-8088-00000000000${i}`],
    name,
    [
      'map',
      [
        ...(ifaceId === null ? [] : [['iface-id', ifaceId]]),
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
  ];
  return `${tables.map((table) => JSON.stringify(table)).join('\n')}\n`;
}
