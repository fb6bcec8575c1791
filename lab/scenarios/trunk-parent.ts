import type { Deviation } from '../delta.ts';
import { host } from '../paths.ts';
import { createServer } from '../servers.ts';
import { deletingForever } from './deleting-forever.ts';
import type { Scenario } from './scenario.ts';

/** The end in br-int of a patch: the one in the trunk's bridge goes with that. */
function left(prefix: string, port: string): Deviation {
  const ids = `["map",[["attached-mac","<mac:${port}>"],["iface-id","<port:${port}>"]]]`;
  return {
    line: `- host.ovs ${prefix}-<port:${port}:11> tag=<vlan> external_ids=${ids}`,
    why: 'os-vif deletes the bridge (3.0 vif_plug_ovs/ovs.py:_delete_bridge_if_trunk); the agent then finds none and lets the other ends be (neutron 21 trunk_manager.py:remove_trunk)',
  };
}

/** The trunk has a bridge of its own, joined to br-int by a pair of patch ports for the parent and one for each subport. Neutron must have its plug-in. */
export const trunkParent: Scenario = {
  ...deletingForever,
  name: 'trunk-parent',
  title: 'its own port is the parent of a trunk, which the agent gave a bridge',
  beyondNova: [left('tpi', 'pre'), left('spi', 'sub')],
  make: (lab, name) => createServer(lab, { name, trunk: true, host }),
};
