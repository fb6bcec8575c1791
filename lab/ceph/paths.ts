import { join } from 'node:path';
import { links } from '../node/paths.ts';
import type { Lab } from '../paths.ts';

/**
 * Where monitor, manager and OSD listen: an address of the machine's own loopback, and the one at which the node reaches the
 * lab. Clients are told addresses by the monitor, so it must be the same one for whoever asks.
 */
export const cephAddress = links[0].labAddress;

/** The monitor's usual ports, and a narrow range for what the manager and the OSD bind. */
export const cephPorts = { monitorV2: 3300, monitorV1: 6789, first: 6800, last: 6811 } as const;

/** All of them, for clients in another network namespace. */
export const cephForwardedPorts: readonly number[] = [
  cephPorts.monitorV2,
  cephPorts.monitorV1,
  ...Array.from({ length: cephPorts.last - cephPorts.first + 1 }, (_, at) => cephPorts.first + at),
];

/** Cinder's pool and Nova's, named as the Ceph documentation for OpenStack names them. */
export const pools = { cinder: 'volumes', nova: 'vms' } as const;

/** Who signs in to Ceph, as `client.cinder` and `client.nova`. Each may use both pools. */
export const cephUsers = ['cinder', 'nova'] as const;

export type CephUser = (typeof cephUsers)[number];

export const fsid = 'ce9f0000-77aa-4b1e-8e5c-0a4d1b6c7001';

/** By which libvirt knows the keys of the two users. */
export const secretIds: Readonly<Record<CephUser, string>> = {
  cinder: 'ce9f0000-77aa-4b1e-8e5c-0a4d1b6c7002',
  nova: 'ce9f0000-77aa-4b1e-8e5c-0a4d1b6c7003',
};

/** The processes of the cluster, by the names under which the lab knows its own. */
export const cephProcesses = { monitor: 'ceph-mon', manager: 'ceph-mgr', osd: 'ceph-osd' } as const;

export interface CephPaths {
  readonly dir: string;
  /** For clients: addresses, and where each user's key lies. */
  readonly conf: string;
  readonly monitor: string;
  readonly manager: string;
  readonly osd: string;
  /** Sockets by which the daemons are asked about themselves. */
  readonly run: string;
  /** The users' keys. */
  readonly keys: string;
  /** Written when the cluster was made to its end. */
  readonly made: string;
}

export function cephPaths(lab: Lab): CephPaths {
  const dir = join(lab.dir, 'ceph');
  return {
    dir,
    conf: join(dir, 'ceph.conf'),
    monitor: join(dir, 'mon'),
    manager: join(dir, 'mgr'),
    osd: join(dir, 'osd'),
    run: join(dir, 'run'),
    keys: join(dir, 'keys'),
    made: join(dir, 'made'),
  };
}

/** `client.cinder` and the like: the file that holds that key. */
export function keyring(lab: Lab, entity: string): string {
  return join(cephPaths(lab).keys, `${entity}.keyring`);
}
