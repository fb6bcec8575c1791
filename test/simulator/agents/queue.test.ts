/** Requests that wait for a nova-compute, and what becomes of them. */
import { expect, test } from 'vitest';
import { requestDelete } from '../../../src/simulator/agents/nova-api.ts';
import { react } from '../../../src/simulator/agents/react.ts';
import { freezeCompute, killCompute, reviveCompute } from '../../../src/simulator/agents/states.ts';
import type { Planted } from '../../../src/simulator/plant.ts';
import type { World } from '../../../src/simulator/world.ts';
import { simulateCloud } from '../../support/simulated-cloud.ts';
import { compareViews, type View, viewExactly } from './view.ts';

async function makeWorld(): Promise<{ world: World; uuid: string; other: Planted }> {
  const { world, servers } = await simulateCloud({
    hosts: { 'cmp-1': 'alive' },
    servers: ['mine', 'other'].map((name) => ({ name, state: 'healthy', host: 'cmp-1' })),
  });
  const [mine, other] = servers;
  if (mine === undefined || other === undefined) throw new Error('no servers came');
  react(world);
  return { world, uuid: mine.uuid, other };
}

function readInstance(world: World, uuid: string): Record<string, unknown> {
  return world.db('nova').prepare('SELECT * FROM instances WHERE uuid = ?').get(uuid) ?? {};
}

function waiting(world: World): readonly unknown[] {
  return world.machines
    .prepare('SELECT method, server FROM waiting ORDER BY id')
    .all()
    .map((row) => ({ ...row }));
}

function ask(world: World, method: string, server: string): void {
  world.machines
    .prepare("INSERT INTO waiting (host, method, server) VALUES ('cmp-1', ?, ?)")
    .run(method, server);
}

/** Reports go on, and say nothing here. */
function quiet(view: View): View {
  return new Map([...view].filter(([table]) => !/\.services$|^machines\.(meta|hosts|waiting)$/.test(table)));
}

test('a live nova-compute takes a delete when somebody next looks', async () => {
  const { world, uuid } = await makeWorld();
  requestDelete(world, uuid);
  expect(readInstance(world, uuid)).toMatchObject({ deleted: 0, task_state: 'deleting', vm_state: 'active' });
  expect(waiting(world)).toEqual([{ method: 'terminate_instance', server: uuid }]);
  react(world);
  const row = readInstance(world, uuid);
  expect(row).toMatchObject({ deleted: row['id'], task_state: null, vm_state: 'deleted', cleaned: 1 });
  expect(waiting(world)).toEqual([]);
});

test('a neighbour on the same host stays to the byte', async () => {
  const { world, uuid, other } = await makeWorld();
  const own = (view: View) =>
    [...view.values()].flat().filter((line) => line.includes(other.uuid) || line.includes('"other"'));
  const before = own(viewExactly(world));
  expect(before.length).toBeGreaterThan(20);
  requestDelete(world, uuid);
  react(world);
  expect(own(viewExactly(world))).toEqual(before);
});

test('a frozen one leaves it waiting, and takes it when it goes on', async () => {
  const { world, uuid } = await makeWorld();
  requestDelete(world, uuid);
  freezeCompute(world, 'cmp-1');
  world.advance(86_400);
  react(world);
  expect(readInstance(world, uuid)).toMatchObject({ deleted: 0, task_state: 'deleting' });
  expect(waiting(world)).toHaveLength(1);
  reviveCompute(world, 'cmp-1');
  react(world);
  expect(readInstance(world, uuid)).toMatchObject({ vm_state: 'deleted' });
  expect(waiting(world)).toEqual([]);
});

test('a second delete of a server that is being deleted is answered, and dropped', async () => {
  const { world, uuid } = await makeWorld();
  requestDelete(world, uuid);
  const before = viewExactly(world);
  requestDelete(world, uuid);
  expect(compareViews(before, viewExactly(world))).toEqual([]);
});

test('a delete that comes when the server is deleted already writes one row that holds nothing', async () => {
  const { world, uuid } = await makeWorld();
  requestDelete(world, uuid);
  react(world);
  const before = quiet(viewExactly(world));
  ask(world, 'terminate_instance', uuid);
  react(world);
  const changes = compareViews(before, quiet(viewExactly(world)));
  const extra = changes.filter((line) => line.includes('nova.instance_extra'));
  expect(extra).toHaveLength(1);
  const row = JSON.parse((extra[0] ?? '').replace(/^\+ nova\.instance_extra: /, '')) as object;
  const held = Object.entries(row).filter(([, value]) => value !== null);
  expect(held.map(([column]) => column).sort()).toEqual([
    'created_at',
    'deleted',
    'id',
    'instance_uuid',
    'updated_at',
  ]);
  expect(row).toMatchObject({ deleted: 0, instance_uuid: uuid });
  // Beyond that only the record of the request, which has one more step.
  expect(changes.filter((line) => !/nova\.instance_(extra|actions(_events)?):/.test(line))).toEqual([]);
});

test('late, on a server that the API deleted alone, it cleans the host with what it still knows of the server', async () => {
  const { world, uuid } = await makeWorld();
  requestDelete(world, uuid);
  killCompute(world, 'cmp-1');
  requestDelete(world, uuid);
  expect(readInstance(world, uuid)).toMatchObject({ vm_state: 'deleted', cleaned: 0 });
  const domains = () => world.machines.prepare('SELECT 1 FROM domains WHERE uuid = ?').all(uuid).length;
  const files = () => world.machines.prepare('SELECT 1 FROM files WHERE path LIKE ?').all(`%${uuid}%`).length;
  const links = () =>
    world.machines.prepare("SELECT 1 FROM links WHERE name GLOB '???????????-??'").all().length;
  // Four devices for each of two ports, and as many of the neighbour.
  expect([domains(), files() > 0, links()]).toEqual([1, true, 16]);
  world.machines.exec("UPDATE hosts SET compute = 'alive'");
  react(world);
  expect([domains(), files(), links()]).toEqual([0, 0, 8]);
  // A request may not write to a deleted server: the row never learns of it.
  expect(readInstance(world, uuid)).toMatchObject({ cleaned: 0 });
});

test('a nova-compute that starts ends the delete that it had in hand', async () => {
  const { world, uuid } = await makeWorld();
  killCompute(world, 'cmp-1');
  world.db('nova').prepare("UPDATE instances SET task_state = 'deleting' WHERE uuid = ?").run(uuid);
  react(world);
  expect(readInstance(world, uuid)).toMatchObject({ deleted: 0 });
  reviveCompute(world, 'cmp-1');
  expect(readInstance(world, uuid)).toMatchObject({ vm_state: 'deleted', cleaned: 1 });
});

test('shelving was not taught: the server is in error, and its fault says so', async () => {
  const { world, uuid } = await makeWorld();
  ask(world, 'shelve_instance', uuid);
  react(world);
  expect(readInstance(world, uuid)).toMatchObject({ vm_state: 'error', task_state: null, deleted: 0 });
  const fault = world.db('nova').prepare('SELECT * FROM instance_faults WHERE instance_uuid = ?').get(uuid);
  expect(fault).toMatchObject({
    code: 500,
    message: 'the simulated nova-compute was not taught shelve_instance',
    host: 'cmp-1',
  });
  expect(waiting(world)).toEqual([]);
});

test('a request that nobody taught is refused by name, and stays', async () => {
  const { world, uuid } = await makeWorld();
  ask(world, 'live_migration', uuid);
  expect(() => react(world)).toThrow('the simulated nova-compute was not taught live_migration');
  expect(waiting(world)).toHaveLength(1);
});

test('a domain with snapshots cannot be undefined: the network is released, and the server ends in error', async () => {
  const { world, uuid } = await makeWorld();
  world.machines.prepare('UPDATE domains SET snapshots = 1 WHERE uuid = ?').run(uuid);
  requestDelete(world, uuid);
  react(world);
  expect(readInstance(world, uuid)).toMatchObject({ vm_state: 'error', task_state: null, deleted: 0 });
  const ports = world.db('neutron').prepare('SELECT 1 FROM ports WHERE device_id = ?').all(uuid);
  const domain = world.machines.prepare('SELECT state FROM domains WHERE uuid = ?').get(uuid);
  const fault = world.db('nova').prepare('SELECT * FROM instance_faults WHERE instance_uuid = ?').get(uuid);
  expect(ports).toEqual([]);
  expect(domain).toMatchObject({ state: 'shut off' });
  expect(fault?.['message']).toContain('1 snapshots');
});

test('with `<uuid>` and `<uuid>_resize` side by side one of them stays, as `<uuid>_resize`, and one as `<uuid>_del`', async () => {
  const { world, uuid } = await makeWorld();
  world.machines
    .prepare(
      "INSERT INTO files SELECT host, path || '_resize', kind, mode, owner, target FROM files WHERE path LIKE ?",
    )
    .run(`%/${uuid}`);
  requestDelete(world, uuid);
  react(world);
  const left = world.machines.prepare('SELECT path FROM files WHERE path LIKE ?').all(`%/instances/${uuid}%`);
  const folders = new Set(left.map((row) => String(row['path']).split('/')[5]));
  expect([...folders].sort()).toEqual([`${uuid}_del`, `${uuid}_resize`]);
  expect(readInstance(world, uuid)).toMatchObject({ vm_state: 'deleted', cleaned: 0 });
});

test.each([
  [
    'volume vol-1 by fibre_channel',
    (world: World, uuid: string) =>
      world
        .db('nova')
        .prepare(
          `UPDATE block_device_mapping SET destination_type = 'volume', volume_id = 'vol-1',
           connection_info = '{"driver_volume_type": "fibre_channel", "data": {}}' WHERE instance_uuid = ?`,
        )
        .run(uuid),
  ],
  [
    'PCI device 0000:01:00.1',
    (world: World, uuid: string) =>
      world
        .db('nova')
        .prepare(
          `INSERT INTO pci_devices (deleted, compute_node_id, address, product_id, vendor_id, dev_type, label, status, instance_uuid)
           SELECT 0, id, '0000:01:00.1', '1', '8086', 'type-PCI', 'x', 'allocated', ? FROM compute_nodes LIMIT 1`,
        )
        .run(uuid),
  ],
])('%s was not taught: the delete fails before it touches anything', async (what, add) => {
  const { world, uuid } = await makeWorld();
  add(world, uuid);
  const domains = world.machines.prepare('SELECT * FROM domains').all();
  ask(world, 'terminate_instance', uuid);
  react(world);
  const fault = world.db('nova').prepare('SELECT * FROM instance_faults WHERE instance_uuid = ?').get(uuid);
  expect(fault?.['message']).toContain(what);
  expect(world.machines.prepare('SELECT * FROM domains').all()).toEqual(domains);
});
