/** Programs of a host that have a device open. */
import { LookError } from '../../plan/errors.ts';
import { linesOf } from '../../site/command/lines.ts';
import type { Reader } from '../../site/reader.ts';
import { ask, notUnderstood } from './ask.ts';

/** An open file descriptor that leads to a device, as the kernel lists it. */
export interface OpenFile {
  /** as `find` prints it: folder of the process, and what is open */
  readonly line: string;
  readonly pid: number;
  /** `/dev/sdb` */
  readonly path: string;
}

export interface Program {
  readonly pid: number;
  /** the kernel's name of it: `qemu-system-x86` */
  readonly name: string;
  /** it was started for a server with this uuid, as libvirt starts its machines; null: for none */
  readonly server: string | null;
}

/** Only `/proc/<pid>`, its `fd` and what is in it are entered: a host has many files below /proc, and few of these. */
const PROCESSES = '/proc/[0-9]+(/fd(/[0-9]+)?)?';

/**
 * Lists who has these devices open, partitions of them too. By name, whatever stands before it: a domain's program may see the
 * device in a folder of its own.
 *
 * @param names `sdb`, `dm-0`
 */
export function whoHasOpen(names: readonly string[]): string[] {
  return findOpen(names.flatMap((name) => [`*/${name}`, `*/${name}${/\d$/.test(name) ? 'p' : ''}[0-9]*`]));
}

/** Lists who has a file below this folder open. */
export function whoUses(folder: string): string[] {
  return findOpen([`${folder.replace(/[[\]*?\\]/g, '\\$&')}/*`]);
}

function findOpen(patterns: readonly string[]): string[] {
  const tests = patterns.flatMap((pattern) => ['-o', '-lname', pattern]).slice(1);
  return [
    'find',
    '/proc',
    '-regextype',
    'posix-extended',
    '-mindepth',
    '1',
    '-maxdepth',
    '3',
    '!',
    '-regex',
    PROCESSES,
    '-prune',
    '-o',
    '-type',
    'l',
    '(',
    ...tests,
    ')',
    '-printf',
    '%h\\t%l\\n',
  ];
}

/** find ends with 1 when a process ended while it looked. Any other complaint means that not everything was seen. */
const ENDED = /: (?:No such file or directory|No such process)$/;

/** @throws LookError when some process does not show what it has open */
export async function readOpen(look: Reader, host: string, argv: readonly string[]): Promise<OpenFile[]> {
  const { out, err } = await ask(look, host, argv, [0, 1]);
  const hidden = linesOf(err).find((line) => !ENDED.test(line));
  if (hidden !== undefined)
    throw new LookError(`host ${host}`, `who has a disk open cannot be read: ${hidden}`, {
      code: 'connections-unreadable',
      hint: 'it needs root: sudo: true in the site file',
    });
  return linesOf(out).map((line) => {
    const [, pid, path] = /^\/proc\/(\d+)\/fd\t(.+)$/.exec(line) ?? [];
    if (pid === undefined || path === undefined) throw notUnderstood(host, 'find', line);
    return { line, pid: Number(pid), path };
  });
}

/** A process that has ended meanwhile is not in the answer. */
export async function readPrograms(
  look: Reader,
  host: string,
  pids: readonly number[],
): Promise<readonly Program[]> {
  if (pids.length === 0) return [];
  const argv = ['ps', '-ww', '-o', 'pid=,comm=,args=', '-p', pids.join(',')];
  const { out } = await ask(look, host, argv, [0, 1]);
  return linesOf(out).map((line) => {
    const [, pid, name, args = ''] = /^\s*(\d+) (.{1,15}?) +(.*)$/.exec(line) ?? [];
    if (pid === undefined || name === undefined) throw notUnderstood(host, 'ps', line);
    return { pid: Number(pid), name, server: / -uuid ([0-9a-f-]{36})(?: |$)/.exec(args)?.[1] ?? null };
  });
}
