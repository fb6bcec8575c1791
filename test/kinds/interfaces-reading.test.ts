import { expect, test } from 'vitest';
import { interfaces } from '../../src/kinds/interfaces/index.ts';
import { parseLinks } from '../../src/kinds/interfaces/links.ts';
import { parseOvs } from '../../src/kinds/interfaces/ovs.ts';
import { shortIdOf } from '../../src/kinds/interfaces/ports.ts';
import { parseNetworkInfo } from '../../src/kinds/subject/parse.ts';
import { LookError } from '../../src/plan/errors.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { subject } from '../support/subjects.ts';
import { PORT, SERVER } from './domain-samples.ts';
import {
  claimedAs,
  LINKS,
  linkLines,
  look,
  NEUTRON,
  noOvs,
  noPorts,
  nothing,
  OVS,
  ovsOutput,
  plugged,
  vif,
} from './interfaces-samples.ts';

/** What is thrown when the answer of host compute1 has a shape that nobody knows. */
function notUnderstood(sentence: string) {
  return expect.objectContaining({
    place: 'host compute1',
    code: 'answer-not-understood',
    message: expect.stringContaining(sentence),
  });
}

test('devices with and without peer and master are read, and those of old iproute2', () => {
  const out = `${linkLines({ outer: true, bridge: true })}11: qvodeadbeef-00@NONE: <BROADCAST> mtu 1500 qdisc noop state DOWN \\    link/ether 8e:44:54:61:77:cd brd ff:ff:ff:ff:ff:ff
12: vx0@if5: <BROADCAST,MULTICAST> mtu 1500 qdisc noop master brq8e5e144d-6a state DOWN \\    link/ether 8e:44:54:61:77:ce brd ff:ff:ff:ff:ff:ff link-netnsid 0
`;
  const links = parseLinks('compute1', out);
  expect([...links.values()].map((l) => [l.name, l.master])).toEqual([
    ['lo', null],
    ['eth0', null],
    ['br-int', null],
    ['qbrdfaeac36-44', null],
    ['qvodfaeac36-44', null],
    ['qvbdfaeac36-44', 'qbrdfaeac36-44'],
    ['qvodeadbeef-00', null],
    ['vx0', 'brq8e5e144d-6a'],
  ]);
});

test('functions of a card are read as iproute2 prints them now and before 5.0', () => {
  const out =
    '5: ens1: <UP> mtu 1500 state UP \\    link/ether b8:59:9f:00:00:01 brd ff:ff:ff:ff:ff:ff\\    vf 2     link/ether fa:16:3e:00:00:02 brd ff:ff:ff:ff:ff:ff, vlan 7\\    vf 13     link/ether fa:16:3e:00:00:13 brd ff:ff:ff:ff:ff:ff\n6: ens2: <UP> mtu 1500 state UP \\    link/ether b8:59:9f:00:00:02 brd ff:ff:ff:ff:ff:ff\\    vf 10 MAC fa:16:3e:00:00:10, vlan 7\n';
  expect(parseLinks('compute1', out).get('ens1')?.functions).toEqual([
    { index: 2, mac: 'fa:16:3e:00:00:02' },
    { index: 13, mac: 'fa:16:3e:00:00:13' },
  ]);
  expect(parseLinks('compute1', out).get('ens2')?.functions).toEqual([
    { index: 10, mac: 'fa:16:3e:00:00:10' },
  ]);
});

test.each(['Usage: ip link …', 'Warning 1: lo: <LOOPBACK> mtu 65536'])(
  'a list of devices that is not understood is not an empty one: %j',
  (line) => {
    expect(() => parseLinks('compute1', `${line}\n`)).toThrow(
      notUnderstood(`the list of network devices is not understood: ${line}`),
    );
  },
);

test('records come with the bridge they are in, from sets of one and of many', () => {
  expect(parseOvs('compute1', ovsOutput([plugged()])).records).toEqual([
    { name: 'br-int', bridge: 'br-int', ifaceId: null, servers: [] },
    { name: 'qvodfaeac36-44', bridge: 'br-int', ifaceId: PORT, servers: [SERVER] },
  ]);
  expect(parseOvs('compute1', ovsOutput([])).records).toHaveLength(1);
  const empty = '{"data":[],"headings":[]}\n';
  expect(parseOvs('compute1', empty.repeat(4))).toEqual({ records: [], qos: [] });
});

test('a record whose port is in no bridge is left out', () => {
  const id = (n: number) => ['uuid', `f5fd516a-0000-404e-8088-00000000000${n}`];
  const tables = [
    [
      [id(1), 'qvodfaeac36-44', ['map', []]],
      [id(2), 'br-int', ['map', []]],
    ],
    [
      [id(3), id(1)],
      [id(4), id(2)],
    ],
    [['br-int', id(4)]],
    [],
  ];
  const out = tables.map((data) => JSON.stringify({ data })).join('\n');
  expect(parseOvs('compute1', out).records.map((r) => r.name)).toEqual(['br-int']);
});

test.each([
  ['', 'the answer is not understood'],
  ['not json\n', 'the answer of ovs-vsctl is not JSON'],
  ['{"data":[],"headings":[]}\n', 'the answer is not understood'],
  ['{"data":[]}\n'.repeat(3), 'the answer is not understood'],
  ['{"data":[["a"]]}\n'.repeat(4), 'the answer is not understood'],
])('an answer of ovs-vsctl that is cut or strange is not an empty one: %j', (out, sentence) => {
  expect(() => parseOvs('compute1', out)).toThrow(notUnderstood(sentence));
});

test.each([
  ['tapdfaeac36-44', 'dfaeac36-44'],
  ['qvodfaeac36-44', 'dfaeac36-44'],
  ['vhudfaeac36-44', 'dfaeac36-44'],
  ['vnet0', null],
  ['tapdfaeac36-448', null],
  ['mytapdfaeac36-44', null],
  ['tap--version0-', null],
  ['tap../../../x', null],
])('the short id of %s is %s', (device, short) => {
  expect(shortIdOf(device)).toBe(short);
});

test.each([
  [
    'devices cannot be listed',
    { [LINKS]: { exit: 1, err: '\nCannot open netlink socket\n' } },
    'its network devices cannot be listed: Cannot open netlink socket',
  ],
  [
    'devices cannot be listed, and nothing says why',
    { [LINKS]: { exit: 255, out: linkLines({}) } },
    expect.stringMatching(/^its network devices cannot be listed: .*255$/),
  ],
  [
    'Open vSwitch does not answer',
    { [OVS]: { exit: 1, err: 'ovs-vsctl: database connection failed', out: ovsOutput([]) } },
    'Open vSwitch does not answer: ovs-vsctl: database connection failed',
  ],
  [
    'the host does not answer',
    { [LINKS]: new LookError('host compute1', 'no route', { code: 'host-unreachable' }) },
    'no route',
  ],
])('%s: unknown, not clean', async (_, command, why) => {
  const reader = fakeReader({ command: { ...nothing, ...command }, http: noPorts });
  const { facts, unknown } = await interfaces.find(reader, subject());
  expect(facts.plugs).toEqual([]);
  expect(unknown).toEqual([{ place: 'host compute1', why }]);
});

test('a host that the site file does not know is unknown', async () => {
  const [host] = subject().hosts;
  if (host === undefined) throw new Error('no host');
  const lost = subject({ hosts: [{ ...host, instancesPath: null }] });
  const { unknown } = await interfaces.find(fakeReader({ http: noPorts }), lost);
  expect(unknown).toMatchObject([
    { why: expect.stringContaining('the site file does not say how to reach it') },
  ]);
});

const missing = [
  {
    place: 'host compute1',
    why: 'ovs-vsctl is not there, but the server’s interfaces are in Open vSwitch (in a container? then hosts.compute1.containers must say so)',
  },
];

test.each(['ovs', 'vhostuser', 'agilio_ovs'])(
  'no ovs-vsctl on the host is unknown when one interface is Open vSwitch’s (%s)',
  async (type) => {
    const bridged = { id: '0a1b2c3d-4e5f-4a6b-8c7d-8e9f0a1b2c3d', 'binding:vif_type': 'bridge' };
    const both = { [NEUTRON]: { body: { ports: [bridged, { id: PORT, 'binding:vif_type': type }] } } };
    expect((await look(noOvs, both, subject())).unknown).toEqual(missing);
    const remembered = subject({
      vifs: [
        { ...vif, type: 'bridge' },
        { ...vif, type },
      ],
    });
    expect((await look(noOvs, noPorts, remembered)).unknown).toEqual(missing);
  },
);

const asNeutron = (wiring: Record<string, unknown>) => ({
  [NEUTRON]: { body: { ports: [{ id: PORT, ...wiring }] } },
});
const vhostUser = (details: unknown) => ({ 'binding:vif_type': 'vhostuser', 'binding:vif_details': details });

test.each([
  ['vhost-user of another switch', vhostUser({ vhostuser_socket: '/run/vpp/x', port_filter: true })],
  ['vhost-user that says no', vhostUser({ vhostuser_ovs_plug: false })],
  ['what a SmartNIC wires', { 'binding:vif_type': 'ovs', 'binding:vnic_type': 'remote-managed' }],
])('no ovs-vsctl on the host is nothing to tell of %s', async (_, wiring) => {
  expect((await look(noOvs, asNeutron(wiring), subject({ vifs: [] }))).unknown).toEqual([]);
  const remembered = parseNetworkInfo(
    JSON.stringify([
      {
        id: PORT,
        type: wiring['binding:vif_type'],
        vnic_type: 'binding:vnic_type' in wiring ? wiring['binding:vnic_type'] : 'normal',
        details: 'binding:vif_details' in wiring ? wiring['binding:vif_details'] : {},
      },
    ]),
  );
  const other = subject({ vifs: remembered ?? [] });
  expect((await look(noOvs, asNeutron(wiring), other)).unknown).toEqual([]);
  // What was so before counts, until both say otherwise.
  expect((await look(noOvs, claimedAs('ovs'), other)).unknown).toEqual(missing);
});

test('vhost-user of Open vSwitch needs an ovs-vsctl, and one that nobody describes may be of it', async () => {
  for (const details of [{ vhostuser_ovs_plug: true }, null, undefined])
    expect((await look(noOvs, asNeutron(vhostUser(details)), subject({ vifs: [] }))).unknown).toEqual(
      missing,
    );
});

test('no ovs-vsctl on the host is nothing to tell when no interface is Open vSwitch’s', async () => {
  const remembered = subject({ vifs: [{ ...vif, type: 'bridge' }] });
  expect((await look(noOvs, claimedAs('bridge'), remembered)).unknown).toEqual([]);
});

test.each(['ovs-system', 'ovs-netdev'])(
  'no ovs-vsctl on a host where Open vSwitch runs (%s) is unknown, also when nobody remembers an interface',
  async (device) => {
    const command = {
      ...noOvs,
      [LINKS]: `${linkLines({})}3: ${device}: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN mode DEFAULT group default qlen 1000\\    link/ether 5e:0b:39:aa:d2:f1 brd ff:ff:ff:ff:ff:ff\n`,
    };
    const { unknown } = await look(command, noPorts, subject({ vifs: [] }));
    expect(unknown).toEqual([
      {
        place: 'host compute1',
        why: 'ovs-vsctl is not there, but Open vSwitch runs there (in a container? then hosts.compute1.containers must say so)',
      },
    ]);
  },
);
