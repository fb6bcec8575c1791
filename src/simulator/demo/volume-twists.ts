/** Volumes of the demo's servers, as Cinder and Nova write them down for a Ceph cluster. */
import type { Twist } from '../build.ts';
import { pythonJson } from '../http/exchange.ts';
import type { Planted } from '../plant.ts';
import { sqlTime, type World } from '../world.ts';
import { change } from './change.ts';

interface Disk {
  readonly name: string;
  /** GiB */
  readonly size: number;
  readonly device: string;
  readonly deleteOnTermination: 0 | 1;
}

const DISKS: readonly Disk[] = [
  { name: 'data', size: 100, device: '/dev/vdb', deleteOnTermination: 0 },
  { name: 'scratch', size: 20, device: '/dev/vdc', deleteOnTermination: 1 },
];

/** The one cinder-volume of the recorded cloud. */
const BACKEND = 'controller@fake#fake';

/** `a` volume, `b` attachment, `c` Nova's row, `d` snapshot, `e` another's attachment. */
function idOf({ uuid }: Planted, disk: number, what: 'a' | 'b' | 'c' | 'd' | 'e'): string {
  return `${uuid.slice(0, 24)}0000000000${disk}${what}`;
}

/** Attaches two volumes: a data disk that is to be kept, and one that Nova would delete with the server. */
export const attachVolumes: Twist = (world, server) => {
  for (const [index, disk] of DISKS.entries()) attach(world, server, index, disk);
};

function attach(world: World, server: Planted, index: number, disk: Disk): void {
  const now = sqlTime(world.now());
  const id = idOf(server, index, 'a');
  const row = world.db('nova').prepare('SELECT project_id FROM instances WHERE uuid = ?').get(server.uuid);
  change(
    world,
    'cinder',
    `INSERT INTO volumes (id, created_at, project_id, size, status, attach_status, display_name, bootable, multiattach, deleted,
                          volume_type_id, use_quota, host)
     VALUES (?, ?, ?, ?, 'in-use', 'attached', ?, 0, 0, 0, (SELECT id FROM volume_types LIMIT 1), 1, ?)`,
    id,
    now,
    row?.['project_id'] ?? null,
    disk.size,
    `${server.name}-${disk.name}`,
    BACKEND,
  );
  const data = { name: `volumes/volume-${id}`, hosts: ['192.0.2.5'], ports: ['6789'], volume_id: id };
  const connector = { host: server.host, multipath: false, platform: 'x86_64', os_type: 'linux' };
  change(
    world,
    'cinder',
    `INSERT INTO volume_attachment (id, created_at, volume_id, instance_uuid, attached_host, mountpoint, attach_time, attach_mode,
                                    attach_status, deleted, connection_info, connector)
     VALUES (?, ?, ?, ?, ?, ?, ?, 'rw', 'attached', 0, ?, ?)`,
    idOf(server, index, 'b'),
    now,
    id,
    server.uuid,
    server.host,
    disk.device,
    now,
    pythonJson({ ...data, driver_volume_type: 'rbd', attachment_id: idOf(server, index, 'b') }),
    pythonJson(connector),
  );
  change(
    world,
    'nova',
    `INSERT INTO block_device_mapping (created_at, device_name, delete_on_termination, volume_id, volume_size, connection_info,
                                       instance_uuid, deleted, source_type, destination_type, device_type, attachment_id, uuid)
     VALUES (?, ?, ?, ?, ?, ?, ?, 0, 'volume', 'volume', 'disk', ?, ?)`,
    now,
    disk.device,
    disk.deleteOnTermination,
    id,
    disk.size,
    pythonJson({ driver_volume_type: 'rbd', data, serial: id }),
    server.uuid,
    idOf(server, index, 'b'),
    idOf(server, index, 'c'),
  );
}

/** Another server holds the data disk too. */
export function shareVolume(other: string): Twist {
  return (world, server) =>
    change(
      world,
      'cinder',
      `INSERT INTO volume_attachment (id, created_at, volume_id, instance_uuid, attached_host, mountpoint, attach_time, attach_mode,
                                      attach_status, deleted, connection_info)
       SELECT ?, created_at, volume_id, ?, attached_host, mountpoint, attach_time, attach_mode, attach_status, 0, connection_info
       FROM volume_attachment WHERE id = ?`,
      idOf(server, 0, 'e'),
      other,
      idOf(server, 0, 'b'),
    );
}

/** The data disk was attached the old way, before anybody kept a connector. */
export const attachOldWay: Twist = (world, server) => {
  change(
    world,
    'cinder',
    'UPDATE volume_attachment SET connection_info = NULL, connector = NULL WHERE id = ?',
    idOf(server, 0, 'b'),
  );
  change(
    world,
    'nova',
    'UPDATE block_device_mapping SET attachment_id = NULL WHERE uuid = ?',
    idOf(server, 0, 'c'),
  );
};

/** The scratch disk lies on a storage that expunge has no commands for. */
export const moveToStorpool: Twist = (world, server) => {
  const data = { volume: idOf(server, 1, 'a'), access_mode: 'rw' };
  change(
    world,
    'cinder',
    'UPDATE volume_attachment SET connection_info = ? WHERE id = ?',
    pythonJson({ ...data, driver_volume_type: 'storpool' }),
    idOf(server, 1, 'b'),
  );
  change(
    world,
    'nova',
    'UPDATE block_device_mapping SET connection_info = ? WHERE uuid = ?',
    pythonJson({ driver_volume_type: 'storpool', data }),
    idOf(server, 1, 'c'),
  );
};

/** The cinder-volume that served the scratch disk is not there any more. */
export const loseBackend: Twist = (world, server) =>
  change(world, 'cinder', "UPDATE volumes SET host = 'storage-9@old#old' WHERE id = ?", idOf(server, 1, 'a'));

export const snapshotVolume: Twist = (world, server) =>
  change(
    world,
    'cinder',
    `INSERT INTO snapshots (id, created_at, volume_id, project_id, status, volume_size, display_name, volume_type_id, deleted)
     SELECT ?, created_at, id, project_id, 'available', size, 'before upgrade', volume_type_id, 0 FROM volumes WHERE id = ?`,
    idOf(server, 1, 'd'),
    idOf(server, 1, 'a'),
  );
