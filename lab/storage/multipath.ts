import { enrolNode, stopAgent } from '../node/cloud.ts';
import { nodeName } from '../node/paths.ts';
import { runOnNode } from '../node/power.ts';
import { forgetReports } from '../nova-services.ts';
import type { Lab } from '../paths.ts';

/** Read by nova-compute besides the file that it is told (oslo.config's default folders); on the node's own disk only. */
const file = '/etc/nova/nova.conf.d/multipath.conf';

/**
 * Makes the node a compute host whose nova-compute reaches volumes by both portals, as maps of multipathd, or by one portal alone. It
 * holds for what is attached from then on: nothing may be attached while it changes.
 */
export async function setMultipath(lab: Lab, to: 'on' | 'off', say: (line: string) => void): Promise<void> {
  const { code } = await runOnNode(lab, ['test', '-e', file], { allow: [1] });
  if ((code === 0) !== (to === 'on')) {
    await stopAgent(lab, 'nova-compute');
    await forgetReports(lab, 'nova-compute', nodeName);
    if (to === 'off') await runOnNode(lab, ['rm', file]);
    else {
      await runOnNode(lab, ['install', '-D', '-m', '644', '/dev/null', file]);
      const text = '[libvirt]\nvolume_use_multipath = True\n';
      await runOnNode(lab, ['dd', `of=${file}`, 'status=none'], { input: text });
    }
  }
  // A second one ends by itself; after a power cut there is none.
  const daemon = to === 'on' ? ['multipathd'] : ['multipathd', 'shutdown'];
  await runOnNode(lab, daemon, { allow: 'any' });
  await enrolNode(lab, say);
}
