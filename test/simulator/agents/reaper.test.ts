/** nova-compute's search for domains of deleted servers. */
import { expect, test } from 'vitest';
import { requestDelete } from '../../../src/simulator/agents/nova-api.ts';
import { react } from '../../../src/simulator/agents/react.ts';
import { freezeCompute, killCompute, reviveCompute } from '../../../src/simulator/agents/states.ts';
import type { World } from '../../../src/simulator/world.ts';
import { simulateCloud } from '../../support/simulated-cloud.ts';

async function makeWorld(): Promise<{ world: World; uuid: string; other: string }> {
  const { world, servers } = await simulateCloud({
    hosts: { 'cmp-1': 'alive' },
    servers: ['mine', 'other'].map((name) => ({ name, state: 'healthy', host: 'cmp-1' })),
  });
  react(world);
  return { world, uuid: servers[0]?.uuid ?? '', other: servers[1]?.uuid ?? '' };
}

/** What somebody does by hand who knows what Nova takes for deleted. */
function markDeleted(world: World, uuid: string, mark = 'id'): void {
  world
    .db('nova')
    .prepare(`UPDATE instances SET vm_state = 'deleted', deleted = ${mark} WHERE uuid = ?`)
    .run(uuid);
}

/** How many domains, devices, records in the switch and files of the server there are. */
function onHost(world: World, uuid: string): readonly number[] {
  const count = (sql: string, ...values: readonly string[]) =>
    world.machines.prepare(sql).all(...values).length;
  const ports = world
    .db('nova')
    .prepare('SELECT address FROM virtual_interfaces WHERE instance_uuid = ?')
    .all(uuid)
    .map((row) => String(row['address']).split('/')[1]?.slice(0, 11) ?? '');
  return [
    count('SELECT 1 FROM domains WHERE uuid = ?', uuid),
    ports.reduce((sum, port) => sum + count('SELECT 1 FROM links WHERE name LIKE ?', `___${port}`), 0),
    ports.reduce((sum, port) => sum + count('SELECT 1 FROM switch_ports WHERE name LIKE ?', `___${port}`), 0),
    count('SELECT 1 FROM files WHERE path LIKE ?', `%/${uuid}%`),
  ];
}

test('after half an hour a domain whose row is deleted goes, with interfaces and files; a neighbour stays', async () => {
  const { world, uuid, other } = await makeWorld();
  markDeleted(world, uuid);
  const before = onHost(world, uuid);
  const neighbour = onHost(world, other);
  expect(before.every((count) => count > 0)).toBe(true);
  world.advance(1_799);
  react(world);
  expect(onHost(world, uuid)).toEqual(before);
  world.advance(1);
  react(world);
  expect(onHost(world, uuid)).toEqual([0, 0, 0, 0]);
  expect(onHost(world, other)).toEqual(neighbour);
  const ports = world.db('neutron').prepare('SELECT 1 FROM ports WHERE device_id = ?').all(uuid);
  expect(ports).toEqual([]);
});

test('it notes in the row that the files are gone, and leaves the rest of it alone', async () => {
  const { world, uuid } = await makeWorld();
  markDeleted(world, uuid);
  world.advance(1_800);
  react(world);
  const nova = world.db('nova');
  expect(nova.prepare('SELECT * FROM instances WHERE uuid = ?').get(uuid)).toMatchObject({
    cleaned: 1,
    deleted_at: null,
    terminated_at: null,
  });
  const mappings = nova.prepare('SELECT deleted FROM block_device_mapping WHERE instance_uuid = ?').all(uuid);
  expect(mappings.map((row) => row['deleted'])).toEqual([0]);
  const allocations = world
    .db('placement')
    .prepare('SELECT 1 FROM allocations WHERE consumer_id = ?')
    .all(uuid);
  expect(allocations.length).toBeGreaterThan(0);
});

test('a row that is marked with anything but its own id is not deleted to Nova', async () => {
  const { world, uuid } = await makeWorld();
  world.db('nova').exec('UPDATE instances SET id = id + 100');
  markDeleted(world, uuid, '1');
  const before = onHost(world, uuid);
  world.advance(3_600);
  react(world);
  expect(onHost(world, uuid)).toEqual(before);
});

test('a server whose row lives, in whatever state, keeps its domain', async () => {
  const { world, uuid } = await makeWorld();
  world.db('nova').exec("UPDATE instances SET vm_state = 'error', task_state = 'deleting'");
  const before = onHost(world, uuid);
  world.advance(3_600);
  react(world);
  expect(onHost(world, uuid)).toEqual(before);
});

test.each([
  ['frozen', freezeCompute],
  ['dead', killCompute],
])('a %s nova-compute reaps nothing; one that is back does', async (state, breakIt) => {
  const { world, uuid } = await makeWorld();
  breakIt(world, 'cmp-1');
  markDeleted(world, uuid);
  const before = onHost(world, uuid);
  world.advance(state === 'dead' ? 60 : 3_600);
  react(world);
  expect(onHost(world, uuid)).toEqual(before);
  reviveCompute(world, 'cmp-1');
  react(world);
  expect(onHost(world, uuid)).toEqual([0, 0, 0, 0]);
});

test('a domain on another host than the row says goes as well', async () => {
  const { world, uuid } = await makeWorld();
  world.db('nova').prepare("UPDATE instances SET host = 'elsewhere' WHERE uuid = ?").run(uuid);
  markDeleted(world, uuid);
  world.advance(1_800);
  react(world);
  expect(onHost(world, uuid)).toEqual([0, 0, 0, 0]);
});

test('after a delete by the API alone nobody knows the interfaces any more, and they stay', async () => {
  const { world, uuid } = await makeWorld();
  killCompute(world, 'cmp-1');
  requestDelete(world, uuid);
  react(world);
  const [, , records] = onHost(world, uuid);
  // What was deleted in this very second is not old enough.
  world.advance(1);
  reviveCompute(world, 'cmp-1');
  react(world);
  const [domains, links, left, files] = onHost(world, uuid);
  expect([domains, files]).toEqual([0, 0]);
  expect(links).toBeGreaterThan(0);
  expect(left).toBe(records);
});
