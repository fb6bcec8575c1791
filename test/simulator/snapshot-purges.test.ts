/** A shelve snapshot that Glance does not let go of: the server goes all the same, when somebody says that the snapshot is to stay. */
import { expect, test } from 'vitest';
import { protectSnapshot, useSnapshot } from '../../src/simulator/demo/twists.ts';
import { simulateCloud } from '../support/simulated-cloud.ts';
import { dumpWorld } from '../support/world-dump.ts';

test.each([
  ['somebody has protected', protectSnapshot, 'image-protected'],
  ['others were made from', useSnapshot, '(409), or leave it: --keep-snapshot'],
])('one that %s', async (_, twist, why) => {
  const { expunge, world, servers } = await simulateCloud({
    hosts: { 'cmp-1': 'dead' },
    servers: [{ name: 'web', state: 'shelved-offloaded', host: 'cmp-1', twists: [twist] }],
  });
  const uuid = servers[0]?.uuid ?? '';
  const images = () => dumpWorld(world).filter((line) => line.startsWith('glance.images '));
  const before = images();
  expect(before.join()).toContain('web-shelved');
  const stuck = await expunge(['purge', uuid, '--yes', '--even-healthy']);
  expect(stuck.exit).not.toBe(0);
  expect(stuck.out + stuck.err).toContain(why);
  const purged = await expunge(['purge', uuid, '--yes', '--even-healthy', '--keep-snapshot']);
  expect(purged, purged.out + purged.err).toMatchObject({ exit: 0 });
  expect(images()).toEqual(before);
  expect(await expunge(['verify', uuid, '--keep-snapshot'])).toMatchObject({ exit: 0 });
});
