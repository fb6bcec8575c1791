/** The Open vSwitch agent of Neutron on one host, with the firewall driver that keeps its rules in iptables. */
import { addRule, filteredPorts, removeRules, startOf } from '../hosts/firewall.ts';
import { type SwitchPort, switchPortsOf } from '../hosts/switch.ts';
import { setPortStatus } from '../neutron/ports.ts';
import type { World } from '../world.ts';

/** neutron `plugins/ml2/drivers/openvswitch/agent/common/constants.py:DEAD_VLAN_TAG` */
const DEAD_VLAN = 4095;

/**
 * Makes of switch, firewall and Neutron what the agent makes of them in its next rounds (neutron 21
 * `plugins/ml2/drivers/openvswitch/agent/ovs_neutron_agent.py`). Works from what is there, not from what changed, so that it may be
 * done any number of times:
 *
 *  - a port that is bound here and no longer in the switch goes down, and its firewall rules go (`treat_devices_removed`);
 *  - a port in the switch that Neutron does not have here is shut (`process_deleted_ports`, `port_dead`);
 *  - the rules of one that Neutron still knows stay; those of one that it has deleted go, and make way for four that let everything
 *    pass (see `trust`). Both as recorded of a delete by the API alone.
 *
 * It does not wire a port that comes: nothing plugs one here.
 */
export function settleNetwork(world: World, host: string): void {
  const bound = readBoundPorts(world, host);
  const plugged = new Map<string, SwitchPort>();
  for (const port of switchPortsOf(world, host)) {
    const id = port.externalIds.get('iface-id');
    if (id !== undefined) plugged.set(id, port);
  }
  for (const [id, port] of plugged) if (!bound.has(id)) shut(world, host, port);
  // A DHCP server's or a router's port is plugged by agents that are not shown here.
  for (const { id, owner, status } of bound.values())
    if (status === 'ACTIVE' && owner.startsWith('compute:') && !plugged.has(id))
      setPortStatus(world, id, 'DOWN');
  settleRules(world, host, [...plugged.keys()]);
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

function settleRules(world: World, host: string, plugged: readonly string[]): void {
  const byStart = new Map(plugged.map((id) => [startOf(id), id]));
  const known = world.db('neutron').prepare('SELECT 1 FROM ports WHERE id = ?');
  for (const start of filteredPorts(world, host)) {
    const id = byStart.get(start);
    if (id === undefined) removeRules(world, host, start);
    else if (known.get(id) === undefined && removeRules(world, host, start, TRUSTED) > 0)
      trust(world, host, id);
  }
}

/** neutron `agent/linux/iptables_comments.py:TRUSTED_ACCEPT` */
const TRUSTED = 'Accept all packets when port is trusted.';

/**
 * A port that goes changes its security group, and the agent notes all devices of that group to be refreshed, the port's own among them
 * (neutron 21 `agent/securitygroups_rpc.py:_security_group_updated`). It removes the filter of the deleted port and then does the refresh,
 * in which Neutron does not know that device: what Neutron does not filter is trusted (`_apply_port_filter`,
 * `agent/linux/iptables_firewall.py:process_trusted_ports`).
 */
function trust(world: World, host: string, id: string): void {
  for (const family of ['iptables', 'ip6tables'])
    for (const direction of ['out', 'in'])
      addRule(
        world,
        host,
        `${family} filter -A neutron-openvswi-FORWARD -m physdev --physdev-${direction} tap${id.slice(0, 11)} --physdev-is-bridged -m comment --comment "${TRUSTED}" -j ACCEPT`,
      );
}
