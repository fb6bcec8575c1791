/** How servers with disks and volumes in Ceph get stuck, all on the first compute host. */

import { pools } from '../ceph/paths.ts';
import { rbd } from '../ceph/rbd.ts';
import { freezeCompute, reviveCompute, waitServiceDown } from '../nova-services.ts';
import { host, type Lab } from '../paths.ts';
import { createServer, deleteServer, type LabServer, requestDelete } from '../servers.ts';
import { createServerWithVolumes, createSharingServer, deleteWithVolumes } from './on-node.ts';
import type { Scenario } from './scenario.ts';

async function freezeAndDelete(lab: Lab, server: LabServer): Promise<void> {
  freezeCompute(lab);
  await requestDelete(lab, server);
  await waitServiceDown(lab, 'nova-compute');
}

export const rbdVolume: Scenario = {
  name: 'rbd-volume',
  title: 'its volumes are images in Ceph, which its qemu reaches by itself',
  outcome: 'purged',
  decisions: ['--volumes', 'as-nova'],
  make: (lab, name) =>
    createServerWithVolumes(
      lab,
      name,
      [
        { type: 'ceph', deleteOnTermination: true },
        { type: 'ceph', deleteOnTermination: false },
      ],
      host,
    ),
  break: freezeAndDelete,
  novaDelete: deleteWithVolumes,
  mend: (lab) => reviveCompute(lab),
  beyondNova: [],
};

/** To be played while the first compute host keeps its servers' disks in Ceph. */
export const rbdDisk: Scenario = {
  name: 'rbd-disk-with-snapshot',
  title: 'its own disk is an image in Ceph, with a protected snapshot and what a resize left',
  outcome: 'purged',
  site: 'expunge-ceph',
  make: (lab, name) => createServer(lab, { name, consoleToken: false, host }),
  async break(lab, server) {
    const image = `${server.id}_disk`;
    for (const name of ['nova-resize', 'by-hand'])
      await rbd(lab, 'nova', pools.nova, ['snap', 'create', `${image}@${name}`, '--no-progress']);
    await rbd(lab, 'nova', pools.nova, ['snap', 'protect', `${image}@by-hand`]);
    await freezeAndDelete(lab, server);
  },
  novaDelete: deleteServer,
  mend: (lab) => reviveCompute(lab),
  beyondNova: [],
};

/** To be played while the second machine is a compute host and has the neighbour (`neighbourName`). */
export const rbdShared: Scenario = {
  name: 'multi-attach-two-hosts',
  title: 'a server on another host uses the same volume',
  outcome: 'purged',
  decisions: ['--volumes', 'as-nova'],
  make: (lab, name) => createSharingServer(lab, name, 'ceph-several-servers', host),
  break: freezeAndDelete,
  novaDelete: deleteServer,
  mend: (lab) => reviveCompute(lab),
  beyondNova: [],
};
