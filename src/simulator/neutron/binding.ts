/** Binding a port to a host, as the mechanism driver for Open vSwitch does it. */

import { isRecord } from '../../site/parse.ts';
import { pythonJson, readJson } from '../http/exchange.ts';
import type { World } from '../world.ts';

export interface Binding {
  readonly vifType: 'ovs' | 'binding_failed';
  readonly vifDetails: string;
  /** the segment of the port's network; null when the binding failed */
  readonly segment: string | null;
}

/** Seconds without a heartbeat after which an agent counts as dead (neutron 21 `agent_down_time`). */
const AGENT_DOWN_TIME = 75;

/**
 * What the host's own agent says of itself goes into the details (neutron 21 `plugins/ml2/drivers/openvswitch/mech_driver`,
 * `mech_agent.py:SimpleAgentMechanismDriverBase.try_to_bind_segment_for_agent`). Without an agent that lives the binding fails.
 */
export function bindToHost(world: World, portId: string, host: string): Binding {
  const db = world.db('neutron');
  const agent = db
    .prepare("SELECT * FROM agents WHERE host = ? AND agent_type = 'Open vSwitch agent'")
    .get(host);
  const segment = db
    .prepare(
      'SELECT s.id FROM networksegments s JOIN ports p ON p.network_id = s.network_id WHERE p.id = ? ORDER BY s.segment_index',
    )
    .get(portId);
  const said = readJson(agent?.['configurations']);
  if (
    agent === undefined ||
    segment === undefined ||
    !isRecord(said) ||
    !isAlive(world, host, agent['heartbeat_timestamp'])
  )
    return { vifType: 'binding_failed', vifDetails: '', segment: null };
  const details = {
    connectivity: 'l2',
    port_filter: true,
    ovs_hybrid_plug: said['ovs_hybrid_plug'] === true,
    datapath_type: said['datapath_type'],
    bridge_name: said['integration_bridge'],
  };
  return { vifType: 'ovs', vifDetails: pythonJson(details), segment: String(segment['id']) };
}

/** An agent of a host that answers reports again whenever anybody looks; only a silent one's last report counts. */
function isAlive(world: World, host: string, heartbeat: unknown): boolean {
  const machine = world.machines.prepare('SELECT reachable, agent FROM hosts WHERE name = ?').get(host);
  if (machine !== undefined && machine['reachable'] === 1 && machine['agent'] === 1) return true;
  const age = world.now().getTime() - Date.parse(`${String(heartbeat).replace(' ', 'T')}Z`);
  return age <= AGENT_DOWN_TIME * 1000;
}
