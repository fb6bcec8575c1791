/** Nova's own delete, held against what a real one left. */
import { describe, expect, test } from 'vitest';
import { requestDelete } from '../../../src/simulator/agents/nova-api.ts';
import { terminateInstance } from '../../../src/simulator/agents/nova-compute.ts';
import { react } from '../../../src/simulator/agents/react.ts';
import { freezeCompute, killCompute } from '../../../src/simulator/agents/states.ts';
import { stopDomain, undefineDomain } from '../../../src/simulator/hosts/domains.ts';
import type { State } from '../../../src/simulator/recordings.ts';
import type { World } from '../../../src/simulator/world.ts';
import { simulateCloud } from '../../support/simulated-cloud.ts';
import { compareViews, type View, viewAlike, viewExactly } from './view.ts';

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

test('a domain that somebody stopped and undefined leaves host and network as in half-cleaned', async () => {
  const { world, server } = await makeWorld('healthy');
  killCompute(world, 'cmp-1');
  stopDomain(world, 'cmp-1', UUID);
  undefineDomain(world, 'cmp-1', UUID);
  react(world);
  // libvirt gives a stopped domain's disks back to root, which the simulated one does not.
  const outside = (seen: View): View =>
    new Map(
      [...seen]
        .filter(([table]) => /^(machines|neutron)\./.test(table))
        .map(([table, lines]) => [table, lines.map((line) => line.replace(/owner=\d+:\d+/, 'owner=<any>'))]),
    );
  expect(compareViews(outside(await viewOf('half-cleaned')), outside(view(world, server)))).toEqual([]);
});

test('with native plugging nothing is left on the host either', async () => {
  const { world } = await makeWorld('healthy-native');
  react(world);
  requestDelete(world, UUID);
  react(world);
  const left = ['domains', 'links', 'switch_ports', 'firewall', 'files'].flatMap((table) =>
    world.machines
      .prepare(`SELECT * FROM ${table}`)
      .all()
      .map((row) => JSON.stringify(row))
      .filter((line) => line.includes(UUID) || /(tap|qbr|qvb|qvo)[0-9a-f]{8}-/.test(line)),
  );
  expect(left).toEqual([]);
});

test('what is asked for twice is done once: a second delete changes only what says so', async () => {
  const { world } = await makeWorld('healthy');
  terminateInstance(world, 'cmp-1', UUID);
  const before = viewExactly(world);
  terminateInstance(world, 'cmp-1', UUID);
  const tables = compareViews(before, viewExactly(world)).map((line) => line.slice(0, line.indexOf(':')));
  expect(tables).toEqual(['+ nova.instance_extra']);
});
