import { z } from 'zod';
import { ask, call } from '../api.ts';
import { type RunResult, run, waitFor } from '../command.ts';
import type { VolumeTypeName } from '../config/backends.ts';
import { nodeName } from '../node/paths.ts';
import { runOnNode } from '../node/power.ts';
import type { Lab } from '../paths.ts';
import type { LabServer } from '../servers.ts';
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

/** Asks Nova to attach a volume to a server, and does not wait for it. */
export async function attachVolume(lab: Lab, server: LabServer, volume: LabVolume): Promise<void> {
  const body = { volumeAttachment: { volumeId: volume.id } };
  await call(lab, 'compute', 'POST', `/servers/${server.id}/os-volume_attachments`, { body });
}

/** Waits until Nova has attached a volume of iSCSI that it was asked to attach, and gives how. */
export async function waitForAttached(
  lab: Lab,
  server: LabServer,
  volume: LabVolume,
): Promise<VolumeConnection> {
  await waitForInUse(lab, volume);
  let connection: VolumeConnection | undefined;
  await waitFor(`what Nova writes down of ${volume.id}`, async () => {
    connection = await readConnection(lab, server, volume);
    return connection !== undefined;
  });
  if (connection === undefined) throw new Error(`Nova has not written down how ${volume.id} is attached`);
  return connection;
}

/** Waits until a volume that Nova was asked to attach is in use. */
export async function waitForInUse(lab: Lab, volume: LabVolume): Promise<void> {
  // Nova reserves a volume before it answers, so one that is available again could not be attached.
  await waitForVolume(lab, volume, 'in-use', ['available', 'error', 'error_attaching']);
}

/** Has Nova detach a volume from a server, and waits until it is available. */
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

/** The volumes of these types, of all projects. */
export async function listVolumes(
  lab: Lab,
  types: readonly VolumeTypeName[],
): Promise<readonly (LabVolume & { readonly isAttached: boolean })[]> {
  const path = '/volumes/detail?all_tenants=1';
  const { volumes } = await ask(lab, 'volume', 'GET', path, z.object({ volumes: z.array(state) }));
  return volumes.flatMap((volume) => {
    const type = types.find((name) => name === volume.volume_type);
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
  const onHost = await hostOf(lab, server);
  const live = await onHost(['virsh', 'dumpxml', server.id]);
  const later = await onHost(['virsh', 'dumpxml', '--inactive', server.id]);
  // Nova takes the disk out of the definition first, then asks for the unplug.
  const isAsked = live.stdout.includes(volume.id) && later.code === 0 && !later.stdout.includes(volume.id);
  if (isAsked) await onHost(['virsh', 'reset', server.id]);
}

/** Runs commands on a server's host, whatever their exit code. */
async function hostOf(lab: Lab, server: LabServer): Promise<(argv: readonly string[]) => Promise<RunResult>> {
  const shape = z.object({ server: z.object({ 'OS-EXT-SRV-ATTR:host': z.string().nullable() }) });
  const answer = await ask(lab, 'compute', 'GET', `/servers/${server.id}`, shape);
  const isOnNode = answer.server['OS-EXT-SRV-ATTR:host'] === nodeName;
  return (argv) => (isOnNode ? runOnNode(lab, argv, { allow: 'any' }) : run(argv, { allow: 'any' }));
}
