/** Servers with volumes, on the second machine unless another host is named, and the ways in which they get stuck. */
import { z } from 'zod';
import { ask, call } from '../api.ts';
import { waitFor } from '../command.ts';
import type { VolumeTypeName } from '../config/backends.ts';
import type { Deviation } from '../delta.ts';
import { freezeNodeCompute, killNodeCompute, waitNodeComputeDown } from '../node/cloud.ts';
import { nodeName } from '../node/paths.ts';
import { type BootedVolume, requestNodeServer } from '../node/server.ts';
import type { Lab } from '../paths.ts';
import { readSeed } from '../seed.ts';
import { deleteServer, type LabServer, requestDelete, waitForPorts, waitForStatus } from '../servers.ts';
import { attachVolume, createVolume } from '../storage/volumes.ts';

/** A volume to make for a server. */
export interface WantedVolume {
  readonly type: VolumeTypeName;
  readonly deleteOnTermination: boolean;
  readonly boot?: boolean;
}

const attachments = z.object({ volumeAttachments: z.array(z.object({ volumeId: z.string() })) });

/** Boots a server with new volumes and waits until all of it works. */
export async function createServerWithVolumes(
  lab: Lab,
  name: string,
  wanted: readonly WantedVolume[],
  host: string = nodeName,
): Promise<LabServer> {
  const { image } = await readSeed(lab);
  const volumes: BootedVolume[] = [];
  for (const [at, { type, deleteOnTermination, boot = false }] of wanted.entries()) {
    const named = { name: `${name}-${at + 1}`, type, ...(boot ? { image } : {}) };
    const { id } = await createVolume(lab, named);
    volumes.push({ id, deleteOnTermination, boot });
  }
  const server = await requestNodeServer(lab, name, { volumes, host });
  // With two volumes and a machine that others use it took the node more than five minutes.
  await waitForStatus(lab, server, 'ACTIVE', { timeoutMs: 900_000 });
  await waitForPorts(lab, server, host === nodeName ? 'native' : 'hybrid');
  return server;
}

/** By its name the servers that share find the one that they share with; the test makes it, on the node. */
export const neighbourName = 'vm-disk-neighbour';

const ended = 'deleted=<own id>, deleted_at=<time>';
const sharedRow =
  '~ nova.block_device_mapping [attachment_id=<attachment:1>, device_name=/dev/vdb, image_id=NULL, instance_uuid=<server>, ' +
  'source_type=volume, tag=NULL, uuid=<bdm>, volume_id=<volume:1>]';

/** Of a server whose volume, which was to go with it, somebody else uses. */
export const keepsWhatIsShared: Deviation = {
  insteadOf: `${sharedRow} ${ended}`,
  line: `${sharedRow} delete_on_termination=0, ${ended}`,
  why: 'Cinder refuses to delete it now; a late nova-compute would ask again, when the other may have let go of it (src/kinds/volumes/secure.ts)',
};

/** A server whose volume the neighbour has attached too. On one host one device serves both. */
export async function createSharingServer(
  lab: Lab,
  name: string,
  type: 'several-servers' | 'ceph-several-servers',
  host: string = nodeName,
): Promise<LabServer> {
  const server = await createServerWithVolumes(lab, name, [{ type, deleteOnTermination: true }], host);
  const [id = ''] = await listVolumeIds(lab, server);
  const shape = z.object({ servers: z.array(z.object({ id: z.string() })) });
  const { servers } = await ask(lab, 'compute', 'GET', `/servers?name=^${neighbourName}$`, shape);
  const [neighbour] = servers;
  if (neighbour === undefined) throw new Error(`${neighbourName} is not there`);
  await attachVolume(lab, { id: neighbour.id, name: neighbourName, prePort: undefined }, { id, type });
  const both = z.object({
    volume: z.object({ status: z.string(), attachments: z.array(z.object({ host_name: z.string() })) }),
  });
  await waitFor(`${id} to be attached to both`, async () => {
    const { volume } = both.parse((await call(lab, 'volume', 'GET', `/volumes/${id}`)).body);
    return volume.status === 'in-use' && volume.attachments.length === 2;
  });
  return server;
}

/** Ids of the volumes that Nova lists for a server. */
export async function listVolumeIds(lab: Lab, server: LabServer): Promise<readonly string[]> {
  const path = `/servers/${server.id}/os-volume_attachments`;
  const { volumeAttachments } = await ask(lab, 'compute', 'GET', path, attachments);
  return volumeAttachments.map((each) => each.volumeId);
}

/** The classic, on the node: its nova-compute hangs, and the delete waits for it. */
export async function freezeAndDelete(lab: Lab, server: LabServer): Promise<void> {
  await freezeNodeCompute(lab);
  await requestDelete(lab, server);
  await waitNodeComputeDown(lab);
}

/** As operators are told to before a volume that a neighbour has too is let go: the hanging nova-compute is ended. */
export async function freezeDeleteAndKill(lab: Lab, server: LabServer): Promise<void> {
  await freezeAndDelete(lab, server);
  await killNodeCompute(lab);
}

/** Nova's own delete, until Cinder has let go of every volume too. */
export async function deleteWithVolumes(lab: Lab, server: LabServer): Promise<void> {
  const volumes = await listVolumeIds(lab, server);
  await deleteServer(lab, server);
  for (const id of volumes) await waitUntilFree(lab, id);
}

/** Until a volume is available again, or gone. */
async function waitUntilFree(lab: Lab, id: string): Promise<void> {
  const shape = z.object({ volume: z.object({ status: z.string() }) });
  await waitFor(`volume ${id} to be let go`, async () => {
    const answer = await call(lab, 'volume', 'GET', `/volumes/${id}`, { allow: [404] });
    return answer.status === 404 || shape.parse(answer.body).volume.status === 'available';
  });
}
