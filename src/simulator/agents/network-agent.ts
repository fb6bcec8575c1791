/** The Open vSwitch agent of Neutron on one host, with the firewall driver that keeps its rules in iptables. */
import { type SwitchPort, switchPortsOf } from '../hosts/switch.ts';
import { setPortStatus } from '../neutron/ports.ts';
import type { World } from '../world.ts';

/** neutron `plugins/ml2/drivers/openvswitch/agent/common/constants.py:DEAD_VLAN_TAG` */
const DEAD_VLAN = 4095;

/** Chains carry the first ten characters of a port's id, devices the first eleven. */
const OF_PORT =
  /neutron-openvswi-[ios]([0-9a-f]{8}-[0-9a-f])(?![0-9a-f])|(?:tap|qvb|qvo)([0-9a-f]{8}-[0-9a-f]{2})/;

/**
 * Makes of switch, firewall and Neutron what the agent makes of them in its next round (neutron 21
 * `plugins/ml2/drivers/openvswitch/agent/ovs_neutron_agent.py`). Works from what is there, not from what changed, so that it may be
 * done any number of times:
 *
 *  - a port that is bound here and no longer in the switch goes down (`treat_devices_removed`);
 *  - a port in the switch that Neutron does not know, or does not have here, is shut (`process_deleted_ports`, `port_dead`);
 *  - firewall rules of both kinds go.
 *
 * It does not wire a port that comes: nothing plugs one here.
 */
export function settleNetwork(world: World, host: string): void {
  const bound = readBoundPorts(world, host);
  const plugged = switchPortsOf(world, host).flatMap((port) => {
    const id = port.externalIds.get('iface-id');
    return id === undefined ? [] : [{ id, port }];
  });
  const live = new Set(plugged.map(({ id }) => id).filter((id) => bound.has(id)));
  for (const { id, port } of plugged) if (!live.has(id)) shut(world, host, port);
  // A DHCP server's or a router's port is plugged by agents that are not shown here.
  for (const { id, owner, status } of bound.values())
    if (status === 'ACTIVE' && owner.startsWith('compute:') && !live.has(id))
      setPortStatus(world, id, 'DOWN');
  removeRules(world, host, live);
}

interface BoundPort {
  readonly id: string;
  readonly owner: string;
  readonly status: string;
}

function readBoundPorts(world: World, host: string): ReadonlyMap<string, BoundPort> {
  const rows = world
    .db('neutron')
    .prepare(
      `SELECT p.id, p.status, p.device_owner FROM ports p JOIN ml2_port_bindings b ON b.port_id = p.id
       WHERE b.host = ? AND b.status = 'ACTIVE' ORDER BY p.id`,
    )
    .all(host);
  return new Map(
    rows.map((row) => {
      const id = String(row['id']);
      return [id, { id, owner: String(row['device_owner']), status: String(row['status']) }];
    }),
  );
}

/** A port that was never wired has no tag, and `port_dead` gives it none. */
function shut(world: World, host: string, { name, tag }: SwitchPort): void {
  if (tag === null || tag === DEAD_VLAN) return;
  world.machines
    .prepare('UPDATE switch_ports SET tag = ? WHERE host = ? AND name = ?')
    .run(DEAD_VLAN, host, name);
}

function removeRules(world: World, host: string, live: ReadonlySet<string>): void {
  const starts = new Set([...live].flatMap((id) => [id.slice(0, 10), id.slice(0, 11)]));
  const rules = world.machines.prepare('SELECT rowid AS id, rule FROM firewall WHERE host = ?').all(host);
  const remove = world.machines.prepare('DELETE FROM firewall WHERE rowid = ?');
  for (const { id, rule } of rules) {
    const [, chain, device] = OF_PORT.exec(String(rule)) ?? [];
    const port = chain ?? device;
    if (port !== undefined && !starts.has(port)) remove.run(Number(id));
  }
}
