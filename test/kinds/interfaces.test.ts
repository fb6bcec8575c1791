import { expect, test } from 'vitest';
import { interfaces } from '../../src/kinds/interfaces/index.ts';
import type { Subject, Vif } from '../../src/kinds/subject/subject.ts';
import { LookError } from '../../src/plan/errors.ts';
import { type FakeAnswers, fakeReader } from '../support/fake-reader.ts';
import { decisions, subject } from '../support/subjects.ts';
import { domainAnswers, LIST, NEIGHBOUR, PORT, SERVER } from './domain-samples.ts';
import { LINKS, linkLines, OVS, ovsOutput, plugged } from './interfaces-samples.ts';

const vif: Vif = {
  portId: PORT,
  type: 'ovs',
  devname: 'tapdfaeac36-44',
  bridge: 'br-int',
  hybrid: true,
  vnicType: 'normal',
  preserveOnDelete: false,
};
const one = subject({ vifs: [vif] });
const NEUTRON = `network /v2.0/ports?device_id=${SERVER}`;
const claimed = { [NEUTRON]: { body: { ports: [{ id: PORT, 'binding:vif_type': 'ovs' }] } } };
const forgotten = { [NEUTRON]: { body: { ports: [] } }, [`network /v2.0/ports/${PORT}`]: { status: 404 } };

const noDomain = { [LIST]: '\n' };
const hybrid = {
  ...noDomain,
  [LINKS]: linkLines({ outer: true, bridge: true }),
  [OVS]: ovsOutput([plugged()]),
};

async function look(command: FakeAnswers['command'], http: FakeAnswers['http'] = claimed, of: Subject = one) {
  const reader = fakeReader({ command: command ?? {}, http: http ?? {} });
  const { facts, unknown } = await interfaces.find(reader, of);
  return { ...interfaces.plan(facts, of, decisions()), unknown, unasked: reader.unasked() };
}

function acts(plan: { steps: readonly { act: object }[] }) {
  return plan.steps.map((s) => ('argv' in s.act ? (s.act.argv as string[]).join(' ') : ''));
}

test('a hybrid interface loses its bridge, its port in the bridge it is really in, and its veth pair', async () => {
  const plan = await look(hybrid);
  expect(plan).toMatchObject({ unknown: [], refusals: [], unasked: [] });
  expect(acts(plan)).toEqual([
    'ip link delete dev qbrdfaeac36-44',
    'ovs-vsctl --timeout=10 -- --if-exists del-port br-int qvodfaeac36-44',
    'ip link delete dev qvodfaeac36-44',
  ]);
  expect(plan.remains).toEqual([
    {
      place: 'host compute1',
      what: `interface of port ${PORT}: qvodfaeac36-44 in br-int, bridge qbrdfaeac36-44, device qvbdfaeac36-44`,
    },
  ]);
  expect(plan.kept).toEqual([]);
});

const stopped = {
  door: 'command',
  host: 'compute1',
  argv: ['virsh', '-c', 'qemu:///system', 'list', '--uuid'],
  exit: [0],
  out: { lacksLine: SERVER },
};
const marked = {
  door: 'command',
  host: 'compute1',
  argv: [
    'ovs-vsctl',
    '--timeout=10',
    '--if-exists',
    'get',
    'Interface',
    'qvodfaeac36-44',
    'external_ids:iface-id',
    'external_ids:vm-uuid',
  ],
  exit: [0],
  out: { linesWithin: [`"${PORT}"`, `"${SERVER}"`] },
};

test('each act is guarded: domain not active, record of this port and server, no other member in the bridge', async () => {
  const { steps } = await look(hybrid);
  const checks = steps.map((s) => s.guards.map((g) => g.check));
  expect(checks).toEqual([
    [
      stopped,
      marked,
      {
        door: 'command',
        host: 'compute1',
        argv: ['ls', '/sys/class/net/qbrdfaeac36-44/brif'],
        exit: [0],
        out: { linesWithin: ['tapdfaeac36-44', 'qvbdfaeac36-44'] },
      },
    ],
    [stopped, marked],
    [stopped, marked],
  ]);
  expect(steps.map((s) => s.settled)).toMatchObject([
    { argv: ['test', '!', '-e', '/sys/class/net/qbrdfaeac36-44'], exit: [0], no: [1] },
    { argv: expect.arrayContaining(['--if-exists', 'get', 'Interface', 'name']), out: { equals: '' } },
    { argv: ['test', '!', '-e', '/sys/class/net/qvodfaeac36-44'], exit: [0], no: [1] },
  ]);
});

test('a bridge with a member of somebody else refuses without a flag, and stays planned', async () => {
  const links = `${linkLines({ outer: true, bridge: true })}30: eth7: <UP> mtu 1500 qdisc noop master qbrdfaeac36-44 state UP\\    link/ether 02:00:00:00:00:01\n`;
  const plan = await look({ ...hybrid, [LINKS]: links });
  expect(plan.refusals).toMatchObject([
    { code: 'bridge-foreign-member', flag: null, sentence: expect.stringContaining('eth7') },
  ]);
  expect(acts(plan)).toContain('ip link delete dev qbrdfaeac36-44');
});

test('a record of another server on a port that Neutron says is ours refuses without a flag', async () => {
  const plan = await look({ ...hybrid, [OVS]: ovsOutput([plugged({ vmUuid: NEIGHBOUR })]) });
  expect(plan.refusals).toMatchObject([
    { code: 'interface-other-server', flag: null, sentence: expect.stringContaining(NEIGHBOUR) },
  ]);
  expect(plan.steps.flatMap((s) => s.guards.map((g) => g.check))).toContainEqual(marked);
  // It says whose it is: that nothing does would contradict the refusal.
  expect(plan.kept).toEqual([]);
});

test('a port that was given to another server since is a bystander with all its devices', async () => {
  const plan = await look(
    { ...hybrid, [OVS]: ovsOutput([plugged({ vmUuid: NEIGHBOUR })]) },
    {
      [NEUTRON]: { body: { ports: [] } },
      [`network /v2.0/ports/${PORT}`]: { body: { port: { device_id: NEIGHBOUR } } },
    },
  );
  expect(plan).toMatchObject({ steps: [], remains: [], refusals: [] });
  expect(plan.kept).toMatchObject([{ what: `port ${PORT}`, why: expect.stringContaining(NEIGHBOUR) }]);
});

test('without a record in Open vSwitch, Neutron says whose a port is', async () => {
  const half = { ...hybrid, [OVS]: ovsOutput([]) };
  const given = {
    [NEUTRON]: { body: { ports: [] } },
    [`network /v2.0/ports/${PORT}`]: { body: { port: { device_id: NEIGHBOUR } } },
  };
  expect((await look(half, given)).steps).toEqual([]);
  expect(acts(await look(half, forgotten))).toEqual([
    'ip link delete dev qbrdfaeac36-44',
    'ip link delete dev qvodfaeac36-44',
  ]);
});

test('without a record in Open vSwitch, and Neutron does not say whose a port is: not known', async () => {
  const silent = {
    [NEUTRON]: { body: { ports: [] } },
    [`network /v2.0/ports/${PORT}`]: new LookError('Neutron', 'answered 500', { code: 'api-500' }),
  };
  expect(await look({ ...hybrid, [OVS]: ovsOutput([]) }, silent)).toMatchObject({
    steps: [],
    unknown: [{ place: 'Neutron', why: 'answered 500' }],
  });
});

test('another port whose id begins with the same 11 characters is not ours', async () => {
  const twin = 'dfaeac36-44ff-4a00-a71e-f3f81f979d44';
  const plan = await look(
    { ...hybrid, [OVS]: ovsOutput([plugged({ ifaceId: twin, vmUuid: NEIGHBOUR })]) },
    forgotten,
  );
  expect(plan.steps).toEqual([]);
});

test('another server’s bridge, with a port id that begins alike, plans nothing', async () => {
  const other = linkLines({ outer: true, bridge: true }).replaceAll('dfaeac36-44', 'dfaeac36-45');
  const record = plugged({
    name: 'qvodfaeac36-45',
    ifaceId: 'dfaeac36-458c-4a00-a71e-f3f81f979d44',
    vmUuid: NEIGHBOUR,
  });
  const plan = await look({ ...hybrid, [LINKS]: other, [OVS]: ovsOutput([record]) });
  expect(plan).toMatchObject({ steps: [], remains: [], refusals: [], kept: [] });
});

test('a record that marks the server is found though database and Neutron have forgotten its port', async () => {
  const bare = subject({ vifs: [], vifsKnown: false });
  const plan = await look(hybrid, { [NEUTRON]: { body: { ports: [] } } }, bare);
  expect(plan.steps).toHaveLength(3);
});

test('a Neutron that cannot be asked does not hide what the host has', async () => {
  const down = new LookError('Neutron', 'connection refused', { code: 'api-unreachable' });
  const plan = await look(hybrid, { [NEUTRON]: down });
  expect(plan.unknown).toEqual([]);
  expect(plan.steps).toHaveLength(3);
});

test('a device that only the running domain’s XML names is found by its short id', async () => {
  const xml = domainAnswers({
    interfaces: `    <interface type='bridge'>\n      <target dev='tapabcdef01-23'/>\n    </interface>`,
  });
  const links = linkLines({ outer: true, bridge: true }).replaceAll('dfaeac36-44', 'abcdef01-23');
  const plan = await look(
    { ...xml, [LINKS]: links, [OVS]: ovsOutput([]) },
    { [NEUTRON]: { body: { ports: [] } } },
    subject(),
  );
  expect(acts(plan)).toEqual(['ip link delete dev qbrabcdef01-23', 'ip link delete dev qvoabcdef01-23']);
  expect(plan.remains[0]?.what).toMatch(/^interface of port abcdef01-23…/);
});

test('a native interface: the record goes, and the tap only when it outlived its qemu', async () => {
  const record = ovsOutput([plugged({ name: 'tapdfaeac36-44' })]);
  const del = 'ovs-vsctl --timeout=10 -- --if-exists del-port br-int tapdfaeac36-44';
  const left = { ...noDomain, [LINKS]: linkLines({ tap: 'ovs-system' }), [OVS]: record };
  expect(acts(await look(left))).toEqual([del, 'ip link delete dev tapdfaeac36-44']);
  const running = { ...domainAnswers(), [LINKS]: linkLines({ tap: 'ovs-system' }), [OVS]: record };
  expect(acts(await look(running))).toEqual([del]);
  const crashed = { ...noDomain, [LINKS]: linkLines({}), [OVS]: record };
  expect(acts(await look(crashed))).toEqual([del]);
});

test('a vhost-user port and a port in a trunk’s bridge are taken out of where they are', async () => {
  const records = ovsOutput([plugged({ name: 'vhudfaeac36-44' })], 'tbr-12345678-9');
  const plan = await look({ ...noDomain, [LINKS]: linkLines({}), [OVS]: records });
  expect(acts(plan)).toEqual([
    'ovs-vsctl --timeout=10 -- --if-exists del-port tbr-12345678-9 vhudfaeac36-44',
  ]);
  expect(plan.kept).toMatchObject([{ what: 'trunk bridge tbr-12345678-9' }]);
});

test('a tap in a bridge that servers share is left to its qemu', async () => {
  const linux = subject({ vifs: [{ ...vif, type: 'bridge', hybrid: false }] });
  const plan = await look(
    { ...noDomain, [LINKS]: linkLines({ tap: 'brq8e5e144d-6a' }), [OVS]: { exit: 127 } },
    { [NEUTRON]: { body: { ports: [{ id: PORT, 'binding:vif_type': 'bridge' }] } } },
    linux,
  );
  expect(plan).toMatchObject({ steps: [], unknown: [] });
  expect(plan.kept).toMatchObject([{ what: 'tapdfaeac36-44 in brq8e5e144d-6a' }]);
});

test('a tap of a routed network (Calico) is deleted once qemu is gone', async () => {
  const routed = subject({ vifs: [{ ...vif, type: 'tap', hybrid: false }] });
  const none = { [NEUTRON]: { body: { ports: [{ id: PORT, 'binding:vif_type': 'tap' }] } } };
  const plan = await look(
    { ...noDomain, [LINKS]: linkLines({ tap: null }), [OVS]: { exit: 127 } },
    none,
    routed,
  );
  expect(acts(plan)).toEqual(['ip link delete dev tapdfaeac36-44']);
  expect(plan.steps[0]?.guards.map((g) => g.check)).toEqual([stopped]);
});

test('a record without marks is proven to be nobody’s and stays', async () => {
  const plan = await look({
    ...noDomain,
    [LINKS]: linkLines({}),
    [OVS]: ovsOutput([plugged({ ifaceId: null, vmUuid: null })]),
  });
  expect(plan.steps).toEqual([]);
  expect(plan.kept).toMatchObject([
    { what: 'qvodfaeac36-44 in br-int', why: 'nothing in it says whose it is' },
  ]);
});

test('a VIF type that this version does not know is named', async () => {
  const strange = subject({ vifs: [{ ...vif, type: 'vrouter' }] });
  const plan = await look(
    { ...noDomain, [LINKS]: linkLines({}), [OVS]: ovsOutput([]) },
    { [NEUTRON]: { body: { ports: [] } } },
    strange,
  );
  expect(plan.kept).toMatchObject([{ what: `what VIF type vrouter set up for port ${PORT}` }]);
});

test('no libvirt answer does not hide devices; the guard then stops each act', async () => {
  const plan = await look({
    ...hybrid,
    [LIST]: { exit: 1, err: 'error: failed to connect to the hypervisor\n' },
  });
  expect(plan.steps).toHaveLength(3);
  expect(
    plan.steps.every((s) => s.guards.some((g) => JSON.stringify(g.check) === JSON.stringify(stopped))),
  ).toBe(true);
});
