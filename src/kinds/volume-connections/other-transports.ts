/** Volumes that do not come as disks of the SCSI layer: NVMe over fabrics, rbd devices of the kernel, mounted exports. */

import { createHash } from 'node:crypto';
import { parseJson } from '../../plan/parse-json.ts';
import * as z from '../../plan/zod.ts';
import { parseAnswer } from '../../site/parse.ts';
import type { Reader } from '../../site/reader.ts';
import { type Mount, parseMounts } from '../files/mounts.ts';
import type { Connection } from '../subject/connection.ts';
import { ask } from './ask.ts';

/** A subsystem that the host is connected to. */
export interface Subsystem {
  /** `nvme-subsys1` */
  readonly name: string;
  readonly nqn: string;
  /** names of its controllers: `nvme1` */
  readonly controllers: readonly string[];
}

const path = z.looseObject({ Name: z.string() });
/** nvme-cli 1 writes name and paths as entries of their own, one after the other; nvme-cli 2 nests them by host. */
const entry = z.looseObject({
  Name: z.string().optional(),
  NQN: z.string().optional(),
  Paths: z.array(path).optional(),
});
const listing = z.looseObject({ Subsystems: z.array(entry).optional() });
const subsystems = z.union([listing.transform((one) => [one]), z.array(listing)]);

/** @throws LookError when nvme is missing or does not answer; only asked where the kernel has subsystems */
export async function readSubsystems(look: Reader, host: string): Promise<readonly Subsystem[]> {
  const { out } = await ask(look, host, ['nvme', 'list-subsys', '-o', 'json']);
  const place = `host ${host}`;
  const found: Subsystem[] = [];
  for (const { Subsystems = [] } of parseAnswer(place, subsystems, parseJson(out)))
    for (const { Name, NQN, Paths = [] } of Subsystems) {
      const controllers = Paths.map((p) => p.Name);
      const last = found.at(-1);
      if (Name !== undefined && NQN !== undefined) found.push({ name: Name, nqn: NQN, controllers });
      else if (last !== undefined) found[found.length - 1] = { ...last, controllers };
    }
  return found;
}

/** Block devices of a subsystem. */
export interface Namespaces {
  readonly names: readonly string[];
  /** `nvme1c1n1`: one path to a namespace of which the kernel joins the paths. It has no node in /dev, and is no namespace of its own */
  readonly hidden: readonly string[];
  /** what all of them lie below in sysfs: the subsystem, or a controller of it where the kernel joins no paths (RHEL 8) or there is but one */
  readonly folders: readonly string[];
}

export function namespacesOf(
  { name: own, controllers }: Subsystem,
  block: ReadonlyMap<string, string>,
): Namespaces {
  const folders = [own, ...controllers];
  const below = [...block].flatMap(([name, at]) =>
    folders.some((folder) => at.includes(`/${folder}/`)) ? [name] : [],
  );
  return {
    names: below.filter((name) => /^nvme\d+n\d+$/.test(name)),
    hidden: below.filter((name) => /^nvme\d+c\d+n\d+$/.test(name)),
    folders,
  };
}

type NfsConnection = Extract<Connection, { type: 'nfs' }>;

/** An rbd image that the kernel has as a device. */
export interface MappedImage {
  readonly pool: string;
  readonly image: string;
  /** `/dev/rbd0` */
  readonly device: string;
}

const mapped = z.looseObject({
  pool: z.string(),
  /** Ceph 14 and later; empty: Cinder's volumes are in none */
  namespace: z.string().optional(),
  name: z.string(),
  /** `-`: the image itself */
  snap: z.string().optional(),
  device: z.string().regex(/^\/dev\/rbd\d+$/),
});
/** Ceph 14 and later list them; before, they were keyed by number. */
const mappedImages = z.union([
  z.array(mapped),
  z.record(z.string(), mapped).transform((all) => Object.values(all)),
]);

/**
 * Images of pools, without those of a namespace and snapshots, which are somebody else's under the same name.
 *
 * @throws LookError when rbd is missing or does not answer; only asked where the kernel has such devices
 */
export async function readMappedImages(look: Reader, host: string): Promise<readonly MappedImage[]> {
  const { out } = await ask(look, host, ['rbd', 'showmapped', '--format', 'json']);
  const images = parseAnswer(`host ${host}`, mappedImages, parseJson(out));
  return images.flatMap(({ pool, namespace = '', name, snap = '-', device }) =>
    namespace === '' && snap === '-' ? [{ pool, image: name, device }] : [],
  );
}

/** Every mount of the host, as the kind `files` asks for them. */
export async function readMounts(look: Reader, host: string): Promise<readonly Mount[]> {
  const { out } = await ask(look, host, ['findmnt', '-n', '-r', '-o', 'TARGET,FSTYPE,SOURCE']);
  return parseMounts(host, out);
}

/**
 * Whether Nova mounted this export here: the folder bears the MD5 or, in later releases, SHA-256 of the export's name (nova 26
 * `virt/libvirt/volume/fs.py:LibvirtBaseFileSystemVolumeDriver._get_mount_path`, `utils.py:get_hash_str`). Cinder and Glance name theirs in the
 * same way (os-brick 6.1 `remotefs/remotefs.py:RemoteFsClient.get_mount_point`), so it is the folder of the file that Nova noted, or one
 * below a folder called nova.
 */
export function isMountOf({ target }: Mount, { export: exported, devicePath }: NfsConnection): boolean {
  const folder = target.slice(target.lastIndexOf('/') + 1);
  const isNamed = ['md5', 'sha256'].some(
    (name) => createHash(name).update(exported).digest('hex') === folder,
  );
  const isNovas = target.includes('/nova/') || devicePath?.startsWith(`${target}/`) === true;
  return isNamed && isNovas;
}
