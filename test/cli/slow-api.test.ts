/** An API that takes its time: what waits for its turn is looked at again when that comes. */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Wires } from '../../src/site/wires.ts';
import { aroundHttp } from '../support/around-wires.ts';
import { type SimulatedCloud, simulateCloud } from '../support/simulated-cloud.ts';

const SLOW_MS = 1_500;

/** Neutron takes long for the first port; meanwhile somebody gives the other one to the neighbour. */
function givesPortAway({ world }: SimulatedCloud, port: string, to: string): (wires: Wires) => Wires {
  let given = false;
  return aroundHttp((send) => async (place, request, ...more) => {
    const answer = await send(place, request, ...more);
    if (!given && request.method === 'PUT' && request.url.pathname.includes('/v2.0/ports/')) {
      given = true;
      world.db('neutron').prepare('UPDATE ports SET device_id = ? WHERE id = ?').run(to, port);
      await sleep(SLOW_MS);
    }
    return answer;
  });
}

test('a port that was given to another server while the one before it was worked on is that server’s', async () => {
  const cloud = await simulateCloud({
    hosts: { 'cmp-1': 'dead' },
    servers: [
      { name: 'web', state: 'deleting-forever', host: 'cmp-1' },
      { name: 'next', state: 'healthy', host: 'cmp-1' },
    ],
  });
  const [, next = ''] = cloud.servers.map(({ uuid }) => uuid);
  const { steps } = await cloud.plan('web');
  const port =
    /^ports\/(.*)\/delete$/.exec(steps.find(({ id }) => /^ports\/.*\/delete$/.test(id))?.id ?? '')?.[1] ?? '';
  const { exit, out } = await cloud.expunge(['purge', 'web', '--yes'], {
    rewire: givesPortAway(cloud, port, next),
  });
  const theirs = () =>
    cloud.world.db('neutron').prepare('SELECT device_id FROM ports WHERE id = ?').get(port);
  expect(theirs(), out).toEqual({ device_id: next });
  expect(out).toMatch(/REFUSED +Neutron: delete port/);
  expect(exit).toBe(3);
});

test('a port that somebody freed while the one before it was worked on is not given back by the undo', async () => {
  const cloud = await simulateCloud({
    hosts: { 'cmp-1': 'dead' },
    servers: [{ name: 'web', state: 'deleting-forever', host: 'cmp-1' }],
  });
  const { steps } = await cloud.plan('web');
  const port =
    /^ports\/(.*)\/unbind$/.exec(steps.find(({ id }) => id.endsWith('/unbind'))?.id ?? '')?.[1] ?? '';
  // Both are unbound then, this one as the second.
  const { out } = await cloud.expunge(['purge', 'web', '--yes', '--ports', 'keep'], {
    rewire: givesPortAway(cloud, port, ''),
  });
  expect(out).toMatch(new RegExp(`already done +Neutron: unbind port ${port}`));
  const [run = ''] = readdirSync(cloud.runs).filter((name) => !name.endsWith('.lock'));
  const undone = await cloud.expunge(['undo', run, '--yes']);
  expect(undone.out).toMatch(/give port .* back to the server/);
  expect(undone.out).not.toContain(`give port ${port}`);
  expect(
    cloud.world.db('neutron').prepare('SELECT device_id FROM ports WHERE id = ?').get(port),
    undone.out,
  ).toEqual({ device_id: '' });
});

test('what cannot be looked at any more when its turn comes is not tried', async () => {
  const cloud = await simulateCloud({
    hosts: { 'cmp-1': 'dead' },
    servers: [{ name: 'web', state: 'deleting-forever', host: 'cmp-1' }],
  });
  const { steps } = await cloud.plan('web');
  const path = steps.flatMap(({ act }) => (act.door === 'http' && act.method === 'DELETE' ? [act.path] : []));
  const [port = ''] = path.filter((each) => each.startsWith('/v2.0/ports/'));
  let slow = false;
  const sent: string[] = [];
  const { exit, out } = await cloud.expunge(['purge', 'web', '--yes'], {
    rewire: aroundHttp((send) => async (place, request, ...more) => {
      const { method, url } = request;
      sent.push(`${method} ${url.pathname}`);
      if (slow && url.pathname.endsWith(port)) return { status: 500, headers: {}, body: null };
      const answer = await send(place, request, ...more);
      if (!slow && method === 'PUT') {
        slow = true;
        await sleep(SLOW_MS);
      }
      return answer;
    }),
  });
  expect(out).toMatch(/FAILED +Neutron: delete port/);
  expect(sent.filter((each) => each.startsWith('DELETE') && each.endsWith(port))).toEqual([]);
  expect(exit).not.toBe(0);
});
