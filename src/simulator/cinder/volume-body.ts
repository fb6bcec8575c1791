/** A volume as Cinder shows it (cinder 21 `api/v2/views/volumes.py:detail`, `api/v3/views/volumes.py:detail`). */
import { type DatabaseRow, isoTime } from '../http/exchange.ts';
import { isAdmin } from '../keystone/tokens.ts';
import type { World } from '../world.ts';
import type { VolumeRequest } from './request.ts';
import { attachmentsOf } from './rows.ts';

type Body = Readonly<Record<string, unknown>>;

/** Statuses that are shown as what users know. */
const SHOWN: Readonly<Record<string, string>> = {
  managing: 'creating',
  error_managing: 'error',
  error_managing_deleting: 'deleting',
};

export function volumeSummary({ asked, caller }: VolumeRequest, volume: DatabaseRow): Body {
  const tail = `${caller.project}/volumes/${volume['id']}`;
  return {
    id: volume['id'],
    name: volume['display_name'],
    links: [
      { rel: 'self', href: `${asked.base}/v3/${tail}` },
      { rel: 'bookmark', href: `${asked.base}/${tail}` },
    ],
  };
}

export function volumeDetail(world: World, request: VolumeRequest, volume: DatabaseRow): Body {
  const { caller } = request;
  const id = String(volume['id']);
  const status = String(volume['status']);
  const admins = isAdmin(caller);
  const { name, links } = volumeSummary(request, volume);
  const image = pairs(world, 'volume_glance_metadata', id);
  return {
    id,
    status: SHOWN[status] ?? status,
    size: volume['size'],
    availability_zone: volume['availability_zone'],
    created_at: microTime(volume['created_at']),
    updated_at: microTime(volume['updated_at']),
    name,
    description: volume['display_description'],
    volume_type: typeName(world, volume),
    snapshot_id: volume['snapshot_id'],
    source_volid: volume['source_volid'],
    metadata: { ...pairs(world, 'volume_metadata', id), ...visibleAdminMetadata(world, id) },
    links,
    user_id: volume['user_id'],
    bootable: volume['bootable'] === 1 ? 'true' : 'false',
    encrypted: volume['encryption_key_id'] !== null,
    replication_status: volume['replication_status'],
    consistencygroup_id: volume['consistencygroup_id'],
    multiattach: volume['multiattach'] === 1,
    attachments: attachmentsOf(world, id)
      .filter((row) => row['attach_status'] === 'attached')
      .map((row) => attachmentOfVolume(row, admins)),
    ...(admins ? { migration_status: volume['migration_status'] } : {}),
    ...newerKeys(request, volume),
    ...(Object.keys(image).length === 0 ? {} : { volume_image_metadata: image }),
    ...(admins
      ? {
          'os-vol-host-attr:host': volume['host'],
          'os-vol-mig-status-attr:migstat': volume['migration_status'],
          'os-vol-mig-status-attr:name_id': volume['_name_id'],
        }
      : {}),
    'os-vol-tenant-attr:tenant_id': volume['project_id'],
  };
}

/** What microversions have added since 3.0. */
function newerKeys({ version, caller }: VolumeRequest, volume: DatabaseRow): Body {
  const admins = isAdmin(caller);
  const isShared = volume['shared_targets'] === null ? null : volume['shared_targets'] === 1;
  return {
    ...(version >= 13 ? { group_id: volume['group_id'] } : {}),
    ...(version >= 21 && admins ? { provider_id: volume['provider_id'] } : {}),
    ...(version >= 48
      ? {
          // Before 3.69 there was no third value.
          shared_targets: version >= 69 ? isShared : (isShared ?? true),
          service_uuid: volume['service_uuid'],
        }
      : {}),
    ...(version >= 61 && admins ? { cluster_name: volume['cluster_name'] } : {}),
    ...(version >= 63 ? { volume_type_id: volume['volume_type_id'] } : {}),
    ...(version >= 64 && volume['encryption_key_id'] !== null
      ? { encryption_key_id: volume['encryption_key_id'] }
      : {}),
    ...(version >= 65 ? { consumes_quota: volume['use_quota'] === 1 } : {}),
  };
}

function attachmentOfVolume(row: DatabaseRow, admins: boolean): Body {
  return {
    id: row['volume_id'],
    attachment_id: row['id'],
    volume_id: row['volume_id'],
    server_id: row['instance_uuid'],
    host_name: admins ? row['attached_host'] : null,
    device: row['mountpoint'],
    attached_at: microTime(row['attach_time']),
  };
}

/** `2026-11-01T10:00:00.000000`, without a zone: UTC. */
function microTime(value: DatabaseRow[string] | undefined): string | null {
  return isoTime(value)?.replace('Z', '.000000') ?? null;
}

function typeName(world: World, volume: DatabaseRow): unknown {
  const id = volume['volume_type_id'] ?? null;
  const row = world.db('cinder').prepare('SELECT name FROM volume_types WHERE id = ?').get(id);
  return row?.['name'] ?? id;
}

function pairs(
  world: World,
  table: 'volume_metadata' | 'volume_admin_metadata' | 'volume_glance_metadata',
  volumeId: string,
): Record<string, unknown> {
  const rows = world
    .db('cinder')
    .prepare(`SELECT key, value FROM ${table} WHERE volume_id = ? AND coalesce(deleted, 0) = 0 ORDER BY id`)
    .all(volumeId);
  return Object.fromEntries(rows.map((row) => [String(row['key']), row['value']]));
}

/** cinder 21 `api/api_utils.py:_visible_admin_metadata_keys`. */
function visibleAdminMetadata(world: World, volumeId: string): Body {
  const all = pairs(world, 'volume_admin_metadata', volumeId);
  return Object.fromEntries(
    Object.entries(all).filter(([key]) => key === 'readonly' || key === 'attached_mode'),
  );
}
