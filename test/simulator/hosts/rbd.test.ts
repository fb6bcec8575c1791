/** `rbd` on a simulated host: what it says of images and snapshots, and what it does not let go. Compared with Ceph 16.2.15. */
import { expect, test } from 'vitest';
import { addImage } from '../../../src/simulator/storage/rbd.ts';
import type { World } from '../../../src/simulator/world.ts';
import { hostsWorld, insert, outOf, runOn } from '../../support/hosts-world.ts';

const U = '11111111-2222-4333-8444-555555555555';
const RBD = 'rbd --id nova --conf /etc/ceph/ceph.conf -p vms';
const createdAt = '2026-11-28 07:34:09';

/** A root disk with a protected snapshot that a volume was cloned from, and one of a resize. */
async function cluster(): Promise<World> {
  const world = await hostsWorld('compute1');
  const bytes = 2 ** 30;
  addImage(world, { pool: 'vms', name: `${U}_disk`, id: '10342b866ac0', bytes, parent: null, createdAt });
  addImage(world, {
    pool: 'vms',
    name: `${U}_disk.config`,
    id: '103652eeda52',
    bytes: 2 ** 26,
    parent: null,
    createdAt,
  });
  const parent = { pool: 'vms', image: `${U}_disk`, id: '10342b866ac0', snapshot: 'clone' };
  addImage(world, { pool: 'volumes', name: 'volume-x', id: '104052d30cfe', bytes, parent, createdAt });
  for (const [name, kept] of [
    ['nova-resize', 0],
    ['clone', 1],
  ] as const)
    insert(world, 'rbd_snapshots', {
      pool: 'vms',
      image: `${U}_disk`,
      name,
      bytes: bytes / 2,
      protected: kept,
      created_at: createdAt,
    });
  return world;
}

async function json(world: World, words: string): Promise<unknown> {
  return JSON.parse(await outOf(world, `${RBD} ${words} --format json`));
}

test('what there is', async () => {
  const world = await cluster();
  expect(await json(world, 'ls')).toEqual([`${U}_disk`, `${U}_disk.config`]);
  expect(await outOf(world, `${RBD} ls`)).toBe(`${U}_disk\n${U}_disk.config\n`);
  expect(await json(world, `info ${U}_disk`)).toMatchObject({
    id: '10342b866ac0',
    size: 1073741824,
    objects: 256,
    snapshot_count: 2,
    block_name_prefix: 'rbd_data.10342b866ac0',
    create_timestamp: 'Sat Nov 28 07:34:09 2026',
  });
  expect(await json(world, `snap ls ${U}_disk`)).toEqual([
    {
      id: 1,
      name: 'nova-resize',
      size: 536870912,
      protected: 'false',
      timestamp: 'Sat Nov 28 07:34:09 2026',
    },
    { id: 2, name: 'clone', size: 536870912, protected: 'true', timestamp: 'Sat Nov 28 07:34:09 2026' },
  ]);
  expect(await json(world, `children ${U}_disk@clone`)).toEqual([
    { pool: 'volumes', pool_namespace: '', image: 'volume-x' },
  ]);
  expect(await json(world, `children ${U}_disk@nova-resize`)).toEqual([]);
  expect(await outOf(world, `${RBD} status ${U}_disk`)).toBe('Watchers: none\n');
});

test('a domain that runs on it is its watcher, and keeps it', async () => {
  const world = await cluster();
  insert(world, 'domains', {
    host: 'compute1',
    uuid: U,
    name: 'instance-00000001',
    state: 'running',
    running_id: 4,
    persistent: 1,
    xml: `<domain><disk type='network'><source protocol='rbd' name='vms/${U}_disk.config' index='1'></disk></domain>`,
  });
  expect(await outOf(world, `${RBD} status ${U}_disk.config`)).toMatch(
    /^Watchers:\n\twatcher=10\.0\.4\.11:0\/\d+ client\.\d+ cookie=\d+\n$/,
  );
  expect(await runOn(world, `${RBD} rm ${U}_disk.config --no-progress`)).toMatchObject({
    exit: 16,
    err: expect.stringContaining('rbd: error: image still has watchers'),
  });
  world.machines.exec('UPDATE domains SET running_id = NULL');
  expect(await runOn(world, `${RBD} rm ${U}_disk.config --no-progress`)).toEqual({
    exit: 0,
    out: '',
    err: '',
  });
});

test('snapshots are in the way of their image, a clone of its snapshot, protection of a removal', async () => {
  const world = await cluster();
  const say = async (words: string) => (await runOn(world, `${RBD} ${words}`)).exit;
  expect(await say(`rm ${U}_disk --no-progress`)).toBe(39);
  expect(await say(`snap rm ${U}_disk@clone --no-progress`)).toBe(16);
  expect(await runOn(world, `${RBD} snap unprotect ${U}_disk@clone`)).toMatchObject({
    exit: 16,
    err: expect.stringContaining("cannot unprotect: at least 1 child(ren) [104052d30cfe] in pool 'volumes'"),
  });
  expect((await runOn(world, 'rbd -p volumes rm volume-x --no-progress')).exit).toBe(0);
  expect(await say(`snap unprotect ${U}_disk@clone`)).toBe(0);
  expect(await say(`snap unprotect ${U}_disk@clone`)).toBe(22);
  expect(await say(`snap rm ${U}_disk@clone --no-progress`)).toBe(0);
  expect(await say(`snap rm ${U}_disk@clone --no-progress`)).toBe(2);
  expect(await say(`snap rm ${U}_disk@nova-resize --no-progress`)).toBe(0);
  expect(await say(`rm ${U}_disk --no-progress`)).toBe(0);
});

test('what is not there is told apart from what cannot be asked', async () => {
  const world = await cluster();
  for (const words of ['info no', 'status no', 'snap ls no'])
    expect(await runOn(world, `${RBD} ${words} --format json`)).toEqual({
      exit: 2,
      out: '',
      err: 'rbd: error opening image no: (2) No such file or directory\n',
    });
  expect(await runOn(world, 'rbd -p nopool ls --format json')).toMatchObject({
    exit: 2,
    err: "rbd: error opening pool 'nopool': (2) No such file or directory\n",
  });
  expect(await runOn(world, `${RBD} rm no --no-progress`)).toMatchObject({ exit: 2 });
  for (const words of ['snap purge x', 'rm a b', 'flatten x', `info ${U}_disk`, 'ls --long --format json'])
    await expect(runOn(world, `${RBD} ${words}`), words).rejects.toMatchObject({
      code: 'simulator-untaught',
    });
});
