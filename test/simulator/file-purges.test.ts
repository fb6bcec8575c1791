/** A server's folders through the front door, on a host with mounts of its own. */
import { expect, test } from 'vitest';
import type { Twist } from '../../src/simulator/build.ts';
import type { Wires } from '../../src/site/wires.ts';
import { aroundCommand } from '../support/around-wires.ts';
import { simulateCloud } from '../support/simulated-cloud.ts';
import { dumpWorld, linesOf } from '../support/world-dump.ts';

const ROOT = '/var/lib/nova/instances';

/** The store of a host is mounted when somebody wants to see it: systemd's automount, and the mount that it made. */
const automount: Twist = ({ machines }, { host }) => {
  const mount = machines.prepare(
    'INSERT INTO mounts SELECT ?, max(ordinal) + 1, ?, ?, ?, ? FROM mounts WHERE host = ?',
  );
  mount.run(host, ROOT, 'autofs', 'systemd-1', 41, host);
  mount.run(host, ROOT, 'ext4', '/dev/vdb1', 2065, host);
};

test('an instances folder that is mounted over an automount', async () => {
  const { expunge, world, servers } = await simulateCloud({
    hosts: { 'cmp-1': 'dead' },
    servers: [
      { name: 'web', state: 'deleting-forever', host: 'cmp-1', twists: [automount] },
      { name: 'api', state: 'healthy', host: 'cmp-1' },
    ],
  });
  const [web, api] = servers;
  if (web === undefined || api === undefined) throw new Error('no servers came');
  const neighbour = linesOf([api], dumpWorld(world));
  const purged = await expunge(['purge', 'web', '--yes']);
  expect(purged, purged.out + purged.err).toMatchObject({ exit: 0 });
  const after = dumpWorld(world);
  expect(after.filter((line) => line.includes(`${ROOT}/${web.uuid}`))).toEqual([]);
  expect(linesOf([api], after)).toEqual(neighbour);
  expect(await expunge(['verify', web.uuid])).toMatchObject({ exit: 0 });
});

/** From the moment at which the folder is to be removed nothing below the instances folder can be read. `test` says of that what it says of nothing. */
function losesStore(wires: Wires): Wires {
  let lost = false;
  const dead = (argv: readonly string[]) => {
    const err = `${argv[0]}: '${ROOT}': Transport endpoint is not connected\n`;
    return { exit: argv[0] === 'test' ? Number(argv[1] !== '!') : 1, out: '', err };
  };
  return aroundCommand((run) => async (argv, ...more) => {
    lost ||= argv[0] === 'rm';
    const isThere = argv[0] !== 'findmnt' && argv.some((word) => word.startsWith(ROOT));
    return lost && isThere ? dead(argv) : run(argv, ...more);
  })(wires);
}

test('a store that dies under rm has not lost the folder', async () => {
  const { expunge, world } = await simulateCloud({
    hosts: { 'cmp-1': 'dead' },
    servers: [{ name: 'web', state: 'deleting-forever', host: 'cmp-1' }],
  });
  const rows = () => dumpWorld(world).filter((line) => line.startsWith('nova.'));
  const before = rows();
  const cut = await expunge(['purge', 'web', '--yes'], { rewire: losesStore });
  expect(cut.exit, cut.out + cut.err).not.toBe(0);
  expect(rows()).toEqual(before);
  const purged = await expunge(['purge', 'web', '--yes']);
  expect(purged, purged.out + purged.err).toMatchObject({ exit: 0 });
});
