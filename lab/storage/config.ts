import { join } from 'node:path';
import type { Ini } from '../config/ini.ts';
import { links, nodePaths } from '../node/paths.ts';
import type { Lab } from '../paths.ts';

/**
 * The lab's storage: each is a backend of Cinder and a volume type of the same name. `one-target` makes a target for each
 * volume, in `shared-target` all volumes are units of one target.
 */
export const storageTypes = ['one-target', 'shared-target'] as const;

type StorageType = (typeof storageTypes)[number];

/** The names of the targets begin so: `iqn.2026-01.lab.expunge.storage:volume-<id>`, `iqn.2026-01.lab.expunge.storage:shared`. */
export const targetPrefix = 'iqn.2026-01.lab.expunge.storage:';

/** Where the files behind the volumes lie. */
export function storageFolder(lab: Lab): string {
  return join(lab.dir, 'storage');
}

/** What tgtd and tgtadm meet at, as `node/target.ts` starts them. */
export function tgtSocket(lab: Lab): string {
  return join(nodePaths(lab).sockets, 'tgtd.sock');
}

export function volumeFile(lab: Lab, volume: { readonly id: string; readonly type: string }): string {
  return join(storageFolder(lab), volume.type, `volume-${volume.id}`);
}

/** Both backends' sections of cinder.conf. */
export function storageBackends(lab: Lab): Ini {
  return Object.fromEntries(storageTypes.map((type) => [type, backendConfig(lab, type)]));
}

function backendConfig(lab: Lab, type: StorageType): Readonly<Record<string, string | boolean>> {
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
