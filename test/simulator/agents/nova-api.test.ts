/** nova-api's delete: what it does alone, what it hands on, what it does not know. */
import { expect, test } from 'vitest';
import { requestDelete } from '../../../src/simulator/agents/nova-api.ts';
import { react } from '../../../src/simulator/agents/react.ts';
import { killCompute } from '../../../src/simulator/agents/states.ts';
import type { State } from '../../../src/simulator/recordings.ts';
import type { World } from '../../../src/simulator/world.ts';
import { simulateCloud } from '../../support/simulated-cloud.ts';
import { compareViews, viewExactly } from './view.ts';

async function makeWorld(state: State): Promise<{ world: World; uuid: string; bystander: string }> {
  const { world, servers } = await simulateCloud({
    hosts: { 'cmp-1': 'alive' },
    servers: ['mine', 'other'].map((name) => ({ name, state, host: 'cmp-1' })),
  });
  react(world);
  return { world, uuid: servers[0]?.uuid ?? '', bystander: servers[1]?.uuid ?? '' };
}

function count(
  world: World,
  database: 'nova_api' | 'placement' | 'neutron',
  sql: string,
  uuid: string,
): number {
  return world.db(database).prepare(sql).all(uuid).length;
}

const queued = (world: World, uuid: string) =>
  count(
    world,
    'nova_api',
    'SELECT 1 FROM instance_mappings WHERE instance_uuid = ? AND queued_for_delete = 1',
    uuid,
  );

test('with the host down it deletes what it can reach; no delete waits there, only what Neutron told', async () => {
  const { world, uuid, bystander } = await makeWorld('healthy');
  killCompute(world, 'cmp-1');
  const machines = (table: string) => world.machines.prepare(`SELECT * FROM ${table}`).all();
  const before = ['domains', 'links', 'files'].map(machines);
  requestDelete(world, uuid);
  const row = world.db('nova').prepare('SELECT * FROM instances WHERE uuid = ?').get(uuid);
  expect(row).toMatchObject({ deleted: row?.['id'], vm_state: 'deleted', task_state: null, cleaned: 0 });
  // Nobody looked at the host, so nobody knows that it does not run.
  expect(row?.['power_state']).toBe(1);
  expect(count(world, 'placement', 'SELECT 1 FROM allocations WHERE consumer_id = ?', uuid)).toBe(0);
  expect(count(world, 'neutron', 'SELECT 1 FROM ports WHERE device_id = ?', uuid)).toBe(0);
  expect([queued(world, uuid), queued(world, bystander)]).toEqual([1, 0]);
  expect(['domains', 'links', 'files'].map(machines)).toEqual(before);
  expect(machines('waiting')).toMatchObject([{ method: 'external_instance_event', server: uuid }]);
});

test('a server that never was on a host is deleted where it is, in cell0', async () => {
  const { world, uuid, bystander } = await makeWorld('error-never-scheduled');
  requestDelete(world, uuid);
  const row = (server: string) =>
    world.db('nova_cell0').prepare('SELECT * FROM instances WHERE uuid = ?').get(server);
  expect(row(uuid)).toMatchObject({ deleted: row(uuid)?.['id'], vm_state: 'deleted' });
  expect(row(bystander)).toMatchObject({ deleted: 0, vm_state: 'error' });
  expect(queued(world, uuid)).toBe(1);
});

test('of a server that was only asked for the request goes', async () => {
  const { world, uuid, bystander } = await makeWorld('build-request-only');
  requestDelete(world, uuid);
  const requests = (server: string) =>
    count(world, 'nova_api', 'SELECT 1 FROM build_requests WHERE instance_uuid = ?', server);
  expect([requests(uuid), requests(bystander), queued(world, uuid)]).toEqual([0, 1, 1]);
});

test("a shelved server's image goes with it, and the user's own snapshot stays", async () => {
  const { world, uuid } = await makeWorld('shelved-offloaded');
  const images = () =>
    world
      .db('glance')
      .prepare(
        "SELECT i.name FROM images i JOIN image_properties p ON p.image_id = i.id WHERE p.name = 'instance_uuid' AND p.value = ? AND i.deleted = 0 ORDER BY i.name",
      )
      .all(uuid)
      .map((row) => row['name']);
  expect(images()).toEqual(['mine-mine', 'mine-shelved']);
  requestDelete(world, uuid);
  expect(images()).toEqual(['mine-mine']);
  expect(world.db('nova').prepare('SELECT * FROM instances WHERE uuid = ?').get(uuid)).toMatchObject({
    vm_state: 'deleted',
  });
});

test('with disable_terminate it says yes and does nothing', async () => {
  const { world, uuid } = await makeWorld('healthy');
  world.db('nova').prepare('UPDATE instances SET disable_terminate = 1 WHERE uuid = ?').run(uuid);
  const before = viewExactly(world);
  requestDelete(world, uuid);
  expect(compareViews(before, viewExactly(world))).toEqual([]);
});

test('it does not know a server that is not there, nor one that is deleted', async () => {
  const { world, uuid } = await makeWorld('healthy');
  const nobody = '11111111-2222-4333-8444-555555555555';
  expect(() => requestDelete(world, nobody)).toThrow(`Instance ${nobody} could not be found.`);
  requestDelete(world, uuid);
  react(world);
  const before = viewExactly(world);
  expect(() => requestDelete(world, uuid)).toThrow(`Instance ${uuid} could not be found.`);
  expect(compareViews(before, viewExactly(world))).toEqual([]);
});

test('what it was not taught it refuses by name, and changes nothing', async () => {
  const { world, uuid } = await makeWorld('resize-both-dirs');
  world.db('nova').prepare("UPDATE instances SET vm_state = 'resized' WHERE uuid = ?").run(uuid);
  const before = viewExactly(world);
  expect(() => requestDelete(world, uuid)).toThrow(
    `the simulated nova-api was not taught to confirm the resize of ${uuid}`,
  );
  expect(compareViews(before, viewExactly(world))).toEqual([]);
});
