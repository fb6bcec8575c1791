import { z } from 'zod';
import { ask, call } from '../api.ts';
import { waitFor } from '../command.ts';
import { runOnNode } from '../node/power.ts';
import type { Lab } from '../paths.ts';
import type { LabServer } from '../servers.ts';
import { type VolumeTypeName, volumeTypes } from './config.ts';
import { readConnection, type VolumeConnection } from './connection.ts';

export interface LabVolume {
  readonly id: string;
  readonly type: VolumeTypeName;
}

const withId = z.object({ id: z.string() });
const state = z.object({
  id: z.string(),
  status: z.string(),
  volume_type: z.string().nullable(),
  attachments: z.array(z.object({ server_id: z.string().nullable() })),
});

/** Makes a volume and waits until it is available. `image`: the id of one that it shall begin with. Size in GiB. */
export async function createVolume(
  lab: Lab,
  options: {
    readonly name: string;
    readonly type: VolumeTypeName;
    readonly size?: number;
    readonly image?: string;
  },
): Promise<LabVolume> {
  const made = await ask(lab, 'volume', 'POST', '/volumes', z.object({ volume: withId }), {
    volume: {
      name: options.name,
      volume_type: options.type,
      size: options.size ?? 1,
      ...(options.image === undefined ? {} : { imageRef: options.image }),
    },
  });
  const volume = { id: made.volume.id, type: options.type };
  await waitForVolume(lab, volume, 'available', ['error']);
  return volume;
}

/** Asks Nova to attach a volume to a server of the node, and does not wait for it. */
export async function attachVolume(lab: Lab, server: LabServer, volume: LabVolume): Promise<void> {
  const body = { volumeAttachment: { volumeId: volume.id } };
  await call(lab, 'compute', 'POST', `/servers/${server.id}/os-volume_attachments`, { body });
}

/** Waits until Nova has attached a volume that it was asked to attach, and gives how. */
export async function waitForAttached(
  lab: Lab,
  server: LabServer,
  volume: LabVolume,
): Promise<VolumeConnection> {
  // Nova reserves a volume before it answers, so one that is available again could not be attached.
  await waitForVolume(lab, volume, 'in-use', ['available', 'error', 'error_attaching']);
  let connection: VolumeConnection | undefined;
  await waitFor(`what Nova writes down of ${volume.id}`, async () => {
    connection = await readConnection(lab, server, volume);
    return connection !== undefined;
  });
  if (connection === undefined) throw new Error(`Nova has not written down how ${volume.id} is attached`);
  return connection;
}

/** Has Nova detach a volume from a server of the node, and waits until it is available. */
export async function detachVolume(lab: Lab, server: LabServer, volume: LabVolume): Promise<void> {
  await call(lab, 'compute', 'DELETE', `/servers/${server.id}/os-volume_attachments/${volume.id}`);
  await waitFor(
    `Nova to detach ${volume.id}`,
    async () => {
      const { status } = await readVolume(lab, volume);
      if (status === 'available') return true;
      if (status === 'error_detaching') throw new Error(`${volume.id} is in ${status}`);
      await answerUnplug(lab, server, volume);
      return false;
    },
    { timeoutMs: 180_000, everyMs: 2000 },
  );
}

/** Deletes a volume that nobody uses, and waits until Cinder knows it no more. */
export async function deleteVolume(lab: Lab, volume: LabVolume): Promise<void> {
  await call(lab, 'volume', 'DELETE', `/volumes/${volume.id}`, { allow: [404] });
  await waitFor(`Cinder to delete ${volume.id}`, async () => {
    const answer = await call(lab, 'volume', 'GET', `/volumes/${volume.id}`, { allow: [404] });
    if (answer.status === 404) return true;
    const { status } = z.object({ volume: state }).parse(answer.body).volume;
    if (status === 'error_deleting') throw new Error(`${volume.id} is in ${status}`);
    return false;
  });
}

/** The volumes of the storage's types, of all projects. */
export async function listVolumes(
  lab: Lab,
): Promise<readonly (LabVolume & { readonly isAttached: boolean })[]> {
  const path = '/volumes/detail?all_tenants=1';
  const { volumes } = await ask(lab, 'volume', 'GET', path, z.object({ volumes: z.array(state) }));
  return volumes.flatMap((volume) => {
    const type = volumeTypes.find((name) => name === volume.volume_type);
    return type === undefined ? [] : [{ id: volume.id, type, isAttached: volume.attachments.length > 0 }];
  });
}

async function readVolume(lab: Lab, volume: LabVolume): Promise<z.infer<typeof state>> {
  return (await ask(lab, 'volume', 'GET', `/volumes/${volume.id}`, z.object({ volume: state }))).volume;
}

async function waitForVolume(
  lab: Lab,
  volume: LabVolume,
  wanted: string,
  failures: readonly string[],
): Promise<void> {
  await waitFor(
    `${volume.id} to be ${wanted}`,
    async () => {
      const { status } = await readVolume(lab, volume);
      if (failures.includes(status)) throw new Error(`${volume.id} is ${status}, it should become ${wanted}`);
      return status === wanted;
    },
    { everyMs: 500 },
  );
}

/**
 * Lets go of a disk that libvirt was asked to unplug. The guest is a disk of zeros, and QEMU waits for its consent for ever; a
 * reset of the machine carries out what waits (QEMU 7.2, hw/acpi/pcihp.c:acpi_pcihp_reset).
 */
async function answerUnplug(lab: Lab, server: LabServer, volume: LabVolume): Promise<void> {
  const live = await runOnNode(lab, ['virsh', 'dumpxml', server.id], { allow: 'any' });
  const later = await runOnNode(lab, ['virsh', 'dumpxml', '--inactive', server.id], { allow: 'any' });
  // Nova takes the disk out of the definition first, then asks for the unplug.
  const isAsked = live.stdout.includes(volume.id) && later.code === 0 && !later.stdout.includes(volume.id);
  if (isAsked) await runOnNode(lab, ['virsh', 'reset', server.id], { allow: 'any' });
}
