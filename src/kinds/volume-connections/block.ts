/** The block devices of a host as its kernel has them, and what lies above them. */

import { linesOf } from '../../site/command/lines.ts';
import type { Reader } from '../../site/reader.ts';
import { ask, findLinks, findPairs, notUnderstood } from './ask.ts';

/** A disk of the SCSI layer: iSCSI, fibre channel, and the host's own. */
export interface ScsiDisk {
  /** `sdb`: given anew at each boot, and again after a removal */
  readonly name: string;
  /** the kernel's own path of the SCSI device, host and session in it: `/sys/devices/…/session1/target2:0:0/2:0:0:1` */
  readonly scsi: string;
  /** number of the iSCSI session; never given twice while the host is up. null: it is on no session */
  readonly session: number | null;
  readonly lun: number;
}

const SCSI_PATH = /^[\w/:.+@-]*\/(\d+):(\d+):(\d+):(\d+)$/;

/** A path of `/sys/devices` that may stand in an argv. Device trees of arm64 have folders like `soc@0`. */
function isPlain(path: string): boolean {
  return /^\/sys\/devices\/[\w/:.+@-]+$/.test(path) && !path.includes('/..');
}

/** Every block device of the host: name → the kernel's path of it. One that is a partition has no entry of its own. */
export async function readBlock(look: Reader, host: string): Promise<ReadonlyMap<string, string>> {
  const links = await findLinks(look, host, ['/sys/block']);
  return new Map(links.map(([name, target]) => [name, fromSys(target)]));
}

/** `../devices/…` and `../../devices/…`, as the links of sysfs are written. */
function fromSys(target: string): string {
  return target.replace(/^(?:\.\.\/)+/, '/sys/');
}

/** The disks among them. Their `device` is two folders above: `…/2:0:0:1/block/sdb`. */
export function scsiDisks(block: ReadonlyMap<string, string>): ScsiDisk[] {
  return [...block].flatMap(([name, path]): ScsiDisk[] => {
    const scsi = path.slice(0, -`/block/${name}`.length);
    const lun = path.endsWith(`/block/${name}`) ? SCSI_PATH.exec(scsi)?.[4] : undefined;
    if (lun === undefined || !isPlain(path)) return [];
    const session = /\/session(\d+)\//.exec(path)?.[1];
    return [{ name, scsi, session: session === undefined ? null : Number(session), lun: Number(lun) }];
  });
}

/** Links of udev: `/dev/disk/by-path/…` → `sdb`. A host without any has no such folders. */
export async function readLinks(look: Reader, host: string): Promise<ReadonlyMap<string, string>> {
  const links = await findLinks(look, host, ['/dev/disk/by-path', '/dev/disk/by-id'], '%p');
  return new Map(links.map(([link, target]) => [link, target.replace(/^.*\//, '')]));
}

/** Devices of SCSI in a session, disks or not: `2:0:0:0` → its path. */
export async function readScsi(look: Reader, host: string): Promise<readonly string[]> {
  const links = await findLinks(look, host, ['/sys/bus/scsi/devices']);
  return links.map(([, target]) => fromSys(target)).filter((path) => SCSI_PATH.test(path));
}

/** Folders of the iSCSI sessions: sid → `/sys/devices/platform/host2/session1`. */
export async function readSessionFolders(look: Reader, host: string): Promise<ReadonlyMap<number, string>> {
  const links = await findLinks(look, host, ['/sys/class/iscsi_session']);
  return new Map(
    links.flatMap(([name, target]) => {
      const folder = fromSys(target).replace(/\/iscsi_session\/session\d+$/, '');
      const sid = /^session(\d+)$/.exec(name)?.[1];
      return sid === undefined || !isPlain(folder) ? [] : [[Number(sid), folder] as const];
    }),
  );
}

/** A block device on one of those that it lies on: there is one for each of them. */
export interface Layer {
  /** of a map its own name, `mpatha`; else the kernel's */
  readonly name: string;
  readonly kernelName: string;
  /** kernel's name of the device below; empty for a disk */
  readonly on: string;
  /** `disk`, `part`, `mpath`, `crypt`, `lvm`, `raid1`, … */
  readonly type: string;
  readonly bytes: number;
  /** of a disk `running`, `transport-offline`, …; empty where the kernel does not say */
  readonly state: string;
  /** where it is mounted, or `[SWAP]`; empty */
  readonly mount: string;
}

const LAYER =
  /^NAME="(.*)" KNAME="(.*)" PKNAME="(.*)" TYPE="(.*)" SIZE="(\d*)" STATE="(.*)" MOUNTPOINT="(.*)"$/;

/**
 * Every block device on every other that it lies on. lsblk of util-linux 2.38 has a row for each (tried). One that takes pairs for a list
 * names a device once, on the one by which it came to it first (`misc-utils/lsblk.c:device_to_scols`, without `force_tree_order`), and then
 * nothing seems to lie on a map's second path. So the kernel is asked too, which has a link for each.
 */
export async function readLayers(look: Reader, host: string): Promise<readonly Layer[]> {
  const [listed, slaves] = await Promise.all([listDevices(look, host), readSlaves(look, host)]);
  const isListed = (above: string, below: string): boolean =>
    listed.some((layer) => layer.kernelName === above && layer.on === below);
  const further = slaves
    .filter(([above, below]) => !isListed(above, below))
    .map(([above, on]) => ({
      ...(listed.find((layer) => layer.kernelName === above) ?? unlisted(above)),
      on,
    }));
  return [...listed, ...further];
}

/** util-linux 2.23 and later know these columns; `-P` is the one form in which an empty column shows. */
async function listDevices(look: Reader, host: string): Promise<readonly Layer[]> {
  const columns = 'NAME,KNAME,PKNAME,TYPE,SIZE,STATE,MOUNTPOINT';
  const { out } = await ask(look, host, ['lsblk', '-a', '-n', '-P', '-b', '-o', columns]);
  return linesOf(out).map((line) => {
    const [, name = '', kernelName = '', on = '', type = '', bytes = '', state = '', mount = ''] =
      LAYER.exec(line) ?? [];
    if (kernelName === '') throw notUnderstood(host, 'lsblk', line);
    return { name, kernelName, on, type, bytes: Number(bytes), state, mount };
  });
}

const VIRTUAL = '/sys/devices/virtual/block';

/** Kernel's names of devices that lie on others (maps, RAIDs), each with one that it lies on. */
async function readSlaves(look: Reader, host: string): Promise<(readonly [string, string])[]> {
  const argv = [
    ...['find', VIRTUAL, '-mindepth', '3', '-maxdepth', '3'],
    ...['-path', '*/slaves/*', '-printf', '%h\\t%f\\n'],
  ];
  return (await findPairs(look, host, argv)).map(([folder, below]) => {
    const above = folder.slice(`${VIRTUAL}/`.length, -'/slaves'.length);
    return [above, below] as const;
  });
}

/** One that came while lsblk looked: it lies there all the same. */
function unlisted(kernelName: string): Omit<Layer, 'on'> {
  return { name: kernelName, kernelName, type: 'device', bytes: 0, state: '', mount: '' };
}

/** A map of the device mapper. */
export interface DmMap {
  readonly name: string;
  /** `dm-0` */
  readonly kernelName: string;
  /** `mpath-<wwid>`, `CRYPT-LUKS1-…`, `LVM-…` */
  readonly uuid: string;
  /** how many have it open: maps above it, mounts, programs, in whatever namespace */
  readonly open: number;
}

/** @throws LookError when dmsetup is missing or may not ask; only asked where a map is known to be */
export async function readMaps(look: Reader, host: string): Promise<readonly DmMap[]> {
  const argv = ['dmsetup', 'info', '-c', '--noheadings', '-o', 'minor,open,uuid,name'];
  const { out } = await ask(look, host, argv);
  return linesOf(out).flatMap((line): DmMap[] => {
    if (/^No devices found/.test(line)) return [];
    const [, minor, open, uuid = '', name] = /^\s*(\d+):(\d+):([^:]*):(.+)$/.exec(line) ?? [];
    if (minor === undefined || name === undefined) throw notUnderstood(host, 'dmsetup', line);
    return [{ name, kernelName: `dm-${minor}`, uuid, open: Number(open) }];
  });
}
