import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ask } from './api.ts';
import { waitFor } from './command.ts';
import { settle } from './delta/settle.ts';
import { host, type Lab } from './paths.ts';
import { stopService } from './process.ts';
import { startService } from './start.ts';

/** How taps reach br-int: through a bridge of their own with iptables in it, or directly. */
export type Plugging = 'hybrid' | 'native';

const drivers: Readonly<Record<Plugging, string>> = { hybrid: 'iptables_hybrid', native: 'noop' };

const agents = z.object({
  agents: z.array(
    z.object({
      alive: z.boolean(),
      started_at: z.string(),
      configurations: z.looseObject({ ovs_hybrid_plug: z.boolean() }),
    }),
  ),
});

/**
 * Starts the network agent anew with the firewall driver that makes Neutron plug so. Ports that are bound already stay as
 * they are; does nothing when the agent plugs so already.
 */
export async function setPlugging(lab: Lab, plugging: Plugging): Promise<void> {
  const file = join(lab.etc, 'ml2.ini');
  const before = readFileSync(file, 'utf8');
  const after = before.replace(/^firewall_driver = .*$/m, `firewall_driver = ${drivers[plugging]}`);
  if (after === before && (await readAgent(lab))?.configurations.ovs_hybrid_plug === (plugging === 'hybrid'))
    return;
  const last = (await readAgent(lab))?.started_at;
  writeFileSync(file, after);
  await stopService(lab, 'ovs-agent');
  await startService(lab, 'ovs-agent');
  await waitFor(`the agent to plug ${plugging}`, async () => {
    const agent = await readAgent(lab);
    return (
      agent?.alive === true &&
      agent.started_at !== last &&
      agent.configurations.ovs_hybrid_plug === (plugging === 'hybrid')
    );
  });
  await settle(lab);
}

async function readAgent(lab: Lab) {
  const path = `/agents?binary=neutron-openvswitch-agent&host=${host}`;
  const answer = await ask(lab, 'network', 'GET', path, agents);
  return answer.agents[0];
}
