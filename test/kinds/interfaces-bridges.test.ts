/** Bridges of Open vSwitch that were made for one port alone. */
import { expect, test } from 'vitest';
import { subject } from '../support/subjects.ts';
import { PORT } from './domain-samples.ts';
import {
  acts,
  look,
  NEUTRON,
  nothing,
  OVS,
  ovsOutput,
  ovsOutputOf,
  plugged,
  type SampleRecord,
  stopped,
  vif,
} from './interfaces-samples.ts';

const place = 'host compute1';
const SUBPORT = 'abcdef01-2345-4678-9abc-def012345678';
const TRUNK = 'tbr-12345678-9';
const WHY = 'It was made for this one port, and an agent that is down does not remove it.';

const patch = (name: string, ifaceId: string | null = null) => ({ name, ifaceId, vmUuid: null });
const onHost = (bridges: Readonly<Record<string, readonly SampleRecord[]>>) => ({
  ...nothing,
  [OVS]: ovsOutputOf(bridges),
});
const ovs = (...words: string[]) => ({
  door: 'command',
  host: 'compute1',
  argv: ['ovs-vsctl', '--timeout=10', ...words],
});
const delPort = (...ends: string[]) =>
  ends.flatMap((end) => ['--', '--if-exists', 'del-port', 'br-int', end]);
const holdsOnly = (bridge: string, ...members: string[]) => ({
  must: `${bridge} holds nothing besides its own patch ports`,
  check: { ...ovs('list-ports', bridge), exit: [0, 1], out: { linesWithin: members } },
});
const inactive = { must: "the server's domain is not active here", check: stopped };

/** As the agent wires a trunk with one subport: `t` ends in the trunk's bridge, `i` ends in br-int. */
const OUTSIDE = [patch('tpi-dfaeac36-44', PORT), patch('spi-abcdef01-23', SUBPORT)];
const INSIDE = [patch('tpt-dfaeac36-44', PORT), patch('spt-abcdef01-23', SUBPORT)];
const ENDS = ['tpi-dfaeac36-44', 'spi-abcdef01-23'];
const TAP = plugged({ name: 'tapdfaeac36-44' });

/** Neutron tells the trunk of one port and its subport. */
const withTrunk = {
  [NEUTRON]: {
    body: {
      ports: [{ id: PORT, trunk_details: { trunk_id: 't', sub_ports: [{ port_id: SUBPORT }] } }],
    },
  },
};

function goneTrunk(inside: readonly string[], needs: readonly string[]) {
  return {
    id: `interfaces/compute1/bridge/${TRUNK}`,
    phase: 'unplug',
    place,
    title: `delete bridge ${TRUNK} of Open vSwitch and tpi-dfaeac36-44, spi-abcdef01-23`,
    why: WHY,
    act: { ...ovs(...delPort(...ENDS), '--', '--if-exists', 'del-br', TRUNK), exit: [0] },
    guards: [inactive, holdsOnly(TRUNK, ...inside)],
    settled: { ...ovs('br-exists', TRUNK), exit: [2], no: [0] },
    before: [],
    needs,
    undo: 'never',
  };
}

test('a vhost-user port and a port in a trunk’s bridge are taken out of where they are', async () => {
  const records = ovsOutput([plugged({ name: 'vhudfaeac36-44' })], TRUNK);
  const plan = await look({ ...nothing, [OVS]: records });
  expect(acts(plan)).toEqual([
    `ovs-vsctl --timeout=10 -- --if-exists del-port ${TRUNK} vhudfaeac36-44`,
    `ovs-vsctl --timeout=10 -- --if-exists del-br ${TRUNK}`,
  ]);
  expect(plan.steps[1]).toMatchObject({
    title: `delete bridge ${TRUNK} of Open vSwitch`,
    needs: [plan.steps[0]?.id],
  });
  expect(plan).toMatchObject({ kept: [], refusals: [] });
});

test('the bridge of a trunk whose agent is down goes with its patches, and nothing else of br-int', async () => {
  const plan = await look(onHost({ 'br-int': OUTSIDE, [TRUNK]: [...INSIDE, TAP] }));
  expect(plan).toMatchObject({ refusals: [], kept: [], unknown: [] });
  expect(acts(plan)[0]).toBe(`ovs-vsctl --timeout=10 -- --if-exists del-port ${TRUNK} tapdfaeac36-44`);
  expect(plan.steps[1]).toEqual(
    goneTrunk(
      ['tpt-dfaeac36-44', 'spt-abcdef01-23', 'tapdfaeac36-44'],
      ['interfaces/compute1/ovs/tapdfaeac36-44'],
    ),
  );
});

test('the bridge of a trunk that libvirt has taken the tap out of is still there: not clean', async () => {
  const left = await look(onHost({ 'br-int': OUTSIDE, [TRUNK]: INSIDE }));
  expect(left.steps).toEqual([goneTrunk(['tpt-dfaeac36-44', 'spt-abcdef01-23'], [])]);
  expect(left.remains).toEqual([
    { place, what: `interface of port ${PORT}: bridge ${TRUNK} of Open vSwitch` },
  ]);
});

test('a trunk’s bridge waits only for the records that are in it', async () => {
  const plan = await look(onHost({ 'br-int': [...OUTSIDE, plugged()], [TRUNK]: [...INSIDE, TAP] }));
  expect(plan.steps).toHaveLength(3);
  expect(plan.steps[2]).toEqual(
    goneTrunk(
      ['tpt-dfaeac36-44', 'spt-abcdef01-23', 'tapdfaeac36-44'],
      ['interfaces/compute1/ovs/tapdfaeac36-44'],
    ),
  );
});

test('the trunk of another server, and a subport that is plugged by itself, stay', async () => {
  const OTHER = '99999999-9999-4999-8999-999999999999';
  const SUB = '88888888-8888-4888-8888-888888888888';
  const plan = await look(
    onHost({
      'br-int': [
        patch('tpi-99999999-99', OTHER),
        patch('spi-88888888-88', SUB),
        patch('spi-77777777-77'),
        patch('eth9', SUBPORT),
        ...OUTSIDE,
      ],
      'tbr-99999999-9': [patch('tpt-99999999-99', OTHER), patch('spt-88888888-88', SUB)],
      [TRUNK]: INSIDE,
    }),
    withTrunk,
  );
  expect(plan).toMatchObject({ refusals: [], kept: [] });
  expect(plan.steps).toEqual([goneTrunk(['tpt-dfaeac36-44', 'spt-abcdef01-23'], [])]);
});

test('patches that outlived their trunk’s bridge are found by Neutron’s subports', async () => {
  const plan = await look(onHost({ 'br-int': OUTSIDE }), withTrunk);
  expect(plan).toMatchObject({ refusals: [], kept: [] });
  expect(plan.steps).toEqual([
    {
      id: 'interfaces/compute1/bridge/tpi-dfaeac36-44',
      phase: 'unplug',
      place,
      title: 'take tpi-dfaeac36-44, spi-abcdef01-23 out of Open vSwitch',
      why: WHY,
      act: { ...ovs(...delPort(...ENDS)), exit: [0] },
      guards: [inactive],
      settled: {
        // All of them: an agent may have taken one.
        ...ovs(
          ...['--if-exists', 'get', 'Interface', 'tpi-dfaeac36-44', 'name', '--'],
          ...['--if-exists', 'get', 'Interface', 'spi-abcdef01-23', 'name'],
        ),
        exit: [0],
        out: { equals: '' },
      },
      before: [],
      needs: [],
      undo: 'never',
    },
  ]);
  expect(plan.remains).toEqual([
    { place, what: `interface of port ${PORT}: tpi-dfaeac36-44 in br-int, spi-abcdef01-23 in br-int` },
  ]);
});

test('the subports of a trunk are not those of the server’s other ports', async () => {
  const second = '0a1b2c3d-4e5f-4a6b-8c7d-8e9f0a1b2c3d';
  const ports = [...withTrunk[NEUTRON].body.ports, { id: second }];
  const plan = await look(
    onHost({ 'br-int': [...OUTSIDE, plugged({ name: 'tap0a1b2c3d-4e', ifaceId: second })] }),
    { [NEUTRON]: { body: { ports } } },
    subject({ vifs: [vif, { ...vif, portId: second }] }),
  );
  expect(plan.steps.map((s) => s.id)).toEqual([
    'interfaces/compute1/bridge/tpi-dfaeac36-44',
    'interfaces/compute1/ovs/tap0a1b2c3d-4e',
  ]);
});

test('a trunk’s bridge with something else in it refuses without a flag', async () => {
  const strange = [patch('eth7', 'x'), patch('my-tpt-1')];
  const plan = await look(onHost({ 'br-int': OUTSIDE, [TRUNK]: [...INSIDE, ...strange] }));
  expect(plan.refusals).toEqual([
    {
      code: 'bridge-foreign-member',
      flag: null,
      sentence: `${TRUNK} on compute1 also holds eth7, my-tpt-1, which is not this port's`,
    },
  ]);
});

/** As os-vif makes a bridge for one port. */
const PB = 'pbdfaeac36-44';
const IBP = `ibp${PORT}`;
const PBP = `pbp${PORT}`;

test('the bridge that os-vif makes for one port goes with both ends of its patch', async () => {
  const plan = await look(onHost({ 'br-int': [patch(IBP)], [PB]: [patch(PBP), TAP] }));
  expect(plan).toMatchObject({ refusals: [], kept: [], unknown: [] });
  expect(acts(plan)).toEqual([
    `ovs-vsctl --timeout=10 -- --if-exists del-port ${PB} tapdfaeac36-44`,
    `ovs-vsctl --timeout=10 -- --if-exists del-port br-int ${IBP} -- --if-exists del-br ${PB}`,
  ]);
  expect(plan.steps[1]).toMatchObject({
    guards: [inactive, holdsOnly(PB, PBP, 'tapdfaeac36-44')],
    needs: ['interfaces/compute1/ovs/tapdfaeac36-44'],
  });
});

test('in that bridge the tap bears no marks, only the patch in br-int does: it goes by the bridge', async () => {
  const tap = patch('tapdfaeac36-44');
  const asPlugged = { 'br-int': [plugged({ name: IBP })], [PB]: [patch(PBP), tap] };
  const plan = await look(onHost(asPlugged));
  expect(plan).toMatchObject({ refusals: [], kept: [], unknown: [] });
  expect(acts(plan).toSorted()).toEqual([
    `ovs-vsctl --timeout=10 -- --if-exists del-port br-int ${IBP}`,
    `ovs-vsctl --timeout=10 -- --if-exists del-port br-int ${IBP} -- --if-exists del-br ${PB}`,
    `ovs-vsctl --timeout=10 -- --if-exists del-port ${PB} tapdfaeac36-44`,
  ]);
  const bridge = plan.steps.find(({ id }) => id.endsWith(`/bridge/${PB}`));
  expect(bridge?.guards).toEqual([inactive, holdsOnly(PB, PBP, 'tapdfaeac36-44')]);
  expect(bridge?.needs).toEqual(['interfaces/compute1/ovs/tapdfaeac36-44']);
});

test('so does a tap that is left in that bridge without the patches, which os-vif deletes first', async () => {
  const plan = await look(onHost({ 'br-int': [], [PB]: [patch('tapdfaeac36-44')] }));
  expect(plan).toMatchObject({ refusals: [], kept: [] });
  expect(acts(plan)).toEqual([
    `ovs-vsctl --timeout=10 -- --if-exists del-port ${PB} tapdfaeac36-44`,
    `ovs-vsctl --timeout=10 -- --if-exists del-br ${PB}`,
  ]);
  const guards = [inactive, holdsOnly(PB, 'tapdfaeac36-44')];
  expect(plan.steps[1]).toMatchObject({ guards, needs: ['interfaces/compute1/ovs/tapdfaeac36-44'] });
});

test.each([
  [
    'the bridge is left without its patch',
    { 'br-int': [], [PB]: [patch(PBP)] },
    `-- --if-exists del-br ${PB}`,
    `bridge ${PB} of Open vSwitch`,
  ],
  [
    'one end of the patch is left without the bridge',
    { 'br-int': [patch(IBP), patch('ibp-of-another')] },
    `-- --if-exists del-port br-int ${IBP}`,
    `${IBP} in br-int`,
  ],
])('where %s, that goes', async (_, bridges, words, what) => {
  const plan = await look(onHost(bridges));
  expect(plan).toMatchObject({ refusals: [], kept: [] });
  expect(acts(plan)).toEqual([`ovs-vsctl --timeout=10 ${words}`]);
  expect(plan.remains).toEqual([{ place, what: `interface of port ${PORT}: ${what}` }]);
});

test('os-vif’s bridge for one port with something else in it refuses without a flag', async () => {
  const plan = await look(onHost({ 'br-int': [patch(IBP)], [PB]: [patch(PBP), TAP, patch('eth7')] }));
  expect(plan.refusals).toMatchObject([
    { sentence: `${PB} on compute1 also holds eth7, which is not this port's` },
  ]);
  expect(plan.steps[1]?.guards).toEqual([inactive, holdsOnly(PB, PBP, 'tapdfaeac36-44')]);
});
