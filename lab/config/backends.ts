import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cephBackends, cephTypes } from '../ceph/config.ts';
import { host, type Lab } from '../paths.ts';
import { storageBackends, storageTypes } from '../storage/config.ts';
import { cinderConfig } from './cinder.ts';
import type { Ini } from './ini.ts';

/**
 * What the lab's Cinder can have besides the backend that is always there, with its volume types. A type has a backend of the
 * same name.
 */
export const backendSets = { storage: storageTypes, ceph: cephTypes } as const;

export type BackendSet = keyof typeof backendSets;

/** One more type of each set, whose volumes several servers may use at once, with the backend that they lie on. */
const severalTypes = {
  storage: { name: 'several-servers', backend: 'one-target' },
  ceph: { name: 'ceph-several-servers', backend: 'ceph' },
} as const;

export type VolumeTypeName =
  | (typeof backendSets)[BackendSet][number]
  | (typeof severalTypes)[BackendSet]['name'];

/** The volume types of a set, with what Cinder is told of each. */
export function volumeTypes(
  set: BackendSet,
): readonly { readonly name: VolumeTypeName; readonly specs: Readonly<Record<string, string>> }[] {
  const { name, backend } = severalTypes[set];
  return [
    ...backendSets[set].map((type) => ({ name: type, specs: { volume_backend_name: type } })),
    { name, specs: { volume_backend_name: backend, multiattach: '<is> True' } },
  ];
}

const sections: Readonly<Record<BackendSet, (lab: Lab) => Ini>> = {
  storage: storageBackends,
  ceph: cephBackends,
};

/** Cinder's names of the services of a set. */
export function backendHosts(set: BackendSet): readonly string[] {
  return backendSets[set].map((type) => `${host}@${type}`);
}

/** True from when a set was asked for until it is taken back. */
export function isTurnedOn(lab: Lab, set: BackendSet): boolean {
  return existsSync(mark(lab, set));
}

export function turnOn(lab: Lab, set: BackendSet): void {
  writeFileSync(mark(lab, set), '');
}

export function turnOff(lab: Lab, set: BackendSet): void {
  rmSync(mark(lab, set), { force: true });
}

/** cinder.conf with all backends that were asked for. */
export function fullCinderConfig(lab: Lab): Ini {
  const on = (['storage', 'ceph'] as const).filter((set) => isTurnedOn(lab, set));
  return cinderConfig(lab, Object.assign({}, ...on.map((set) => sections[set](lab))) as Ini);
}

function mark(lab: Lab, set: BackendSet): string {
  return join(lab.done, `cinder-${set}`);
}
