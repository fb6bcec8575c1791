/** Programs that look at files and mounts, or remove a tree: coreutils 9.1, findutils 4.9, util-linux 2.38. */
import { createHash } from 'node:crypto';
import type { CommandAnswer } from '../../site/reader.ts';
import type { World } from '../world.ts';
import { fails, sameWords, says, untaught } from './answer.ts';
import { type FileKind, kindAt, linkTarget, removeOnFileSystem, resolvePath } from './files.ts';
import { findInKernel, isKernels } from './kernel-find.ts';
import { kernelTree, readFiles, resolve } from './kernel-tree.ts';
import { findLink, membersOf } from './links.ts';
import { type Mount, mountAt, mountsOf, pathIn } from './mounts.ts';
import { openFiles } from './processes.ts';

/** The kernel's own file systems are apart: devices in /sys/class/net, and what `kernel-tree.ts` has. */
function isModelled(path: string | undefined): path is string {
  return path?.startsWith('/') === true && !isKernels(path);
}

/** @throws LookError for words that are not modelled */
export function runRealpath(world: World, host: string, args: readonly string[]): CommandAnswer {
  const kernels = args.at(-1);
  if (isKernels(kernels) && (sameWords(args, '-e', kernels) || sameWords(args, '-e', '--', kernels))) {
    const leads = resolve(kernelTree(world, host), kernels);
    return leads === null ? fails(1, `realpath: ${kernels}: No such file or directory`) : says(`${leads}\n`);
  }
  const [e, dashes, path, ...more] = args;
  if (e !== '-e' || dashes !== '--' || !isModelled(path) || more.length > 0)
    throw untaught(host, ['realpath', ...args]);
  const found = resolvePath(world, host, path);
  return 'error' in found ? fails(1, `realpath: ${path}: ${found.error}`) : says(`${found.path}\n`);
}

/** @throws LookError for words that are not modelled */
export function runStat(world: World, host: string, args: readonly string[]): CommandAnswer {
  const path = args.at(-1);
  if (!isModelled(path) || !sameWords(args, '-L', '-c', '%d:%i', '--', path))
    throw untaught(host, ['stat', ...args]);
  const found = resolvePath(world, host, path);
  if ('error' in found) return fails(1, `stat: cannot statx '${path}': ${found.error}`);
  const inode = Number.parseInt(createHash('sha1').update(found.path).digest('hex').slice(0, 7), 16);
  return says(`${mountAt(mountsOf(world, host), found.path)?.device ?? 0}:${inode}\n`);
}

/** @throws LookError for words that are not modelled */
export function runTest(world: World, host: string, args: readonly string[]): CommandAnswer {
  const negated = args[0] === '!';
  const [what = '', path, ...more] = negated ? args.slice(1) : args;
  const device = /^\/sys\/class\/net\/([^/]+)$/.exec(path ?? '')?.[1];
  const isDisks = device === undefined && isKernels(path) && what === '-e' && more.length === 0;
  if (isDisks) return fails((resolve(kernelTree(world, host), path) !== null) === negated ? 1 : 0, '');
  if (!['-e', '-d'].includes(what) || more.length > 0 || (device === undefined && !isModelled(path)))
    throw untaught(host, ['test', ...args]);
  const holds =
    device === undefined
      ? isThere(world, host, path ?? '', what)
      : // A link to the device's folder.
        findLink(world, host, device) !== null;
  return fails(holds === negated ? 1 : 0, '');
}

/** Links are followed: one that leads nowhere is not there. */
function isThere(world: World, host: string, path: string, what: string): boolean {
  const found = resolvePath(world, host, path);
  return !('error' in found) && (what === '-e' || found.kind === 'folder');
}

/** @throws LookError for words that are not modelled */
export function runLs(world: World, host: string, args: readonly string[]): CommandAnswer {
  const [path = '', ...more] = args;
  const bridge = /^\/sys\/class\/net\/([^/]+)\/brif$/.exec(path)?.[1];
  if (bridge === undefined || more.length > 0) throw untaught(host, ['ls', ...args]);
  const members = membersOf(world, host, bridge);
  if (members === null) return fails(2, `ls: cannot access '${path}': No such file or directory`);
  return says(members.map((name) => `${name}\n`).join(''));
}

const FIND_FORMAT = '%f\\t%y\\t%D\\t%l\\n';
const FIND_LETTERS: Readonly<Record<FileKind, string>> = { file: 'f', folder: 'd', link: 'l' };

/**
 * `find <folder>/. -maxdepth 1 ( -name … -o -name … ) -printf …`: which of some names are in a folder.
 *
 * @throws LookError for words that are not modelled
 */
export function runFind(world: World, host: string, args: readonly string[]): CommandAnswer {
  if (isKernels(args[0])) return findInKernel(world, host, args);
  const [start = '', depth, one, open, ...rest] = args;
  const [close, printf, format] = rest.slice(-3);
  const names = rest.slice(0, -3).filter((_, i) => i % 3 === 1);
  const asTaught = [...names.flatMap((name) => ['-o', '-name', name]).slice(1), ')', '-printf', FIND_FORMAT];
  if (
    !start.endsWith('/.') ||
    !isModelled(start) ||
    !sameWords([depth ?? '', one ?? '', open ?? ''], '-maxdepth', '1', '(') ||
    !sameWords([...rest.slice(0, -3), close ?? '', printf ?? '', format ?? ''], ...asTaught) ||
    !names.every((name) => /^[\w.-]+$/.test(name))
  )
    throw untaught(host, ['find', ...args]);
  const folder = resolvePath(world, host, start);
  if ('error' in folder) return fails(1, `find: '${start}': ${folder.error}`);
  const mounts = mountsOf(world, host);
  const lines = [...new Set(names)].sort().flatMap((name) => {
    const path = name === '.' ? folder.path : pathIn(folder.path, `/${name}`);
    const kind = kindAt(world, host, path);
    if (kind === null) return [];
    const target = kind === 'link' ? (linkTarget(world, host, path) ?? '') : '';
    return [`${name}\t${FIND_LETTERS[kind]}\t${mountAt(mounts, path)?.device ?? 0}\t${target}\n`];
  });
  return says(lines.join(''));
}

/** @throws LookError for words that are not modelled */
export function runFindmnt(world: World, host: string, args: readonly string[]): CommandAnswer {
  const mounts = mountsOf(world, host);
  if (sameWords(args, '-n', '-r', '-o', 'TARGET,FSTYPE,SOURCE')) return says(mounts.map(rawLine).join(''));
  const target = args[5];
  if (isModelled(target) && sameWords(args, '-n', '-r', '-o', 'SOURCE', '-M', target)) {
    const last = mounts.findLast((mount) => mount.target === target);
    return last === undefined ? fails(1, '') : says(`${last.source}\n`);
  }
  const path = args[4];
  if (!isModelled(path) || !sameWords(args, '-n', '-o', 'TARGET', '-T', path))
    throw untaught(host, ['findmnt', ...args]);
  const found = resolvePath(world, host, path);
  // Of a path that is not there findmnt says nothing.
  if ('error' in found) return fails(1, '');
  const on = mountAt(mounts, found.path)?.target;
  const covered = mounts.filter((mount) => mount.target === on);
  return says(covered.map((mount) => `${mount.target}\n`).join(''));
}

function rawLine({ target, fstype, source }: Mount): string {
  const words = [target, fstype, source].map((word) =>
    word.replace(/[\s\\]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`),
  );
  return `${words.join(' ')}\n`;
}

/** @throws LookError for words that are not modelled */
export function runRm(world: World, host: string, args: readonly string[]): CommandAnswer {
  const [, , , path] = args;
  const name = /\/([^/]+)$/.exec(path ?? '')?.[1] ?? '.';
  const isTaught = isModelled(path) && sameWords(args, '-rf', '--one-file-system', '--', path);
  if (!isTaught || name === '.' || name === '..') throw untaught(host, ['rm', ...args]);
  const folder = resolvePath(world, host, path.slice(0, -name.length));
  // With -f a path that leads nowhere is as good as removed.
  if ('error' in folder) return says('');
  const own = pathIn(folder.path, `/${name}`);
  const complaints = removeOnFileSystem(world, host, own).map(({ target, why }) => {
    const told = path + target.slice(own.length);
    return why === 'busy'
      ? `rm: cannot remove '${told}': Device or resource busy`
      : `rm: skipping '${told}', since it's on a different device`;
  });
  return complaints.length === 0 ? says('') : fails(1, complaints.join('\n'));
}

/** `umount <target>`: what is open below it keeps it. @throws LookError for words that are not modelled */
export function runUmount(world: World, host: string, args: readonly string[]): CommandAnswer {
  const [target] = args;
  if (!isModelled(target) || args.length !== 1) throw untaught(host, ['umount', ...args]);
  const mount = mountsOf(world, host).findLast((each) => each.target === target);
  if (mount === undefined) return fails(32, `umount: ${target}: not mounted.`);
  const open = openFiles(world, host).some(({ path }) => path.startsWith(`${target}/`));
  if (open) return fails(32, `umount: ${target}: target is busy.`);
  world.machines
    .prepare(
      'DELETE FROM mounts WHERE host = ?1 AND ordinal = (SELECT max(ordinal) FROM mounts WHERE host = ?1 AND target = ?2)',
    )
    .run(host, target);
  return says('');
}

/** Files of the kernel's alone. @throws LookError for words that are not modelled */
export function runCat(world: World, host: string, args: readonly string[]): CommandAnswer {
  if (args.length === 0 || !args.every(isKernels)) throw untaught(host, ['cat', ...args]);
  const texts = readFiles(kernelTree(world, host), args);
  const missing = args.filter((_, i) => texts[i] === null);
  const out = texts.join('');
  if (missing.length === 0) return says(out);
  return fails(1, missing.map((path) => `cat: ${path}: No such file or directory`).join('\n'), out);
}
