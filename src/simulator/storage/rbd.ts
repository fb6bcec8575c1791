/** A Ceph cluster as far as RBD shows it: images, snapshots, clones, and who has an image open. */
import { inTransaction, type World } from '../world.ts';

export interface RbdImage {
  readonly pool: string;
  readonly name: string;
  /** of `rbd_data.<id>` */
  readonly id: string;
  readonly bytes: number;
  /** the snapshot that it was cloned from, where it still needs it */
  readonly parent: {
    readonly pool: string;
    readonly image: string;
    readonly id: string;
    readonly snapshot: string;
  } | null;
  /** `2026-11-01 10:00:00`, UTC */
  readonly createdAt: string;
}

export interface RbdSnapshot {
  readonly id: number;
  readonly name: string;
  /** of the image when it was taken */
  readonly bytes: number;
  readonly protected: boolean;
  readonly createdAt: string;
}

/** A client that has an image open for writing. */
export interface Watcher {
  /** `10.0.0.11:0/2187418577` */
  readonly address: string;
  readonly client: number;
  readonly cookie: number;
}

/** Pools that are there, with or without images. */
export const POOLS: readonly string[] = ['vms', 'volumes'];

export function imagesOf(world: World, pool: string): readonly RbdImage[] {
  return world.machines
    .prepare('SELECT * FROM rbd_images WHERE pool = ? ORDER BY name')
    .all(pool)
    .map((row) => ({
      pool,
      name: String(row['name']),
      id: String(row['id']),
      bytes: Number(row['bytes']),
      parent: row['parent'] === null ? null : (JSON.parse(String(row['parent'])) as RbdImage['parent']),
      createdAt: String(row['created_at']),
    }));
}

export function findImage(world: World, pool: string, name: string): RbdImage | null {
  return imagesOf(world, pool).find((image) => image.name === name) ?? null;
}

export function snapshotsOf(world: World, { pool, name }: RbdImage): readonly RbdSnapshot[] {
  return world.machines
    .prepare('SELECT * FROM rbd_snapshots WHERE pool = ? AND image = ? ORDER BY id')
    .all(pool, name)
    .map((row) => ({
      id: Number(row['id']),
      name: String(row['name']),
      bytes: Number(row['bytes']),
      protected: row['protected'] === 1,
      createdAt: String(row['created_at']),
    }));
}

/** Clones of an image's snapshots, or of one of them. */
export function childrenOf(world: World, image: RbdImage, snapshot?: string): readonly RbdImage[] {
  return POOLS.flatMap((pool) => imagesOf(world, pool)).filter(
    ({ parent }) =>
      parent?.pool === image.pool &&
      parent.image === image.name &&
      (snapshot === undefined || parent.snapshot === snapshot),
  );
}

/** The qemus of active domains, kernels that have it mapped, and whoever else was named; in this order. */
export function watchersOf(world: World, image: RbdImage): readonly Watcher[] {
  const spec = `${image.pool}/${image.name}`;
  const domains = world.machines
    .prepare(
      'SELECT host, running_id, xml FROM domains WHERE running_id IS NOT NULL ORDER BY host, running_id',
    )
    .all()
    .filter((row) => rbdSources(String(row['xml'])).includes(spec))
    .map((row) => client(world, String(row['host']), Number(row['running_id'])));
  const mapped = world.machines
    .prepare('SELECT host, number FROM rbd_maps WHERE pool = ? AND image = ? ORDER BY host, number')
    .all(image.pool, image.name)
    .map((row) => client(world, String(row['host']), 500 + Number(row['number'])));
  const others = world.machines
    .prepare('SELECT * FROM rbd_clients WHERE pool = ? AND image = ? ORDER BY client')
    .all(image.pool, image.name)
    .map((row) => ({
      address: String(row['address']),
      client: Number(row['client']),
      cookie: Number(row['cookie']),
    }));
  return [...domains, ...mapped, ...others];
}

/** `pool/image` of a domain's network disks. */
function rbdSources(xml: string): readonly string[] {
  return [...xml.matchAll(/<source protocol='rbd' name='([^']*)'/g)].map(([, name = '']) => name);
}

/** A host's own address towards Ceph, by its place among the hosts. */
function client(world: World, host: string, number: number): Watcher {
  const row = world.machines.prepare('SELECT count(*) AS n FROM hosts WHERE name < ?').get(host);
  const place = Number(row?.['n']);
  return {
    address: `10.0.4.${11 + place}:0/${2_187_000_000 + 1_000 * place + number}`,
    client: 4_000 + 100 * place + number,
    cookie: 139_908_291_000_000 + 1_000 * place + number,
  };
}

/** Why an image or a snapshot stays, by errno. */
export type Kept = 'ENOENT' | 'ENOTEMPTY' | 'EBUSY' | 'EINVAL';

/** librbd 16.2: snapshots are seen before watchers. @returns null when it is gone now */
export function removeImage(world: World, pool: string, name: string): Kept | null {
  const image = findImage(world, pool, name);
  if (image === null) return 'ENOENT';
  if (snapshotsOf(world, image).length > 0) return 'ENOTEMPTY';
  if (watchersOf(world, image).length > 0) return 'EBUSY';
  world.machines.prepare('DELETE FROM rbd_images WHERE pool = ? AND name = ?').run(pool, name);
  return null;
}

/** A protected snapshot stays. */
export function removeSnapshot(world: World, image: RbdImage, name: string): Kept | null {
  const snapshot = snapshotsOf(world, image).find((each) => each.name === name);
  if (snapshot === undefined) return 'ENOENT';
  if (snapshot.protected) return 'EBUSY';
  world.machines.prepare('DELETE FROM rbd_snapshots WHERE id = ?').run(snapshot.id);
  return null;
}

/** A snapshot that has clones stays protected; one that is not protected is none to be freed. */
export function unprotectSnapshot(world: World, image: RbdImage, name: string): Kept | null {
  const snapshot = snapshotsOf(world, image).find((each) => each.name === name);
  if (snapshot === undefined) return 'ENOENT';
  if (!snapshot.protected) return 'EINVAL';
  if (childrenOf(world, image, name).length > 0) return 'EBUSY';
  world.machines.prepare('UPDATE rbd_snapshots SET protected = 0 WHERE id = ?').run(snapshot.id);
  return null;
}

export function addImage(world: World, image: RbdImage): void {
  world.machines
    .prepare('INSERT INTO rbd_images VALUES (?, ?, ?, ?, ?, ?)')
    .run(
      image.pool,
      image.name,
      image.id,
      image.bytes,
      image.parent === null ? null : JSON.stringify(image.parent),
      image.createdAt,
    );
}

/** cinder 21 `volume/drivers/rbd.py:delete_volume`: what has snapshots or clones goes to the trash, what is open stays. */
export function discardImage(world: World, pool: string, name: string): 'gone' | 'busy' {
  const image = findImage(world, pool, name);
  if (image === null) return 'gone';
  if (watchersOf(world, image).length > 0) return 'busy';
  inTransaction(world.machines, () => {
    world.machines.prepare('DELETE FROM rbd_snapshots WHERE pool = ? AND image = ?').run(pool, name);
    world.machines.prepare('DELETE FROM rbd_images WHERE pool = ? AND name = ?').run(pool, name);
  });
  return 'gone';
}
