import { LookError } from '../../plan/errors.ts';
import { whyFailed } from '../../site/command/lines.ts';
import type { Reader } from '../../site/reader.ts';
import { type KnownHost, knownHost } from '../domain/host.ts';
import { type Found, lookAt } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';
import { type Mount, mountOf, mountsWithin, parseMounts } from './mounts.ts';
import { assertSameFolder } from './same-folder.ts';

/** One folder of the server. */
export interface Folder {
  readonly name: string;
  readonly type: 'folder' | 'link' | 'other';
  /** where a link leads */
  readonly target: string;
  /** mount points at it or below it; its own path when it lies on another device than the instances folder */
  readonly mounts: readonly string[];
}

export interface FoldersOnHost {
  readonly host: string;
  /** the instances folder, links resolved */
  readonly root: string;
  /** the file system that the instances folder lies on */
  readonly mount: Mount;
  readonly folders: readonly Folder[];
}

export interface FileFacts {
  readonly hosts: readonly FoldersOnHost[];
}

/**
 * `<uuid>` is the server's own; `<uuid>_resize` is left on the source of a resize until it is confirmed; `<uuid>_del` is what Nova
 * renames to before it deletes (nova 26 `virt/libvirt/driver.py:delete_instance_files`). With both `<uuid>` and `<uuid>_resize`
 * on one host Nova's renames collide and every later try fails.
 */
function folderNames(uuid: string): [string, string, string] {
  return [uuid, `${uuid}_resize`, `${uuid}_del`];
}

/** A path that may stand in an argv. The site file gives it, or realpath on the host. */
function isPlainPath(path: string): boolean {
  return /^\/[\w.+@:,/-]+$/.test(path) && !/(^|\/)\.\.(\/|$)/.test(path);
}

function unknown(host: string, code: string, sentence: string, hint?: string): LookError {
  return new LookError(`host ${host}`, sentence, { code, hint });
}

async function ask(look: Reader, host: string, argv: readonly string[]): Promise<string> {
  const answer = await look.command.run(host, argv);
  if (answer.exit === 0) return answer.out;
  const said = whyFailed(`${argv[0]}`, answer);
  throw unknown(
    host,
    'instances-path-unreadable',
    `the instances folder cannot be read: ${said}`,
    'is its store mounted?',
  );
}

/** Which of these names are in a folder, with type, device and where a link leads. `.` is the folder itself. */
export function listing(folder: string, names: readonly string[]): string[] {
  return [
    'find',
    `${folder}/.`,
    '-maxdepth',
    '1',
    '(',
    ...names.flatMap((name) => ['-o', '-name', name]).slice(1),
    ')',
    '-printf',
    '%f\\t%y\\t%D\\t%l\\n',
  ];
}

const TYPES: Readonly<Record<string, Folder['type']>> = { d: 'folder', l: 'link' };

async function lookAtHost(look: Reader, host: KnownHost, uuid: string): Promise<FoldersOnHost> {
  const path = host.instancesPath.replace(/\/+$/, '');
  if (!isPlainPath(path))
    throw unknown(host.name, 'path-not-plain', `${host.instancesPath} is not a path that expunge works on`);
  const [real, mountTable, found] = await Promise.all([
    ask(look, host.name, ['realpath', '-e', '--', path]),
    ask(look, host.name, ['findmnt', '-n', '-r', '-o', 'TARGET,FSTYPE,SOURCE']),
    // With the root itself, whose device is then known from the same reading.
    ask(look, host.name, listing(path, ['.', ...folderNames(uuid)])),
    assertSameFolder(look, host),
  ]);
  const root = real.trim();
  const mounts = parseMounts(host.name, mountTable);
  const mount = mountOf(mounts, root);
  const entries = found
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
  const [, rootType, device] = entries.find(([name]) => name === '.') ?? [];
  if (!isPlainPath(root) || mount === null || rootType !== 'd' || device === undefined)
    throw unknown(host.name, 'instances-path-unreadable', `${path} is not a folder that expunge understands`);
  const names = folderNames(uuid);
  return {
    host: host.name,
    root,
    mount,
    folders: entries.flatMap(([name = '', type = '', on, target = '']): Folder[] => {
      if (!names.includes(name)) return [];
      const at = `${root}/${name}`;
      const within = mountsWithin(mounts, at);
      const mountsHere = within.length === 0 && on !== device && type === 'd' ? [at] : within;
      return [{ name, type: TYPES[type] ?? 'other', target, mounts: mountsHere }];
    }),
  };
}

/** An instances folder that is missing is not an empty one: its store may not be mounted. */
export async function findFiles(look: Reader, subject: Subject): Promise<Found<FileFacts>> {
  const { facts, unknown: places } = await lookAt(subject.hosts, async (host) =>
    lookAtHost(look, knownHost(host), subject.uuid),
  );
  return { facts: { hosts: facts }, unknown: places };
}
