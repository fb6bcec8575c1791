/** Puts a server's own disks into Ceph, as a host with nova's `[libvirt]images_type = rbd` has them. */
import { removeTree } from './hosts/files.ts';
import type { Planted } from './plant.ts';
import { seededRandom } from './random.ts';
import { addImage, POOLS } from './storage/rbd.ts';
import { sqlTime, type World } from './world.ts';

/** Nova's pool. */
const POOL = POOLS[0] ?? '';
const GIB = 2 ** 30;

/** A snapshot of the root disk; with `clone` it is protected, and an image of Glance's or Cinder's was made of it. */
interface DiskSnapshot {
  readonly name: string;
  readonly protected?: true;
  readonly clone?: string;
}

/** The root disk and the config drive become images; what the domain, if there is one, is given is written as Nova 26 does. */
export function keepDisksInCeph(
  world: World,
  { host, uuid }: Planted,
  snapshots: readonly DiskSnapshot[] = [],
): void {
  const createdAt = sqlTime(world.now());
  const random = seededRandom(Number.parseInt(uuid.slice(0, 8), 16));
  world.machines.prepare('UPDATE hosts SET images_pool = ? WHERE name = ?').run(POOL, host);
  const id = random.hex(12);
  addImage(world, { pool: POOL, name: `${uuid}_disk`, id, bytes: GIB, parent: null, createdAt });
  addImage(world, {
    pool: POOL,
    name: `${uuid}_disk.config`,
    id: random.hex(12),
    bytes: GIB / 16,
    parent: null,
    createdAt,
  });
  for (const { name, clone, protected: kept = clone !== undefined } of snapshots) {
    world.machines
      .prepare(
        'INSERT INTO rbd_snapshots (pool, image, name, bytes, protected, created_at) VALUES (?, ?, ?, ?, ?, ?)',
      )
      // Taken before the server was resized.
      .run(POOL, `${uuid}_disk`, name, GIB / 2, kept ? 1 : 0, createdAt);
    if (clone !== undefined)
      addImage(world, {
        pool: 'volumes',
        name: clone,
        id: random.hex(12),
        bytes: GIB,
        parent: { pool: POOL, image: `${uuid}_disk`, id, snapshot: name },
        createdAt,
      });
  }
  const row = world.machines.prepare('SELECT instances FROM hosts WHERE name = ?').get(host);
  for (const file of ['disk', 'disk.config'])
    removeTree(world, host, `${row?.['instances']}/${uuid}/${file}`);
  const domain = world.machines
    .prepare('SELECT xml FROM domains WHERE host = ? AND uuid = ?')
    .get(host, uuid);
  if (domain === undefined) return;
  const xml = String(domain['xml']).replace(/^ {4}<disk type='file'[\s\S]*?^ {4}<\/disk>\n/m, diskOf(uuid));
  world.machines.prepare('UPDATE domains SET xml = ? WHERE host = ? AND uuid = ?').run(xml, host, uuid);
}

/** nova 26 `virt/libvirt/imagebackend.py:Rbd.libvirt_info`, as libvirt 9.0 shows it of a running domain. */
function diskOf(uuid: string): string {
  return `    <disk type='network' device='disk'>
      <driver name='qemu' type='raw' cache='writeback' discard='unmap'/>
      <auth username='nova'>
        <secret type='ceph' uuid='ce9f0000-0000-4000-8000-000000000002'/>
      </auth>
      <source protocol='rbd' name='${POOL}/${uuid}_disk' index='1'>
        <host name='10.0.3.1' port='6789'/>
      </source>
      <target dev='vda' bus='virtio'/>
      <alias name='virtio-disk0'/>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/>
    </disk>
`;
}

/** Nova's volume group on a host whose servers' disks are logical volumes. */
const GROUP = 'nova-disks';

/** The root disk becomes a logical volume, as with nova's `[libvirt]images_type = lvm`. */
export function keepDiskOnLvm(world: World, { host, uuid }: Planted, { open = false } = {}): void {
  world.machines.prepare('UPDATE hosts SET images_group = ? WHERE name = ?').run(GROUP, host);
  world.machines
    .prepare('INSERT INTO logical_volumes (host, "group", name, bytes, open) VALUES (?, ?, ?, ?, ?)')
    .run(host, GROUP, `${uuid}_disk`, GIB, open ? 1 : 0);
  const row = world.machines.prepare('SELECT instances FROM hosts WHERE name = ?').get(host);
  removeTree(world, host, `${row?.['instances']}/${uuid}/disk`);
}

/** Somebody besides the server's own qemu has its disk in Ceph open. */
export function watchDisk(world: World, { uuid }: Planted): void {
  world.machines
    .prepare('INSERT INTO rbd_clients (pool, image, address, client, cookie) VALUES (?, ?, ?, 4711, 1)')
    .run(POOL, `${uuid}_disk`, '10.0.3.77:0/2187418577');
}
