/** A server's volumes, as Nova 26 lets them go: on the host, then in Cinder. */
import * as z from '../../plan/zod.ts';
import { endAttachment } from '../cinder/attachments.ts';
import { removeExport } from '../cinder/backend.ts';
import { attachmentsOf, findAnyAttachment, findAnyVolume } from '../cinder/rows.ts';
import { deleteVolume } from '../cinder/volumes.ts';
import type { World } from '../world.ts';
import { DeleteFailure } from './failure.ts';
import { disconnectIscsi } from './os-brick.ts';
import type { Cell } from './server-rows.ts';

/** A row of block_device_mapping whose destination is a volume, as a request carries it. */
const mapping = z.object({
  volume_id: z.string().nullable(),
  attachment_id: z.string().nullable(),
  delete_on_termination: z.number().nullable(),
  connection_info: z.string().nullable(),
});

export type VolumeMapping = z.infer<typeof mapping>;

/** @param deleted with the rows that are marked as deleted too, as periodic tasks see them */
export function readVolumes(
  world: World,
  cell: Cell,
  uuid: string,
  { deleted = false }: { readonly deleted?: boolean } = {},
): readonly VolumeMapping[] {
  return world
    .db(cell)
    .prepare(
      `SELECT volume_id, attachment_id, delete_on_termination, connection_info FROM block_device_mapping
       WHERE instance_uuid = ? AND destination_type = 'volume' ${deleted ? '' : 'AND deleted = 0'} ORDER BY id`,
    )
    .all(uuid)
    .map((row) => mapping.parse(row));
}

/** What a waiting request brings along, in the column `mappings` of the queue. */
export function parseMappings(json: unknown): readonly VolumeMapping[] | null {
  return typeof json === 'string' ? z.array(mapping).parse(JSON.parse(json)) : null;
}

const connection = z.object({
  driver_volume_type: z.string(),
  multiattach: z.boolean().optional(),
  data: z.unknown(),
});

type Connection = z.infer<typeof connection>;

/** Null for one that was never connected: building the server may have failed before. */
function connectionOf({ volume_id: volume, connection_info: json }: VolumeMapping): Connection | null {
  if (volume === null || json === null || !json.includes('"driver_volume_type"')) return null;
  return connection.parse(JSON.parse(json));
}

/** @throws DeleteFailure for a kind of volume that the simulated nova-compute was not taught to disconnect */
export function refuseUntaughtVolumes(volumes: readonly VolumeMapping[]): void {
  for (const volume of volumes) {
    const driver = connectionOf(volume)?.driver_volume_type ?? 'rbd';
    if (driver !== 'iscsi' && driver !== 'rbd')
      throw new DeleteFailure(
        `the simulated nova-compute was not taught to disconnect volume ${volume.volume_id} by ${driver}`,
      );
  }
}

/**
 * nova 26 `virt/libvirt/driver.py:_cleanup` and `_disconnect_volume`, for each of the server's volumes. A domain on Ceph's own library
 * leaves nothing behind.
 */
export function disconnectVolumes(world: World, host: string, volumes: readonly VolumeMapping[]): void {
  for (const volume of volumes) {
    const info = connectionOf(volume);
    if (info?.driver_volume_type !== 'iscsi') continue;
    if (info.multiattach === true && isSharedOnHost(world, host, volume.volume_id ?? '')) continue;
    disconnectIscsi(world, host, info.data);
  }
}

/** `_should_disconnect_target`: of the volume's attachments, more than one are of servers that Nova has on this host. */
function isSharedOnHost(world: World, host: string, volume: string): boolean {
  const here = new Set(
    world
      .db('nova')
      .prepare('SELECT uuid FROM instances WHERE host = ? AND deleted = 0')
      .all(host)
      .map((row) => row['uuid']),
  );
  const attached = attachmentsOf(world, volume).filter((row) => row['attach_status'] === 'attached');
  return attached.filter((row) => here.has(row['instance_uuid'] ?? null)).length > 1;
}

/**
 * nova 26 `compute/manager.py:_shutdown_instance`, its end: each attachment is deleted, with a service token, and whatever Cinder says
 * to it is passed over. One of before Queens is detached by its volume alone (`volume/cinder.py:detach`), whoever holds that by now.
 */
export function detachVolumes(world: World, volumes: readonly VolumeMapping[]): void {
  for (const { volume_id: volume, attachment_id: attachment } of volumes) {
    if (attachment !== null) {
      const row = findAnyAttachment(world, attachment);
      if (row !== null) endAttachment(world, row);
    } else if (volume !== null) detachByVolume(world, volume);
  }
}

function detachByVolume(world: World, volume: string): void {
  const [first, ...more] = attachmentsOf(world, volume);
  if (first === undefined || more.length > 0) return;
  removeExport(world, volume);
  endAttachment(world, first);
}

/** nova 26 `compute/manager.py:_cleanup_volumes` without its detaching. What Cinder refuses stays. */
export function deleteVolumes(world: World, volumes: readonly VolumeMapping[]): void {
  for (const { volume_id: volume, delete_on_termination: goes } of volumes) {
    const row = volume === null || goes !== 1 ? null : findAnyVolume(world, volume);
    if (row !== null) deleteVolume(world, row);
  }
}
