/** Disks of a simulated host that came by iSCSI, the maps over them, and what the kernel does when one goes. */
import { findUnit } from '../storage/units.ts';
import { inTransaction, type World } from '../world.ts';

/** One SCSI disk. It stays what it said it is when it was found, whatever its unit has become since. */
export interface Disk {
  /** `sda` */
  readonly name: string;
  /** null: a disk of the host's own */
  readonly session: Session | null;
  readonly lun: number;
  readonly wwid: string;
  readonly serial: string;
  readonly bytes: number;
}

export interface Session {
  readonly sid: number;
  readonly portal: string;
  readonly iqn: string;
  /** the number of its SCSI host */
  readonly scsiHost: number;
}

export interface DeviceMap {
  /** of `dm-3` */
  readonly number: number;
  readonly name: string;
  readonly kind: 'multipath' | 'crypt' | 'linear';
  readonly uuid: string;
  /** names of the devices under it: `sda`, `dm-0` */
  readonly below: readonly string[];
  readonly bytes: number;
}

export function sessionsOf(world: World, host: string): readonly Session[] {
  return world.machines
    .prepare('SELECT * FROM iscsi_sessions WHERE host = ? ORDER BY sid')
    .all(host)
    .map((row) => ({
      sid: Number(row['sid']),
      portal: String(row['portal']),
      iqn: String(row['iqn']),
      scsiHost: Number(row['scsi_host']),
    }));
}

/** In the order of their names. */
export function disksOf(world: World, host: string): readonly Disk[] {
  const sessions = new Map(sessionsOf(world, host).map((session) => [session.sid, session]));
  return world.machines
    .prepare('SELECT * FROM scsi_disks WHERE host = ? ORDER BY length(name), name')
    .all(host)
    .map((row) => ({
      name: String(row['name']),
      session: row['sid'] === null ? null : (sessions.get(Number(row['sid'])) ?? null),
      lun: Number(row['lun']),
      wwid: String(row['wwid']),
      serial: String(row['serial']),
      bytes: Number(row['bytes']),
    }));
}

/** In the order of their numbers. */
export function mapsOf(world: World, host: string): readonly DeviceMap[] {
  return world.machines
    .prepare('SELECT * FROM maps WHERE host = ? ORDER BY number')
    .all(host)
    .map((row) => ({
      number: Number(row['number']),
      name: String(row['name']),
      kind: row['kind'] as DeviceMap['kind'],
      uuid: String(row['uuid']),
      below: JSON.parse(String(row['below'])) as string[],
      bytes: Number(row['bytes']),
    }));
}

/** The maps that lie directly on a device (`sda`, `dm-0`). */
export function holdersOf(world: World, host: string, device: string): readonly DeviceMap[] {
  return mapsOf(world, host).filter((map) => map.below.includes(device));
}

/** Whether what the disk is told to do is done: its unit is still offered to it. */
export function answers(world: World, disk: Disk): boolean {
  return disk.session === null || findUnit(world, disk.session.iqn, disk.lun) !== null;
}

/**
 * A disk is told to go, and goes, whoever uses it: what lies over it then has one device less, or a device that answers nothing any
 * more (Linux 6.1 `drivers/scsi/scsi_sysfs.c:sdev_store_delete`). multipathd lets a map go with its last path, unless somebody has it
 * open (multipath-tools 0.9 `multipathd/main.c:ev_remove_path`).
 */
export function removeDisk(world: World, host: string, name: string): void {
  const maps = holdersOf(world, host, name);
  inTransaction(world.machines, () => {
    world.machines.prepare('DELETE FROM scsi_disks WHERE host = ? AND name = ?').run(host, name);
    for (const map of maps.filter(({ kind }) => kind === 'multipath')) {
      const left = map.below.filter((each) => each !== name);
      world.machines
        .prepare('UPDATE maps SET below = ? WHERE host = ? AND number = ?')
        .run(JSON.stringify(left), host, map.number);
      if (left.length === 0 && usersOf(world, host, `dm-${map.number}`).length === 0)
        removeMap(world, host, map.number);
    }
  });
}

export function removeMap(world: World, host: string, number: number): void {
  world.machines.prepare('DELETE FROM maps WHERE host = ? AND number = ?').run(host, number);
}

/** A session ends, and takes all of its disks along, whoever uses them. */
export function logOut(world: World, host: string, session: Session): void {
  inTransaction(world.machines, () => {
    for (const disk of disksOf(world, host))
      if (disk.session?.sid === session.sid) removeDisk(world, host, disk.name);
    world.machines.prepare('DELETE FROM iscsi_sessions WHERE host = ? AND sid = ?').run(host, session.sid);
  });
}

/** Who uses a device: `qemu` of a domain, a mount, a map over it, another process. */
export type DeviceUser =
  | { readonly by: 'domain'; readonly uuid: string; readonly id: number }
  | { readonly by: 'mount'; readonly target: string }
  | { readonly by: 'map'; readonly map: DeviceMap }
  | { readonly by: 'process'; readonly pid: number; readonly command: string };

/** @param device `sda`, `dm-0` */
export function usersOf(world: World, host: string, device: string): readonly DeviceUser[] {
  const paths = pathsOf(world, host, device);
  const domains = world.machines
    .prepare(
      'SELECT uuid, running_id, xml FROM domains WHERE host = ? AND running_id IS NOT NULL ORDER BY running_id',
    )
    .all(host)
    .filter((row) => diskSources(String(row['xml'])).some((source) => paths.has(source)))
    .map((row) => ({ by: 'domain', uuid: String(row['uuid']), id: Number(row['running_id']) }) as const);
  const mounts = world.machines
    .prepare('SELECT target, source FROM mounts WHERE host = ? ORDER BY ordinal')
    .all(host)
    .filter((row) => paths.has(String(row['source']).replace(/\[.*\]$/, '')))
    .map((row) => ({ by: 'mount', target: String(row['target']) }) as const);
  const processes = world.machines
    .prepare('SELECT pid, command FROM openers WHERE host = ? AND device = ? ORDER BY pid')
    .all(host, device)
    .map((row) => ({ by: 'process', pid: Number(row['pid']), command: String(row['command']) }) as const);
  const maps = holdersOf(world, host, device).map((map) => ({ by: 'map', map }) as const);
  return [...domains, ...mounts, ...maps, ...processes];
}

/** `<source dev='…'/>` of a domain's disks. */
export function diskSources(xml: string): readonly string[] {
  return [...xml.matchAll(/<disk type='block'[\s\S]*?<\/disk>/g)].flatMap(([disk]) => {
    const source = /<source dev='([^']*)'/.exec(disk)?.[1];
    return source === undefined ? [] : [source];
  });
}

/** Every name under which a device is opened. */
function pathsOf(world: World, host: string, device: string): ReadonlySet<string> {
  const links = linksTo(world, host).filter(({ target }) => target === device);
  return new Set([`/dev/${device}`, ...links.map(({ path }) => path)]);
}

/** The links that udev makes to disks and maps, by their paths. */
export function linksTo(
  world: World,
  host: string,
): readonly { readonly path: string; readonly target: string }[] {
  const ofDisks = disksOf(world, host).flatMap(({ name, session, lun, wwid }) => [
    { path: `/dev/disk/by-id/scsi-${wwid}`, target: topOf(world, host, name) },
    { path: `/dev/disk/by-id/wwn-0x${wwid.slice(1)}`, target: topOf(world, host, name) },
    ...(session === null
      ? []
      : [{ path: `/dev/disk/by-path/ip-${session.portal}-iscsi-${session.iqn}-lun-${lun}`, target: name }]),
  ]);
  const ofMaps = mapsOf(world, host).map(({ name, number }) => ({
    path: `/dev/mapper/${name}`,
    target: `dm-${number}`,
  }));
  const all = [...ofDisks, ...ofMaps];
  // Of several paths to one disk one has the name, and multipath's map takes it over.
  return all.filter(({ path }, i) => all.findIndex((other) => other.path === path) === i);
}

function topOf(world: World, host: string, disk: string): string {
  const map = holdersOf(world, host, disk).find(({ kind }) => kind === 'multipath');
  return map === undefined ? disk : `dm-${map.number}`;
}
