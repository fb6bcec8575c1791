/** Whole purges of servers with volumes, on the simulated cloud: what Cinder has afterwards, and what was asked and said. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Twist } from '../../src/simulator/build.ts';
import { killBackend } from '../../src/simulator/cinder/services.ts';
import { attachVolumes, shareVolume, snapshotVolume } from '../../src/simulator/demo/volume-twists.ts';
import type { Wires } from '../../src/site/wires.ts';
import { type SimulatedCloud, simulateCloud } from '../support/simulated-cloud.ts';

const STRANGER = '0badcafe-0000-4000-8000-00000000beef';

async function cloudWith(...twists: readonly Twist[]) {
  const cloud = await simulateCloud({
    hosts: { 'cmp-1': 'dead' },
    servers: [
      { name: 'victim', state: 'deleting-forever', host: 'cmp-1', twists: [attachVolumes, ...twists] },
      { name: 'neighbour', state: 'deleting-forever', host: 'cmp-1', twists: [attachVolumes] },
    ],
  });
  const [victim, neighbour] = cloud.servers;
  if (victim === undefined || neighbour === undefined) throw new Error('no servers');
  const id = (disk: number) => `${victim.uuid.slice(0, 24)}0000000000${disk}a`;
  return { cloud, victim, neighbour, data: id(0), scratch: id(1) };
}

/** Without a service account, as where nova.conf is that of an older cloud. */
function forgetServiceUser({ site }: SimulatedCloud): void {
  const conf = join(dirname(site), 'nova.conf');
  writeFileSync(conf, readFileSync(conf, 'utf8').replace(/\[service_user\][\s\S]*$/, ''));
}

const volume = ({ world }: SimulatedCloud, id: string) =>
  world.db('cinder').prepare('SELECT status, attach_status, deleted FROM volumes WHERE id = ?').get(id);
const FREE = { status: 'available', attach_status: 'detached', deleted: 0 };
const GONE = { status: 'deleted', attach_status: 'detached', deleted: 1 };
const IN_USE = { status: 'in-use', attach_status: 'attached', deleted: 0 };
const flagOf = ({ world }: SimulatedCloud, id: string) =>
  world
    .db('nova')
    .prepare(
      'SELECT delete_on_termination AS flag, deleted <> 0 AS gone FROM block_device_mapping WHERE volume_id = ?',
    )
    .get(id);

async function purge(cloud: SimulatedCloud, server: string, ...options: readonly string[]) {
  const ended = await cloud.expunge(['purge', server, '--yes', ...options]);
  return { ...ended, both: ended.out + ended.err };
}

describe('as Nova', () => {
  test('one is kept, one deleted, and said; the neighbour’s stay; verify agrees', async () => {
    const { cloud, victim, neighbour, data, scratch } = await cloudWith();
    const ended = await purge(cloud, victim.uuid, '--volumes', 'as-nova');
    expect(ended, ended.both).toMatchObject({ exit: 0 });
    expect(volume(cloud, data)).toEqual(FREE);
    expect(volume(cloud, scratch)).toEqual(GONE);
    for (const disk of [0, 1])
      expect(volume(cloud, `${neighbour.uuid.slice(0, 24)}0000000000${disk}a`)).toEqual(IN_USE);
    expect(ended.out).toMatch(/Lost for good\n +volume \S+ "victim-scratch" 20 GiB/);
    expect(ended.out).toMatch(/Deleted for good\n +volume \S+ "victim-scratch" 20 GiB/);
    expect((await cloud.expunge(['verify', victim.uuid, '--volumes', 'as-nova'])).exit).toBe(0);
    // Nothing is left, so nothing is left to be decided.
    expect((await cloud.expunge(['verify', victim.uuid])).exit).toBe(0);
  });

  test('without a service token: after Nova’s rows, and no 409', async () => {
    const { cloud, victim, data, scratch } = await cloudWith();
    forgetServiceUser(cloud);
    const plan = await cloud.plan(victim.uuid, '--volumes', 'as-nova');
    const late = plan.steps.filter(({ kind }) => kind === 'volumes');
    expect(new Set(late.map(({ phase }) => phase))).toEqual(new Set(['volumes-late']));
    const ended = await purge(cloud, victim.uuid, '--volumes', 'as-nova');
    expect(ended, ended.both).toMatchObject({ exit: 0 });
    expect([volume(cloud, data), volume(cloud, scratch)]).toEqual([FREE, GONE]);
  });

  test('a volume that Cinder would not delete is kept, and nobody takes it for a leftover later', async () => {
    const { cloud, victim, scratch } = await cloudWith(snapshotVolume);
    const ended = await purge(cloud, victim.uuid, '--volumes', 'as-nova');
    expect(ended, ended.both).toMatchObject({ exit: 0 });
    expect(ended.out).toContain('1 snapshot');
    expect(volume(cloud, scratch)).toEqual(FREE);
    expect(flagOf(cloud, scratch)).toEqual({ flag: 0, gone: 1 });
    expect((await cloud.expunge(['verify', victim.uuid, '--volumes', 'delete'])).exit).toBe(0);
  });
});

test('all kept: Nova’s row of the one that it would delete says so no more', async () => {
  const { cloud, victim, data, scratch } = await cloudWith();
  const ended = await purge(cloud, victim.uuid, '--volumes', 'keep');
  expect(ended, ended.both).toMatchObject({ exit: 0 });
  expect([volume(cloud, data), volume(cloud, scratch)]).toEqual([FREE, FREE]);
  expect(flagOf(cloud, scratch)).toEqual({ flag: 0, gone: 1 });
  expect(ended.out).not.toContain('for good');
});

test('held by another too: only this server’s attachment goes', async () => {
  const { cloud, victim, data } = await cloudWith(shareVolume(STRANGER));
  const ended = await purge(cloud, victim.uuid, '--volumes', 'keep');
  expect(ended, ended.both).toMatchObject({ exit: 0 });
  expect(volume(cloud, data)).toEqual(IN_USE);
});

describe('cinder-volume is down', () => {
  const down: Twist = (world) => killBackend(world, 'controller@fake');

  test('refused; with --detach reset it is free in Cinder', async () => {
    const { cloud, victim, data } = await cloudWith(down);
    const refused = await purge(cloud, victim.uuid, '--volumes', 'keep');
    expect(refused.exit).toBe(3);
    expect(refused.err).toContain('--detach reset lifts this');
    const ended = await purge(cloud, victim.uuid, '--volumes', 'keep', '--detach', 'reset');
    expect(ended, ended.both).toMatchObject({ exit: 0 });
    expect(volume(cloud, data)).toEqual(FREE);
  });

  test('and another holds it: with --surgery only this server’s rows change, and undo puts them back', async () => {
    const { cloud, victim, data } = await cloudWith(down, shareVolume(STRANGER));
    const options = ['--volumes', 'keep', '--surgery'];
    const before = volume(cloud, data);
    const ended = await purge(cloud, victim.uuid, ...options);
    expect(ended, ended.both).toMatchObject({ exit: 0 });
    expect(volume(cloud, data)).toEqual(before);
    const held = () =>
      cloud.world
        .db('cinder')
        .prepare('SELECT instance_uuid AS server FROM volume_attachment WHERE volume_id = ? AND deleted = 0')
        .all(data)
        .map(({ server }) => server);
    expect(held()).toEqual([STRANGER]);
    const undone = await cloud.expunge(['undo', '2026', '--yes']);
    expect(undone, undone.out + undone.err).toMatchObject({ exit: 0 });
    expect(held().sort()).toEqual([STRANGER, victim.uuid].sort());
  });
});

test('undo tells which volume does not come back, and which is attached by hand', async () => {
  const { cloud, victim, scratch } = await cloudWith();
  await purge(cloud, victim.uuid, '--volumes', 'as-nova');
  const { out, err } = await cloud.expunge(['undo', '2026', '--yes']);
  const text = (out + err).replaceAll(/\s+/g, ' ');
  expect(text).toMatch(new RegExp(`volume ${scratch} "victim-scratch" 20 GiB its data are gone for good`));
  expect(text).toContain('openstack server add volume');
});

const addMetadata = ({ world }: SimulatedCloud, uuid: string, key: string) =>
  world
    .db('nova')
    .prepare('INSERT INTO instance_metadata (instance_uuid, `key`, value, deleted) VALUES (?, ?, 1, 0)')
    .run(uuid, key);

/** As soon as the run has secured a volume, somebody else adds a row to its server: the transaction of its rows does not fit any more. */
const addsRow =
  (cloud: SimulatedCloud, uuid: string) =>
  (wires: Wires): Wires => ({
    ...wires,
    async sql(...asked) {
      const connection = await wires.sql(...asked);
      let secures = false;
      const run: typeof connection.run = async (...said) => {
        const done = await connection.run(...said);
        if (/^update .block_device_mapping. set .delete_on_termination/.test(said[0])) secures = true;
        if (said[0] === 'COMMIT' && secures) {
          secures = false;
          addMetadata(cloud, uuid, 'late');
        }
        return done;
      };
      return { ...connection, run };
    },
  });

describe('Nova’s rows were rolled back, after its row of a volume was changed', () => {
  async function rolledBack() {
    const made = await cloudWith();
    const { cloud, victim, scratch } = made;
    // A table in which the server has no row is not in the plan.
    addMetadata(cloud, victim.uuid, 'early');
    const rewire = addsRow(cloud, victim.uuid);
    const ended = await cloud.expunge(['purge', victim.uuid, '--yes', '--volumes', 'keep'], { rewire });
    expect(ended.exit, ended.out + ended.err).toBe(1);
    expect(flagOf(cloud, scratch)).toEqual({ flag: 0, gone: 0 });
    return made;
  }

  test('undo takes that back all the same', async () => {
    const { cloud, scratch } = await rolledBack();
    const { exit, out, err } = await cloud.expunge(['undo', '2026', '--yes']);
    expect(exit, out + err).toBe(0);
    expect(out).toContain('put rows back as they were: block_device_mapping (1)');
    expect(flagOf(cloud, scratch)).toEqual({ flag: 1, gone: 0 });
  });

  test('undo says before anything else why it cannot', async () => {
    const { cloud, scratch } = await rolledBack();
    cloud.world
      .db('nova')
      .prepare("UPDATE block_device_mapping SET device_name = '/dev/other' WHERE volume_id = ?")
      .run(scratch);
    const { exit, out, err } = await cloud.expunge(['undo', '2026', '--yes']);
    expect(exit, out + err).toBe(3);
    expect(out + err).toMatch(/block_device_mapping: row \d+: changed since the run \(device_name\)/);
    expect(flagOf(cloud, scratch)).toEqual({ flag: 0, gone: 0 });
  });
});

/** The connection is lost in the midst of the transaction of the server's rows. */
const losesRows = (wires: Wires): Wires => ({
  ...wires,
  async sql(...asked) {
    const connection = await wires.sql(...asked);
    const run: typeof connection.run = async (...said) => {
      if (/^update .instances. set/.test(said[0])) throw new Error('lost');
      return connection.run(...said);
    };
    return { ...connection, run };
  },
});

test('Nova’s rows were not changed, but for that of a volume, and others change them since: undo takes back that one', async () => {
  const { cloud, victim, scratch } = await cloudWith();
  const options = ['--yes', '--volumes', 'keep'];
  const ended = await cloud.expunge(['purge', victim.uuid, ...options], { rewire: losesRows });
  expect(ended.exit, ended.out + ended.err).toBe(1);
  expect(flagOf(cloud, scratch)).toEqual({ flag: 0, gone: 0 });
  // As its nova-compute does, which is there again.
  cloud.world.db('nova').exec('UPDATE instances SET power_state = 4, task_state = NULL');
  const { exit, out, err } = await cloud.expunge(['undo', '2026', '--yes']);
  expect(exit, out + err).toBe(0);
  expect(flagOf(cloud, scratch)).toEqual({ flag: 1, gone: 0 });
  const row = cloud.world.db('nova').prepare('SELECT power_state, deleted FROM instances WHERE uuid = ?');
  expect(row.get(victim.uuid)).toEqual({ power_state: 4, deleted: 0 });
});

describe('on a terminal', () => {
  test('each is asked about, with Nova’s answer for Enter; what is lost stands above the name', async () => {
    const { cloud, victim, data, scratch } = await cloudWith();
    const typed = '\nd\nvictim\n';
    const { exit, out } = await cloud.expunge(['purge', victim.uuid], {
      terminal: true,
      typed,
      columns: 200,
    });
    expect(exit, out).toBe(0);
    expect(out).toMatch(/"victim-data" 100 GiB\n +Nova would keep it\n +keep or delete/);
    expect(out).toMatch(/"victim-scratch" 20 GiB\n +Nova would delete it\n +keep or delete/);
    expect(out).toMatch(/can be taken back: volume \S+ "victim-scratch" 20 GiB/);
    expect([volume(cloud, data), volume(cloud, scratch)]).toEqual([FREE, GONE]);
  });

  test('three answers that are none: nothing is touched', async () => {
    const { cloud, victim, data } = await cloudWith();
    const { exit, err } = await cloud.expunge(['purge', victim.uuid], { terminal: true, typed: 'x\ny\nz\n' });
    expect(exit).toBe(2);
    expect(err).toContain('nothing was touched');
    expect(volume(cloud, data)).toEqual(IN_USE);
  });

  test('nobody is asked where something else refuses it', async () => {
    const { cloud, victim } = await cloudWith((world) =>
      world.db('nova').exec("UPDATE instances SET locked = 1, locked_by = 'owner'"),
    );
    const { exit, out } = await cloud.expunge(['purge', victim.uuid], { terminal: true, typed: '' });
    expect(exit).toBe(3);
    expect(out).not.toContain('keep or delete');
  });

  test('--yes does not decide', async () => {
    const { cloud, victim } = await cloudWith();
    const { exit, err } = await purge(cloud, victim.uuid);
    expect(exit).toBe(3);
    expect(err).toContain('--volumes as-nova lifts this');
  });
});
