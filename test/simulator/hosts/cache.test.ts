import { expect, test } from 'vitest';
import { openSimulatedCache } from '../../../src/simulator/cache.ts';
import { setMeta, type World } from '../../../src/simulator/world.ts';
import { hostsWorld, insert } from '../../support/hosts-world.ts';

const SERVER = '127.0.0.1:11211';

async function worldWithCache(): Promise<World> {
  const world = await hostsWorld();
  setMeta(world, 'memcached', JSON.stringify([SERVER]));
  insert(world, 'cache', { server: SERVER, key: 'token', value: 'secret' });
  return world;
}

test('a key is read until it is deleted', async () => {
  let reactions = 0;
  const cache = openSimulatedCache(await worldWithCache(), () => {
    reactions += 1;
  });
  expect((await cache.get(SERVER, 'token'))?.toString()).toBe('secret');
  await cache.delete(SERVER, 'token');
  expect(await cache.get(SERVER, 'token')).toBeNull();
  await cache.delete(SERVER, 'token');
  expect(reactions).toBe(8);
});

test('binary values come back as they are', async () => {
  const world = await worldWithCache();
  world.machines.prepare('INSERT INTO cache VALUES (?, ?, ?)').run(SERVER, 'raw', Buffer.from([0, 255, 10]));
  expect(await openSimulatedCache(world, () => {}).get(SERVER, 'raw')).toEqual(Buffer.from([0, 255, 10]));
});

test('where nobody listens is as unreachable as in the network', async () => {
  const cache = openSimulatedCache(await worldWithCache(), () => {});
  await expect(cache.get('127.0.0.1:9', 'token')).rejects.toMatchObject({
    name: 'LookError',
    code: 'cache-unreachable',
    place: 'memcached 127.0.0.1:9',
  });
  await expect(cache.delete('127.0.0.1:9', 'token')).rejects.toMatchObject({
    name: 'ActError',
    code: 'cache-unreachable',
    unknown: true,
  });
});

test('a key that would be two commands is none', async () => {
  const cache = openSimulatedCache(await worldWithCache(), () => {});
  for (const key of ['two words', 'new\r\nline', '', 'x'.repeat(251)])
    await expect(cache.get(SERVER, key)).rejects.toMatchObject({ code: 'cache-key' });
});
