/** A list of servers that is longer than meant. */
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { simulateCloud } from '../support/simulated-cloud.ts';
import { difference, dumpWorld } from '../support/world-dump.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];

function fullHost() {
  return simulateCloud({
    hosts: { 'cmp-1': 'dead' },
    servers: NAMES.map((name) => ({ name, state: 'row-gone-domain-runs', host: 'cmp-1' }) as const).map(
      (server, i) => (i < 5 ? ({ ...server, state: 'deleting-forever' } as const) : server),
    ),
  });
}

test('more servers than one purge takes: refused before anything is asked', async () => {
  const cloud = await fullHost();
  const eleven = Array.from({ length: 11 }, (_, i) => `server-${i}`);
  const ended = await cloud.expunge(['purge', ...eleven, '--yes']);
  expect(ended).toMatchObject({ exit: 3, out: '' });
  expect(ended.err).toContain('11 servers are named, and one purge takes at most 10; nothing was touched');
  expect(ended.err).toContain('--max-servers 11');
  // Then it is asked which they are.
  expect(await cloud.expunge(['purge', ...eleven, '--yes', '--max-servers', '11'])).toMatchObject({
    exit: 2,
  });
  expect(await cloud.expunge(['purge', 'a', 'b', '--yes', '--max-servers', '1'])).toMatchObject({ exit: 3 });
});

test('all live servers of a host: refused before one is touched, and done when that is meant', async () => {
  const cloud = await fullHost();
  const before = dumpWorld(cloud.world);
  const names = NAMES.slice(0, 5);
  const json = await cloud.expunge(['purge', ...names, '--yes', '--format', 'json']);
  expect(json.exit).toBe(3);
  expect(JSON.parse(json.out)).toMatchObject({ error: { code: 'too-large-share' } });
  const ended = await cloud.expunge(['purge', ...names, '--yes']);
  expect(ended).toMatchObject({ exit: 3, out: '' });
  expect(ended.err).toContain('5 of the 5 live servers of host cmp-1');
  expect(difference(before, dumpWorld(cloud.world))).toEqual([]);
  expect(existsSync(cloud.runs)).toBe(false);
  expect(await cloud.expunge(['purge', ...names, '--yes', '--max-share', '100'])).toMatchObject({ exit: 0 });
});

test('a server that is named twice, by name and by uuid, is purged once', async () => {
  const cloud = await fullHost();
  const [a] = cloud.servers;
  const ended = await cloud.expunge(['purge', 'a', a?.uuid ?? '', 'a', 'b', '--yes']);
  expect(ended, ended.out + ended.err).toMatchObject({ exit: 0, err: '' });
  expect(ended.out.match(/^Verified: /gm)).toHaveLength(2);
  expect((await cloud.expunge(['runs'])).out.match(/complete/g)).toHaveLength(2);
});

test.each([
  ['--max-servers', '0'],
  ['--max-servers', 'many'],
  ['--max-share', '101'],
  ['--max-share', '-5'],
])('%s %s is no limit', async (flag, value) => {
  const cloud = await simulateCloud({ hosts: {}, servers: [] });
  expect(await cloud.expunge(['purge', 'a', '--yes', `${flag}=${value}`])).toMatchObject({
    exit: 2,
    out: '',
  });
});
