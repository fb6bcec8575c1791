import { expect, test } from 'vitest';
import { interfaces } from '../../src/kinds/interfaces/index.ts';
import { parseLinks } from '../../src/kinds/interfaces/links.ts';
import { parseOvs } from '../../src/kinds/interfaces/ovs.ts';
import { shortIdOf } from '../../src/kinds/interfaces/ports.ts';
import { LookError } from '../../src/plan/errors.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { subject } from '../support/subjects.ts';
import { LIST, PORT, SERVER } from './domain-samples.ts';
import { LINKS, linkLines, OVS, ovsOutput, plugged } from './interfaces-samples.ts';

const NEUTRON = `network /v2.0/ports?device_id=${SERVER}`;

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

test('a list of devices that is not understood is not an empty one', () => {
  expect(() => parseLinks('compute1', 'Usage: ip link …\n')).toThrow(LookError);
});

test('records come with the bridge they are in, from sets of one and of many', () => {
  expect(parseOvs('compute1', ovsOutput([plugged()]))).toEqual([
    { name: 'br-int', bridge: 'br-int', ifaceId: null, vmUuid: null },
    { name: 'qvodfaeac36-44', bridge: 'br-int', ifaceId: PORT, vmUuid: SERVER },
  ]);
  expect(parseOvs('compute1', ovsOutput([]))).toHaveLength(1);
  const empty = '{"data":[],"headings":[]}\n';
  expect(parseOvs('compute1', empty.repeat(3))).toEqual([]);
});

test.each(['', 'not json\n', '{"data":[],"headings":[]}\n', '{"data":[["a"]]}\n'.repeat(3)])(
  'an answer of ovs-vsctl that is cut or strange is not an empty one: %j',
  (out) => {
    expect(() => parseOvs('compute1', out)).toThrow(LookError);
  },
);

test.each([
  ['tapdfaeac36-44', 'dfaeac36-44'],
  ['qvodfaeac36-44', 'dfaeac36-44'],
  ['vhudfaeac36-44', 'dfaeac36-44'],
  ['vnet0', null],
  ['tapdfaeac36-448', null],
  ['tap--version0-', null],
  ['tap../../../x', null],
])('the short id of %s is %s', (device, short) => {
  expect(shortIdOf(device)).toBe(short);
});

test.each([
  [
    'devices cannot be listed',
    { [LINKS]: { exit: 1, err: 'Cannot open netlink socket' }, [OVS]: ovsOutput([]) },
  ],
  [
    'Open vSwitch does not answer',
    { [LINKS]: linkLines({}), [OVS]: { exit: 1, err: 'ovs-vsctl: database connection failed' } },
  ],
  [
    'the host does not answer',
    {
      [LINKS]: new LookError('host compute1', 'no route', { code: 'host-unreachable' }),
      [OVS]: ovsOutput([]),
    },
  ],
])('%s: unknown, not clean', async (_, command) => {
  const look = fakeReader({
    command: { [LIST]: '\n', ...command },
    http: { [NEUTRON]: { body: { ports: [] } } },
  });
  const { facts, unknown } = await interfaces.find(look, subject());
  expect(facts.plugs).toEqual([]);
  expect(unknown).toMatchObject([{ place: 'host compute1' }]);
});

test('a host that the site file does not know is unknown', async () => {
  const [host] = subject().hosts;
  if (host === undefined) throw new Error('no host');
  const lost = subject({ hosts: [{ ...host, instancesPath: null }] });
  const { unknown } = await interfaces.find(
    fakeReader({ http: { [NEUTRON]: { body: { ports: [] } } } }),
    lost,
  );
  expect(unknown).toMatchObject([
    { why: expect.stringContaining('the site file does not say how to reach it') },
  ]);
});

test('no ovs-vsctl on the host is unknown when the interfaces are Open vSwitch’s, and nothing otherwise', async () => {
  const ask = async (type: string) => {
    const ports = { ports: [{ id: PORT, 'binding:vif_type': type }] };
    const look = fakeReader({
      command: { [LIST]: '\n', [LINKS]: linkLines({}), [OVS]: { exit: 127 } },
      http: { [NEUTRON]: { body: ports } },
    });
    return (await interfaces.find(look, subject())).unknown;
  };
  expect(await ask('ovs')).toMatchObject([{ why: expect.stringContaining('ovs-vsctl is not there') }]);
  expect(await ask('bridge')).toEqual([]);
});
