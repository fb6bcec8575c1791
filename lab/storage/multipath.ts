import { enrolNode, stopAgent } from '../node/cloud.ts';
import { nodeName } from '../node/paths.ts';
import { runOnNode } from '../node/power.ts';
import { forgetReports } from '../nova-services.ts';
import type { Lab } from '../paths.ts';

/** Read by nova-compute besides the file that it is told (oslo.config's default folders); on the node's own disk only. */
const file = '/etc/nova/nova.conf.d/multipath.conf';

/**
 * Has nova-compute on the node reach volumes by both portals, as maps of multipathd, or by one portal alone. It holds for what
 * is attached from then on: nothing may be attached while it changes.
 */
export async function setMultipath(lab: Lab, to: 'on' | 'off', say: (line: string) => void): Promise<void> {
  if (to === 'on') {
    await runOnNode(lab, ['install', '-D', '-m', '644', '/dev/null', file]);
    await runOnNode(lab, ['dd', `of=${file}`, 'status=none'], {
      input: '[libvirt]\nvolume_use_multipath = True\n',
    });
    await runOnNode(lab, ['multipathd']);
  } else {
    await runOnNode(lab, ['rm', '-f', file]);
    await runOnNode(lab, ['multipathd', 'shutdown'], { allow: 'any' });
  }
  await stopAgent(lab, 'nova-compute');
  await forgetReports(lab, 'nova-compute', nodeName);
  await enrolNode(lab, say);
}
