/** A volume that a simulated server holds, and the requests that take it away. */
import type { World } from '../../src/simulator/world.ts';
import { adminProject, insert, rowsOf, type SimulatedCloud, simulatedCloud } from './simulated-apis.ts';

export const NOBODY = '00000000-0000-0000-0000-000000000000';
export const VOLUME = '00000000-0000-4000-8000-0000000000a1';
export const ATTACHMENT = '00000000-0000-4000-8000-0000000000b1';
export const OTHER = '00000000-0000-4000-8000-0000000000b2';
export const HELD = `ConflictNovaUsingAttachment: Detach volume from instance`;

export function plantVolume(world: World, changes: Record<string, string | number | null> = {}): void {
  const [type] = rowsOf(world, 'cinder', 'volume_types');
  insert(world, 'cinder', 'volumes', {
    id: VOLUME,
    created_at: '2026-11-01 09:00:00',
    updated_at: '2026-11-01 09:30:00',
    deleted: 0,
    display_name: 'data',
    size: 5,
    status: 'in-use',
    attach_status: 'attached',
    host: 'compute1@fake#fake',
    project_id: adminProject(world),
    volume_type_id: String(type?.['id']),
    bootable: 0,
    multiattach: 0,
    use_quota: 1,
    shared_targets: null,
    ...changes,
  });
}

export function plantAttachment(
  world: World,
  id: string,
  server: string,
  changes: Record<string, string | null> = {},
): void {
  insert(world, 'cinder', 'volume_attachment', {
    id,
    volume_id: VOLUME,
    created_at: '2026-11-01 09:10:00',
    updated_at: '2026-11-01 09:11:00',
    deleted: 0,
    instance_uuid: server,
    attached_host: 'compute1',
    mountpoint: '/dev/vdb',
    attach_mode: 'rw',
    attach_status: 'attached',
    attach_time: '2026-11-01 09:11:00',
    connection_info: '{"driver_volume_type": "fake", "access_mode": "rw"}',
    ...changes,
  });
}

/** A volume that the server holds, in Cinder and in Nova alike. */
export async function cloudWithVolume(): Promise<SimulatedCloud> {
  const cloud = await simulatedCloud();
  plantVolume(cloud.world);
  plantAttachment(cloud.world, ATTACHMENT, cloud.server.uuid);
  insert(cloud.world, 'cinder', 'volume_admin_metadata', {
    volume_id: VOLUME,
    key: 'attached_mode',
    value: 'rw',
    deleted: 0,
  });
  insert(cloud.world, 'nova', 'block_device_mapping', {
    uuid: 'bdm1',
    instance_uuid: cloud.server.uuid,
    volume_id: VOLUME,
    attachment_id: ATTACHMENT,
    device_name: '/dev/vdb',
    deleted: 0,
  });
  return cloud;
}

export const at = (version: string) => ({ 'OpenStack-API-Version': `volume ${version}` });

export async function base({ world }: SimulatedCloud): Promise<string> {
  return `/volume/v3/${adminProject(world)}`;
}

export async function detach(cloud: SimulatedCloud, id = ATTACHMENT, headers: Record<string, string> = {}) {
  return cloud.ask('DELETE', `${await base(cloud)}/attachments/${id}`, {
    headers: { ...at('3.44'), ...headers },
  });
}

export async function act(cloud: SimulatedCloud, action: object, headers: Record<string, string> = {}) {
  return cloud.ask('POST', `${await base(cloud)}/volumes/${VOLUME}/action`, { headers, body: action });
}

export function volume(world: World) {
  return rowsOf(world, 'cinder', 'volumes', { id: VOLUME })[0] ?? {};
}

export function attachment(world: World, id = ATTACHMENT) {
  return rowsOf(world, 'cinder', 'volume_attachment', { id })[0] ?? {};
}

export function fault(name: string, code: number, message: string) {
  return { [name]: { code, message } };
}

/** Nova forgets the volume, as it does when the server's row is deleted. */
export function forget(world: World): void {
  world.db('nova').exec("UPDATE block_device_mapping SET deleted = id, deleted_at = '2026-11-01 10:00:00'");
}
