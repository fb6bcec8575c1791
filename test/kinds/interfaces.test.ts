import { expect, test } from 'vitest';
import { subject } from '../support/subjects.ts';
import { domainAnswers, LIST, PORT } from './domain-samples.ts';
import {
  acts,
  claimedAs,
  hybrid,
  LINKS,
  linkLines,
  look,
  marked,
  NEUTRON,
  noDomain,
  noOvs,
  nothing,
  OVS,
  ovsOutput,
  plugged,
  stopped,
  vif,
} from './interfaces-samples.ts';

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

const onlyItsOwn = {
  door: 'command',
  host: 'compute1',
  argv: ['ls', '/sys/class/net/qbrdfaeac36-44/brif'],
  exit: [0],
  out: { linesWithin: ['tapdfaeac36-44', 'qvbdfaeac36-44'] },
};
const gone = (device: string) => ({
  door: 'command',
  host: 'compute1',
  argv: ['test', '!', '-e', `/sys/class/net/${device}`],
  exit: [0],
  no: [1],
});

test('each act is guarded: domain not active, record of this port and server, no other member in the bridge', async () => {
  const { steps } = await look(hybrid);
  expect(steps.map((s) => s.guards.map((g) => g.check))).toEqual([
    [stopped, marked(), onlyItsOwn],
    [stopped, marked()],
    [stopped, marked()],
  ]);
  expect(steps.map((s) => s.settled)).toEqual([
    gone('qbrdfaeac36-44'),
    {
      door: 'command',
      host: 'compute1',
      argv: ['ovs-vsctl', '--timeout=10', '--if-exists', 'get', 'Interface', 'qvodfaeac36-44', 'name'],
      exit: [0],
      out: { equals: '' },
    },
    gone('qvodfaeac36-44'),
  ]);
});

test('each act has to end with 0, none can be undone, and a record is saved before it goes', async () => {
  const { steps } = await look(hybrid);
  const common = { phase: 'unplug', place: 'host compute1', undo: 'never' };
  const command = (...argv: string[]) => ({ door: 'command', host: 'compute1', argv });
  const ovs = (...words: string[]) => command('ovs-vsctl', '--timeout=10', ...words);
  const deleted = (device: string) => ({ ...command('ip', 'link', 'delete', 'dev', device), exit: [0] });
  expect(steps.map(({ title, why, guards, settled, ...rest }) => rest)).toEqual([
    {
      ...common,
      id: 'interfaces/compute1/link/qbrdfaeac36-44',
      act: deleted('qbrdfaeac36-44'),
      before: [],
    },
    {
      ...common,
      id: 'interfaces/compute1/ovs/qvodfaeac36-44',
      act: { ...ovs('--', '--if-exists', 'del-port', 'br-int', 'qvodfaeac36-44'), exit: [0] },
      before: [ovs('--format=json', '--', 'list', 'Interface', 'qvodfaeac36-44')],
    },
    {
      ...common,
      id: 'interfaces/compute1/link/qvodfaeac36-44',
      act: deleted('qvodfaeac36-44'),
      before: [],
    },
  ]);
});

test('on a host without ovs-vsctl no guard asks it', async () => {
  const links = { ...noOvs, [LINKS]: linkLines({ outer: true, bridge: true }) };
  const plan = await look(links, claimedAs('bridge'), subject({ vifs: [{ ...vif, type: 'bridge' }] }));
  expect(plan.unknown).toEqual([]);
  expect(plan.steps.map((s) => s.guards.map((g) => g.check))).toEqual([[stopped, onlyItsOwn], [stopped]]);
});

const BRIDGE = 'ip link delete dev qbrdfaeac36-44';
const VETH = 'ip link delete dev qvodfaeac36-44';
const TAP = 'ip link delete dev tapdfaeac36-44';

test.each([
  ['the bridge alone', { bridge: true }, [BRIDGE], 'bridge qbrdfaeac36-44'],
  [
    'the bridge with the tap',
    { bridge: true, tap: 'qbrdfaeac36-44' },
    [BRIDGE, TAP],
    'bridge qbrdfaeac36-44, device tapdfaeac36-44',
  ],
  ['the veth pair alone', { outer: true }, [VETH], 'device qvbdfaeac36-44, device qvodfaeac36-44'],
  [
    'all three',
    { outer: true, bridge: true, tap: 'qbrdfaeac36-44' },
    [BRIDGE, VETH, TAP],
    'bridge qbrdfaeac36-44, device tapdfaeac36-44, device qvbdfaeac36-44, device qvodfaeac36-44',
  ],
])('without a record in Open vSwitch, %s is deleted', async (_, links, argvs, parts) => {
  const plan = await look({ ...nothing, [LINKS]: linkLines(links) });
  expect(plan).toMatchObject({ refusals: [], kept: [], unknown: [] });
  expect(acts(plan)).toEqual(argvs);
  expect(plan.remains).toEqual([{ place: 'host compute1', what: `interface of port ${PORT}: ${parts}` }]);
});

test('the tap in its own bridge is no remain while its domain runs', async () => {
  const plan = await look({
    ...hybrid,
    ...domainAnswers(),
    [LINKS]: linkLines({ outer: true, bridge: true, tap: 'qbrdfaeac36-44' }),
  });
  expect(acts(plan)).not.toContain(TAP);
  expect(plan.remains).toMatchObject([
    {
      what: `interface of port ${PORT}: qvodfaeac36-44 in br-int, bridge qbrdfaeac36-44, device qvbdfaeac36-44`,
    },
  ]);
});

test('each port of a server has what is its own', async () => {
  const second = '0a1b2c3d-4e5f-4a6b-8c7d-8e9f0a1b2c3d';
  const links = linkLines({ outer: true, bridge: true });
  const plan = await look(
    {
      ...noDomain,
      [LINKS]: `${links}${links.replaceAll('dfaeac36-44', '0a1b2c3d-4e')}`,
      [OVS]: ovsOutput([plugged(), plugged({ name: 'qvo0a1b2c3d-4e', ifaceId: second })]),
    },
    { [NEUTRON]: { body: { ports: [{ id: second }, { id: PORT }] } } },
    subject({ vifs: [vif, { ...vif, portId: second }] }),
  );
  expect(plan).toMatchObject({ refusals: [], kept: [] });
  expect(acts(plan)).toEqual([
    'ip link delete dev qbr0a1b2c3d-4e',
    'ovs-vsctl --timeout=10 -- --if-exists del-port br-int qvo0a1b2c3d-4e',
    'ip link delete dev qvo0a1b2c3d-4e',
    'ip link delete dev qbrdfaeac36-44',
    'ovs-vsctl --timeout=10 -- --if-exists del-port br-int qvodfaeac36-44',
    'ip link delete dev qvodfaeac36-44',
  ]);
});

test('a bridge with a member of somebody else refuses without a flag, and stays planned', async () => {
  const links = `${linkLines({ outer: true, bridge: true })}30: eth7: <UP> mtu 1500 qdisc noop master qbrdfaeac36-44 state UP\\    link/ether 02:00:00:00:00:01\n`;
  const plan = await look({ ...hybrid, [LINKS]: links });
  expect(plan.refusals).toEqual([
    {
      code: 'bridge-foreign-member',
      flag: null,
      sentence: "qbrdfaeac36-44 on compute1 also holds eth7, which is not this port's",
    },
  ]);
  expect(acts(plan)).toContain('ip link delete dev qbrdfaeac36-44');
});

test('a native interface: the record goes, and the tap only when it outlived its qemu', async () => {
  const record = ovsOutput([plugged({ name: 'tapdfaeac36-44' })]);
  const del = 'ovs-vsctl --timeout=10 -- --if-exists del-port br-int tapdfaeac36-44';
  const left = await look({ ...noDomain, [LINKS]: linkLines({ tap: 'ovs-system' }), [OVS]: record });
  expect(acts(left)).toEqual([del, TAP]);
  expect(left.steps[1]?.guards.map((g) => g.check)).toEqual([stopped, marked('tapdfaeac36-44')]);
  expect(left.remains).toMatchObject([{ what: `interface of port ${PORT}: tapdfaeac36-44 in br-int` }]);
  const running = { ...domainAnswers(), [LINKS]: linkLines({ tap: 'ovs-system' }), [OVS]: record };
  expect(acts(await look(running))).toEqual([del]);
  const crashed = { ...noDomain, [LINKS]: linkLines({}), [OVS]: record };
  expect(acts(await look(crashed))).toEqual([del]);
});

test('a representor of a switchdev card is taken out of Open vSwitch by its marks, and not deleted', async () => {
  const plan = await look({ ...nothing, [OVS]: ovsOutput([plugged({ name: 'enp3s0f0_3' })]) });
  expect(acts(plan)).toEqual(['ovs-vsctl --timeout=10 -- --if-exists del-port br-int enp3s0f0_3']);
});

test('no libvirt answer does not hide devices; the guard then stops each act', async () => {
  const plan = await look({
    ...hybrid,
    [LIST]: { exit: 1, err: 'error: failed to connect to the hypervisor\n' },
  });
  expect(plan.steps).toHaveLength(3);
  for (const { guards } of plan.steps) expect(guards.map((g) => g.check)).toContainEqual(stopped);
});
