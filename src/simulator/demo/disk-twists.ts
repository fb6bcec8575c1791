/** What can be the matter with the disks of a server's volumes on its host. */
import type { Twist } from '../build.ts';
import { addMap } from '../hosts/connect.ts';
import { pythonJson } from '../http/exchange.ts';
import type { Planted } from '../plant.ts';
import type { World } from '../world.ts';

function diskOf({ name, volumes }: Planted, at: number): string {
  const device = volumes[at]?.device;
  if (typeof device !== 'string') throw new Error(`${name} has no disk of a volume ${at + 1}`);
  return device.replace('/dev/', '');
}

/** Somebody looks at the data of its first volume, and mounted it. */
export const mountFirst: Twist = (world, server) => {
  const row = world.machines
    .prepare('SELECT max(ordinal) + 1 AS next FROM mounts WHERE host = ?')
    .get(server.host);
  world.machines
    .prepare("INSERT INTO mounts VALUES (?, ?, '/mnt/rescue', 'ext4', ?, 2064)")
    .run(server.host, Number(row?.['next']), `/dev/${diskOf(server, 0)}`);
};

/** LVM of the host has found the volume group that the guest made on its second volume. */
export const holdSecond: Twist = (world, server) => {
  addMap(world, server.host, {
    name: 'data-pg',
    kind: 'linear',
    uuid: 'LVM-Xq1CcL2v8mDnYtS6wB4oZk0JhFeR7uAi3TgPdM5xNsVrQyEaUb9WlKfHoGjIpOz1',
    below: [diskOf(server, 1)],
    bytes: 2 ** 29,
  });
};

/** A copy of its third volume is being made. */
export const readThird: Twist = (world, server) => {
  world.machines
    .prepare("INSERT INTO openers VALUES (?, ?, 31337, 'dd if=/dev/disk/by-id/rescue of=/srv/rescue.img')")
    .run(server.host, diskOf(server, 2));
};

/** Its fourth volume is on a storage that expunge has no commands for. */
export const reachFourthOtherwise: Twist = (world, { volumes }) => {
  const data = { serverIP: '10.0.3.9', scaleIO_volname: volumes[3]?.name ?? '' };
  world
    .db('nova')
    .prepare('UPDATE block_device_mapping SET connection_info = ? WHERE volume_id = ?')
    .run(pythonJson({ driver_volume_type: 'scaleio', data }), volumes[3]?.id ?? '');
  world
    .db('cinder')
    .prepare('UPDATE volume_attachment SET connection_info = ? WHERE volume_id = ?')
    .run(pythonJson({ driver_volume_type: 'scaleio', ...data }), volumes[3]?.id ?? '');
};

/** Nova's and Cinder's records of its volume name a unit of the storage that is another server's by now. */
export function pointAtUnitOf(other: string): Twist {
  return (world, server) => {
    const row = world
      .db('nova')
      .prepare(
        `SELECT b.connection_info FROM block_device_mapping b JOIN instances i ON i.uuid = b.instance_uuid
         WHERE i.display_name = ? AND b.destination_type = 'volume'`,
      )
      .get(other);
    const lun = /"target_lun": (\d+)/.exec(String(row?.['connection_info']))?.[1];
    if (lun === undefined) throw new Error(`${other} has no volume over iSCSI`);
    for (const [database, table, key] of [
      ['nova', 'block_device_mapping', 'attachment_id'],
      ['cinder', 'volume_attachment', 'id'],
    ] as const)
      rewrite(world, database, table, key, server.volumes[0]?.attachment ?? '', Number(lun));
  };
}

function rewrite(
  world: World,
  database: 'nova' | 'cinder',
  table: string,
  key: string,
  attachment: string,
  lun: number,
): void {
  const db = world.db(database);
  const row = db.prepare(`SELECT connection_info FROM ${table} WHERE ${key} = ?`).get(attachment);
  const info = JSON.parse(String(row?.['connection_info'])) as Record<string, unknown>;
  const edit = (data: Record<string, unknown>) => ({ ...data, target_lun: lun, target_luns: [lun, lun] });
  const changed =
    'data' in info ? { ...info, data: edit(info['data'] as Record<string, unknown>) } : edit(info);
  db.prepare(`UPDATE ${table} SET connection_info = ? WHERE ${key} = ?`).run(pythonJson(changed), attachment);
}
