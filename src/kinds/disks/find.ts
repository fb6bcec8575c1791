import type { Reader } from '../../site/reader.ts';
import { type Found, lookAt } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';
import { type LogicalVolume, readLogicalVolumes } from './lvm.ts';
import { type RbdImage, readImages } from './rbd.ts';
import { type LvmStore, type RbdStore, storesOf } from './stores.ts';

export interface RbdDisks {
  readonly host: string;
  readonly store: RbdStore;
  readonly images: readonly RbdImage[];
}

export interface LvmDisks {
  readonly host: string;
  readonly store: LvmStore;
  readonly volumes: readonly LogicalVolume[];
}

export interface DiskFacts {
  /** a pool that several hosts use comes once for each of them */
  readonly rbd: readonly RbdDisks[];
  readonly lvm: readonly LvmDisks[];
  /** hosts where the server's domain is active */
  readonly activeOn: readonly string[];
  /** hosts where libvirt answered */
  readonly asked: readonly string[];
}

export async function findDisks(look: Reader, subject: Subject): Promise<Found<DiskFacts>> {
  const hosts = await lookAt(subject.hosts, (host) => storesOf(look, host, subject));
  const stores = hosts.facts.flatMap(({ host, stores: all }) => all.map((store) => ({ host, store })));
  const found = await lookAt(stores, async ({ host, store }): Promise<RbdDisks | LvmDisks> => {
    if (store.type === 'rbd')
      return { host, store, images: await readImages(look, host, store, subject.uuid) };
    return { host, store, volumes: await readLogicalVolumes(look, host, store, subject.uuid) };
  });
  return {
    facts: {
      rbd: found.facts.filter((at): at is RbdDisks => 'images' in at),
      lvm: found.facts.filter((at): at is LvmDisks => 'volumes' in at),
      activeOn: hosts.facts.filter(({ own }) => own?.active === true).map(({ host }) => host),
      asked: hosts.facts.filter(({ own }) => own !== undefined).map(({ host }) => host),
    },
    unknown: [...hosts.unknown, ...found.unknown],
  };
}
