/** What is cut: every recorded state of a server, servers with volumes of every kind, and what decisions change. */
import type { ServerDescription } from '../../../src/simulator/build.ts';
import { keepDisksInCeph } from '../../../src/simulator/plant-images.ts';
import type { VolumeDescription } from '../../../src/simulator/plant-volumes.ts';
import { loadServer, STATES, type State } from '../../../src/simulator/recordings.ts';
import type { Scene } from '../../support/kept-cloud.ts';

const NOTHING_TO_DO: readonly State[] = ['healthy', 'healthy-native', 'already-clean'];

export async function recordedScenes(): Promise<readonly Scene[]> {
  return Promise.all(
    STATES.filter((state) => !NOTHING_TO_DO.includes(state)).map(async (state) => ({
      name: state,
      world: {
        hosts: { 'cmp-1': (await loadServer(state)).compute },
        servers: [
          { name: 'victim', state, host: 'cmp-1' },
          { name: 'vic', state: 'healthy' as const, host: 'cmp-1' },
        ],
      },
      options: [],
    })),
  );
}

interface Disks {
  readonly mine: readonly VolumeDescription[];
  readonly others?: readonly VolumeDescription[];
  readonly options?: readonly string[];
  readonly victim?: Partial<ServerDescription>;
  /** frozen, it has the delete in hand, which is refused where a volume is at stake */
  readonly compute?: 'frozen' | 'dead';
}

function withDisks(
  name: string,
  { mine, others = [], options, victim = {}, compute = 'frozen' }: Disks,
): Scene {
  return {
    name,
    world: {
      hosts: { 'cmp-1': compute, 'cmp-2': 'alive' },
      servers: [
        { name: 'victim', state: 'deleting-forever', host: 'cmp-1', volumes: mine, ...victim },
        { name: 'vic', state: 'healthy', host: 'cmp-1', volumes: others },
      ],
    },
    options: options ?? ['--volumes', 'as-nova'],
  };
}

export const DISK_SCENES: readonly Scene[] = [
  withDisks('shared target', { mine: [{ target: 'shared' }], others: [{ target: 'shared' }] }),
  withDisks('own targets, one volume deleted', { mine: [{ deleteOnTermination: true }, {}] }),
  withDisks('two portals', { mine: [{ type: 'multipath' }], others: [{ type: 'multipath' }] }),
  withDisks('multi-attach', { mine: [{ name: 'both' }], others: [{ name: 'both' }], compute: 'dead' }),
  withDisks('booted from a volume', { mine: [{ boot: true, deleteOnTermination: true }] }),
  withDisks('kept', {
    mine: [{ deleteOnTermination: true }],
    options: ['--volumes', 'keep'],
    compute: 'dead',
  }),
  withDisks('reset and rows', {
    mine: [{ deleteOnTermination: true }],
    options: ['--volumes', 'delete', '--surgery'],
  }),
  withDisks('volumes in Ceph', { mine: [{ type: 'rbd' }, { type: 'rbd', deleteOnTermination: true }] }),
  withDisks('own disks in Ceph', {
    mine: [],
    options: [],
    victim: { twists: [(world, server) => keepDisksInCeph(world, server, [{ name: 'nova-resize' }])] },
  }),
];
