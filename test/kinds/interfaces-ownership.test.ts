/** Whose what is found on a host is. */
import { expect, test } from 'vitest';
import { interfaces } from '../../src/kinds/interfaces/index.ts';
import { LookError } from '../../src/plan/errors.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { subject } from '../support/subjects.ts';
import { domainAnswers, NEIGHBOUR, PORT, SERVER } from './domain-samples.ts';
import {
  acts,
  bare,
  forgotten,
  hybrid,
  LINKS,
  linkLines,
  look,
  marked,
  NEUTRON,
  noPorts,
  nothing,
  OVS,
  OWNER,
  one,
  ovsOutput,
  ovsOutputOf,
  plugged,
  type SampleRecord,
  stopped,
  vif,
} from './interfaces-samples.ts';

/** another port whose id begins with the same 11 characters */
const TWIN = 'dfaeac36-44ff-4a00-a71e-f3f81f979d44';
const place = 'host compute1';

function ownedBy(device_id: string) {
  return { ...noPorts, [OWNER]: { body: { port: { device_id } } } };
}

test.each([
  ['another server', { vmUuid: NEIGHBOUR }, `server ${NEIGHBOUR}`],
  ['another port', { ifaceId: TWIN, vmUuid: null }, `port ${TWIN}`],
])('a record of %s on a port that Neutron says is ours refuses without a flag', async (_, changes, whose) => {
  const plan = await look({ ...hybrid, [OVS]: ovsOutput([plugged(changes)]) });
  expect(plan.refusals).toEqual([
    {
      code: 'interface-other-server',
      flag: null,
      sentence: `port ${PORT} is this server's in Neutron, but on compute1 qvodfaeac36-44 is of ${whose}`,
    },
  ]);
  expect(plan.steps.flatMap((s) => s.guards.map((g) => g.check))).toContainEqual(marked());
  // It says whose it is: that nothing does would contradict the refusal.
  expect(plan.kept).toEqual([]);
});

test.each([
  ['server', { vmUuid: NEIGHBOUR }, `server ${NEIGHBOUR}`],
  ['port', { ifaceId: TWIN, vmUuid: null }, `port ${TWIN}`],
])(
  'a port that Neutron does not give us is a bystander with all its devices when its record is of another %s',
  async (_, changes, whose) => {
    const plan = await look({ ...hybrid, [OVS]: ovsOutput([plugged(changes)]) }, forgotten);
    expect(plan).toMatchObject({ steps: [], remains: [], refusals: [], unknown: [] });
    expect(plan.kept).toEqual([{ place, what: `port ${PORT}`, why: `qvodfaeac36-44 is of ${whose}` }]);
    expect(plan.manual).toBeUndefined();
  },
);

test('a record of another server under a name of its own is not ours, though it has our port’s id', async () => {
  const record = plugged({ name: 'enp3s0f0_3', vmUuid: NEIGHBOUR });
  const plan = await look({ ...nothing, [OVS]: ovsOutput([record]) });
  expect(plan).toMatchObject({ steps: [], remains: [], refusals: [], kept: [] });
});

/** As libvirt plugs natively up to Wallaby: a tap in br-int, with `vm-id`. */
const byLibvirt = (changes: Partial<SampleRecord> = {}) =>
  plugged({ name: 'tapdfaeac36-44', vmUuid: null, vmId: SERVER, ...changes });
const NATIVE = { ...vif, hybrid: false };

test('what libvirt plugged bears vm-id, and outlives the crash of its host', async () => {
  const native = { ...nothing, [OVS]: ovsOutput([byLibvirt()]) };
  const sources: [Parameters<typeof look>[1], Parameters<typeof look>[2]][] = [
    [undefined, subject({ vifs: [NATIVE] })],
    [forgotten, subject({ vifs: [NATIVE] })],
    [noPorts, bare],
  ];
  for (const [http, of] of sources) {
    const plan = await look(native, http, of);
    expect(plan).toMatchObject({ refusals: [], kept: [], unknown: [] });
    expect(acts(plan)).toEqual(['ovs-vsctl --timeout=10 -- --if-exists del-port br-int tapdfaeac36-44']);
    expect(plan.steps[0]?.guards.map((g) => g.check)).toEqual([stopped, marked('tapdfaeac36-44')]);
  }
});

test.each([
  ['libvirt', { vmId: NEIGHBOUR }],
  ['libvirt, on top of what this server left there', { vmUuid: SERVER, vmId: NEIGHBOUR }],
  ['os-vif, on top of what this server left there', { vmUuid: NEIGHBOUR, vmId: SERVER }],
])('a port that was plugged for another server since by %s is a bystander', async (_, marks) => {
  const native = {
    ...nothing,
    [LINKS]: linkLines({ tap: 'ovs-system' }),
    [OVS]: ovsOutput([byLibvirt(marks)]),
  };
  const given = await look(native, ownedBy(NEIGHBOUR), subject({ vifs: [NATIVE] }));
  expect(given).toMatchObject({ steps: [], remains: [], refusals: [] });
  expect(given.kept).toEqual([
    { place, what: `port ${PORT}`, why: `tapdfaeac36-44 is of server ${NEIGHBOUR}` },
  ]);
});

test('what libvirt plugged for another server, and Neutron says is ours, refuses without a flag', async () => {
  const native = { ...nothing, [OVS]: ovsOutput([byLibvirt({ vmId: NEIGHBOUR })]) };
  const disputed = await look(native, undefined, subject({ vifs: [NATIVE] }));
  expect(disputed.refusals).toMatchObject([{ code: 'interface-other-server', flag: null }]);
});

test.each([
  ['os-vif, beside what libvirt had written for another before', { vmUuid: SERVER, vmId: NEIGHBOUR }],
  ['libvirt, beside what os-vif had written for another before', { vmUuid: NEIGHBOUR, vmId: SERVER }],
])('a port that Neutron says is ours was plugged by %s', async (_, marks) => {
  const native = {
    ...nothing,
    [LINKS]: linkLines({ tap: 'ovs-system' }),
    [OVS]: ovsOutput([byLibvirt(marks)]),
  };
  const plan = await look(native, undefined, subject({ vifs: [NATIVE] }));
  expect(plan).toMatchObject({ refusals: [], kept: [], unknown: [] });
  expect(acts(plan)).toEqual([
    'ovs-vsctl --timeout=10 -- --if-exists del-port br-int tapdfaeac36-44',
    'ip link delete dev tapdfaeac36-44',
  ]);
  const seen = {
    ...marked('tapdfaeac36-44'),
    out: { linesWithin: [PORT, SERVER, NEIGHBOUR].map((id) => `"${id}"`) },
  };
  // The port may go back to the other one until it is the step's turn, and the marks would not tell.
  const claimed = {
    door: 'http',
    service: 'network',
    path: `/v2.0/ports/${PORT}`,
    status: [200],
    at: { keys: ['port', 'device_id'], equals: SERVER },
  };
  for (const { guards } of plan.steps) expect(guards.map((g) => g.check)).toEqual([stopped, seen, claimed]);
});

const UNMARKED = plugged({ ifaceId: null, vmUuid: null });

test.each([
  ['without a record', []],
  ['with a record that says nothing', [UNMARKED]],
])('%s in Open vSwitch, Neutron says whose a port is', async (_, records) => {
  const half = { ...hybrid, [OVS]: ovsOutput(records) };
  const given = await look(half, ownedBy(NEIGHBOUR));
  expect(given).toMatchObject({ steps: [], remains: [], refusals: [] });
  expect(given.kept).toEqual([
    { place, what: `port ${PORT}`, why: `Neutron gives port ${PORT} to ${NEIGHBOUR}` },
  ]);
  const ours = ['ip link delete dev qbrdfaeac36-44', 'ip link delete dev qvodfaeac36-44'];
  expect(acts(await look(half, forgotten))).toEqual(ours);
  expect(acts(await look(half, ownedBy('')))).toEqual(ours);
  expect(acts(await look(half, ownedBy(SERVER)))).toEqual(ours);
});

test('without a record in Open vSwitch, and Neutron does not say whose a port is: not known', async () => {
  const silent = { ...noPorts, [OWNER]: new LookError('Neutron', 'answered 500', { code: 'api-500' }) };
  expect(await look({ ...hybrid, [OVS]: ovsOutput([]) }, silent)).toMatchObject({
    steps: [],
    unknown: [{ place: 'Neutron', why: 'answered 500' }],
  });
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

test.each([
  ['neither mark', UNMARKED],
  ['neither mark, as a tap,', { ...UNMARKED, name: 'tapdfaeac36-44' }],
  ['neither mark, as vhost-user,', { ...UNMARKED, name: 'vhudfaeac36-44' }],
  ['the port alone', plugged({ vmUuid: null })],
  ['the server alone', plugged({ ifaceId: null })],
])('a record that bears %s is proven to be nobody’s and stays', async (_, record) => {
  const plan = await look({ ...nothing, [OVS]: ovsOutput([record]) });
  expect(plan).toMatchObject({ steps: [], remains: [], refusals: [] });
  expect(plan.kept).toEqual([
    { place, what: `${record.name} in br-int`, why: 'nothing in it says whose it is' },
  ]);
});

test.each(['qvodfaeac36-44', 'enp3s0f0_3'])(
  'record %s that marks the server is found though database and Neutron have forgotten its port',
  async (name) => {
    const plan = await look({ ...nothing, [OVS]: ovsOutput([plugged({ name })]) }, noPorts, bare);
    expect(acts(plan)).toEqual([`ovs-vsctl --timeout=10 -- --if-exists del-port br-int ${name}`]);
    expect(plan.steps[0]?.guards.map((g) => g.check)).toEqual([stopped, marked(name)]);
  },
);

test.each([null, 'k8s/pod'])(
  'a record that marks the server and says %j for its port is found by its name, and guarded by the server',
  async (ifaceId) => {
    const records = ovsOutput([plugged({ ifaceId }), plugged({ name: 'veth9', ifaceId })]);
    const plan = await look({ ...hybrid, [OVS]: records }, noPorts, bare);
    expect(plan).toMatchObject({ refusals: [], unknown: [] });
    expect(acts(plan)).toEqual([
      'ip link delete dev qbrdfaeac36-44',
      'ovs-vsctl --timeout=10 -- --if-exists del-port br-int qvodfaeac36-44',
      'ip link delete dev qvodfaeac36-44',
    ]);
    expect(plan.steps[1]?.guards.map((g) => g.check)).toEqual([stopped, marked('qvodfaeac36-44', null)]);
  },
);

test('a Neutron that cannot be asked does not hide what the host has', async () => {
  const down = new LookError('Neutron', 'connection refused', { code: 'api-unreachable' });
  const plan = await look(hybrid, { [NEUTRON]: down });
  expect(plan.unknown).toEqual([]);
  expect(plan.steps).toHaveLength(3);
});

test('a fault of expunge is no Neutron that cannot be asked', async () => {
  await expect(interfaces.find(fakeReader({ command: hybrid }), one)).rejects.toThrow('did not foresee');
});

test('a port id that is none is not looked for', async () => {
  const links = linkLines({ outer: true, bridge: true }).replaceAll('dfaeac36-44', 'not-an-id--');
  const plan = await look(
    { ...nothing, [LINKS]: links },
    noPorts,
    subject({ vifs: [{ ...vif, portId: 'not-an-id--at-all' }] }),
  );
  expect(plan).toMatchObject({ steps: [], remains: [], kept: [] });
});

test('a port that only the running domain’s XML names is found by its id', async () => {
  const plan = await look({ ...hybrid, ...domainAnswers(), [OVS]: ovsOutput([]) }, forgotten, bare);
  expect(plan.unasked).toEqual([]);
  expect(acts(plan)).toEqual(['ip link delete dev qbrdfaeac36-44', 'ip link delete dev qvodfaeac36-44']);
  expect(plan.remains).toMatchObject([{ what: expect.stringContaining(`interface of port ${PORT}: `) }]);
});

/** A running domain with one device of a port whose id nothing tells. */
const onlyDevice = {
  ...domainAnswers({
    interfaces: `    <interface type='bridge'>\n      <target dev='tapabcdef01-23'/>\n    </interface>`,
  }),
  [LINKS]: linkLines({ outer: true, bridge: true }).replaceAll('dfaeac36-44', 'abcdef01-23'),
};
const LINKS_OF_DEVICE = ['ip link delete dev qbrabcdef01-23', 'ip link delete dev qvoabcdef01-23'];

test('a device that only the running domain’s XML names is found by its short id', async () => {
  const plan = await look({ ...onlyDevice, [OVS]: ovsOutput([]) }, noPorts, bare);
  expect(acts(plan)).toEqual(LINKS_OF_DEVICE);
  expect(plan.steps[1]?.guards.map((g) => g.check)).toEqual([stopped, marked('qvoabcdef01-23', null)]);
  expect(plan.remains[0]?.what).toMatch(/^interface of port abcdef01-23…/);
});

test('a device that only the running domain’s XML names is a bystander when its record is of another server', async () => {
  const record = plugged({ name: 'qvoabcdef01-23', ifaceId: null, vmUuid: NEIGHBOUR });
  const plan = await look({ ...onlyDevice, [OVS]: ovsOutput([record]) }, noPorts, bare);
  expect(plan).toMatchObject({ steps: [], remains: [], refusals: [] });
  expect(plan.kept).toEqual([
    { place, what: 'port abcdef01-23…', why: `qvoabcdef01-23 is of server ${NEIGHBOUR}` },
  ]);
});

test('the port in the record of such a device does not make it another’s, and nothing else is taken', async () => {
  const silent = (name: string) => ({ name, ifaceId: null, vmUuid: null });
  const records = ovsOutputOf({
    'br-int': [
      { name: 'qvoabcdef01-23', ifaceId: 'abcdef01-2345-4678-9abc-def012345678', vmUuid: null },
      silent('tpi-99999999-99'),
    ],
    'tbr-99999999-9': [silent('tpt-99999999-99')],
  });
  const plan = await look({ ...onlyDevice, [OVS]: records }, noPorts, bare);
  expect(plan).toMatchObject({ refusals: [], unknown: [] });
  expect(acts(plan)).toEqual(LINKS_OF_DEVICE);
  expect(plan.kept).toEqual([
    { place, what: 'qvoabcdef01-23 in br-int', why: 'nothing in it says whose it is' },
  ]);
});

test('a record that bears the server’s port is that port’s alone, whatever its name looks like', async () => {
  const named = plugged({ name: 'tapabcdef01-23' });
  const plan = await look({ ...nothing, [OVS]: ovsOutput([named]) });
  expect(plan.steps.map(({ id }) => id)).toEqual(['interfaces/compute1/ovs/tapabcdef01-23']);
  expect(plan.remains).toEqual([
    { place: 'host compute1', what: `interface of port ${PORT}: tapabcdef01-23 in br-int` },
  ]);
});
