import { join } from 'node:path';
import { cinderConfig } from '../config/cinder.ts';
import type { Ini } from '../config/ini.ts';
import { links, nodePaths } from '../node/paths.ts';
import { host, type Lab } from '../paths.ts';

/**
 * The lab's storage: each is a backend of Cinder and a volume type of the same name. `one-target` makes a target for each
 * volume, in `shared-target` all volumes are units of one target.
 */
export const volumeTypes = ['one-target', 'shared-target'] as const;

export type VolumeTypeName = (typeof volumeTypes)[number];

/** The names of the targets begin so: `iqn.2026-01.lab.expunge.storage:volume-<id>`, `iqn.2026-01.lab.expunge.storage:shared`. */
export const targetPrefix = 'iqn.2026-01.lab.expunge.storage:';

/** Cinder's names of the two backends' services. */
export const backendHosts = volumeTypes.map((type) => `${host}@${type}`);

/** Where the files behind the volumes lie. */
export function storageFolder(lab: Lab): string {
  return join(lab.dir, 'storage');
}

/** What tgtd and tgtadm meet at, as `node/target.ts` starts them. */
export function tgtSocket(lab: Lab): string {
  return join(nodePaths(lab).sockets, 'tgtd.sock');
}

export function volumeFile(lab: Lab, volume: { readonly id: string; readonly type: VolumeTypeName }): string {
  return join(storageFolder(lab), volume.type, `volume-${volume.id}`);
}

/** The lab's cinder.conf with both backends besides the one that is always there. */
export function storageConfig(lab: Lab): Ini {
  const base = cinderConfig(lab);
  const backends = volumeTypes.map((type) => [type, backendConfig(lab, type)]);
  return {
    ...base,
    DEFAULT: {
      ...base['DEFAULT'],
      enabled_backends: [base['DEFAULT']?.['enabled_backends'], ...volumeTypes].join(','),
    },
    ...Object.fromEntries(backends),
  };
}

function backendConfig(lab: Lab, type: VolumeTypeName): Ini[string] {
  const [first, second] = links;
  return {
    volume_driver: 'sparse_files.SparseFileDriver',
    volume_backend_name: type,
    sparse_folder: join(storageFolder(lab), type),
    sparse_shared_target: type === 'shared-target',
    tgt_socket: tgtSocket(lab),
    target_prefix: targetPrefix,
    target_ip_address: first.labAddress,
    iscsi_secondary_ip_addresses: second.labAddress,
  };
}
