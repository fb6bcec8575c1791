import { run, waitFor } from '../command.ts';
import type { VolumeTypeName } from '../config/backends.ts';
import { nodeName } from '../node/paths.ts';
import { runOnNode } from '../node/power.ts';
import { requestNodeServer } from '../node/server.ts';
import { host, type Lab } from '../paths.ts';
import { createServer, deleteServer, type LabServer, waitForStatus } from '../servers.ts';
import {
  attachVolume,
  createVolume,
  deleteVolume,
  type LabVolume,
  waitForAttached,
  waitForInUse,
} from '../storage/volumes.ts';
import type { TableFacts } from './facts.ts';
import { readRows } from './rows.ts';
import type { PlayedVolume } from './volume.ts';

interface Kind {
  readonly name: 'iscsi' | 'rbd';
  readonly title: string;
  readonly type: VolumeTypeName;
}

/** The first compute host has no iSCSI, so its server is on the second machine, which must be enrolled; Ceph is reached from both. */
export const volumeKinds: readonly Kind[] = [
  {
    name: 'iscsi',
    title: 'a volume of a shared target, reached by one portal of two',
    type: 'shared-target',
  },
  { name: 'rbd', title: 'a volume in Ceph', type: 'ceph' },
];

/** Attaches a volume to a server, has `record` look at it, and takes both away again. */
export async function playVolume<T>(
  lab: Lab,
  { name, title, type }: Kind,
  facts: readonly TableFacts[],
  record: (played: PlayedVolume) => T,
): Promise<T> {
  const mark = `record-volume-${Date.now().toString(36)}`;
  const onNode = name === 'iscsi';
  let server: LabServer | undefined;
  let volume: LabVolume | undefined;
  try {
    server = onNode
      ? await requestNodeServer(lab, mark)
      : await createServer(lab, { name: mark, prePort: false });
    volume = await createVolume(lab, { name: `${mark}-disk`, type });
    await waitForStatus(lab, server, 'ACTIVE');
    await attachVolume(lab, server, volume);
    if (onNode) await waitForAttached(lab, server, volume);
    else await waitForInUse(lab, volume);
    const xml = await readDomain(lab, server, volume, onNode);
    return record({
      name,
      title,
      server: server.id,
      volume: volume.id,
      host: onNode ? nodeName : host,
      rows: await readRows(lab, facts),
      xml,
      at: new Date(),
    });
  } finally {
    // Nova lets go of the volumes of a server that it deletes.
    if (server !== undefined) await deleteServer(lab, server);
    if (volume !== undefined) await deleteVolume(lab, volume);
  }
}

async function readDomain(lab: Lab, server: LabServer, volume: LabVolume, onNode: boolean): Promise<string> {
  const argv = ['virsh', 'dumpxml', server.id];
  let xml = '';
  await waitFor(`the domain of ${server.id} to have the disk`, async () => {
    xml = (onNode ? await runOnNode(lab, argv) : await run(argv)).stdout;
    return xml.includes(`<serial>${volume.id}</serial>`);
  });
  return xml;
}
