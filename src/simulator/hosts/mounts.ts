/** What is mounted where on simulated hosts, and under which other names the same folder is seen. */
import type { World } from '../world.ts';

export interface Mount {
  readonly host: string;
  readonly target: string;
  readonly fstype: string;
  /** as findmnt writes it: a bind mount of a part is `/dev/vda1[/srv/part]` */
  readonly source: string;
  /** the device's number; mounts of one file system on one host have the same */
  readonly device: number;
}

/** A path on a host. */
export interface Place {
  readonly host: string;
  readonly path: string;
}

/** File systems that are the same ones on every host that has the source mounted. */
const OF_THE_NETWORK = /^(nfs4?|cifs|smb3?|ceph|fuse\..+|glusterfs|lustre|gfs2?|ocfs2)$/;

function allMounts(world: World): Mount[] {
  return world.machines
    .prepare('SELECT * FROM mounts ORDER BY host, ordinal')
    .all()
    .map((row) => ({
      host: String(row['host']),
      target: String(row['target']),
      fstype: String(row['fstype']),
      source: String(row['source']),
      device: Number(row['device']),
    }));
}

/** In the order in which they were mounted. */
export function mountsOf(world: World, host: string): Mount[] {
  return allMounts(world).filter((mount) => mount.host === host);
}

export function isWithin(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}

/** The mount that a path lies on: the deepest, and of those on one target the last, which covers the others. */
export function mountAt(mounts: readonly Mount[], path: string): Mount | null {
  return mounts.reduce<Mount | null>(
    (best, mount) =>
      isWithin(path, mount.target) && (best === null || mount.target.length >= best.target.length)
        ? mount
        : best,
    null,
  );
}

/** `/a/b` below `/a` is `/b`; a folder below itself is ''. */
export function pathBelow(path: string, folder: string): string {
  return folder === '/' ? (path === '/' ? '' : path) : path.slice(folder.length);
}

export function pathIn(folder: string, below: string): string {
  return (folder === '/' ? below : folder + below) || '/';
}

function partOf(mount: Mount): string {
  return /\[(\/.*)\]$/.exec(mount.source)?.[1] ?? '/';
}

function fileSystemOf(mount: Mount): string {
  return OF_THE_NETWORK.test(mount.fstype)
    ? `network ${mount.source.replace(/\[\/.*\]$/, '')}`
    : `${mount.host} ${mount.device}`;
}

/**
 * Every place at which one file is seen: through bind mounts on its host, and on other hosts where its file system is one of the
 * network. The place itself is the first.
 */
export function placesOf(world: World, host: string, path: string): Place[] {
  const all = allMounts(world);
  const on = (name: string) => all.filter((mount) => mount.host === name);
  const own = mountAt(on(host), path);
  const places: Place[] = [{ host, path }];
  if (own === null) return places;
  const inside = pathIn(partOf(own), pathBelow(path, own.target));
  for (const mount of all) {
    if (mount === own || fileSystemOf(mount) !== fileSystemOf(own)) continue;
    if (!isWithin(inside, partOf(mount))) continue;
    const there = pathIn(mount.target, pathBelow(inside, partOf(mount)));
    // What another mount covers is not seen there.
    if (mountAt(on(mount.host), there) === mount) places.push({ host: mount.host, path: there });
  }
  return places;
}
