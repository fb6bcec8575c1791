/** Nova's own delete, held against what a real one left. */
import { describe, expect, test } from 'vitest';
import { requestDelete } from '../../../src/simulator/agents/nova-api.ts';
import { react } from '../../../src/simulator/agents/react.ts';
import { freezeCompute, killCompute } from '../../../src/simulator/agents/states.ts';
import type { State } from '../../../src/simulator/recordings.ts';
import type { World } from '../../../src/simulator/world.ts';
import { simulateCloud } from '../../support/simulated-cloud.ts';
import { compareViews, type View, viewAlike } from './view.ts';

const UUID = '0c7a4f0e-3f51-4e0b-9f0a-5f3f6d2b9a11';

/** One server, alone on one host. */
async function makeWorld(state: State): Promise<{ world: World; server: { uuid: string; name: string } }> {
  const { world, servers } = await simulateCloud({
    hosts: { 'cmp-1': 'alive' },
    servers: [{ name: 'vm-mine', state, host: 'cmp-1', uuid: UUID }],
  });
  const [server] = servers;
  if (server === undefined) throw new Error('no server came');
  return { world, server };
}

/** Without what says nothing about a delete. */
const SAY_NOTHING = /^(nova|nova_cell0)\.services$|^machines\.(meta|hosts)$/;

async function viewOf(state: State): Promise<View> {
  const { world, server } = await makeWorld(state);
  return view(world, server);
}

function view(world: World, server: { uuid: string; name: string }): View {
  return new Map([...viewAlike(world, server)].filter(([table]) => !SAY_NOTHING.test(table)));
}

describe('a healthy server that is deleted leaves what the real Nova left', () => {
  test('by nova-compute: already-clean', async () => {
    const { world, server } = await makeWorld('healthy');
    react(world);
    requestDelete(world, UUID);
    react(world);
    expect(compareViews(await viewOf('already-clean'), view(world, server))).toEqual([]);
  });

  test('by the API alone, its host being down: host-was-down', async () => {
    const { world, server } = await makeWorld('healthy');
    killCompute(world, 'cmp-1');
    requestDelete(world, UUID);
    react(world);
    expect(compareViews(await viewOf('host-was-down'), view(world, server))).toEqual([]);
  });

  test('not at all, when nova-compute froze before it took the request: deleting-forever', async () => {
    const { world, server } = await makeWorld('healthy');
    react(world);
    requestDelete(world, UUID);
    freezeCompute(world, 'cmp-1');
    react(world);
    expect(compareViews(await viewOf('deleting-forever'), view(world, server))).toEqual([]);
  });
});
