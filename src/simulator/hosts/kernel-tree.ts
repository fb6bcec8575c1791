/** What the kernel and udev show of disks as files: parts of /sys, /dev and /proc, made anew for each question. */
import type { World } from '../world.ts';
import { type Disk, disksOf, holdersOf, linksTo, mapsOf, sessionsOf } from './disks.ts';
import { subsystemsOf } from './nvme.ts';
import { openFiles } from './processes.ts';

export type Entry =
  | { readonly kind: 'folder' }
  | { readonly kind: 'file'; readonly text?: string }
  | { readonly kind: 'link'; readonly target: string };

/** Absolute paths without links in them, to what is there. */
export type Tree = ReadonlyMap<string, Entry>;

/** The disk that every host boots from, with its one partition. */
export const OWN_DISK = 'vda';
const OWN_DISK_PATH = `/sys/devices/pci0000:00/0000:00:05.0/virtio2/block/${OWN_DISK}`;

export function kernelTree(world: World, host: string): Tree {
  const tree = new Map<string, Entry>([['/', { kind: 'folder' }]]);
  const folder = (path: string): void => {
    if (path === '' || tree.has(path)) return;
    folder(parent(path));
    tree.set(path, { kind: 'folder' });
  };
  const put = (path: string, entry: Entry): void => {
    folder(parent(path));
    tree.set(path, entry);
  };
  /** Links in /sys and below /dev/disk are relative. */
  const link = (path: string, target: string): void =>
    put(path, { kind: 'link', target: relative(parent(path), target) });
  for (const path of ['/sys/block', '/sys/bus/scsi/devices', '/dev', '/proc']) folder(path);
  const device = (name: string, path: string): void => {
    folder(`${path}/holders`);
    folder(`${path}/slaves`);
    link(`/sys/block/${name}`, path);
    put(`/dev/${name}`, { kind: 'file' });
    for (const { number } of holdersOf(world, host, name))
      link(`${path}/holders/dm-${number}`, mapPath(number));
  };
  device(OWN_DISK, OWN_DISK_PATH);
  folder(`${OWN_DISK_PATH}/${OWN_DISK}1/holders`);
  put(`/dev/${OWN_DISK}1`, { kind: 'file' });
  for (const session of sessionsOf(world, host)) {
    const at = sessionPath(session);
    folder(`${at}/iscsi_session/session${session.sid}`);
    link(`/sys/class/iscsi_session/session${session.sid}`, `${at}/iscsi_session/session${session.sid}`);
    link(`/sys/bus/scsi/devices/host${session.scsiHost}`, parent(at));
    link(`/sys/bus/scsi/devices/target${session.scsiHost}:0:0`, `${at}/target${session.scsiHost}:0:0`);
  }
  for (const disk of disksOf(world, host)) {
    const scsi = scsiPath(disk);
    put(`${scsi}/delete`, { kind: 'file' });
    link(`/sys/bus/scsi/devices/${scsi.slice(scsi.lastIndexOf('/') + 1)}`, scsi);
    device(disk.name, `${scsi}/block/${disk.name}`);
  }
  for (const map of mapsOf(world, host)) {
    const name = `dm-${map.number}`;
    device(name, mapPath(map.number));
    for (const below of map.below) {
      const path = tree.get(`/sys/block/${below}`);
      // A disk that was taken from under a map is a slave no more.
      if (path?.kind === 'link')
        link(`${mapPath(map.number)}/slaves/${below}`, resolve(tree, `/sys/block/${below}`) ?? '');
    }
  }
  for (const { number, spec } of rbdMaps(world, host)) {
    const [pool, image] = spec.split('/');
    device(`rbd${number}`, `/sys/devices/rbd/${number}/block/rbd${number}`);
    put(`/sys/devices/rbd/${number}/pool`, { kind: 'file', text: `${pool}\n` });
    put(`/sys/devices/rbd/${number}/name`, { kind: 'file', text: `${image}\n` });
  }
  for (const { name, namespaces } of subsystemsOf(world, host)) {
    const at = `/sys/devices/virtual/nvme-subsystem/${name}`;
    folder(at);
    link(`/sys/class/nvme-subsystem/${name}`, at);
    for (const namespace of namespaces) device(namespace, `${at}/${namespace}`);
  }
  for (const { path, target } of linksTo(world, host)) link(path, `/dev/${target}`);
  for (const { pid, fd, path } of openFiles(world, host))
    put(`/proc/${pid}/fd/${fd}`, { kind: 'link', target: path });
  return tree;
}

export function rbdMaps(
  world: World,
  host: string,
): readonly { readonly number: number; readonly spec: string }[] {
  return world.machines
    .prepare('SELECT number, pool, image FROM rbd_maps WHERE host = ? ORDER BY number')
    .all(host)
    .map((row) => ({ number: Number(row['number']), spec: `${row['pool']}/${row['image']}` }));
}

function sessionPath({ scsiHost, sid }: { readonly scsiHost: number; readonly sid: number }): string {
  return `/sys/devices/platform/host${scsiHost}/session${sid}`;
}

/** `…/host2/session1/target2:0:0/2:0:0:1` */
export function scsiPath({ session, lun }: Pick<Disk, 'session' | 'lun'>): string {
  if (session === null)
    return `/sys/devices/pci0000:00/0000:00:08.0/virtio5/host0/target0:0:${lun}/0:0:${lun}:0`;
  const at = session.scsiHost;
  return `${sessionPath(session)}/target${at}:0:0/${at}:0:0:${lun}`;
}

function mapPath(number: number): string {
  return `/sys/devices/virtual/block/dm-${number}`;
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function relative(from: string, to: string): string {
  const [a, b] = [from.split('/'), to.split('/')];
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) same += 1;
  return [...a.slice(same).map(() => '..'), ...b.slice(same)].join('/');
}

/** `cat` of one file or several. */
export function readFiles(tree: Tree, paths: readonly string[]): readonly (string | null)[] {
  return paths.map((path) => {
    const at = resolve(tree, path);
    const entry = at === null ? undefined : tree.get(at);
    return entry?.kind === 'file' ? (entry.text ?? '') : null;
  });
}

/** A path with its links followed; null where it leads nowhere. */
export function resolve(tree: Tree, path: string): string | null {
  const waiting = path.split('/');
  let at = '';
  for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      at = parent(at);
      continue;
    }
    const entry = tree.get(`${at}/${part}`);
    if (entry === undefined) return null;
    if (entry.kind !== 'link') at = `${at}/${part}`;
    else {
      if (entry.target.startsWith('/')) at = '';
      waiting.unshift(...entry.target.split('/'));
    }
  }
  return at === '' ? '/' : at;
}
