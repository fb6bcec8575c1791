/** The mounts of a host, from `findmnt -n -r -o TARGET,FSTYPE,SOURCE`. */
import { lineNotUnderstood, linesOf } from '../../site/command/lines.ts';

export interface Mount {
  readonly target: string;
  readonly fstype: string;
  readonly source: string;
}

/** findmnt's raw form writes what is not plain as `\x20`. */
function decode(text: string): string {
  return text.replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** @throws LookError for a line that names no place: there may be more mounts than the others tell of */
export function parseMounts(host: string, out: string): Mount[] {
  return linesOf(out).map((line) => {
    const [target = '', fstype = '', source = ''] = line.split(' ');
    if (!target.startsWith('/')) throw lineNotUnderstood(host, 'the list of mounts', line);
    return { target: decode(target), fstype, source: decode(source) };
  });
}

function isWithin(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}

/** The mount that a path lies on: the deepest, and of those on one target the last, which covers the others. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | null {
  return mounts.reduce<Mount | null>(
    (best, mount) =>
      isWithin(path, mount.target) && (best === null || mount.target.length >= best.target.length)
        ? mount
        : best,
    null,
  );
}

/** Mount points at a path or below it. Bind mounts count, which share the device and so escape `--one-file-system`. */
export function mountsWithin(mounts: readonly Mount[], path: string): string[] {
  return mounts.map((m) => m.target).filter((target) => isWithin(target, path));
}

/** File systems that one host has mounted at a time. */
const LOCAL = new Set([
  ...['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'zfs', 'bcachefs', 'f2fs', 'jfs', 'reiserfs', 'nilfs2'],
  ...['overlay', 'aufs', 'tmpfs', 'ramfs', 'rootfs', 'squashfs', 'erofs'],
  ...['vfat', 'exfat', 'ntfs', 'ntfs3', 'fuseblk'],
]);

/** Several hosts can have it mounted at once, as far as anybody knows: of network file systems there are more than a list would hold. */
export function isShared({ fstype }: Mount): boolean {
  return !LOCAL.has(fstype);
}
