/** What comes after a purge, as `test/lab/aftermath.test.ts` has it from the real cloud. */
import { expect, test } from 'vitest';
import { react } from '../../../src/simulator/agents/react.ts';
import { reviveCompute } from '../../../src/simulator/agents/states.ts';
import { simulateCloud } from '../../support/simulated-cloud.ts';
import { compareViews, viewExactly } from './view.ts';

test.each(['dead', 'hung'] as const)(
  'a nova-compute that was %s finds no request any more',
  async (state) => {
    const cloud = await simulateCloud({
      hosts: { 'cmp-1': state },
      servers: [
        { name: 'mine', state: 'deleting-forever', host: 'cmp-1' },
        { name: 'other', state: 'deleting-forever', host: 'cmp-1' },
      ],
    });
    const uuid = cloud.servers[0]?.uuid ?? '';
    const purged = await cloud.expunge(['purge', uuid, '--yes']);
    expect(purged, purged.out + purged.err).toMatchObject({ exit: 0 });
    // The other server's delete waits as before.
    expect(cloud.world.machines.prepare('SELECT server FROM waiting').all()).toEqual([
      { server: cloud.servers[1]?.uuid },
    ]);

    reviveCompute(cloud.world, 'cmp-1');
    react(cloud.world);
    expect(await cloud.expunge(['verify', uuid])).toMatchObject({ exit: 0 });
  },
);

test('a nova-compute that wakes up with the delete in hand takes it and leaves one row that holds nothing', async () => {
  const cloud = await simulateCloud({
    hosts: { 'cmp-1': 'frozen' },
    servers: [{ name: 'mine', state: 'deleting-forever', host: 'cmp-1' }],
  });
  const uuid = cloud.servers[0]?.uuid ?? '';
  const purged = await cloud.expunge(['purge', uuid, '--yes']);
  expect(purged, purged.out + purged.err).toMatchObject({ exit: 0 });
  const before = viewExactly(cloud.world);

  reviveCompute(cloud.world, 'cmp-1');
  react(cloud.world);
  const changes = compareViews(before, viewExactly(cloud.world)).map((line) =>
    line.slice(0, line.indexOf(':')),
  );
  // The request and its steps are a record of what was asked; the lab's comparison leaves them out as well.
  const meant = changes.filter((table) => !/nova\.(services|instance_actions)|machines\.hosts/.test(table));
  expect(meant).toEqual(['- machines.waiting', '+ nova.instance_extra']);

  const verified = await cloud.expunge(['verify', uuid]);
  expect(verified).toMatchObject({ exit: 1 });
  expect(verified.out).toContain('1 row of the server in 1 other table');
  const again = await cloud.expunge(['purge', uuid, '--yes']);
  expect(again, again.out + again.err).toMatchObject({ exit: 0 });
  expect(await cloud.expunge(['verify', uuid])).toMatchObject({ exit: 0 });
});
