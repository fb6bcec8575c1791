import type { DraftStep, Refusal } from '../../plan/types.ts';
import { domainNotActive } from '../domain/virsh.ts';
import type { KindPlan } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';
import { type FileFacts, type Folder, type FoldersOnHost, listing } from './find.ts';
import { isShared } from './mounts.ts';

type Draft = Omit<Refusal, 'kind'>;

/** Hosts whose qemu may have the folder's disks open: on a shared store every host of the server that can be asked. */
function usersOf(at: FoldersOnHost, facts: FileFacts): string[] {
  if (!isShared(at.mount)) return [at.host];
  return [at.host, ...facts.hosts.map((h) => h.host).filter((host) => host !== at.host)];
}

function removeStep(at: FoldersOnHost, folder: Folder, users: readonly string[], uuid: string): DraftStep {
  const { host, root, mount } = at;
  const path = `${root}/${folder.name}`;
  return {
    id: `files/${host}/${folder.name}`,
    phase: 'files',
    place: `host ${host}`,
    title: `remove ${path}`,
    why: 'The disks of the server, its console log and its config drive take room and hold its data.',
    act: { door: 'command', host, argv: ['rm', '-rf', '--one-file-system', '--', path], exit: [0] },
    guards: [
      {
        must: `no part of ${path} is a link`,
        check: {
          door: 'command',
          host,
          argv: ['realpath', '-e', '--', path],
          exit: [0],
          no: [1],
          out: { equals: path },
        },
      },
      {
        must: `${path} is not a mount point`,
        check: {
          door: 'command',
          host,
          // Not `stat -c %m`: that takes a bind mount of the same device for a plain folder.
          argv: ['findmnt', '-n', '-o', 'TARGET', '-T', path],
          exit: [0],
          no: [1],
          // One line for each mount on that place: systemd's automount lies below the mount that it made.
          out: { hasLine: mount.target },
        },
      },
      ...users.map((user) => ({
        must: `the server's domain is not active on ${user}`,
        check: domainNotActive(user, uuid),
      })),
    ],
    // Not `test ! -e`: of a store that has just died it says that nothing is there, as of any path that cannot be read.
    settled: { door: 'command', host, argv: listing(root, [folder.name]), exit: [0], out: { equals: '' } },
    before: [],
    undo: 'never',
  };
}

function refuseFolder({ host, root }: FoldersOnHost, folder: Folder): Draft[] {
  const path = `${root}/${folder.name}`;
  return [
    ...(folder.type === 'link'
      ? [
          {
            code: 'folder-outside',
            flag: null,
            sentence: `${path} on ${host} is a link to ${folder.target}: what it leads to may be another server's`,
          },
        ]
      : []),
    ...(folder.mounts.length > 0
      ? [
          {
            code: 'folder-is-mount',
            flag: null,
            sentence: `${folder.mounts.join(', ')} on ${host} is a mount point: unmount it first`,
          },
        ]
      : []),
  ];
}

/**
 * On shared storage `<uuid>` is one folder for every host: after an evacuation or a migration it is the living server's. Nova
 * too asks whether storage is shared before it destroys the disks of an evacuated server (nova 26
 * `compute/manager.py:_destroy_evacuated_instances`, `_is_instance_storage_shared`).
 */
function refuseShared(at: FoldersOnHost, subject: Subject): Draft[] {
  const others = subject.hosts.map((h) => h.name).filter((name) => name !== at.host);
  const home = subject.row?.host ?? null;
  const used = others.length > 0 || (home !== null && home !== at.host);
  if (!isShared(at.mount) || !used) return [];
  const users = [...new Set([...others, ...(home === null || home === at.host ? [] : [home])])];
  return [
    {
      code: 'shared-instances-path',
      flag: 'shared-instances',
      sentence: `${at.root} on ${at.host} is ${at.mount.fstype} (${at.mount.source}): ${users.join(', ')} may use the same folder`,
    },
  ];
}

/** One host of those that share a store, Nova's own first: the folder is the same one everywhere. */
function removers(facts: FileFacts, subject: Subject): FoldersOnHost[] {
  const holding = facts.hosts
    .filter((at) => at.folders.length > 0)
    .sort((a, b) => Number(b.host === subject.row?.host) - Number(a.host === subject.row?.host));
  const seen = new Set<string>();
  return holding.filter((at) => {
    if (!isShared(at.mount)) return true;
    const store = [at.mount.fstype, at.mount.source, at.root.slice(at.mount.target.length)].join(' ');
    if (seen.has(store)) return false;
    seen.add(store);
    return true;
  });
}

export function planFiles(facts: FileFacts, subject: Subject): KindPlan {
  const found = removers(facts, subject);
  return {
    steps: found.flatMap((at) =>
      at.folders.map((folder) => removeStep(at, folder, usersOf(at, facts), subject.uuid)),
    ),
    remains: found.flatMap((at) =>
      at.folders.map((folder) => ({
        place: `host ${at.host}`,
        what: `${folder.type} ${at.root}/${folder.name}`,
      })),
    ),
    refusals: found.flatMap((at) => [
      ...at.folders.flatMap((folder) => refuseFolder(at, folder)),
      ...refuseShared(at, subject),
    ]),
    kept: [],
  };
}
