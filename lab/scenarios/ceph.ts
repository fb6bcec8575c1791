/** How servers with disks and volumes in Ceph get stuck, all on the first compute host. */

import { pools } from '../ceph/paths.ts';
import { rbd } from '../ceph/rbd.ts';
import { host } from '../paths.ts';
import { createServer } from '../servers.ts';
import { deletingForever } from './deleting-forever.ts';
import {
  createServerWithVolumes,
  createSharingServer,
  deleteWithVolumes,
  keepsWhatIsShared,
} from './on-node.ts';
import type { Scenario } from './scenario.ts';

export const rbdVolume: Scenario = {
  ...deletingForever,
  name: 'rbd-volume',
  title: 'its volumes are images in Ceph, which its qemu reaches by itself',
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
  novaDelete: deleteWithVolumes,
};

/** To be played while the first compute host keeps its servers' disks in Ceph. */
export const rbdDisk: Scenario = {
  ...deletingForever,
  name: 'rbd-disk-with-snapshot',
  title: 'its own disk is an image in Ceph, with a protected snapshot and what a resize left',
  site: 'expunge-ceph',
  make: (lab, name) => createServer(lab, { name, consoleToken: false, host }),
  async break(lab, server) {
    const image = `${server.id}_disk`;
    for (const name of ['nova-resize', 'by-hand'])
      await rbd(lab, 'nova', pools.nova, ['snap', 'create', `${image}@${name}`, '--no-progress']);
    await rbd(lab, 'nova', pools.nova, ['snap', 'protect', `${image}@by-hand`]);
    // As a resize of the server does: the snapshots keep the size that the image had.
    await rbd(lab, 'nova', pools.nova, ['resize', '--size', '2G', image, '--no-progress']);
    await deletingForever.break(lab, server);
  },
};

/** To be played while the second machine is a compute host and has the neighbour (`neighbourName`). */
export const rbdShared: Scenario = {
  ...deletingForever,
  name: 'multi-attach-two-hosts',
  title: 'a server on another host uses the same volume',
  decisions: ['--volumes', 'as-nova'],
  make: (lab, name) => createSharingServer(lab, name, 'ceph-several-servers', host),
  beyondNova: [keepsWhatIsShared],
};
