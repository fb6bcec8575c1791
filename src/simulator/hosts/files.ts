/** The files of a simulated host: rows, and the folders that must be there because something is in them. */
import { inTransaction, type World } from '../world.ts';
import {
  isWithin,
  type Mount,
  mountAt,
  mountsOf,
  type Place,
  pathBelow,
  pathIn,
  placesOf,
} from './mounts.ts';

export type FileKind = 'file' | 'folder' | 'link';

/** as many links as Linux follows in one path (`fs/namei.c`, MAXSYMLINKS) */
const MAX_LINKS = 40;

function rowAt(world: World, { host, path }: Place) {
  return world.machines.prepare('SELECT kind, target FROM files WHERE host = ? AND path = ?').get(host, path);
}

/** Paths of rows at a place or below it. */
function pathsWithin(world: World, { host, path }: Place): string[] {
  // '0' is the character after '/'.
  const [from, to] = path === '/' ? ['/', '0'] : [`${path}/`, `${path}0`];
  return world.machines
    .prepare('SELECT path FROM files WHERE host = ? AND (path = ? OR (path >= ? AND path < ?))')
    .all(host, path, from, to)
    .map((row) => String(row['path']));
}

/** What is at a path without links in it; null: nothing. A last part that is a link is told as one. */
export function kindAt(world: World, host: string, path: string): FileKind | null {
  const places = placesOf(world, host, path);
  for (const place of places) {
    const kind = rowAt(world, place)?.['kind'];
    if (kind === 'file' || kind === 'folder' || kind === 'link') return kind;
  }
  const instances = world.machines.prepare('SELECT instances FROM hosts WHERE name = ?').get(host);
  const held = [String(instances?.['instances']), ...mountsOf(world, host).map((mount) => mount.target)];
  const isFolder =
    path === '/' ||
    held.some((each) => isWithin(each, path)) ||
    places.some((place) => pathsWithin(world, place).length > 0);
  return isFolder ? 'folder' : null;
}

/** Where a link leads, as it is written in it. */
export function linkTarget(world: World, host: string, path: string): string | null {
  for (const place of placesOf(world, host, path)) {
    const row = rowAt(world, place);
    if (row !== undefined) return row['target'] === null ? null : String(row['target']);
  }
  return null;
}

/** A path without links, or what the system says of it. */
export type Resolved =
  | { readonly path: string; readonly kind: 'file' | 'folder' }
  | { readonly error: string };

export function resolvePath(world: World, host: string, path: string): Resolved {
  const waiting = path.split('/');
  let at = '/';
  let kind: 'file' | 'folder' = 'folder';
  let links = 0;
  for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
    if (part === '') continue;
    if (kind !== 'folder') return { error: 'Not a directory' };
    if (part === '.') continue;
    if (part === '..') {
      at = at.slice(0, at.lastIndexOf('/')) || '/';
      continue;
    }
    const next = pathIn(at, `/${part}`);
    const found = kindAt(world, host, next);
    if (found === null) return { error: 'No such file or directory' };
    if (found !== 'link') {
      at = next;
      kind = found;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) return { error: 'Too many levels of symbolic links' };
    const target = linkTarget(world, host, next) ?? '';
    if (target.startsWith('/')) at = '/';
    waiting.unshift(...target.split('/'));
  }
  return { path: at, kind };
}

/** A tree goes, as far as it lies on one file system. A path that is not there is no error. */
export function removeTree(world: World, host: string, path: string): void {
  removeOnFileSystem(world, host, path);
}

/** A mount in the way of a removal. `other device`: it was passed over. `busy`: it was emptied, and cannot go itself. */
export interface Obstacle {
  readonly target: string;
  readonly why: 'other device' | 'busy';
}

/**
 * What `rm -rf --one-file-system` does (coreutils 9.1): it compares the numbers of devices, and so empties a bind mount of the same
 * device, whatever else is seen through it.
 *
 * @param path without links before its last part
 */
export function removeOnFileSystem(world: World, host: string, path: string): Obstacle[] {
  const mounts = mountsOf(world, host);
  const device = mountAt(mounts, path)?.device;
  const within = mounts.filter(
    (mount) => isWithin(mount.target, path) && mountAt(mounts, mount.target) === mount,
  );
  const outermost = (mount: Mount, of: readonly Mount[]) =>
    !of.some((other) => other !== mount && isWithin(mount.target, other.target));
  const foreign = within.filter((mount) => mount.device !== device);
  const passedOver = foreign.filter((mount) => outermost(mount, foreign));
  const emptied = within.filter(
    (mount) => mount.device === device && !passedOver.some((other) => isWithin(mount.target, other.target)),
  );
  const blocked = [...passedOver, ...emptied];
  inTransaction(world.machines, () => {
    for (const top of new Set([path, ...emptied.map((mount) => mount.target)]))
      removeRows(world, host, top, blocked);
  });
  return [
    ...passedOver.map(({ target }): Obstacle => ({ target, why: 'other device' })),
    // Of a folder in which something stayed rm does not speak.
    ...emptied
      .filter((mount) => !blocked.some((other) => other !== mount && isWithin(other.target, mount.target)))
      .map(({ target }): Obstacle => ({ target, why: 'busy' })),
  ];
}

/** Everything from `top` on but what lies on the blocked mounts below it, these themselves, and the folders that lead to them. */
function removeRows(world: World, host: string, top: string, blocked: readonly Mount[]): void {
  const below = blocked.filter(({ target }) => target !== top && isWithin(target, top));
  for (const place of placesOf(world, host, top))
    for (const stored of pathsWithin(world, place)) {
      const seenAt = pathIn(top, pathBelow(stored, place.path));
      const stays =
        blocked.some(({ target }) => isWithin(target, seenAt)) ||
        below.some(({ target }) => isWithin(seenAt, target));
      if (!stays)
        world.machines.prepare('DELETE FROM files WHERE host = ? AND path = ?').run(place.host, stored);
    }
}
