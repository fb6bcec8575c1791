/** A volume that a run was to delete, and that Nova let go of before the run came to it, is never forgotten and never deleted on the word of an old plan. */
import { expect, test } from 'vitest';
import { LookError } from '../../src/plan/errors.ts';
import { react } from '../../src/simulator/agents/react.ts';
import { reviveCompute } from '../../src/simulator/agents/states.ts';
import type { Wires } from '../../src/site/wires.ts';
import { aroundCommand, aroundHttp } from '../support/around-wires.ts';
import { type SimulatedCloud, simulateCloud } from '../support/simulated-cloud.ts';

const DECIDED = ['--volumes', 'delete'];

function readStatus({ world, servers }: SimulatedCloud): unknown {
  const id = servers[0]?.volumes[0]?.id ?? '';
  return world.db('cinder').prepare('SELECT status FROM volumes WHERE id = ?').get(id)?.['status'];
}

interface Interrupted {
  readonly cloud: SimulatedCloud;
  readonly uuid: string;
  readonly volume: string;
  readonly run: string;
}

/** From the first act on no API answers any more; a nova-compute that is frozen goes on then, and ends the delete. */
async function interrupted(compute: 'frozen' | 'dead' = 'frozen'): Promise<Interrupted> {
  const cloud = await simulateCloud({
    hosts: { 'cmp-1': compute },
    servers: [{ name: 'web', state: 'deleting-forever', host: 'cmp-1', volumes: [{}] }],
  });
  const [server] = cloud.servers;
  const volume = server?.volumes[0]?.id;
  if (server === undefined || volume === undefined) throw new Error('no server came');
  const purge = ['purge', server.uuid, '--yes', ...DECIDED];
  const { exit, out } = await cloud.expunge(purge, {
    rewire: losesApis(() => {
      if (compute === 'dead') return;
      reviveCompute(cloud.world, 'cmp-1');
      react(cloud.world);
    }),
  });
  expect(exit, out).toBe(4);
  return { cloud, uuid: server.uuid, volume, run: recordOf(out) };
}

function recordOf(out: string): string {
  return /Record of this run: \S+\/(\S+)/.exec(out)?.[1] ?? '';
}

function losesApis(meanwhile: () => void): (wires: Wires) => Wires {
  let lost = false;
  const refused = new LookError('the cloud', 'connection refused', { code: 'api-unreachable' });
  const losing = aroundHttp((send) => (place, request, ...rest) => {
    lost ||= request.method !== 'GET' && place !== 'Keystone';
    return lost ? Promise.reject(refused) : send(place, request, ...rest);
  });
  const watching = aroundCommand((run) => async (argv, ...rest) => {
    const answer = await run(argv, ...rest);
    if (!lost && ['destroy', 'del-port', 'rm'].some((word) => argv.includes(word))) {
      lost = true;
      meanwhile();
    }
    return answer;
  });
  return (wires) => watching(losing(wires));
}

test('it is told of by resume and by every later look, and stays', async () => {
  const { cloud, uuid, volume, run } = await interrupted();
  for (const argv of [
    ['resume', run, '--yes'],
    ['verify', uuid, ...DECIDED],
    ['inspect', uuid],
  ]) {
    const { exit, out, err } = await cloud.expunge(argv);
    expect(exit, out + err).toBe(0);
    expect(out).toContain(`volume ${volume}`);
    expect(out.replace(/\s+/g, ' ')).toContain(
      `an earlier run was to delete it, and Nova let go of it before; if it is still to go: openstack volume delete ${volume}`,
    );
  }
  expect(readStatus(cloud)).toBe('available');
});

test('no more, when it is gone', async () => {
  const { cloud, uuid, volume } = await interrupted();
  const gone = "UPDATE volumes SET deleted = 1, status = 'deleted' WHERE id = ?";
  cloud.world.db('cinder').prepare(gone).run(volume);
  expect((await cloud.expunge(['inspect', uuid])).out).not.toContain('an earlier run');
});

test('no more, when the run was given up', async () => {
  const { cloud, uuid, run } = await interrupted();
  const { exit, err } = await cloud.expunge(['abandon', run]);
  expect(exit, err).toBe(0);
  expect((await cloud.expunge(['inspect', uuid])).out).not.toContain('an earlier run');
});

test('no more, when a later run was to keep it', async () => {
  const { cloud, uuid, run } = await interrupted('dead');
  // What goes on with a run has its decisions; given up is only the last of them.
  const again = await cloud.expunge(['resume', run, '--yes'], { rewire: losesApis(() => {}) });
  expect(again.exit, again.out).toBe(4);
  await cloud.expunge(['abandon', recordOf(again.out)]);
  const kept = await cloud.expunge(['purge', uuid, '--yes', '--volumes', 'keep']);
  expect(kept.exit, kept.out).toBe(0);
  expect(readStatus(cloud)).toBe('available');
  expect((await cloud.expunge(['inspect', uuid])).out).not.toContain('an earlier run');
});

test('where somebody has it by now, that is said instead of the way to delete it', async () => {
  const { cloud, uuid, volume } = await interrupted();
  cloud.world.db('cinder').prepare("UPDATE volumes SET status = 'in-use' WHERE id = ?").run(volume);
  const { out } = await cloud.expunge(['inspect', uuid]);
  expect(out).toContain('it is in-use now');
  expect(out).not.toContain('openstack volume delete');
});
