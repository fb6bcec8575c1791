/** How servers with volumes over iSCSI get stuck, all on the second machine. */
import { z } from 'zod';
import { call } from '../api.ts';
import { waitFor } from '../command.ts';
import { reviveNodeCompute } from '../node/cloud.ts';
import type { Lab } from '../paths.ts';
import { deleteServer, type LabServer } from '../servers.ts';
import {
  createServerWithVolumes,
  createSharingServer,
  deleteWithVolumes,
  freezeAndDelete,
  freezeDeleteAndKill,
  keepsWhatIsShared,
  listVolumeIds,
  type WantedVolume,
} from './on-node.ts';
import type { Scenario } from './scenario.ts';

const asNova = ['--volumes', 'as-nova'] as const;

function withVolumes(
  name: string,
  title: string,
  wanted: readonly WantedVolume[],
  changes: Partial<Scenario> = {},
): Scenario {
  return {
    name,
    title,
    outcome: 'purged',
    decisions: asNova,
    make: (lab, of) => createServerWithVolumes(lab, of, wanted),
    break: freezeAndDelete,
    novaDelete: deleteWithVolumes,
    mend: reviveNodeCompute,
    beyondNova: [],
    ...changes,
  };
}

/** One volume goes with the server, one stays: both fates in every scenario. */
const both = (type: WantedVolume['type']): readonly WantedVolume[] => [
  { type, deleteOnTermination: true },
  { type, deleteOnTermination: false },
];

export const multipathVolume = withVolumes(
  'multipath-volume',
  'two paths to each disk, below a map of multipathd',
  both('one-target'),
);

/** A volume is asked to be detached, and nobody comes: what a cut detach leaves in Cinder. */
async function beginDetaching(lab: Lab, server: LabServer): Promise<void> {
  for (const id of await listVolumeIds(lab, server)) {
    await call(lab, 'volume', 'POST', `/volumes/${id}/action`, { body: { 'os-begin_detaching': {} } });
    const shape = z.object({ volume: z.object({ status: z.string() }) });
    await waitFor(`volume ${id} to be detaching`, async () => {
      const { body } = await call(lab, 'volume', 'GET', `/volumes/${id}`);
      return shape.parse(body).volume.status === 'detaching';
    });
  }
}

export const volumeScenarios: readonly Scenario[] = [
  withVolumes(
    'shared-target',
    'its disks are two LUNs of a target that a neighbour uses too',
    both('shared-target'),
  ),
  withVolumes('own-target', 'each of its disks is a target of its own', both('one-target')),
  withVolumes('boot-from-volume', 'it has no disk but a volume made of the image', [
    { type: 'one-target', deleteOnTermination: true, boot: true },
  ]),
  withVolumes('stuck-detaching', 'a detach was begun and never ended', both('shared-target'), {
    async make(lab, name) {
      const server = await createServerWithVolumes(lab, name, both('shared-target'));
      await beginDetaching(lab, server);
      return server;
    },
  }),
  withVolumes('multi-attach', 'a neighbour on its host uses the same volume', [], {
    make: (lab, of) => createSharingServer(lab, of, 'several-servers'),
    break: freezeDeleteAndKill,
    novaDelete: deleteServer,
    beyondNova: [keepsWhatIsShared],
  }),
  withVolumes('no-service-token', 'Cinder answers 409 while Nova lists the volume', both('one-target'), {
    site: 'expunge-no-token',
  }),
];
