/** Random worlds: a victim, and neighbours that share with it whatever can be shared. */
import fc from 'fast-check';
import type { HostState, ServerDescription, WorldDescription } from '../../../src/simulator/build.ts';
import type { VolumeDescription } from '../../../src/simulator/plant-volumes.ts';
import type { State } from '../../../src/simulator/recordings.ts';
import type { Door, Strike } from '../../support/faults/fault.ts';
import { FAULTS } from '../../support/faults/faulty-wires.ts';

export interface RandomWorld {
  readonly world: WorldDescription;
  /** of `purge` */
  readonly options: readonly string[];
  /** the victim's nova-compute goes on, or is started, when this many steps have ended; null: it never does */
  readonly wakesAfter: number | null;
  /** what fails in the first go; null: nothing does */
  readonly fault: Strike | null;
}

/** The state of the victim, and how the nova-compute of its host may fare with it. */
const VICTIMS: readonly {
  readonly state: State;
  readonly computes: readonly HostState[];
  readonly volumes: boolean;
  /** it has let go of its volumes: planted before others have them too, that would take them from those */
  readonly letGo?: boolean;
}[] = [
  { state: 'deleting-forever', computes: ['frozen', 'hung', 'dead'], volumes: true },
  { state: 'host-was-down', computes: ['dead'], volumes: true, letGo: true },
  { state: 'row-gone-domain-runs', computes: ['dead'], volumes: true },
  { state: 'error-never-scheduled', computes: ['alive', 'dead'], volumes: false },
  { state: 'build-request-only', computes: ['alive'], volumes: false },
  { state: 'shelved-offloaded', computes: ['alive', 'dead'], volumes: true, letGo: true },
  { state: 'shelving-stuck', computes: ['dead', 'frozen'], volumes: true },
  { state: 'resize-both-dirs', computes: ['dead'], volumes: false },
  { state: 'half-cleaned', computes: ['dead'], volumes: false },
  { state: 'native-plug', computes: ['dead'], volumes: true },
  { state: 'already-clean', computes: ['alive'], volumes: false },
  { state: 'healthy', computes: ['alive', 'dead', 'frozen', 'cut'], volumes: true },
];

/** Names that begin like each other, are each other, or are what no name should be. */
const NAMES = ['web', 'web', 'web-1', 'we', '%', "web'; --", '-rf', 'Wéb'];

const UUID = '5b7332e6-1f24-469c-a088-10ccc5fe2f07';

/** Uuids that differ from the victim's only at the end, or only at the beginning. */
const LIKE_THE_VICTIMS = [
  '5b7332e6-1f24-469c-a088-10ccc5fe2f08',
  '5b7332e6-1f24-469c-a088-20ccc5fe2f07',
  '6b7332e6-1f24-469c-a088-10ccc5fe2f07',
];

const volume = fc.record(
  {
    type: fc.constantFrom('iscsi' as const, 'multipath' as const, 'rbd' as const),
    shared: fc.boolean(),
    together: fc.boolean(),
    deleteOnTermination: fc.boolean(),
    detaching: fc.boolean(),
  },
  { requiredKeys: ['type', 'shared', 'together'] },
);

type Volume = typeof volume extends fc.Arbitrary<infer T> ? T : never;

/** At most one that several have: it is one volume, and needs one description. */
function describeVolumes(volumes: readonly Volume[], togetherType: Volume['type']): VolumeDescription[] {
  let together = 0;
  return volumes.flatMap(({ type, shared, together: both, ...others }): VolumeDescription[] => {
    if (both) return together++ === 0 ? [{ type: togetherType, name: 'both' }] : [];
    return [{ ...others, type, ...(shared && type !== 'rbd' ? { target: `shared-${type}` } : {}) }];
  });
}

const neighbour = fc.record({
  name: fc.constantFrom(...NAMES),
  state: fc.constantFrom<State>('healthy', 'healthy', 'healthy-native', 'deleting-forever', 'host-was-down'),
  elsewhere: fc.boolean(),
  volumes: fc.array(volume, { maxLength: 2 }),
});

/** The doors to the cloud. How the disk of the record fails is played where the whole process is: test/chaos/faults and test/chaos/cut. */
const DOORS: readonly Door[] = ['http', 'sql', 'command', 'queue', 'cache'];

const fault: fc.Arbitrary<Strike> = fc.constantFrom(...DOORS).chain((door) =>
  fc.record({
    door: fc.constant(door),
    fault: fc.constantFrom(...FAULTS[door]),
    // Most purges are over after so many calls; where one has fewer, nothing fails.
    at: fc.integer({ min: 1, max: door === 'http' || door === 'sql' ? 80 : 12 }),
    lasting: fc.boolean(),
  }),
);

export const randomWorld: fc.Arbitrary<RandomWorld> = fc
  .record({
    seed: fc.integer({ min: 1, max: 1_000_000 }),
    victim: fc.constantFrom(...VICTIMS),
    compute: fc.nat(),
    name: fc.constantFrom(...NAMES),
    volumes: fc.array(volume, { maxLength: 3 }),
    togetherType: fc.constantFrom('iscsi' as const, 'multipath' as const, 'rbd' as const),
    neighbours: fc.array(neighbour, { minLength: 1, maxLength: 3 }),
    fate: fc.constantFrom('as-nova', 'keep', 'delete'),
    wakesAfter: fc.option(fc.integer({ min: 0, max: 12 }), { freq: 2 }),
    fault: fc.option(fault, { freq: 2 }),
  })
  .map(({ seed, victim, compute, name, volumes, togetherType, neighbours, fate, wakesAfter, fault }) => {
    const fares = victim.computes[compute % victim.computes.length] ?? 'dead';
    const wakes = fares === 'alive' || fares === 'cut' ? null : wakesAfter;
    // Nova's reaper counts only living rows when it asks who else has a volume on its host, and disconnects it from a neighbour (nova 26
    // `virt/libvirt/driver.py:_should_disconnect_target`, `db/main/api.py:_instance_get_all_uuids_by_hosts`): not expunge's doing.
    const alone = victim.letGo === true || (wakes !== null && victim.state === 'row-gone-domain-runs');
    const mine: ServerDescription = {
      name,
      state: victim.state,
      host: 'cmp-1',
      uuid: UUID,
      volumes: victim.volumes
        ? describeVolumes(
            alone ? volumes.map((each) => ({ ...each, together: false })) : volumes,
            togetherType,
          )
        : [],
    };
    const others = neighbours.map(
      (each, i): ServerDescription => ({
        name: each.name,
        // A nova-compute that wakes up ends every delete of its host, not the victim's alone.
        state:
          wakes !== null && !each.elsewhere && !each.state.startsWith('healthy') ? 'healthy' : each.state,
        host: each.elsewhere ? 'cmp-2' : 'cmp-1',
        uuid: LIKE_THE_VICTIMS[i] ?? '',
        volumes: each.state === 'host-was-down' ? [] : describeVolumes(each.volumes, togetherType),
      }),
    );
    return {
      world: { seed, hosts: { 'cmp-1': fares, 'cmp-2': 'alive' }, servers: [mine, ...others] },
      options: ['--volumes', fate],
      wakesAfter: wakes,
      fault,
    };
  });
