import { addBackends, areBackendsUp, assertLabUp, removeBackends } from '../cinder-backends.ts';
import { isTurnedOn } from '../config/backends.ts';
import { install } from '../install.ts';
import type { Lab } from '../paths.ts';
import { takeTurn } from '../turn.ts';
import { startCluster, stopCluster } from './cluster.ts';
import { setDisks } from './disks.ts';
import { giveCephToNode, takeCephFromNode } from './node.ts';
import { pools } from './paths.ts';
import { listImages } from './rbd.ts';
import { defineSecrets, removeSecrets } from './secrets.ts';

type Say = (line: string) => void;

/** Makes or mends the cluster, and gives it to libvirt and Cinder. The lab must be up. */
export async function startCeph(lab: Lab, say: Say): Promise<void> {
  assertLabUp(lab);
  await takeTurn(lab);
  const begun = Date.now();
  await install(say, 'ceph');
  await startCluster(lab);
  say(`${seconds(begun)} s  Ceph takes writes`);
  await defineSecrets(lab);
  if (!isTurnedOn(lab, 'ceph') || !(await areBackendsUp(lab, 'ceph'))) await addBackends(lab, 'ceph');
  await giveCephToNode(lab);
  say(`${seconds(begun)} s  volume type ceph is there`);
}

/** Takes Ceph and all that is in it away again. Throws when a volume is attached or a server has its disk there, and changes nothing then. */
export async function stopCeph(lab: Lab, say: Say): Promise<void> {
  assertLabUp(lab);
  await takeTurn(lab);
  if (!isTurnedOn(lab, 'ceph')) {
    say('the lab has no Ceph');
    return;
  }
  const disks = await listImages(lab, pools.nova);
  if (disks.length > 0)
    throw new Error(`disks of servers lie in Ceph, delete those first: ${disks.join(', ')}`);
  await removeBackends(lab, 'ceph', say);
  await setDisks(lab, 'files');
  await removeSecrets(lab);
  await takeCephFromNode(lab);
  await stopCluster(lab, { keep: false });
  say('the lab has no Ceph any more');
}

function seconds(from: number): string {
  return ((Date.now() - from) / 1000).toFixed(1).padStart(5);
}
