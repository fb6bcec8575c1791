/** Each recorded state through the front door: look, plan, purge, verify; neighbours stay to the byte. */
import { describe, expect, test } from 'vitest';
import { loadServer, STATES, type State } from '../../src/simulator/recordings.ts';
import { type SimulatedCloud, simulateCloud } from '../support/simulated-cloud.ts';
import { difference, dumpWorld, linesOf } from '../support/world-dump.ts';

const STUCK = STATES.filter((state) => !['healthy', 'healthy-native', 'already-clean'].includes(state));

async function cloudWith(state: State): Promise<SimulatedCloud> {
  const { compute } = await loadServer(state);
  return simulateCloud({
    hosts: { 'cmp-1': compute },
    servers: [
      { name: 'vm-a-victim', state, host: 'cmp-1' },
      { name: 'vm', state: 'healthy', host: 'cmp-1' },
      { name: 'vm-a', state: 'healthy', host: 'cmp-1' },
      { name: 'vm-a-victim-1', state: 'healthy', host: 'cmp-1' },
    ],
  });
}

describe.each(STUCK)('%s', (state) => {
  test('looking changes nothing; purge removes it all, leaves the neighbours, and is not needed twice', async () => {
    const cloud = await cloudWith(state);
    const [victim, ...neighbours] = cloud.servers;
    const uuid = victim?.uuid ?? '';
    const broken = dumpWorld(cloud.world);

    for (const argv of [['inspect', uuid], ['plan', uuid, '--commands'], ['doctor']])
      expect(await cloud.expunge(argv)).toMatchObject({ exit: 0, err: '' });
    expect(await cloud.expunge(['verify', uuid])).toMatchObject({ exit: 1, err: '' });
    expect(difference(broken, dumpWorld(cloud.world))).toEqual([]);

    const purged = await cloud.expunge(['purge', uuid, '--yes']);
    expect(purged, purged.out + purged.err).toMatchObject({ exit: 0, err: '' });
    const after = dumpWorld(cloud.world);
    expect(difference(broken, after)).not.toEqual([]);
    expect(linesOf(neighbours, broken).length).toBeGreaterThan(200);
    expect(difference(linesOf(neighbours, broken), linesOf(neighbours, after))).toEqual([]);
    expect(await cloud.expunge(['verify', uuid])).toMatchObject({ exit: 0 });

    expect(await cloud.expunge(['purge', uuid, '--yes'])).toMatchObject({
      exit: 0,
      out: expect.stringContaining('Nothing is left.'),
    });
    expect(difference(after, dumpWorld(cloud.world))).toEqual([]);
  });
});

test('already-clean: nothing is found, and purge writes nothing', async () => {
  const cloud = await cloudWith('already-clean');
  const uuid = cloud.servers[0]?.uuid ?? '';
  const before = dumpWorld(cloud.world);
  expect(await cloud.expunge(['verify', uuid])).toMatchObject({ exit: 0 });
  expect(await cloud.expunge(['purge', uuid, '--yes'])).toMatchObject({ exit: 0 });
  expect(difference(before, dumpWorld(cloud.world))).toEqual([]);
});

test.each(['healthy', 'healthy-native'] as const)('%s: refused, and nothing is touched', async (state) => {
  const cloud = await cloudWith(state);
  const uuid = cloud.servers[0]?.uuid ?? '';
  const before = dumpWorld(cloud.world);
  expect(await cloud.expunge(['purge', uuid, '--yes'])).toMatchObject({ exit: 3 });
  expect(difference(before, dumpWorld(cloud.world))).toEqual([]);
});

test('the same seed makes the same cloud, another seed another one', async () => {
  const make = async (seed: number) => {
    const { world } = await simulateCloud({
      seed,
      hosts: { 'cmp-1': 'alive' },
      servers: [{ name: 'vm', state: 'healthy', host: 'cmp-1' }],
    });
    return dumpWorld(world);
  };
  expect(difference(await make(7), await make(7))).toEqual([]);
  expect(difference(await make(7), await make(8))).not.toEqual([]);
});
