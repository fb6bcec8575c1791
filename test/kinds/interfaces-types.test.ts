/** What a VIF type decides: what is said in words, what is left to a hand, and whose tap is deleted. */
import { expect, test } from 'vitest';
import { parseNetworkInfo } from '../../src/kinds/subject/parse.ts';
import { instanceRow, subject } from '../support/subjects.ts';
import { domainAnswers, PORT } from './domain-samples.ts';
import {
  acts,
  claimedAs,
  LINKS,
  linkLines,
  look,
  marked,
  NEUTRON,
  noOvs,
  noPorts,
  nothing,
  OVS,
  ovsOutput,
  plugged,
  stopped,
  vif,
} from './interfaces-samples.ts';

const place = 'host compute1';
const SECOND = '0a1b2c3d-4e5f-4a6b-8c7d-8e9f0a1b2c3d';

function of(type: string | null, ...more: readonly (typeof vif)[]) {
  return subject({ vifs: [{ ...vif, type, hybrid: false }, ...more] });
}

// As iproute2 6.1 prints a card with its functions on one line.
const card = `12: ens1f0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP mode DEFAULT group default qlen 1000\\    link/ether b8:59:9f:00:00:01 brd ff:ff:ff:ff:ff:ff\\    vf 0     link/ether 00:00:00:00:00:00 brd ff:ff:ff:ff:ff:ff, spoof checking on, link-state auto, trust off\\    vf 13     link/ether fa:16:3e:26:ef:4f brd ff:ff:ff:ff:ff:ff, vlan 101, spoof checking on, link-state auto, trust off\n`;
const withCard = { ...noOvs, [LINKS]: `${linkLines({})}${card}` };

test('a virtual function that bears the port’s address is shown and left to a hand', async () => {
  const direct = subject({ vifs: [{ ...vif, type: 'hw_veb', hybrid: false, mac: 'fa:16:3e:26:ef:4f' }] });
  const plan = await look(withCard, claimedAs('hw_veb'), direct);
  expect(plan).toMatchObject({ steps: [], remains: [], refusals: [], unknown: [] });
  expect(plan.manual).toEqual([
    {
      place,
      what: `virtual function 13 of ens1f0 bears fa:16:3e:26:ef:4f, the address of port ${PORT}`,
      how: 'on that host, if no domain uses it: ip link set ens1f0 vf 13 mac 00:00:00:00:00:00 vlan 0',
    },
  ]);
  const running = await look({ ...withCard, ...domainAnswers() }, claimedAs('hw_veb'), direct);
  expect(running.manual).toBeUndefined();
});

test('a virtual function is that of the port whose address it bears', async () => {
  const direct = { ...vif, type: 'hw_veb', hybrid: false };
  const two = subject({
    vifs: [
      { ...direct, portId: SECOND, mac: 'fa:16:3e:00:00:02' },
      { ...direct, mac: 'fa:16:3e:26:ef:4f' },
    ],
  });
  const plan = await look(withCard, { [NEUTRON]: { body: { ports: [{ id: SECOND }, { id: PORT }] } } }, two);
  expect(plan.manual).toMatchObject([{ what: expect.stringContaining(`the address of port ${PORT}`) }]);
});

const BY_HAND: readonly [string, string][] = [
  ['midonet', `mm-ctl --unbind-port ${PORT}`],
  ['iovisor', 'ifc_ctl gateway ifdown tapdfaeac36-44; ifc_ctl gateway del_port tapdfaeac36-44'],
  ['vrouter', `vrouter-port-control --oper=delete --uuid=${PORT}`],
];

test.each(BY_HAND)(
  'the tap of %s is shown and left to a hand, because another program has to hear of it',
  async (type, words) => {
    const http = claimedAs(type);
    const there = await look({ ...noOvs, [LINKS]: linkLines({ tap: null }) }, http, of(type));
    expect(there).toMatchObject({ steps: [], kept: [], unknown: [] });
    expect(there.manual).toEqual([
      {
        place,
        what: `tapdfaeac36-44 of port ${PORT}`,
        how: `on that host: ${words}; then ip link delete dev tapdfaeac36-44`,
      },
    ]);
    const gone = await look(noOvs, http, of(type));
    expect(gone).toMatchObject({ steps: [], kept: [] });
    expect(gone.manual).toBeUndefined();
  },
);

const TAP = 'ip link delete dev tapdfaeac36-44';
const madeBefore = (entry: object) =>
  subject({ vifs: parseNetworkInfo(JSON.stringify([{ id: PORT, ...entry }])) ?? [] });

test('a tap that Nova made goes in the same run as its domain, after it: qemu does not take it', async () => {
  const calico = madeBefore({ type: 'tap' });
  const running = { ...noOvs, ...domainAnswers(), [LINKS]: linkLines({ tap: null }) };
  const plan = await look(running, claimedAs('tap'), calico);
  expect(acts(plan)).toEqual([TAP]);
  expect(plan.steps[0]?.guards.map((g) => g.check)).toEqual([stopped]);
  expect(plan.steps[0]?.why).toBe('It was made before its qemu began, and stays when that has ended.');
  expect(plan.remains).toMatchObject([{ what: `interface of port ${PORT}: device tapdfaeac36-44` }]);
});

test.each([
  [{ ovs_create_tap: true }, [TAP]],
  [{ ovs_create_tap: false }, []],
  [{}, []],
])('so does one that os-vif made, of a port with %j', async (details, taps) => {
  const record = ovsOutput([plugged({ name: 'tapdfaeac36-44' })]);
  const running = { ...domainAnswers(), [LINKS]: linkLines({ tap: 'ovs-system' }), [OVS]: record };
  const plan = await look(running, claimedAs('ovs'), madeBefore({ type: 'ovs', details }));
  const del = 'ovs-vsctl --timeout=10 -- --if-exists del-port br-int tapdfaeac36-44';
  expect(acts(plan)).toEqual([del, ...taps]);
});

test('where network_info is lost, Neutron’s VIF type says what a tap is', async () => {
  const tap = { ...noOvs, [LINKS]: linkLines({ tap: null }) };
  const lost = subject({ vifs: [] });
  expect(await look(tap, claimedAs('tap'), lost)).toMatchObject({
    steps: [{ id: expect.any(String) }],
    kept: [],
  });
  const running = { ...tap, ...domainAnswers() };
  expect(acts(await look(running, claimedAs('tap'), lost))).toEqual([TAP]);
  const ofVrouter = await look(tap, claimedAs('vrouter'), lost);
  expect(ofVrouter).toMatchObject({
    steps: [],
    kept: [],
    manual: [{ what: `tapdfaeac36-44 of port ${PORT}` }],
  });
  // What network_info says counts for more: an unbound port has no type any more.
  expect(acts(await look(tap, claimedAs('unbound'), of('tap')))).toEqual([TAP]);
  for (const type of ['bridge', 'unbound'])
    expect((await look(tap, claimedAs(type), lost)).steps).toEqual([]);
});

test.each([
  ['a bridge', { bridge: true }],
  ['a veth pair', { outer: true }],
])('%s without the tap leaves nothing to a hand', async (_, links) => {
  const plan = await look({ ...noOvs, [LINKS]: linkLines(links) }, claimedAs('midonet'), of('midonet'));
  expect(plan.steps).toHaveLength(1);
  expect(plan.manual).toBeUndefined();
});

test.each(['hostdev_physical', 'hw_veb', 'macvtap', '802.1qbh', '802.1qbg', 'ib_hostdev'])(
  '%s leaves nothing that a command here could remove: said once, while the row lives',
  async (type) => {
    const { vifs } = of(type);
    const live = await look(noOvs, claimedAs(type), subject({ vifs }));
    expect(live).toMatchObject({ steps: [], remains: [], unknown: [] });
    expect(live.kept).toEqual([
      {
        place: 'compute hosts',
        what: `what VIF type ${type} set up for port ${PORT}`,
        why: expect.not.stringContaining('does not know'),
      },
    ]);
    for (const row of [instanceRow({ deleted: 42 }), null])
      expect((await look(noOvs, claimedAs(type), subject({ vifs, row }))).kept).toEqual([]);
  },
);

test.each([
  ['direct', { pci_slot: '0000:81:01.2', trusted: 'true' }, true],
  ['direct', { pci_slot: '0000:81:01.2', trusted: 'false' }, true],
  ['direct', { pci_slot: '0000:81:01.2' }, false],
  ['direct', { trusted: 'true' }, false],
  ['direct', undefined, false],
  ['macvtap', { pci_slot: '0000:81:01.2', trusted: 'true' }, false],
])(
  'a virtual function that was made trusted stays so, and that is said: %s %j',
  async (vnic_type, profile, says) => {
    const { kept } = await look(noOvs, noPorts, madeBefore({ type: 'hw_veb', vnic_type, profile }));
    expect(kept).toMatchObject([{ what: `what VIF type hw_veb set up for port ${PORT}` }]);
    const command = 'ip link set <card> vf <number> trust off, for the function at 0000:81:01.2';
    expect(kept[0]?.why.endsWith(command)).toBe(says);
  },
);

const NOBODY_KNOWS = 'this version does not know how that type is unplugged';

test.each([
  [
    'of vRouter',
    { vhostuser_vrouter_plug: true },
    'nothing on a host shows it: there, vrouter-port-control --oper=delete --uuid=<port> tells the vRouter',
    0,
  ],
  ['of a fast path', { vhostuser_fp_plug: true }, NOBODY_KNOWS, 1],
])('what vhost-user %s leaves is said: os-vif unplugs it elsewhere', async (whose, details, why, later) => {
  const { vifs } = madeBefore({ type: 'vhostuser', details });
  const kept = async (deleted: number) =>
    (await look(noOvs, noPorts, subject({ vifs, row: instanceRow({ deleted }) }))).kept;
  const what = `what VIF type vhostuser ${whose} set up for port ${PORT}`;
  expect(await kept(0)).toEqual([{ place: 'compute hosts', what, why }]);
  expect(await kept(42)).toHaveLength(later);
});

test.each([{ vhostuser_socket: '/run/vpp/x' }, { vhostuser_ovs_plug: true, vhostuser_fp_plug: true }])(
  'nothing is said of vhost-user that nobody plugs, or Open vSwitch has: %j',
  async (details) => {
    const { kept } = await look(nothing, noPorts, madeBefore({ type: 'vhostuser', details }));
    expect(kept).toEqual([]);
  },
);

test.each([0, 42])(
  'a VIF type that this version does not know is named, whether the row lives or not (deleted: %d)',
  async (deleted) => {
    const { vifs } = of('quantumtunnel');
    const plan = await look(nothing, noPorts, subject({ vifs, row: instanceRow({ deleted }) }));
    expect(plan.kept).toEqual([
      {
        place: 'compute hosts',
        what: `what VIF type quantumtunnel set up for port ${PORT}`,
        why: 'this version does not know how that type is unplugged',
      },
    ]);
  },
);

test.each([null, 'ovs', 'vhostuser', 'agilio_ovs', 'bridge', 'tap', 'unbound', 'binding_failed'])(
  'VIF type %s leaves nothing to say where nothing is found',
  async (type) => {
    const plan = await look(nothing, noPorts, of(type));
    expect(plan).toMatchObject({ steps: [], remains: [], kept: [], unknown: [] });
  },
);

test.each([
  ['of a routed network (Calico)', 'tap', noOvs, [stopped]],
  ['that Open vSwitch does not know any more', 'ovs', nothing, [stopped, marked('tapdfaeac36-44')]],
] as const)('a tap %s is deleted once qemu is gone', async (_, type, host, guards) => {
  const who = of(type, { ...vif, portId: SECOND, type: 'bridge' });
  const plan = await look({ ...host, [LINKS]: linkLines({ tap: null }) }, claimedAs(type), who);
  expect(acts(plan)).toEqual(['ip link delete dev tapdfaeac36-44']);
  expect(plan.steps[0]?.guards.map((g) => g.check)).toEqual(guards);
  expect(plan.remains).toEqual([{ place, what: `interface of port ${PORT}: device tapdfaeac36-44` }]);
});

test.each([
  ['in a bridge that servers share', of('bridge'), 'brq8e5e144d-6a'],
  ['of a routed network that somebody put into a bridge', of('tap'), 'brq8e5e144d-6a'],
  ['of a port whose type no row tells', subject(), 'brq8e5e144d-6a'],
  [
    'in no bridge, beside a routed port',
    of('bridge', { ...vif, portId: SECOND, type: 'tap', hybrid: false }),
    null,
  ],
])('a tap %s is left to its qemu', async (_, who, tap) => {
  const command = { ...noOvs, [LINKS]: linkLines({ tap }) };
  const plan = await look(command, claimedAs('bridge'), who);
  expect(plan).toMatchObject({ steps: [], remains: [], unknown: [] });
  expect(plan.kept).toEqual([
    { place, what: `tapdfaeac36-44 in ${tap ?? 'no bridge'}`, why: 'it goes with its qemu' },
  ]);
  const running = await look({ ...command, ...domainAnswers() }, claimedAs('bridge'), who);
  expect(running).toMatchObject({ steps: [], kept: [] });
});

test('a port is by hand by its own type, not by that of another port', async () => {
  const plan = await look(
    { ...noOvs, [LINKS]: linkLines({ tap: 'brq8e5e144d-6a' }) },
    claimedAs('bridge'),
    subject({
      vifs: [
        { ...vif, portId: SECOND, type: 'midonet' },
        { ...vif, type: 'bridge' },
      ],
    }),
  );
  expect(plan.manual).toBeUndefined();
  expect(plan.kept).toMatchObject([{ what: 'tapdfaeac36-44 in brq8e5e144d-6a' }]);
});
