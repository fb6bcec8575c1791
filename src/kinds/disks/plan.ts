import type { DraftStep, Refusal } from '../../plan/types.ts';
import type { KindPlan } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';
import { type Context, inactive, size } from './common.ts';
import type { DiskFacts, RbdDisks } from './find.ts';
import { keepBlocks, refuseVolume, volumeStep } from './logical-volumes.ts';
import { type RbdImage, type RbdSnapshot, rbd } from './rbd.ts';

type Draft = Omit<Refusal, 'kind'>;

/** Ceph forgets a client that died without a word after 30 s (`osd_client_watch_timeout`); seen: 28 to 32 s. */
const WATCH_ENDS_S = 60;
/** An image goes object by object. */
const REMOVE_S = 600;

/** Names that Nova gives (nova 26 `virt/libvirt/imagebackend.py`): `_disk`, `_disk.config`, `_disk.eph0`, `_disk.swap`, `_disk.rescue`. */
function isNovas(name: string, uuid: string): boolean {
  return name === `${uuid}_disk` || name.startsWith(`${uuid}_disk.`);
}

/** An image once, from the host that Nova has the server on where that is possible: a pool is the same from every host. */
function removers(facts: DiskFacts, subject: Subject): { readonly at: RbdDisks; readonly image: RbdImage }[] {
  const home = subject.row?.host;
  const all = [...facts.rbd]
    .sort((a, b) => Number(b.host === home) - Number(a.host === home))
    .flatMap((at) => at.images.map((image) => ({ at, image })));
  return [
    ...new Map(
      all.map((one) => [[one.at.store.pool, one.image.name, one.image.id].join(' '), one] as const).reverse(),
    ).values(),
  ].reverse();
}

function spec({ store }: RbdDisks, image: RbdImage): string {
  return `${store.pool}/${image.name}`;
}

function watched({ host, store }: RbdDisks, image: RbdImage) {
  return {
    door: 'command' as const,
    host,
    argv: rbd(store, 'status', image.name),
    exit: [0],
    out: { hasLine: 'Watchers: none' },
  };
}

/** qemu lets go of its image when it ends; where it was killed, Ceph finds out later. Nova tries again for as long. */
function waitStep(at: RbdDisks, image: RbdImage): DraftStep {
  return {
    ...commonOf(at, image, 'watchers'),
    title: `wait until nobody has ${spec(at, image)} open`,
    why: 'Ceph removes no image that a client watches, and tells of a client that died only after half a minute.',
    act: { door: 'command', host: at.host, argv: rbd(at.store, 'status', image.name), exit: [0] },
    guards: [],
    settled: watched(at, image),
    patience: WATCH_ENDS_S,
    undo: 'before-image',
  };
}

function commonOf(at: RbdDisks, image: RbdImage, what: string) {
  return {
    id: `disks/${at.host}/${spec(at, image)}/${what}`,
    phase: 'files' as const,
    place: `host ${at.host}`,
    before: [],
  };
}

function snapshotSteps(at: RbdDisks, image: RbdImage, snap: RbdSnapshot, context: Context): DraftStep[] {
  const full = `${image.name}@${snap.name}`;
  const listing = { door: 'command' as const, host: at.host, exit: [0] };
  const snapshots = rbd(at.store, 'snap', 'ls', image.name, '--format', 'json');
  const common = commonOf(at, image, `snap/${snap.name}`);
  const guards = [
    ...inactive(context.asked, context.uuid),
    {
      must: `nothing was cloned from ${full}`,
      check: { ...listing, argv: rbd(at.store, 'children', full, '--format', 'json'), out: { equals: '[]' } },
    },
  ];
  const unprotect = `${common.id}/unprotect`;
  return [
    ...(snap.protected
      ? [
          {
            ...common,
            id: unprotect,
            title: `unprotect snapshot ${at.store.pool}/${full}`,
            why: 'A protected snapshot cannot be removed, and an image that has one stays.',
            act: {
              door: 'command' as const,
              host: at.host,
              argv: rbd(at.store, 'snap', 'unprotect', full),
              exit: [0],
            },
            guards,
            settled: snap.listsProtection
              ? {
                  ...listing,
                  argv: snapshots,
                  out: { lacksText: `"name":"${snap.name}","size":${snap.size},"protected":"true"` },
                }
              : {
                  ...listing,
                  argv: rbd(at.store, 'info', full, '--format', 'json'),
                  out: { lacksText: '"protected":"true"' },
                },
            undo: 'recreate' as const,
          },
        ]
      : []),
    {
      ...common,
      title: `remove snapshot ${at.store.pool}/${full}`,
      why: 'Ceph removes no image that has snapshots; it is one of this disk and goes with it.',
      act: {
        door: 'command' as const,
        host: at.host,
        // Ceph 10 does not know the option here.
        argv: rbd(at.store, 'snap', 'rm', full, ...(snap.listsProtection ? ['--no-progress'] : [])),
        exit: [0],
      },
      guards,
      settled: { ...listing, argv: snapshots, out: { lacksText: `"name":"${snap.name}",` } },
      needs: snap.protected ? [unprotect] : [],
      undo: 'never' as const,
    },
  ];
}

function imageSteps(at: RbdDisks, image: RbdImage, context: Context): DraftStep[] {
  const wait = image.watchers.length === 0 ? [] : [waitStep(at, image)];
  const first = wait.map((step) => step.id);
  const snaps = image.snapshots.flatMap((snap) =>
    snapshotSteps(at, image, snap, context).map((step) => ({
      ...step,
      needs: [...first, ...(step.needs ?? [])],
    })),
  );
  return [
    ...wait,
    ...snaps,
    {
      ...commonOf(at, image, 'remove'),
      title: `remove rbd image ${spec(at, image)} (${size(image.size)})`,
      why: 'Nova made it for this server alone: it holds its data and takes room in the pool.',
      act: {
        door: 'command',
        host: at.host,
        argv: rbd(at.store, 'rm', image.name, '--no-progress'),
        exit: [0],
        seconds: REMOVE_S,
      },
      guards: [
        ...inactive(context.asked, context.uuid),
        { must: `nobody has ${spec(at, image)} open`, check: watched(at, image) },
      ],
      settled: {
        door: 'command',
        host: at.host,
        argv: rbd(at.store, 'ls'),
        exit: [0],
        out: { lacksLine: image.name },
      },
      needs: [...first, ...snaps.map((step) => step.id)],
      undo: 'never',
    },
  ];
}

/** While the domain runs its qemu is one client; any other is somebody else's. */
function refuseImage(at: RbdDisks, image: RbdImage, facts: DiskFacts): Draft[] {
  const clones = image.snapshots.filter((snap) => snap.children.length > 0);
  return [
    ...(image.watchers.length > facts.activeOn.length
      ? [
          {
            code: 'image-watched',
            flag: null,
            sentence: `${spec(at, image)} is open at ${image.watchers.join(', ')}, and ${facts.activeOn.length === 0 ? 'the server runs nowhere' : `the server runs on ${facts.activeOn.join(', ')} only`}: end that client, or wait half a minute when its host has just died`,
          },
        ]
      : []),
    ...clones.map((snap) => ({
      code: 'snapshot-has-clones',
      flag: null,
      sentence: `${snap.children.join(', ')} is a clone of ${spec(at, image)}@${snap.name}: flatten it first (rbd flatten)`,
    })),
  ];
}

export function planDisks(facts: DiskFacts, subject: Subject): KindPlan {
  const context = { uuid: subject.uuid, asked: facts.asked };
  const found = removers(facts, subject);
  const own = found.filter(({ image }) => isNovas(image.name, subject.uuid));
  const odd = found.filter(({ image }) => !isNovas(image.name, subject.uuid));
  const volumes = facts.lvm.flatMap((at) => at.volumes.map((volume) => ({ at, volume })));
  return {
    steps: [
      ...own.flatMap(({ at, image }) => imageSteps(at, image, context)),
      ...volumes.map(({ at, volume }) => volumeStep(at, volume, context)),
    ],
    remains: [
      ...own.map(({ at, image }) => ({
        place: `rbd pool ${at.store.pool}`,
        what: `image ${image.name}, ${size(image.size)}${image.snapshots.length === 0 ? '' : `, snapshots ${image.snapshots.map((s) => s.name).join(', ')}`}`,
      })),
      ...volumes.map(({ at, volume }) => ({
        place: `host ${at.host}`,
        what: `logical volume /dev/${at.store.group}/${volume.name}, ${size(volume.size)}`,
      })),
    ],
    refusals: [
      ...own.flatMap(({ at, image }) => refuseImage(at, image, facts)),
      ...volumes.flatMap(({ at, volume }) => refuseVolume(at, volume, facts)),
    ],
    kept: [
      ...odd.map(({ at, image }) => ({
        place: `rbd pool ${at.store.pool}`,
        what: `image ${image.name}`,
        why: 'its name begins with the uuid of the server, but Nova gives no such names: Nova itself would delete it',
      })),
      ...facts.lvm.flatMap(keepBlocks),
    ],
  };
}
