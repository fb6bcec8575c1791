/** A nova-compute that is started in the middle of a purge goes on with the delete itself: what a neighbour has too stays connected. */
import { expect, test } from 'vitest';
import { react } from '../../src/simulator/agents/react.ts';
import { reviveCompute } from '../../src/simulator/agents/states.ts';
import { disksOf } from '../../src/simulator/hosts/disks.ts';
import type { World } from '../../src/simulator/world.ts';
import type { Wires } from '../../src/site/wires.ts';
import { simulateCloud } from '../support/simulated-cloud.ts';
import { difference, dumpWorld, linesOf } from '../support/world-dump.ts';

/** How many of them Cinder has. */
function attachments(world: World): number {
  const sql = 'SELECT count(*) AS n FROM volume_attachment WHERE deleted = 0';
  return Number(world.db('cinder').prepare(sql).get()?.['n']);
}

test.each([
  ['by its API', []],
  ['by its rows', ['--detach', 'reset', '--surgery']],
])('started as soon as the attachment is ended %s', async (_, options) => {
  const cloud = await simulateCloud({
    hosts: { 'cmp-1': 'dead' },
    servers: [
      { name: 'victim', state: 'deleting-forever', host: 'cmp-1', volumes: [{ name: 'both' }] },
      { name: 'neighbour', state: 'healthy', host: 'cmp-1', volumes: [{ name: 'both' }] },
    ],
  });
  const [victim, neighbour] = cloud.servers;
  if (victim === undefined || neighbour === undefined) throw new Error('no servers came');
  const before = dumpWorld(cloud.world);
  expect(attachments(cloud.world)).toBe(2);
  let started = false;
  const start = () => {
    if (started || attachments(cloud.world) === 2) return;
    started = true;
    reviveCompute(cloud.world, 'cmp-1');
    react(cloud.world);
  };
  const watching = (wires: Wires): Wires => ({
    ...wires,
    http(tls) {
      const client = wires.http(tls);
      const send: typeof client.send = (...asked) => client.send(...asked).finally(start);
      return { ...client, send };
    },
    async sql(...asked) {
      const connection = await wires.sql(...asked);
      const run: typeof connection.run = (...said) => connection.run(...said).finally(start);
      return { ...connection, run };
    },
  });
  const purge = ['purge', victim.uuid, '--yes', '--volumes', 'keep', ...options];
  const { exit, out, err } = await cloud.expunge(purge, { rewire: watching });
  expect(exit, out + err).toBe(0);
  expect(started).toBe(true);
  expect(disksOf(cloud.world, 'cmp-1')).toHaveLength(1);
  const theirs = linesOf([neighbour], before);
  expect(theirs.length).toBeGreaterThan(0);
  expect(difference(theirs, linesOf([neighbour], dumpWorld(cloud.world)))).toEqual([]);
});
