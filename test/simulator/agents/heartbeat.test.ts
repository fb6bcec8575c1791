/** Signs of life: who reports, when, and who counts as down. */
import { expect, test } from 'vitest';
import { react } from '../../../src/simulator/agents/react.ts';
import { computeIsUp } from '../../../src/simulator/agents/services.ts';
import {
  cutHost,
  freezeCompute,
  killCompute,
  killConductor,
  restoreHost,
  reviveCompute,
  reviveConductor,
} from '../../../src/simulator/agents/states.ts';
import { sqlTime, type World } from '../../../src/simulator/world.ts';
import { simulateCloud } from '../../support/simulated-cloud.ts';

async function makeWorld(...hosts: readonly string[]): Promise<World> {
  const alive = Object.fromEntries(hosts.map((name) => [name, 'alive' as const]));
  return (await simulateCloud({ hosts: alive, servers: [] })).world;
}

function lastReport(world: World, binary: string, host?: string): { seen: string; count: number } {
  const row = world
    .db('nova')
    .prepare('SELECT * FROM services WHERE "binary" = ?1 AND deleted = 0 AND (?2 IS NULL OR host = ?2)')
    .get(binary, host ?? null);
  return { seen: String(row?.['last_seen_up']), count: Number(row?.['report_count']) };
}

test('a live nova-compute reports when ten seconds have passed, and not before', async () => {
  const world = await makeWorld('cmp-1');
  world.advance(10);
  react(world);
  const first = lastReport(world, 'nova-compute', 'cmp-1');
  expect(first.seen).toBe(sqlTime(world.now()));
  world.advance(9);
  react(world);
  expect(lastReport(world, 'nova-compute', 'cmp-1')).toEqual(first);
  world.advance(1);
  react(world);
  expect(lastReport(world, 'nova-compute', 'cmp-1')).toEqual({
    seen: sqlTime(world.now()),
    count: first.count + 1,
  });
});

test('when nothing is due nothing is written', async () => {
  const world = await makeWorld('cmp-1', 'cmp-2');
  react(world);
  const writes = () =>
    [world.machines, world.db('nova'), world.db('neutron')].map(
      (database) => database.prepare('SELECT total_changes() AS count').get()?.['count'],
    );
  const before = writes();
  for (let round = 0; round < 10; round++) react(world);
  expect(writes()).toEqual(before);
});

test('conductor and scheduler report too', async () => {
  const world = await makeWorld('cmp-1');
  world.advance(3_600);
  react(world);
  for (const binary of ['nova-conductor', 'nova-scheduler'])
    expect(lastReport(world, binary).seen).toBe(sqlTime(world.now()));
});

test.each([
  ['frozen', freezeCompute],
  ['dead', killCompute],
  ['cut off', cutHost],
])(
  'a nova-compute that is %s counts as down at once, and its neighbour does not',
  async (_state, breakIt) => {
    const world = await makeWorld('cmp-1', 'cmp-2');
    react(world);
    expect([computeIsUp(world, 'cmp-1'), computeIsUp(world, 'cmp-2')]).toEqual([true, true]);
    breakIt(world, 'cmp-1');
    react(world);
    expect([computeIsUp(world, 'cmp-1'), computeIsUp(world, 'cmp-2')]).toEqual([false, true]);
    world.advance(3_600);
    react(world);
    expect([computeIsUp(world, 'cmp-1'), computeIsUp(world, 'cmp-2')]).toEqual([false, true]);
  },
);

test.each([
  ['thawed', freezeCompute, reviveCompute],
  ['started', killCompute, reviveCompute],
  ['reachable again', cutHost, restoreHost],
])('one that is %s reports again', async (_state, breakIt, mend) => {
  const world = await makeWorld('cmp-1');
  breakIt(world, 'cmp-1');
  react(world);
  mend(world, 'cmp-1');
  react(world);
  expect(computeIsUp(world, 'cmp-1')).toBe(true);
});

test('without a conductor no nova-compute gets its report into the database', async () => {
  const world = await makeWorld('cmp-1');
  react(world);
  killConductor(world);
  world.advance(61);
  react(world);
  expect(computeIsUp(world, 'cmp-1')).toBe(false);
  expect(lastReport(world, 'nova-scheduler').seen).toBe(sqlTime(world.now()));
  expect(Date.parse(`${lastReport(world, 'nova-conductor').seen}Z`)).toBeLessThan(
    world.now().getTime() - 600_000,
  );
  reviveConductor(world);
  react(world);
  expect(computeIsUp(world, 'cmp-1')).toBe(true);
});

test('a service that somebody has forced down is down, however lively', async () => {
  const world = await makeWorld('cmp-1');
  world.db('nova').exec('UPDATE services SET forced_down = 1');
  react(world);
  expect(computeIsUp(world, 'cmp-1')).toBe(false);
});

test('Nova knows nothing of a host that has no service, and a world nothing of one that it has not', async () => {
  const world = await makeWorld('cmp-1');
  expect(computeIsUp(world, 'cmp-9')).toBeNull();
  for (const change of [freezeCompute, killCompute, reviveCompute, cutHost, restoreHost])
    expect(() => change(world, 'cmp-9')).toThrow('the world has no host cmp-9');
});

test('in the middle of a transaction of a client nothing happens, and afterwards it is made up for', async () => {
  const world = await makeWorld('cmp-1');
  const { DatabaseSync } = await import('node:sqlite');
  const client = new DatabaseSync(`${world.folder}/nova.sqlite`);
  const before = lastReport(world, 'nova-compute', 'cmp-1');
  client.exec('BEGIN IMMEDIATE');
  world.advance(20);
  const began = Date.now();
  react(world);
  expect(Date.now() - began).toBeLessThan(1_000);
  expect(lastReport(world, 'nova-compute', 'cmp-1')).toEqual(before);
  client.exec('COMMIT');
  client.close();
  react(world);
  expect(lastReport(world, 'nova-compute', 'cmp-1').seen).toBe(sqlTime(world.now()));
});
