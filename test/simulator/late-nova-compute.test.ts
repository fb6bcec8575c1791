/** A nova-compute that is started in the middle of a purge goes on with the delete itself: what a neighbour has too stays connected. */
import { describe, expect, test } from 'vitest';
import { react } from '../../src/simulator/agents/react.ts';
import { killCompute, reviveCompute } from '../../src/simulator/agents/states.ts';
import { disksOf } from '../../src/simulator/hosts/disks.ts';
import type { World } from '../../src/simulator/world.ts';
import type { Wires } from '../../src/site/wires.ts';
import { aroundHttp, aroundSql } from '../support/around-wires.ts';
import { simulateCloud } from '../support/simulated-cloud.ts';
import { difference, dumpWorld, linesOf } from '../support/world-dump.ts';

/** How many of them Cinder has. */
function attachments(world: World): number {
  const sql = 'SELECT count(*) AS n FROM volume_attachment WHERE deleted = 0';
  return Number(world.db('cinder').prepare(sql).get()?.['n']);
}

const sharing = async (compute: 'dead' | 'frozen') => {
  const cloud = await simulateCloud({
    hosts: { 'cmp-1': compute },
    servers: [
      { name: 'victim', state: 'deleting-forever', host: 'cmp-1', volumes: [{ name: 'both' }] },
      { name: 'neighbour', state: 'healthy', host: 'cmp-1', volumes: [{ name: 'both' }] },
    ],
  });
  const [victim, neighbour] = cloud.servers;
  if (victim === undefined || neighbour === undefined) throw new Error('no servers came');
  return { cloud, neighbour, purge: ['purge', victim.uuid, '--yes', '--volumes', 'keep'] };
};

describe('a frozen nova-compute has the delete in hand, and a neighbour has the volume too', () => {
  test('refused by the neighbour’s name; ended first, the request is taken out, and it may start again', async () => {
    const { cloud, neighbour, purge } = await sharing('frozen');
    const before = dumpWorld(cloud.world);
    const refused = await cloud.expunge(purge);
    expect(refused.exit).toBe(3);
    expect(refused.out + refused.err).toMatch(/request-in-hand/);
    expect((refused.out + refused.err).replace(/\s+/g, ' ')).toContain(`from server ${neighbour.uuid}`);
    expect(difference(before, dumpWorld(cloud.world))).toEqual([]);

    killCompute(cloud.world, 'cmp-1');
    const { exit, out, err } = await cloud.expunge(purge);
    expect(exit, out + err).toBe(0);
    reviveCompute(cloud.world, 'cmp-1');
    react(cloud.world);
    expect(disksOf(cloud.world, 'cmp-1')).toHaveLength(1);
    const theirs = linesOf([neighbour], before);
    expect(difference(theirs, linesOf([neighbour], dumpWorld(cloud.world)))).toEqual([]);
  });

  test('what the flag costs: it goes on, and takes the disk', async () => {
    const { cloud, purge } = await sharing('frozen');
    const { exit, out, err } = await cloud.expunge([...purge, '--even-late-delete']);
    expect(exit, out + err).toBe(0);
    expect(disksOf(cloud.world, 'cmp-1')).toHaveLength(1);
    reviveCompute(cloud.world, 'cmp-1');
    react(cloud.world);
    expect(disksOf(cloud.world, 'cmp-1')).toHaveLength(0);
  });
});

test.each([
  ['by its API', []],
  ['by its rows', ['--detach', 'reset', '--surgery']],
])('started as soon as the attachment is ended %s', async (_, options) => {
  const { cloud, neighbour, purge } = await sharing('dead');
  const before = dumpWorld(cloud.world);
  expect(attachments(cloud.world)).toBe(2);
  let started = false;
  const start = () => {
    if (started || attachments(cloud.world) === 2) return;
    started = true;
    reviveCompute(cloud.world, 'cmp-1');
    react(cloud.world);
  };
  const http = aroundHttp(
    (send) =>
      (...asked) =>
        send(...asked).finally(start),
  );
  const sql = aroundSql((connection) => ({
    run: (...said) => connection.run(...said).finally(start),
  }));
  const watching = (wires: Wires): Wires => http(sql(wires));
  const { exit, out, err } = await cloud.expunge([...purge, ...options], { rewire: watching });
  expect(exit, out + err).toBe(0);
  expect(started).toBe(true);
  expect(disksOf(cloud.world, 'cmp-1')).toHaveLength(1);
  const theirs = linesOf([neighbour], before);
  expect(theirs.length).toBeGreaterThan(0);
  expect(difference(theirs, linesOf([neighbour], dumpWorld(cloud.world)))).toEqual([]);
});
