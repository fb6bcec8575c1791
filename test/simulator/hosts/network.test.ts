import { beforeEach, describe, expect, test } from 'vitest';
import { parseLinks } from '../../../src/kinds/interfaces/links.ts';
import { OVS_LISTING, parseOvs, readOvs } from '../../../src/kinds/interfaces/ovs.ts';
import { deleteLink } from '../../../src/simulator/hosts/links.ts';
import type { World } from '../../../src/simulator/world.ts';
import { domainXml, NAME, PORT, SERVER } from '../../kinds/domain-samples.ts';
import {
  count,
  hostsWorld,
  insert,
  outOf,
  plugServer,
  runOn,
  siteOf,
  switchPort,
} from '../../support/hosts-world.ts';

const SHORT = PORT.slice(0, 11);
const [TAP, BRIDGE, INNER, OUTER] = ['tap', 'qbr', 'qvb', 'qvo'].map((kind) => kind + SHORT);
const OVS = OVS_LISTING.join(' ');
const GET = 'ovs-vsctl --timeout=10 --if-exists get Interface';
const DEL = 'ovs-vsctl --timeout=10 -- --if-exists del-port';

let world: World;
beforeEach(async () => {
  world = await hostsWorld('compute1');
  insert(world, 'links', {
    ...{ host: 'compute1', ifindex: 1, name: 'lo', mtu: 65536, flags: 'LOOPBACK,UP,LOWER_UP' },
  });
  insert(world, 'links', {
    ...{ host: 'compute1', ifindex: 6, name: 'br-int', kind: 'openvswitch', mac: '3a:1c:28:23:78:48' },
    ...{ mtu: 1500, flags: 'BROADCAST,MULTICAST,PROMISC', master: 'ovs-system' },
  });
  switchPort(world, 'compute1', 'br-int');
  plugServer(world, { uuid: SERVER, name: NAME, port: PORT, xml: domainXml() });
});

describe('network devices', () => {
  test('are told in the lines of iproute2', async () => {
    const end = 'mode DEFAULT group default qlen 1000\\    link/ether fe:16:3e:00:00';
    const brd = 'brd ff:ff:ff:ff:ff:ff';
    expect((await outOf(world, 'ip -o link show')).split('\n')).toEqual([
      '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000\\    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00',
      `6: br-int: <BROADCAST,MULTICAST,PROMISC> mtu 1500 qdisc noop master ovs-system state DOWN mode DEFAULT group default qlen 1000\\    link/ether 3a:1c:28:23:78:48 ${brd}`,
      `10: ${BRIDGE}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP ${end}:10 ${brd}`,
      `11: ${OUTER}@${INNER}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master ovs-system state UP ${end}:11 ${brd}`,
      `12: ${INNER}@${OUTER}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master ${BRIDGE} state UP ${end}:12 ${brd}`,
      `13: ${TAP}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master ${BRIDGE} state UNKNOWN ${end}:13 ${brd}`,
      '',
    ]);
  });
  test('are understood by the kind that reads them', async () => {
    const links = parseLinks('compute1', await outOf(world, 'ip -o link show'));
    expect([...links.values()].map(({ name, master }) => [name, master])).toEqual([
      ['lo', null],
      ['br-int', 'ovs-system'],
      [BRIDGE, null],
      [OUTER, 'ovs-system'],
      [INNER, BRIDGE],
      [TAP, BRIDGE],
    ]);
  });
  test('are seen in /sys as long as they are there', async () => {
    expect((await runOn(world, `test ! -e /sys/class/net/${TAP}`)).exit).toBe(1);
    await outOf(world, `ip link delete dev ${TAP}`);
    expect((await runOn(world, `test ! -e /sys/class/net/${TAP}`)).exit).toBe(0);
  });
});

describe('ip link delete', () => {
  test.each([[INNER], [OUTER]])('takes a veth pair whole: %s', async (end) => {
    await outOf(world, `ip link delete dev ${end}`);
    expect(count(world, 'links', "kind = 'veth'")).toBe(0);
    expect(await outOf(world, `ls /sys/class/net/${BRIDGE}/brif`)).toBe(`${TAP}\n`);
  });
  test('lets the members of a bridge go', async () => {
    expect(await outOf(world, `ls /sys/class/net/${BRIDGE}/brif`)).toBe(`${INNER}\n${TAP}\n`);
    await outOf(world, `ip link delete dev ${BRIDGE}`);
    const links = parseLinks('compute1', await outOf(world, 'ip -o link show'));
    expect([links.get(INNER ?? '')?.master, links.get(TAP ?? '')?.master, links.has(BRIDGE ?? '')]).toEqual([
      null,
      null,
      false,
    ]);
    expect(await runOn(world, `ls /sys/class/net/${BRIDGE}/brif`)).toEqual({
      exit: 2,
      out: '',
      err: `ls: cannot access '/sys/class/net/${BRIDGE}/brif': No such file or directory\n`,
    });
  });
  test('leaves a bridge without members without a carrier', async () => {
    await outOf(world, `ip link delete dev ${INNER}`);
    await outOf(world, `ip link delete dev ${TAP}`);
    expect(await outOf(world, 'ip -o link show')).toContain(
      `${BRIDGE}: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state DOWN `,
    );
  });
  test('does not touch what Open vSwitch has written down', async () => {
    await outOf(world, `ip link delete dev ${OUTER}`);
    expect(parseOvs('compute1', await outOf(world, OVS)).records.map(({ name }) => name)).toEqual([
      'br-int',
      OUTER,
    ]);
    const listed = await outOf(world, `ovs-vsctl --timeout=10 --format=json -- list Interface ${OUTER}`);
    expect(listed).toContain(`"could not open network device ${OUTER} (No such device)"`);
  });
  test.each([
    ['tapX', 1, 'Cannot find device "tapX"\n'],
    ['lo', 2, 'RTNETLINK answers: Operation not supported\n'],
    ['br-int', 2, 'RTNETLINK answers: Operation not supported\n'],
  ])('of %s fails as the kernel says', async (name, exit, err) => {
    expect(await runOn(world, `ip link delete dev ${name}`)).toEqual({ exit, out: '', err });
  });
  test('a name that another device has by now is not the other end', async () => {
    world.machines.exec(`UPDATE links SET peer = 'elsewhere' WHERE name = '${INNER}'`);
    deleteLink(world, 'compute1', OUTER ?? '');
    expect(count(world, 'links', `name = '${INNER}'`)).toBe(1);
  });
});

describe('Open vSwitch', () => {
  test('is listed as four tables that the kind understands', async () => {
    expect(await readOvs(siteOf(world).reader, 'compute1')).toEqual({
      records: [
        { name: 'br-int', bridge: 'br-int', ifaceId: null, servers: [] },
        { name: OUTER, bridge: 'br-int', ifaceId: PORT, servers: [SERVER] },
      ],
      qos: [],
    });
    expect(await outOf(world, OVS)).toMatchInlineSnapshot(`
      "{"data":[[["uuid","f5fd516a-0000-404e-8088-000000000000"],"br-int",["map",[]]],[["uuid","f5fd516a-0000-404e-8088-000000000001"],"qvodfaeac36-44",["map",[["iface-id","dfaeac36-448c-4a00-a71e-f3f81f979d44"],["iface-status","active"],["vm-uuid","11111111-2222-4333-8444-555555555555"]]]]],"headings":["_uuid","name","external_ids"]}
      {"data":[[["uuid","65bf5f9f-0000-4d0f-96d9-000000000000"],["uuid","f5fd516a-0000-404e-8088-000000000000"]],[["uuid","65bf5f9f-0000-4d0f-96d9-000000000001"],["uuid","f5fd516a-0000-404e-8088-000000000001"]]],"headings":["_uuid","interfaces"]}
      {"data":[["br-int",["set",[["uuid","65bf5f9f-0000-4d0f-96d9-000000000000"],["uuid","65bf5f9f-0000-4d0f-96d9-000000000001"]]]]],"headings":["name","ports"]}
      {"data":[],"headings":["_uuid","external_ids"]}
      "
    `);
  });
  test('quotes what looks like a uuid, and says nothing of what is not there', async () => {
    const ids = 'external_ids:iface-id external_ids:vm-uuid';
    expect(await outOf(world, `${GET} ${OUTER} ${ids}`)).toBe(`"${PORT}"\n"${SERVER}"\n`);
    expect(await outOf(world, `${GET} ${OUTER} name`)).toBe(`${OUTER}\n`);
    expect(await outOf(world, `${GET} br-int ${ids}`)).toBe('\n\n');
    expect(await outOf(world, `${GET} nope ${ids}`)).toBe('');
    expect(await outOf(world, 'ovs-vsctl --timeout=10 list-br')).toBe('br-int\n');
  });
  test('a bridge goes with all that is in it; whether it is there is told by the exit code alone', async () => {
    world.machines.exec(
      `INSERT INTO switch_ports SELECT name, 'tbr-1', 'tbr-1', NULL, '{}', 'p-t', 'i-t' FROM hosts LIMIT 1`,
    );
    world.machines.exec(
      `INSERT INTO switch_ports SELECT name, 'tpt-1', 'tbr-1', NULL, '{}', 'p-p', 'i-p' FROM hosts LIMIT 1`,
    );
    const vsctl = (words: string) => runOn(world, `ovs-vsctl --timeout=10 ${words}`);
    expect(await vsctl('list-ports tbr-1')).toMatchObject({ exit: 0, out: 'tpt-1\n' });
    expect(await vsctl('br-exists tbr-1')).toMatchObject({ exit: 0, out: '' });
    expect(await vsctl('-- --if-exists del-port tbr-1 tpt-1 -- --if-exists del-br tbr-1')).toMatchObject({
      exit: 0,
    });
    expect(await vsctl('br-exists tbr-1')).toMatchObject({ exit: 2, out: '' });
    expect(await vsctl('list-ports tbr-1')).toMatchObject({
      exit: 1,
      err: 'ovs-vsctl: no bridge named tbr-1\n',
    });
    expect(await vsctl('-- --if-exists del-br tbr-1')).toMatchObject({ exit: 0 });
  });
  test('keeps a record of QoS as long as its port is there, and after that until somebody destroys it', async () => {
    const [id, ids] = ['7b4ae72f-41a8-4bf2-bbb9-53379d580ed9', { id: 'x', _type: 'linux-noop' }];
    insert(world, 'switch_qos', {
      host: 'compute1',
      id,
      device: OUTER ?? '',
      external_ids: JSON.stringify(ids),
    });
    const vsctl = (words: string) => runOn(world, `ovs-vsctl --timeout=10 ${words}`);
    expect(await vsctl(`--format=json -- list QoS ${id}`)).toMatchObject({
      out: `{"data":[[["uuid","${id}"],["map",[["_type","linux-noop"],["id","x"]]],["map",[]],["map",[]],"linux-noop"]],"headings":["_uuid","external_ids","other_config","queues","type"]}\n`,
    });
    expect(await vsctl(`-- --if-exists destroy QoS ${id}`)).toMatchObject({
      exit: 1,
      err: `ovs-vsctl: transaction error: {"details":"cannot delete QoS row ${id} because of 1 remaining reference(s)","error":"referential integrity violation"}\n`,
    });
    await outOf(world, `${DEL} br-int ${OUTER}`);
    expect(await vsctl(`--if-exists get QoS ${id} _uuid`)).toMatchObject({ exit: 0, out: `${id}\n` });
    expect(await vsctl(`-- --if-exists destroy QoS ${id}`)).toMatchObject({ exit: 0, out: '' });
    expect(await vsctl(`--if-exists get QoS ${id} _uuid`)).toMatchObject({ exit: 0, out: '' });
    expect(await vsctl(`-- --if-exists destroy QoS ${id}`)).toMatchObject({ exit: 0 });
    expect(await vsctl(`-- destroy QoS ${id}`)).toMatchObject({ exit: 1 });
  });
  test.each([
    ['get Interface nope name', 'no row "nope" in table Interface'],
    ['--format=json -- list Interface nope', 'no row "nope" in table Interface'],
    ['-- del-port br-int nope', 'no port named nope'],
    [`-- --if-exists del-port br-ex ${OUTER}`, 'no bridge named br-ex'],
    [
      'get Interface br-int external_ids:vm-uuid',
      'no key "vm-uuid" in Interface record "br-int" column external_ids',
    ],
  ])('%s fails in its words', async (words, message) => {
    expect(await runOn(world, `ovs-vsctl --timeout=10 ${words}`)).toEqual({
      exit: 1,
      out: '',
      err: `ovs-vsctl: ${message}\n`,
    });
  });
  test('a record has all columns of the real one', async () => {
    const listed = await outOf(world, `ovs-vsctl --timeout=10 --format=json -- list Interface ${OUTER}`);
    const { data, headings } = JSON.parse(listed);
    expect(headings).toHaveLength(36);
    expect(data[0]).toHaveLength(36);
    const told = Object.fromEntries(headings.map((heading: string, i: number) => [heading, data[0][i]]));
    expect(told).toMatchObject({ name: OUTER, ifindex: 11, admin_state: 'up', link_state: 'up', type: '' });
  });
});

describe('del-port', () => {
  test('takes the record, and leaves the pair', async () => {
    await outOf(world, `${DEL} br-int ${OUTER}`);
    expect(await outOf(world, `${GET} ${OUTER} name`)).toBe('');
    const links = parseLinks('compute1', await outOf(world, 'ip -o link show'));
    expect(links.get(OUTER ?? '')).toMatchObject({ name: OUTER, master: null });
    expect(await outOf(world, `${DEL} br-int ${OUTER}`)).toBe('');
  });
  test('takes a device that the switch had made along', async () => {
    const device = { host: 'compute1', mtu: 1500, flags: 'BROADCAST,MULTICAST' };
    insert(world, 'links', { ...device, ifindex: 50, name: 'dhcp-kernel', kind: 'openvswitch' });
    insert(world, 'links', { ...device, ifindex: 51, name: 'dhcp-user', kind: 'tun' });
    for (const name of ['dhcp-kernel', 'dhcp-user']) {
      switchPort(world, 'compute1', name, { 'iface-id': PORT });
      await outOf(world, `${DEL} br-int ${name}`);
      expect(count(world, 'links', `name = '${name}'`)).toBe(0);
    }
  });
  test('leaves the tap of a qemu', async () => {
    switchPort(world, 'compute1', TAP ?? '', { 'vm-uuid': SERVER });
    await outOf(world, `${DEL} br-int ${TAP}`);
    expect(count(world, 'links', `name = '${TAP}'`)).toBe(1);
  });
});

test('an Open vSwitch that does not answer is told apart from none', async () => {
  const { reader } = siteOf(world);
  world.machines.exec("UPDATE hosts SET openvswitch = 'down'");
  await expect(readOvs(reader, 'compute1')).rejects.toMatchObject({ code: 'ovs-unreachable' });
  world.machines.exec("UPDATE hosts SET openvswitch = 'absent'");
  expect(await readOvs(reader.fresh(), 'compute1')).toBeNull();
});
