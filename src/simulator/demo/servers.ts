/** The servers of the demo: what operators really meet, and one for every reason to refuse. */
import type { HostState, ServerDescription, Twist } from '../build.ts';
import { keepDiskOnLvm, keepDisksInCeph, watchDisk } from '../plant-images.ts';
import type { State } from '../recordings.ts';
import * as disks from './disk-twists.ts';
import * as twists from './twists.ts';
import * as volumes from './volume-twists.ts';

const HOUR = 3_600;
const DAY = 24 * HOUR;

export interface DemoServer extends ServerDescription {
  /** what happened to it, in at most 26 characters: a line of 80 has no more room */
  readonly story: string;
  /** `refused`: shown only with `--list` */
  readonly group: 'usual' | 'refused';
  /** what has to be decided for its refusals to come up */
  readonly options?: readonly string[];
}

export const DEMO_HOSTS: Readonly<Record<string, HostState>> = {
  'cmp-1': 'alive',
  'cmp-2': 'hung',
  'cmp-3': 'dead',
  'cmp-4': 'cut',
  'cmp-5': 'dead',
  'cmp-6': 'dead',
};

/** A server that is nobody's here: what does not belong to the victim belongs to it. */
const STRANGER = '0badcafe-0000-4000-8000-00000000beef';

/** Quotes, a shell command, colours, a window title, text that runs backwards: what a tenant may call a server. */
const HOSTILE_NAME = `"; rm -rf / #\u001b[31m\u001b]0;gotcha\u0007 \u202egro.elpmaxe`;

function usual(name: string, state: State, host: string, ageSeconds: number, story: string): DemoServer {
  return { name, state, host, ageSeconds, story, group: 'usual' };
}

function refused(
  name: string,
  state: State,
  host: string,
  story: string,
  ...own: readonly Twist[]
): DemoServer {
  return { name, state, host, ageSeconds: DAY, story, group: 'refused', twists: own };
}

export const DEMO_SERVERS: readonly DemoServer[] = [
  usual('shop-db', 'deleting-forever', 'cmp-2', 3 * DAY, 'deleting for three days'),
  usual('ci-runner-7', 'half-cleaned', 'cmp-3', 2 * DAY, 'cleaned by hand, half'),
  usual('batch-41', 'resize-both-dirs', 'cmp-3', 5 * HOUR, 'host died in a resize'),
  usual('gpu-node-2', 'native-plug', 'cmp-3', 9 * HOUR, 'its host crashed'),
  usual('wiki', 'shelved-offloaded', 'cmp-1', 6 * DAY, 'shelved, then deleting'),
  usual('wiki-old', 'shelving-stuck', 'cmp-3', 8 * DAY, 'shelving for ever'),
  usual('huge-1', 'error-never-scheduled', 'cmp-1', 30 * DAY, 'ERROR: no host took it'),
  usual('never-built', 'build-request-only', 'cmp-1', 4 * DAY, 'asked for, never built'),
  usual('mail', 'host-was-down', 'cmp-3', 10 * DAY, 'deleted, host was down'),
  usual('legacy', 'row-gone-domain-runs', 'cmp-3', 400 * DAY, 'row marked deleted, runs'),
  usual('tidy', 'already-clean', 'cmp-1', DAY, 'deleted by Nova, properly'),
  usual('web', 'deleting-forever', 'cmp-2', 2 * HOUR, 'deleting; has a namesake'),
  usual('web', 'healthy', 'cmp-1', 40 * DAY, 'healthy'),
  usual('cache-3', 'deleting-forever', 'cmp-4', 12 * HOUR, 'its host does not answer'),
  {
    ...usual('billing-db', 'deleting-forever', 'cmp-2', DAY, 'has volumes'),
    twists: [volumes.attachVolumes],
  },
  {
    ...usual('photos', 'deleting-forever', 'cmp-2', 4 * HOUR, 'its disk is in Ceph'),
    twists: [(world, server) => keepDisksInCeph(world, server, [{ name: 'nova-resize' }])],
  },
  {
    ...usual('gallery', 'shelved-offloaded', 'cmp-1', 20 * DAY, 'snapshot is in use'),
    twists: [twists.useSnapshot],
  },
  usual(HOSTILE_NAME, 'deleting-forever', 'cmp-2', 2 * DAY, 'has a hostile name'),

  refused(
    'locked',
    'deleting-forever',
    'cmp-2',
    'locked, protected, hidden',
    twists.lock,
    twists.protect,
    twists.hide,
  ),
  refused('leaving', 'healthy', 'cmp-1', 'being deleted right now', twists.beginDeleting),
  refused('coming', 'build-request-only', 'cmp-1', 'asked for a moment ago', twists.askJustNow),
  refused(
    'nomad',
    'resize-both-dirs',
    'cmp-3',
    'migrating, runs elsewhere',
    twists.migrate,
    twists.runOn('cmp-2'),
  ),
  refused(
    'cuckoo',
    'deleting-forever',
    'cmp-2',
    'domain of another project',
    twists.giveToOtherProject,
    twists.giveMemory,
  ),
  refused('double', 'deleting-forever', 'cmp-2', 'domain with another uuid', twists.redefineAs(STRANGER)),
  refused(
    'tangled',
    'deleting-forever',
    'cmp-2',
    'interfaces mixed up',
    twists.addForeignMember,
    twists.markSwitchPort(STRANGER),
    twists.joinTrunk,
    twists.giveToDhcp,
  ),
  refused(
    'linked',
    'resize-both-dirs',
    'cmp-3',
    'folder is a link, a mount',
    twists.linkFolder,
    twists.mountResizeFolder,
  ),
  refused(
    'shared',
    'resize-both-dirs',
    'cmp-5',
    'folder on shared storage',
    twists.shareStore('cmp-5', 'cmp-6'),
  ),
  refused(
    'template',
    'deleting-forever',
    'cmp-2',
    'disk is cloned, and open',
    (world, server) => keepDisksInCeph(world, server, [{ name: 'golden', clone: 'volume-of-a-clone' }]),
    watchDisk,
  ),
  refused('vault', 'native-plug', 'cmp-6', 'disk on LVM is mounted', (world, server) =>
    keepDiskOnLvm(world, server, { open: true }),
  ),
  refused('keepsake', 'shelved-offloaded', 'cmp-1', 'protected snapshot', twists.protectSnapshot),
  refused('mixup', 'shelved-offloaded', 'cmp-1', 'snapshot of another one', twists.giveSnapshotTo(STRANGER)),
  {
    ...refused(
      'quorum',
      'deleting-forever',
      'cmp-2',
      'volumes: shared, snapshots',
      volumes.attachVolumes,
      volumes.shareVolume(STRANGER),
      volumes.snapshotVolume,
    ),
    options: ['--volumes', `delete,${STRANGER}=keep`, '--detach', 'reset'],
  },
  {
    ...refused(
      'stranded',
      'deleting-forever',
      'cmp-2',
      'volumes: no cinder-volume',
      volumes.attachVolumes,
      volumes.shareVolume(STRANGER),
      volumes.attachOldWay,
      volumes.loseBackend,
      volumes.moveToStorpool,
    ),
    options: ['--volumes', 'keep'],
  },

  {
    ...usual('orders', 'deleting-forever', 'cmp-2', 6 * HOUR, 'its target is shared'),
    volumes: [
      { target: 'san', size: 50 },
      { target: 'san', size: 5, deleteOnTermination: true },
    ],
  },
  {
    ...refused('orders-web', 'healthy', 'cmp-2', 'healthy, on that target'),
    volumes: [{ target: 'san', size: 20 }],
  },
  {
    ...refused(
      'rescued',
      'deleting-forever',
      'cmp-2',
      'disks mounted, held, open',
      disks.mountFirst,
      disks.holdSecond,
      disks.readThird,
      disks.reachFourthOtherwise,
    ),
    volumes: [{}, {}, {}, { type: 'rbd' }],
  },
  {
    ...refused(
      'stale-lun',
      'deleting-forever',
      'cmp-2',
      'its LUN is of another one',
      disks.pointAtUnitOf('orders-web'),
    ),
    volumes: [{ target: 'san', size: 10 }],
  },
  {
    ...refused('foreigner', 'healthy', 'cmp-6', 'of another region’s Nova', twists.forgetInNova),
    options: ['--fenced', 'cmp-4'],
  },
];
