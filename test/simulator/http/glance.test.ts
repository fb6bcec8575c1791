import { describe, expect, it } from 'vitest';
import { setMeta, type World } from '../../../src/simulator/world.ts';
import { adminProject, insert, rowsOf, simulatedCloud } from '../../support/simulated-apis.ts';

const NOBODY = '00000000-0000-0000-0000-000000000000';
const STORE = '/var/lib/glance/images';

function image(number: number): string {
  return `00000000-0000-4000-8000-00000000000${number}`;
}

/** A snapshot with data, a property, a tag, a member and a file in the store. */
function plantSnapshot(world: World, number: number, changes: Record<string, string | number> = {}): string {
  const id = image(number);
  const created_at = `2026-11-01 09:00:0${number}`;
  const common = { image_id: id, created_at, deleted: 0 };
  insert(world, 'glance', 'images', {
    id,
    name: `snap-${number}`,
    status: 'active',
    created_at,
    updated_at: created_at,
    deleted: 0,
    min_disk: 1,
    min_ram: 0,
    size: 10,
    visibility: 'private',
    owner: adminProject(world),
    protected: 0,
    ...changes,
  });
  insert(world, 'glance', 'image_properties', { ...common, name: 'instance_uuid', value: NOBODY });
  insert(world, 'glance', 'image_properties', { ...common, name: 'image_type', value: 'snapshot' });
  insert(world, 'glance', 'image_tags', { ...common, value: 'nightly' });
  insert(world, 'glance', 'image_members', { ...common, member: 'f'.repeat(32), can_share: 0 });
  insert(world, 'glance', 'image_locations', {
    ...common,
    value: `file://${STORE}/${id}`,
    meta_data: '{"store": "fs"}',
  });
  world.machines
    .prepare("INSERT INTO files VALUES ('glance', ?, 'file', '640', 'glance', NULL)")
    .run(`${STORE}/${id}`);
  return id;
}

function files(world: World): unknown[] {
  return world.machines
    .prepare("SELECT path FROM files WHERE host = 'glance'")
    .all()
    .map((row) => row['path']);
}

const CHILDREN = ['image_locations', 'image_properties', 'image_members', 'image_tags'] as const;

describe('an image', () => {
  it('has the keys of the real one, what users set in front', async () => {
    const { api, world } = await simulatedCloud();
    const id = plantSnapshot(world, 1);
    const { body } = await api.get('image', `/v2/images/${id}`);
    expect(Object.entries(body as object)).toEqual([
      ['instance_uuid', NOBODY],
      ['image_type', 'snapshot'],
      ['name', 'snap-1'],
      ['disk_format', null],
      ['container_format', null],
      ['visibility', 'private'],
      ['size', 10],
      ['virtual_size', null],
      ['status', 'active'],
      ['checksum', null],
      ['protected', false],
      ['min_ram', 0],
      ['min_disk', 1],
      ['owner', adminProject(world)],
      ['os_hidden', false],
      ['os_hash_algo', null],
      ['os_hash_value', null],
      ['id', id],
      ['created_at', '2026-11-01T09:00:01Z'],
      ['updated_at', '2026-11-01T09:00:01Z'],
      ['tags', ['nightly']],
      ['self', `/v2/images/${id}`],
      ['file', `/v2/images/${id}/file`],
      ['schema', '/v2/schemas/image'],
      ['stores', 'fs'],
    ]);
  });

  it('that is not there is not found', async () => {
    const { ask } = await simulatedCloud();
    const { status, headers, body } = await ask('GET', `/image/v2/images/${NOBODY}`);
    expect(status).toBe(404);
    expect(headers['x-openstack-request-id']).toMatch(/^req-/);
    expect(body).toEqual({
      message: `No image found with ID ${NOBODY}<br /><br />\n\n\n`,
      code: '404 Not Found',
      title: 'Not Found',
    });
  });

  it('of another project is hidden from a reader unless it is public', async () => {
    const { ask, world, token } = await simulatedCloud();
    const headers = { 'X-Auth-Token': await token('reader', 'admin') };
    const own = plantSnapshot(world, 1);
    const other = plantSnapshot(world, 2, { owner: 'f'.repeat(32) });
    const open = plantSnapshot(world, 3, { owner: 'f'.repeat(32), visibility: 'public' });
    const statusOf = async (id: string) => (await ask('GET', `/image/v2/images/${id}`, { headers })).status;
    expect([await statusOf(own), await statusOf(other), await statusOf(open)]).toEqual([200, 404, 200]);
    const { body } = await ask('GET', '/image/v2/images?image_type=snapshot', { headers });
    expect((body as { images: { id: string }[] }).images.map(({ id }) => id)).toEqual([open, own]);
    expect((await ask('DELETE', `/image/v2/images/${own}`, { headers })).status).toBe(501);
  });
});

describe('a list of images', () => {
  it('is the newest first, and finds by property', async () => {
    const { ask, world } = await simulatedCloud();
    const [first, second] = [plantSnapshot(world, 1), plantSnapshot(world, 2)];
    const { body } = await ask('GET', `/image/v2/images?instance_uuid=${NOBODY}`);
    expect(body).toMatchObject({
      images: [{ id: second }, { id: first }],
      first: `/v2/images?instance_uuid=${NOBODY}`,
      schema: '/v2/schemas/images',
    });
    expect(body).not.toHaveProperty('next');
    const none = await ask('GET', '/image/v2/images?instance_uuid=other');
    expect(none.body).toMatchObject({ images: [] });
  });

  it.each([
    ['name=snap-1', 1],
    ['status=active&name=snap-2', 1],
    ['status=queued', 0],
    ['protected=true', 0],
    ['visibility=private', 2],
    ['visibility=all&image_type=snapshot', 2],
    ['os_hidden=true', 1],
  ])('takes %s as a filter', async (query, count) => {
    const { api, world } = await simulatedCloud();
    plantSnapshot(world, 1);
    plantSnapshot(world, 2);
    plantSnapshot(world, 3, { os_hidden: 1, name: 'hidden' });
    expect(await api.list('image', `/v2/images?${query}`, 'images')).toHaveLength(count);
  });

  it('comes in pages, which the client follows', async () => {
    const { api, ask, world } = await simulatedCloud();
    const ids = [3, 2, 1].map((number) => plantSnapshot(world, number));
    const path = `/v2/images?instance_uuid=${NOBODY}`;
    const { body } = await ask('GET', `/image${path}&limit=2`);
    expect(body).toMatchObject({
      first: `${path}&limit=2`,
      next: `${path}&limit=2&marker=${ids[1]}`,
    });
    setMeta(world, 'glance.page_size', '1');
    const listed = (await api.list('image', path, 'images')) as { id: string }[];
    expect(listed.map(({ id }) => id)).toEqual(ids);
    expect(((await ask('GET', `/image${path}&limit=9`)).body as { images: [] }).images).toHaveLength(1);
  });

  it('has 25 images when nobody says how many', async () => {
    const { ask, world } = await simulatedCloud();
    for (let i = 0; i < 30; i++)
      insert(world, 'glance', 'images', {
        id: `many-${i}`,
        status: 'active',
        created_at: '2026-11-01 09:00:00',
        deleted: 0,
        min_disk: 0,
        min_ram: 0,
      });
    const { body } = await ask('GET', '/image/v2/images');
    expect((body as { images: [] }).images).toHaveLength(25);
    expect(body).toHaveProperty('next');
  });

  it.each([
    ['limit=x', 400, 'limit param must be an integer'],
    ['limit=-1', 400, 'limit param must be positive'],
    [`marker=${NOBODY}`, 400, `No image found with ID ${NOBODY}`],
    ['visibility=nosuch', 400, 'Invalid visibility value: nosuch'],
    ['protected=1', 400, "Invalid value '1' for 'protected' filter."],
    ['sort=name:asc', 501, 'the query sort'],
    ['size_min=1', 501, 'the query size_min'],
    ['id=in:a,b', 501, 'the query id=in:'],
  ])('refuses %s', async (query, status, message) => {
    const { ask } = await simulatedCloud();
    const answer = await ask('GET', `/image/v2/images?${query}`);
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.body)).toContain(message);
  });
});

describe('an image that is deleted', () => {
  it('stays as rows that say so, its file goes, and another image is untouched', async () => {
    const { api, world } = await simulatedCloud();
    const [id, twin] = [plantSnapshot(world, 1), plantSnapshot(world, 2)];
    const twins = () => CHILDREN.map((table) => rowsOf(world, 'glance', table, { image_id: twin }));
    const before = twins();
    await api.send({
      door: 'http',
      service: 'image',
      method: 'DELETE',
      path: `/v2/images/${id}`,
      status: [204],
    });
    const now = '2026-11-01 10:00:00';
    const gone = { deleted: 1, deleted_at: now, updated_at: now };
    expect(rowsOf(world, 'glance', 'images', { id })).toMatchObject([
      { ...gone, status: 'deleted', name: 'snap-1', created_at: '2026-11-01 09:00:01' },
    ]);
    for (const table of CHILDREN)
      for (const row of rowsOf(world, 'glance', table, { image_id: id }))
        expect(row, table).toMatchObject(gone);
    expect(rowsOf(world, 'glance', 'image_properties', { image_id: id })).toHaveLength(2);
    expect(rowsOf(world, 'glance', 'image_locations', { image_id: id })).toMatchObject([
      { status: 'deleted' },
    ]);
    expect(twins()).toEqual(before);
    expect(files(world)).not.toContain(`${STORE}/${id}`);
    expect(files(world)).toContain(`${STORE}/${twin}`);
    expect((await api.get('image', `/v2/images/${id}`, { also: [404] })).status).toBe(404);
    expect(await api.list('image', `/v2/images?instance_uuid=${NOBODY}`, 'images')).toHaveLength(1);
  });

  it('may have lost its data before', async () => {
    const { ask, world } = await simulatedCloud();
    const id = plantSnapshot(world, 1);
    world.machines.prepare("DELETE FROM files WHERE host = 'glance'").run();
    expect((await ask('DELETE', `/image/v2/images/${id}`)).status).toBe(204);
  });
});

it.each([
  ['is protected', { protected: 1 }, '', 403, 'is protected and cannot be deleted.'],
  ['is in use by its store', {}, image(1), 409, 'could not be deleted because it is in use'],
])('an image that %s stays', async (_, changes, inUse, status, message) => {
  const { ask, world } = await simulatedCloud();
  const id = plantSnapshot(world, 1, changes);
  setMeta(world, 'glance.in_use', inUse);
  const answer = await ask('DELETE', `/image/v2/images/${id}`);
  expect(answer.status).toBe(status);
  expect((answer.body as { message: string }).message).toContain(message);
  expect(rowsOf(world, 'glance', 'images', { id })).toMatchObject([{ deleted: 0, status: 'active' }]);
  expect(files(world)).toContain(`${STORE}/${id}`);
});

it('an image that is not there cannot be deleted', async () => {
  const { ask } = await simulatedCloud();
  const { status, body } = await ask('DELETE', `/image/v2/images/${NOBODY}`);
  expect(status).toBe(404);
  expect((body as { message: string }).message).toContain(`Failed to find image ${NOBODY} to delete`);
});

it.each([
  ['POST', '/v2/images'],
  ['PATCH', `/v2/images/${NOBODY}`],
  ['GET', '/v2/stores'],
  ['GET', `/v2/images/${NOBODY}?x=1`],
])('was not taught %s %s', async (method, path) => {
  const { ask } = await simulatedCloud();
  const { status, body } = await ask(method, `/image${path}`);
  expect(status).toBe(501);
  expect(JSON.stringify(body)).toContain(`The simulator was not taught ${method} ${path.split('?')[0]}`);
});
