/** The network agent: what it does when a switch port or a Neutron port goes. */
import { describe, expect, test } from 'vitest';
import { react } from '../../../src/simulator/agents/react.ts';
import { cutHost } from '../../../src/simulator/agents/states.ts';
import { deleteSwitchPort } from '../../../src/simulator/hosts/switch.ts';
import { deletePort, portsOf, unbindPort } from '../../../src/simulator/neutron/ports.ts';
import { loadServer, STATES } from '../../../src/simulator/recordings.ts';
import type { World } from '../../../src/simulator/world.ts';
import { simulateCloud } from '../../support/simulated-cloud.ts';
import { compareViews, type View, viewExactly } from './view.ts';

async function makeWorld() {
  const { world, servers } = await simulateCloud({
    hosts: { 'cmp-1': 'alive' },
    servers: ['mine', 'other'].map((name) => ({ name, state: 'healthy', host: 'cmp-1' })),
  });
  react(world);
  const ids = servers.map(({ uuid }) => portsOf(world, uuid).map(({ id }) => id));
  const [port] = ids[0] ?? [];
  if (port === undefined) throw new Error('the server has no port');
  return { world, port, others: ids.flat().filter((id) => id !== port) };
}

function statusOf(world: World, port: string): unknown {
  return world.db('neutron').prepare('SELECT status FROM ports WHERE id = ?').get(port)?.['status'];
}

function tagOf(world: World, port: string): unknown {
  return world.machines
    .prepare('SELECT tag FROM switch_ports WHERE name = ?')
    .get(`qvo${port.slice(0, 11)}`)?.['tag'];
}

function rulesOf(world: World, port: string): number {
  const rules = world.machines.prepare('SELECT rule FROM firewall').all();
  return rules.filter((row) => String(row['rule']).includes(port.slice(0, 10))).length;
}

/** Links, switch, firewall and Neutron: what the agent has to do with. */
function network(view: View): View {
  return new Map(
    [...view].filter(([table]) => /^neutron\.|^machines\.(links|switch_ports|firewall)$/.test(table)),
  );
}

test('a switch port went: its rules go, and the Neutron port is down', async () => {
  const { world, port, others } = await makeWorld();
  expect(rulesOf(world, port)).toBeGreaterThan(10);
  expect(statusOf(world, port)).toBe('ACTIVE');
  const before = others.map((other) => [rulesOf(world, other), statusOf(world, other), tagOf(world, other)]);
  deleteSwitchPort(world, 'cmp-1', `qvo${port.slice(0, 11)}`);
  react(world);
  expect([rulesOf(world, port), statusOf(world, port)]).toEqual([0, 'DOWN']);
  expect(others.map((other) => [rulesOf(world, other), statusOf(world, other), tagOf(world, other)])).toEqual(
    before,
  );
});

test('a Neutron port was deleted: its switch port is shut, its filter goes, and it is trusted until it is unplugged', async () => {
  const { world, port, others } = await makeWorld();
  const before = others.map((other) => [rulesOf(world, other), tagOf(world, other)]);
  deletePort(world, port);
  react(world);
  expect([rulesOf(world, port), tagOf(world, port)]).toEqual([4, 4095]);
  react(world);
  expect(rulesOf(world, port)).toBe(4);
  expect(others.map((other) => [rulesOf(world, other), tagOf(world, other)])).toEqual(before);
  deleteSwitchPort(world, 'cmp-1', `qvo${port.slice(0, 11)}`);
  react(world);
  expect(rulesOf(world, port)).toBe(0);
});

test('a Neutron port was unbound: its switch port is shut, and its rules stay until it is unplugged', async () => {
  const { world, port, others } = await makeWorld();
  const rules = rulesOf(world, port);
  const before = others.map((other) => [rulesOf(world, other), tagOf(world, other)]);
  unbindPort(world, port);
  react(world);
  expect([rulesOf(world, port), tagOf(world, port)]).toEqual([rules, 4095]);
  expect(others.map((other) => [rulesOf(world, other), tagOf(world, other)])).toEqual(before);
  deleteSwitchPort(world, 'cmp-1', `qvo${port.slice(0, 11)}`);
  react(world);
  expect(rulesOf(world, port)).toBe(0);
});

test('a port that was never wired has no tag, and gets none', async () => {
  const { world, port } = await makeWorld();
  world.machines.exec('UPDATE switch_ports SET tag = NULL');
  deletePort(world, port);
  react(world);
  expect(tagOf(world, port)).toBeNull();
});

test.each([
  ['no agent', (world: World) => world.machines.exec('UPDATE hosts SET agent = 0')],
  ['a host that cannot be reached', (world: World) => cutHost(world, 'cmp-1')],
])('%s: everything stays', async (_what, breakIt) => {
  const { world, port } = await makeWorld();
  breakIt(world);
  const before = viewExactly(world);
  deleteSwitchPort(world, 'cmp-1', `qvo${port.slice(0, 11)}`);
  const rules = rulesOf(world, port);
  react(world);
  expect(statusOf(world, port)).toBe('ACTIVE');
  expect(rulesOf(world, port)).toBe(rules);
  expect(compareViews(before, viewExactly(world)).every((line) => line.startsWith('- machines.switch'))).toBe(
    true,
  );
});

describe('the real agent had finished when a state was recorded, so here it finds nothing to do', () => {
  test.each(STATES)('%s', async (state) => {
    const { compute } = await loadServer(state);
    const { world } = await simulateCloud({
      hosts: { 'cmp-1': compute },
      servers: [{ name: 'mine', state, host: 'cmp-1' }],
    });
    const before = network(viewExactly(world));
    react(world);
    expect(compareViews(before, network(viewExactly(world)))).toEqual([]);
  });
});
