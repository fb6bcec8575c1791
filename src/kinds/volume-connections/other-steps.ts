/** Lets go of NVMe subsystems, rbd devices of the kernel, and mounted exports. */
import type { Check, DraftStep } from '../../plan/types.ts';
import { domainNotActive } from '../domain/virsh.ts';
import { stepId } from './disk-steps.ts';
import type { MountFacts, NvmeFacts, RbdFacts } from './facts.ts';
import { whoHasOpen, whoUses } from './programs.ts';

type Guard = DraftStep['guards'][number];

function commandGuard(must: string, check: Omit<Extract<Check, { door: 'command' }>, 'door'>): Guard {
  return { must, check: { door: 'command', ...check } };
}

function notRunning(host: string, uuid: string): Guard {
  return { must: "the server's domain is not active", check: domainNotActive(host, uuid) };
}

function notMounted(host: string, device: string): Guard {
  return commandGuard(`${device} is not mounted, nor anything on it`, {
    host,
    argv: ['lsblk', '-n', '-r', '-o', 'MOUNTPOINT', device],
    exit: [0],
    out: { linesWithin: [] },
  });
}

function nothingAbove(host: string, name: string): Guard {
  return commandGuard(`nothing lies on ${name}: no map, no volume group, no RAID`, {
    host,
    argv: ['find', `/sys/block/${name}/.`, '-path', '*/holders/*', '-printf', '%f\\n'],
    exit: [0],
    out: { linesWithin: [] },
  });
}

function notOpen(host: string, what: string, argv: readonly string[]): Guard {
  // 1: a process ended while it was looked at.
  return commandGuard(`no program has ${what} open`, {
    host,
    argv: [...argv],
    exit: [0, 1],
    out: { linesWithin: [] },
  });
}

/** Several tests of find, any of which is enough. */
function grouped(tests: readonly string[]): readonly string[] {
  return tests.includes('-o') ? ['(', ...tests, ')'] : tests;
}

/** All controllers of the subsystem at once (os-brick 6.1 `connectors/nvmeof.py:_try_disconnect` ends one after the other). */
export function disconnectStep(at: NvmeFacts, uuid: string): DraftStep {
  const { host, nqn, subsystem, namespaces, hidden, folders } = at;
  const below = folders.flatMap((folder) => ['-o', '-lname', `*/${folder}/*`]).slice(1);
  return {
    id: `${stepId(at)}/${subsystem}`,
    phase: 'disconnect',
    place: `host ${host}`,
    title: `disconnect from ${nqn}`,
    why: 'Its storage gives the namespace to others, and this host would go on asking for it.',
    act: { door: 'command', host, argv: ['nvme', 'disconnect', '-n', nqn], exit: [0] },
    guards: [
      notRunning(host, uuid),
      commandGuard(`${subsystem} has no other namespace than ${namespaces.join(', ') || 'none'}`, {
        host,
        argv: ['find', '/sys/block', '-maxdepth', '1', ...grouped(below), '-printf', '%f\\n'],
        exit: [0],
        out: { linesWithin: [...namespaces, ...hidden] },
      }),
      ...namespaces.flatMap((name) => [
        notMounted(host, `/dev/${name}`),
        nothingAbove(host, name),
        notOpen(host, name, whoHasOpen([name])),
      ]),
    ],
    settled: {
      door: 'command',
      host,
      argv: ['test', '!', '-e', `/sys/class/nvme-subsystem/${subsystem}`],
      exit: [0],
      no: [1],
    },
    patience: 30,
    before: [],
    needs: [],
    undo: 'recreate',
  };
}

export function unmapStep(at: RbdFacts, uuid: string): DraftStep {
  const { host, device, image } = at;
  const name = device.slice('/dev/'.length);
  const folder = `/sys/devices/rbd/${name.slice('rbd'.length)}`;
  return {
    id: `${stepId(at)}/${name}`,
    phase: 'disconnect',
    place: `host ${host}`,
    title: `unmap ${device}`,
    why: 'While the kernel has the image as a device it watches it, and Ceph deletes no image that is watched.',
    act: { door: 'command', host, argv: ['rbd', 'unmap', device], exit: [0] },
    guards: [
      notRunning(host, uuid),
      commandGuard(`${device} is still the image ${image}`, {
        host,
        argv: ['cat', `${folder}/pool`, `${folder}/name`],
        exit: [0],
        no: [1],
        out: { equals: image.replace('/', '\n') },
      }),
      notMounted(host, device),
      nothingAbove(host, name),
      notOpen(host, device, whoHasOpen([name])),
    ],
    settled: { door: 'command', host, argv: ['test', '!', '-e', folder], exit: [0], no: [1] },
    patience: 30,
    before: [],
    needs: [],
    undo: 'recreate',
  };
}

/** Never lazily: umount refuses what is in use, and that is the last word. */
export function unmountStep(at: MountFacts, uuid: string): DraftStep {
  const { host, target, source } = at;
  return {
    id: `${stepId(at)}/mount${target}`,
    phase: 'disconnect',
    place: `host ${host}`,
    title: `unmount ${target}`,
    why: 'Nova mounted it for volumes, and nobody on this host has one there any more.',
    act: { door: 'command', host, argv: ['umount', target], exit: [0] },
    guards: [
      notRunning(host, uuid),
      commandGuard(`${source} is what is mounted there`, {
        host,
        argv: ['findmnt', '-n', '-r', '-o', 'SOURCE', '-M', target],
        exit: [0],
        no: [1],
        out: { equals: source },
      }),
      notOpen(host, `a file below ${target}`, whoUses(target)),
    ],
    settled: {
      door: 'command',
      host,
      argv: ['findmnt', '-n', '-r', '-o', 'SOURCE', '-M', target],
      exit: [1],
      no: [0],
    },
    before: [],
    needs: [],
    undo: 'recreate',
  };
}
