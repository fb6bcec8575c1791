/** Records of QoS that os-vif makes for the devices that it plugs. */
import { expect, test } from 'vitest';
import { NEIGHBOUR, PORT, SERVER } from './domain-samples.ts';
import {
  acts,
  forgotten,
  hybrid,
  look,
  marked,
  noPorts,
  nothing,
  OVS,
  OWNER,
  ovsOutputOf,
  plugged,
  type SampleQos,
  type SampleRecord,
  stopped,
} from './interfaces-samples.ts';

const place = 'host compute1';
const RECORD = '7b4ae72f-41a8-4bf2-bbb9-53379d580ed9';
// What Python's uuid.uuid5 makes of os-vif's namespace and the name of each device.
const OF_VETH: SampleQos = [RECORD, '13fc1982-6d46-5d12-a111-46841d2a4c47'];
const OF_TAP: SampleQos = [RECORD, '9f1cc6d4-97dd-5a7c-a83e-09159de38565'];
const OF_REPRESENTOR: SampleQos = [RECORD, '85cc76fe-2894-54c9-a7dd-037b20a12bf7'];
const OF_ANOTHER: SampleQos = [
  '0a1b2c3d-4e5f-4a6b-8c7d-8e9f0a1b2c3d',
  '22222222-2222-5222-8222-222222222222',
];

const bearing = (records: readonly SampleRecord[], ...qos: readonly SampleQos[]) => ({
  ...nothing,
  [OVS]: ovsOutputOf({ 'br-int': records }, qos),
});
const DESTROY = `ovs-vsctl --timeout=10 -- --if-exists destroy QoS ${RECORD}`;
const delPort = (device: string) => `ovs-vsctl --timeout=10 -- --if-exists del-port br-int ${device}`;

test.each([
  ['qvodfaeac36-44', OF_VETH],
  ['tapdfaeac36-44', OF_TAP],
  ['enp3s0f0_3', OF_REPRESENTOR],
])('that of %s goes by its uuid, after its port', async (name, qos) => {
  const plan = await look(bearing([plugged({ name })], qos, OF_ANOTHER));
  expect(plan).toMatchObject({ refusals: [], kept: [], unknown: [] });
  expect(acts(plan)).toEqual([delPort(name), DESTROY]);
  const command = (...words: string[]) => ({
    door: 'command',
    host: 'compute1',
    argv: ['ovs-vsctl', '--timeout=10', ...words],
  });
  expect(plan.steps[1]).toEqual({
    id: `interfaces/compute1/qos/${RECORD}`,
    phase: 'unplug',
    place,
    title: `delete the QoS record of ${name}`,
    why: 'os-vif made it for this one device, and Open vSwitch keeps it for ever.',
    act: { ...command('--', '--if-exists', 'destroy', 'QoS', RECORD), exit: [0] },
    guards: [
      { must: "the server's domain is not active here", check: stopped },
      { must: `${name} in Open vSwitch is of this server and this port`, check: marked(name) },
    ],
    settled: {
      ...command('--if-exists', 'get', 'QoS', RECORD, '_uuid'),
      exit: [0],
      out: { equals: '' },
    },
    before: [command('--format=json', '--', 'list', 'QoS', RECORD)],
    needs: [`interfaces/compute1/ovs/${name}`],
    undo: 'never',
  });
  expect(plan.remains).toEqual([
    { place, what: `interface of port ${PORT}: ${name} in br-int, QoS record of ${name}` },
  ]);
});

test('that of a device which is called after another port goes once, with the port that its record names', async () => {
  const name = 'tap11111111-22';
  const plan = await look(bearing([plugged({ name })], [RECORD, 'd98533d8-0f8a-514f-834e-bcf56368fce5']));
  expect(acts(plan)).toEqual([delPort(name), DESTROY]);
  expect(plan.remains).toHaveLength(1);
});

test('one that outlived its port is found by the name of the device alone', async () => {
  const plan = await look(bearing([], OF_VETH, OF_ANOTHER), forgotten);
  expect(acts(plan)).toEqual([DESTROY]);
  expect(plan.steps[0]?.needs).toEqual([]);
  expect(plan.remains).toEqual([{ place, what: `interface of port ${PORT}: QoS record of qvodfaeac36-44` }]);
});

test('that of a port which was given to another server stays', async () => {
  const given = { ...noPorts, [OWNER]: { body: { port: { device_id: NEIGHBOUR } } } };
  expect(await look(bearing([], OF_TAP), given)).toMatchObject({ steps: [], remains: [], refusals: [] });
  const replugged = bearing([plugged({ name: 'tapdfaeac36-44', vmUuid: NEIGHBOUR })], OF_TAP);
  expect(await look(replugged, given)).toMatchObject({ steps: [], remains: [], refusals: [] });
});

test('that of a record which stays would be refused, and stays too', async () => {
  const bare = plugged({ ifaceId: null, vmUuid: null });
  const plan = await look(bearing([bare], OF_VETH));
  expect(plan.steps).toEqual([]);
  expect(plan.kept).toMatchObject([{ what: 'qvodfaeac36-44 in br-int' }]);
});

test('one without an id, or with another’s, is nobody’s here', async () => {
  const plan = await look({
    ...hybrid,
    [OVS]: ovsOutputOf({ 'br-int': [plugged()] }, [OF_ANOTHER, [RECORD, SERVER]]),
  });
  expect(acts(plan)).not.toContain(DESTROY);
  expect(plan.steps).toHaveLength(3);
});
