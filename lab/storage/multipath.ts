import { join } from 'node:path';
import { enrolNode } from '../node/cloud.ts';
import { nodeName } from '../node/paths.ts';
import { runOnNode } from '../node/power.ts';
import type { Lab } from '../paths.ts';
import { change } from '../sql.ts';

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
  await runOnNode(lab, [
    ...['start-stop-daemon', '--stop', '--oknodo', '--retry', 'TERM/20/KILL/5'],
    ...['--remove-pidfile', '--pidfile', join(lab.run, 'nova-compute.pid')],
  ]);
  // Only a report made after this moment counts.
  await change(lab, 'nova', [
    [
      "UPDATE services SET last_seen_up = last_seen_up - INTERVAL 10 MINUTE WHERE `binary` = 'nova-compute' AND host = ? AND deleted = 0",
      [nodeName],
    ],
  ]);
  await enrolNode(lab, say);
}
