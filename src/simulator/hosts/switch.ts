/** What Open vSwitch's database has on a simulated host. */
import { inTransaction, type World } from '../world.ts';
import { deleteLink, findLink, type LinkRow } from './links.ts';

/** One port with its one interface. */
export interface SwitchPort {
  readonly name: string;
  readonly bridge: string;
  readonly tag: number | null;
  readonly externalIds: ReadonlyMap<string, string>;
  readonly portId: string;
  readonly interfaceId: string;
  /** the number that the switch gave it; the bridge's own port is 65534 */
  readonly number: number;
}

/** OFPP_LOCAL of OpenFlow 1.0 */
const LOCAL_PORT = 65534;

/** Sorted by name, the bridges' own ports among them. */
export function switchPortsOf(world: World, host: string): SwitchPort[] {
  return world.machines
    .prepare('SELECT rowid AS number, * FROM switch_ports WHERE host = ? ORDER BY name')
    .all(host)
    .map((row) => {
      const ids = Object.entries(JSON.parse(String(row['external_ids'])) as Record<string, string>);
      return {
        name: String(row['name']),
        bridge: String(row['bridge']),
        tag: row['tag'] === null ? null : Number(row['tag']),
        externalIds: new Map(ids.sort(([a], [b]) => (a < b ? -1 : 1))),
        portId: String(row['port_id']),
        interfaceId: String(row['interface_id']),
        number: row['name'] === row['bridge'] ? LOCAL_PORT : Number(row['number']),
      };
    });
}

export function bridgesOf(world: World, host: string): string[] {
  return [...new Set(switchPortsOf(world, host).map((port) => port.bridge))].sort();
}

/**
 * Whether the device of a port was made by the switch itself, which then takes it away too: an internal port. With the userspace
 * datapath those are tun devices like a qemu's tap, which is told from them by the server that it was plugged for (`vm-id`: by libvirt).
 */
export function isInternal(port: SwitchPort, link: LinkRow | undefined): boolean {
  const isServers = ['vm-uuid', 'vm-id'].some((mark) => port.externalIds.has(mark));
  return link?.kind === 'openvswitch' || (link?.kind === 'tun' && !isServers);
}

/**
 * A port and its interface are taken out of the database. A veth or a tap stays as a device, outside of the switch. A name that is
 * not there is no error.
 */
export function deleteSwitchPort(world: World, host: string, name: string): void {
  const port = switchPortsOf(world, host).find((each) => each.name === name);
  if (port === undefined) return;
  inTransaction(world.machines, () => {
    if (isInternal(port, findLink(world, host, name) ?? undefined)) deleteLink(world, host, name);
    world.machines.prepare('DELETE FROM switch_ports WHERE host = ? AND name = ?').run(host, name);
    // The kernel's datapath holds its devices as a master does; the userspace one does not.
    world.machines
      .prepare("UPDATE links SET master = NULL WHERE host = ? AND name = ? AND master = 'ovs-system'")
      .run(host, name);
  });
}
