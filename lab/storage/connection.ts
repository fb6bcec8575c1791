import { z } from 'zod';
import type { Lab } from '../paths.ts';
import type { LabServer } from '../servers.ts';
import { query } from '../sql.ts';

/** One way to a volume: where to log in, and which unit of the target it is. */
export interface IscsiPath {
  /** `10.77.0.1:3260`. */
  readonly portal: string;
  readonly iqn: string;
  readonly lun: number;
}

/** How a compute host reaches a volume, as Nova or Cinder wrote it down. */
export interface IscsiConnection {
  /** The first is the one that is used without multipath. */
  readonly paths: readonly IscsiPath[];
  /** The user's name of CHAP; no secret is kept here. */
  readonly account: string | undefined;
}

export interface VolumeConnection {
  readonly attachment: string;
  /** The disk that the hypervisor was given: `/dev/sda`, or `/dev/dm-0` of a multipath map. */
  readonly devicePath: string;
  readonly nova: IscsiConnection;
  readonly cinder: IscsiConnection;
}

const iscsiData = z.object({
  target_portal: z.string(),
  target_iqn: z.string(),
  target_lun: z.number(),
  target_portals: z.array(z.string()),
  target_iqns: z.array(z.string()),
  target_luns: z.array(z.number()),
  auth_method: z.literal('CHAP').optional(),
  auth_username: z.string().optional(),
});
const novaShape = z.object({
  driver_volume_type: z.literal('iscsi'),
  data: iscsiData.extend({ device_path: z.string() }),
});
// Cinder keeps the same without a `data` around it (cinder/volume/manager.py:_connection_create, 21.3).
const cinderShape = iscsiData.extend({ driver_volume_type: z.literal('iscsi') });

/** What Nova and Cinder know of an attached volume; nothing while Nova has not finished attaching it. */
export async function readConnection(
  lab: Lab,
  server: LabServer,
  volume: { readonly id: string },
): Promise<VolumeConnection | undefined> {
  const mappings = await query(
    lab,
    'nova',
    `SELECT attachment_id, connection_info FROM block_device_mapping
     WHERE instance_uuid = ? AND volume_id = ? AND deleted = 0`,
    [server.id, volume.id],
  );
  const [mapping] = mappings;
  const attachment = mapping?.['attachment_id'];
  const info = mapping?.['connection_info'];
  if (attachment == null || info == null || !info.includes('"device_path"')) return undefined;
  const attachments = await query(
    lab,
    'cinder',
    "SELECT connection_info FROM volume_attachment WHERE id = ? AND attach_status = 'attached' AND deleted = 0",
    [attachment],
  );
  const kept = attachments[0]?.['connection_info'];
  if (kept == null) return undefined;
  return { attachment, ...parseNovaConnection(info), cinder: parseCinderConnection(kept) };
}

/** `connection_info` of Nova's block_device_mapping (Nova 26). */
export function parseNovaConnection(text: string): {
  readonly devicePath: string;
  readonly nova: IscsiConnection;
} {
  const { data } = novaShape.parse(JSON.parse(text));
  return { devicePath: data.device_path, nova: toConnection(data) };
}

/** `connection_info` of Cinder's volume_attachment (Cinder 21). */
export function parseCinderConnection(text: string): IscsiConnection {
  return toConnection(cinderShape.parse(JSON.parse(text)));
}

/** The link that udev makes for one path to a volume. */
export function byPathLink(path: IscsiPath): string {
  return `/dev/disk/by-path/ip-${path.portal}-iscsi-${path.iqn}-lun-${path.lun}`;
}

function toConnection(data: z.infer<typeof iscsiData>): IscsiConnection {
  const paths = data.target_portals.map((portal, at) => {
    const iqn = data.target_iqns[at];
    const lun = data.target_luns[at];
    if (iqn === undefined || lun === undefined) throw new Error(`portal ${portal} has no target or no unit`);
    return { portal, iqn, lun };
  });
  const first = paths[0];
  if (first?.portal !== data.target_portal || first.iqn !== data.target_iqn || first.lun !== data.target_lun)
    throw new Error(`target_portal ${data.target_portal} is not the first of target_portals`);
  return { paths, account: data.auth_username };
}
