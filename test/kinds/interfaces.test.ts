import { expect, test } from 'vitest';
import { interfaces } from '../../src/kinds/interfaces/index.ts';
import type { Subject, Vif } from '../../src/kinds/subject/subject.ts';
import { LookError } from '../../src/plan/errors.ts';
import { type FakeAnswers, fakeReader } from '../support/fake-reader.ts';
import { decisions, instanceRow, subject } from '../support/subjects.ts';
import { domainAnswers, LIST, NEIGHBOUR, PORT, SERVER } from './domain-samples.ts';
import { LINKS, linkLines, OVS, ovsOutput, ovsOutputOf, plugged } from './interfaces-samples.ts';

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
    'ovs-vsctl --timeout=10 -- --if-exists del-br tbr-12345678-9',
  ]);
  expect(plan.steps[1]?.needs).toEqual([plan.steps[0]?.id]);
  expect(plan.kept).toEqual([]);
});

/** As the agent wires a trunk with one subport: `t` ends in the trunk's bridge, `i` ends in br-int. */
const SUBPORT = 'abcdef01-2345-4678-9abc-def012345678';
const trunk = (changes: { tap?: boolean; bridge?: boolean; strange?: boolean } = {}) => {
  const { tap = false, bridge = true, strange = false } = changes;
  const patch = (name: string, ifaceId: string) => ({ name, ifaceId, vmUuid: null });
  return ovsOutputOf({
    'br-int': [patch('tpi-dfaeac36-44', PORT), patch('spi-abcdef01-23', SUBPORT)],
    ...(bridge
      ? {
          'tbr-12345678-9': [
            patch('tpt-dfaeac36-44', PORT),
            patch('spt-abcdef01-23', SUBPORT),
            ...(tap ? [plugged({ name: 'tapdfaeac36-44' })] : []),
            ...(strange ? [patch('eth7', 'x')] : []),
          ],
        }
      : {}),
  });
};

test('the bridge of a trunk whose agent is down goes with its patches, and nothing else of br-int', async () => {
  const plan = await look({ ...noDomain, [LINKS]: linkLines({}), [OVS]: trunk({ tap: true }) });
  const gone =
    'ovs-vsctl --timeout=10 -- --if-exists del-port br-int tpi-dfaeac36-44 -- --if-exists del-port br-int spi-abcdef01-23 -- --if-exists del-br tbr-12345678-9';
  expect(acts(plan)).toEqual([
    'ovs-vsctl --timeout=10 -- --if-exists del-port tbr-12345678-9 tapdfaeac36-44',
    gone,
  ]);
  expect(plan.steps[1]).toMatchObject({
    guards: [
      { check: stopped },
      {
        check: {
          argv: ['ovs-vsctl', '--timeout=10', 'list-ports', 'tbr-12345678-9'],
          out: { linesWithin: ['tpt-dfaeac36-44', 'spt-abcdef01-23', 'tapdfaeac36-44'] },
        },
      },
    ],
    settled: { argv: ['ovs-vsctl', '--timeout=10', 'br-exists', 'tbr-12345678-9'], exit: [2], no: [0] },
  });
  // libvirt has taken the tap away, and the bridge is still there: not clean.
  const left = await look({ ...noDomain, [LINKS]: linkLines({}), [OVS]: trunk() });
  expect(acts(left)).toEqual([gone]);
  expect(left.remains).toMatchObject([{ what: expect.stringContaining('tbr-12345678-9') }]);
});

test('patches that outlived their trunk’s bridge are found by Neutron’s subports', async () => {
  const withTrunk = {
    [NEUTRON]: {
      body: {
        ports: [
          {
            id: PORT,
            'binding:vif_type': 'ovs',
            trunk_details: { trunk_id: 't', sub_ports: [{ port_id: SUBPORT }] },
          },
        ],
      },
    },
  };
  const plan = await look(
    { ...noDomain, [LINKS]: linkLines({}), [OVS]: trunk({ bridge: false }) },
    withTrunk,
  );
  expect(acts(plan)).toEqual([
    'ovs-vsctl --timeout=10 -- --if-exists del-port br-int tpi-dfaeac36-44 -- --if-exists del-port br-int spi-abcdef01-23',
  ]);
});

test('a trunk’s bridge with something else in it refuses without a flag', async () => {
  const plan = await look({ ...noDomain, [LINKS]: linkLines({}), [OVS]: trunk({ strange: true }) });
  expect(plan.refusals).toMatchObject([
    { code: 'bridge-foreign-member', flag: null, sentence: expect.stringContaining('eth7') },
  ]);
});

test('the bridge that os-vif makes for one port goes with both ends of its patch', async () => {
  const records = ovsOutputOf({
    'br-int': [{ name: `ibp${PORT}`, ifaceId: null, vmUuid: null }],
    'pbdfaeac36-44': [
      { name: `pbp${PORT}`, ifaceId: null, vmUuid: null },
      plugged({ name: 'tapdfaeac36-44' }),
    ],
  });
  const plan = await look({ ...noDomain, [LINKS]: linkLines({}), [OVS]: records });
  expect(acts(plan)).toEqual([
    'ovs-vsctl --timeout=10 -- --if-exists del-port pbdfaeac36-44 tapdfaeac36-44',
    `ovs-vsctl --timeout=10 -- --if-exists del-port br-int ibp${PORT} -- --if-exists del-br pbdfaeac36-44`,
  ]);
});

test('a representor of a switchdev card is taken out of Open vSwitch by its marks, and not deleted', async () => {
  const records = ovsOutput([plugged({ name: 'enp3s0f0_3' })]);
  const plan = await look({ ...noDomain, [LINKS]: linkLines({}), [OVS]: records });
  expect(acts(plan)).toEqual(['ovs-vsctl --timeout=10 -- --if-exists del-port br-int enp3s0f0_3']);
});

test('a virtual function that bears the port’s address is shown and left to a hand', async () => {
  // As iproute2 6.1 prints a card with two functions on one line.
  const card = `12: ens1f0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP mode DEFAULT group default qlen 1000\\    link/ether b8:59:9f:00:00:01 brd ff:ff:ff:ff:ff:ff\\    vf 0     link/ether 00:00:00:00:00:00 brd ff:ff:ff:ff:ff:ff, spoof checking on, link-state auto, trust off\\    vf 3     link/ether fa:16:3e:26:ef:4f brd ff:ff:ff:ff:ff:ff, vlan 101, spoof checking on, link-state auto, trust off\n`;
  const direct = subject({ vifs: [{ ...vif, type: 'hw_veb', hybrid: false, mac: 'fa:16:3e:26:ef:4f' }] });
  const http = { [NEUTRON]: { body: { ports: [{ id: PORT, 'binding:vif_type': 'hw_veb' }] } } };
  const command = { ...noDomain, [LINKS]: `${linkLines({})}${card}`, [OVS]: { exit: 127 } };
  const plan = await look(command, http, direct);
  expect(plan).toMatchObject({ steps: [], refusals: [], unknown: [] });
  expect(plan.manual).toMatchObject([
    {
      place: 'host compute1',
      what: `virtual function 3 of ens1f0 bears fa:16:3e:26:ef:4f, the address of port ${PORT}`,
      how: expect.stringContaining('ip link set ens1f0 vf 3 mac 00:00:00:00:00:00'),
    },
  ]);
  const running = await look({ ...command, ...domainAnswers() }, http, direct);
  expect(running.manual).toBeUndefined();
});

test.each([
  ['midonet', 'mm-ctl --unbind-port'],
  ['iovisor', 'ifc_ctl gateway del_port'],
  ['vrouter', 'vrouter-port-control'],
])(
  'the tap of %s is shown and left to a hand, because another program has to hear of it',
  async (type, words) => {
    const of = subject({ vifs: [{ ...vif, type, hybrid: false }] });
    const http = { [NEUTRON]: { body: { ports: [{ id: PORT, 'binding:vif_type': type }] } } };
    const there = await look(
      { ...noDomain, [LINKS]: linkLines({ tap: null }), [OVS]: { exit: 127 } },
      http,
      of,
    );
    expect(there).toMatchObject({ steps: [], kept: [], unknown: [] });
    expect(there.manual).toMatchObject([{ how: expect.stringContaining(words) }]);
    const gone = await look({ ...noDomain, [LINKS]: linkLines({}), [OVS]: { exit: 127 } }, http, of);
    expect(gone).toMatchObject({ steps: [], kept: [] });
    expect(gone.manual).toBeUndefined();
  },
);

test.each(['hostdev_physical', 'hw_veb', 'macvtap', '802.1qbh', '802.1qbg', 'ib_hostdev'])(
  '%s leaves nothing that a command here could remove: said once, while the row lives',
  async (type) => {
    const vifs = [{ ...vif, type, hybrid: false }];
    const http = { [NEUTRON]: { body: { ports: [{ id: PORT, 'binding:vif_type': type }] } } };
    const command = { ...noDomain, [LINKS]: linkLines({}), [OVS]: { exit: 127 } };
    const live = await look(command, http, subject({ vifs }));
    expect(live).toMatchObject({ steps: [], remains: [], unknown: [] });
    expect(live.kept).toMatchObject([{ what: `what VIF type ${type} set up for port ${PORT}` }]);
    const deleted = await look(command, http, subject({ vifs, row: instanceRow({ deleted: 42 }) }));
    expect(deleted.kept).toEqual([]);
  },
);

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
  const strange = subject({ vifs: [{ ...vif, type: 'quantumtunnel' }] });
  const plan = await look(
    { ...noDomain, [LINKS]: linkLines({}), [OVS]: ovsOutput([]) },
    { [NEUTRON]: { body: { ports: [] } } },
    strange,
  );
  expect(plan.kept).toMatchObject([{ what: `what VIF type quantumtunnel set up for port ${PORT}` }]);
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
