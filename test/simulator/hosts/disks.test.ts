/** Disks over iSCSI on a simulated host: what expunge asks of them, what it does to them, and what goes wrong when it is the wrong one. */
import { describe, expect, test } from 'vitest';
import { addMap, connectUnit } from '../../../src/simulator/hosts/connect.ts';
import { openSimulatedHost } from '../../../src/simulator/hosts/transport.ts';
import { addImage } from '../../../src/simulator/storage/rbd.ts';
import { freeLun, offerUnit, type Unit, withdrawVolume } from '../../../src/simulator/storage/units.ts';
import type { World } from '../../../src/simulator/world.ts';
import { hostAccess } from '../../support/host-access.ts';
import { hostsWorld, insert, outOf } from '../../support/hosts-world.ts';

const MINE = 'aaaaaaaa-0000-4000-8000-000000000001';
const THEIRS = 'bbbbbbbb-0000-4000-8000-000000000002';
const IQN = 'iqn.2010-10.org.openstack:shared';
const PORTALS = ['10.0.3.1:3260', '10.0.3.2:3260'];

function unit(world: World, volume: string, iqn = IQN): Unit {
  const lun = freeLun(world, iqn);
  const wwid = `360000000000000000e0000000001000${lun}`;
  const made = { iqn, lun, portals: PORTALS, volume, wwid, bytes: 2 ** 30 };
  offerUnit(world, made);
  return made;
}

/** Two volumes of one target on a host, the first mine. */
async function twoUnits(multipath = false): Promise<World> {
  const world = await hostsWorld('compute1');
  for (const volume of [MINE, THEIRS]) connectUnit(world, 'compute1', unit(world, volume), { multipath });
  return world;
}

function runWith(world: World, argv: readonly string[], input?: string) {
  const host = openSimulatedHost(world, hostAccess(), () => {});
  return (host.run as (argv: readonly string[], ms: number, input?: string) => ReturnType<typeof host.run>)(
    argv,
    1000,
    input,
  );
}

async function lines(world: World, words: string): Promise<string[]> {
  return (await outOf(world, words)).split('\n').slice(0, -1);
}

const BLOCK = 'find /sys/block -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n';
const SCSI = '/sys/devices/platform/host0/session1/target0:0:0';

describe('looking', () => {
  test('disks, with the sessions that they came by', async () => {
    const world = await twoUnits();
    expect(await lines(world, BLOCK)).toEqual([
      `sda\t../devices/platform/host0/session1/target0:0:0/0:0:0:1/block/sda`,
      `sdb\t../devices/platform/host0/session1/target0:0:0/0:0:0:2/block/sdb`,
      'vda\t../devices/pci0000:00/0000:00:05.0/virtio2/block/vda',
    ]);
    expect(await lines(world, 'iscsiadm -m session')).toEqual([
      `tcp: [1] ${PORTALS[0]},1 ${IQN} (non-flash)`,
    ]);
    expect(await lines(world, 'iscsiadm -m node')).toEqual([`${PORTALS[0]},4294967295 ${IQN}`]);
    const [link = ''] = await lines(
      world,
      'find /dev/disk/by-path /dev/disk/by-id -mindepth 1 -maxdepth 1 -type l -printf %p\\t%l\\n',
    );
    expect(link).toBe(`/dev/disk/by-path/ip-${PORTALS[0]}-iscsi-${IQN}-lun-1\t../../sda`);
    expect(await outOf(world, `realpath -e ${link.split('\t')[0]}`)).toBe('/dev/sda\n');
    expect(await outOf(world, 'realpath -e /sys/block/sda')).toBe(`${SCSI}/0:0:0:1/block/sda\n`);
    const below = `find /sys/devices/platform/host0/session1 -mindepth 2 -maxdepth 4 ( -name *:*:*:* -o -path */block/* ) -printf %f\\n`;
    expect(await lines(world, below)).toEqual(['0:0:0:1', 'sda', '0:0:0:2', 'sdb']);
    expect(await lines(world, 'find /sys/class/iscsi_session -mindepth 1 -maxdepth 1 -printf %f\\n')).toEqual(
      ['session1'],
    );
  });

  test('nothing there says so in the words of each program', async () => {
    const world = await hostsWorld('compute1');
    expect(await runWith(world, ['iscsiadm', '-m', 'session'])).toEqual({
      exit: 21,
      out: '',
      err: 'iscsiadm: No active sessions.\n',
    });
    expect(await runWith(world, ['iscsiadm', '-m', 'node'])).toMatchObject({ exit: 21 });
    expect(await outOf(world, 'dmsetup info -c --noheadings -o minor,open,uuid,name')).toBe(
      'No devices found\n',
    );
    expect(await runWith(world, ['find', '/dev/disk/by-path', '-mindepth', '1', '-printf', '%p\\n'])).toEqual(
      {
        exit: 1,
        out: '',
        err: "find: '/dev/disk/by-path': No such file or directory\n",
      },
    );
  });

  test('who has a disk open: the qemu of a domain, multipathd, another process; not one that has ended', async () => {
    const world = await twoUnits(true);
    const xml = `<domain><devices><disk type='block' device='disk'>\n<source dev='/dev/dm-0' index='1'/></disk></devices></domain>`;
    insert(world, 'domains', {
      host: 'compute1',
      uuid: MINE,
      name: 'instance-00000001',
      state: 'running',
      running_id: 3,
      persistent: 1,
      xml,
    });
    insert(world, 'openers', { host: 'compute1', device: 'sda', pid: 700, command: 'dd if=/dev/sda' });
    const ask =
      'find /proc -regextype posix-extended -mindepth 1 -maxdepth 3 ! -regex /proc/[0-9]+(/fd(/[0-9]+)?)? -prune -o -type l ( -lname */sda -o -lname */dm-0 ) -printf %h\\t%l\\n';
    expect(await lines(world, ask)).toEqual([
      '/proc/20003/fd\t/dev/dm-0',
      '/proc/612/fd\t/dev/sda',
      '/proc/700/fd\t/dev/sda',
    ]);
    expect(await lines(world, 'ps -ww -o pid=,comm=,args= -p 612,700,999')).toEqual([
      '    612 multipathd      /sbin/multipathd -d -s',
      '    700 dd              dd if=/dev/sda',
    ]);
    expect(await runWith(world, ['ps', '-ww', '-o', 'pid=,comm=,args=', '-p', '999'])).toMatchObject({
      exit: 1,
    });
    expect(await outOf(world, `dmsetup info -c --noheadings -o open 360000000000000000e00000000010001`)).toBe(
      '1\n',
    );
  });

  test('words that nobody taught are refused, not answered', async () => {
    const world = await twoUnits();
    for (const argv of [
      ['iscsiadm', '-m', 'discovery', '-t', 'st', '-p', '10.0.3.1'],
      ['lsblk'],
      ['dmsetup', 'remove', 'x'],
      ['multipath', '-F'],
      ['find', '/sys/block', '-delete'],
      ['tee', '/sys/block/sda/device/delete'],
    ])
      await expect(runWith(world, argv, '1'), argv.join(' ')).rejects.toMatchObject({
        code: 'simulator-untaught',
      });
  });
});

describe('taking away', () => {
  test('one disk of two in a session: the other stays, and so does the session', async () => {
    const world = await twoUnits();
    expect(await runWith(world, ['tee', `${SCSI}/0:0:0:1/delete`], '1')).toMatchObject({ exit: 0 });
    expect((await lines(world, BLOCK)).map((line) => line.split('\t')[0])).toEqual(['sdb', 'vda']);
    expect(await lines(world, 'iscsiadm -m session')).toHaveLength(1);
    expect(await runWith(world, ['test', '!', '-e', `${SCSI}/0:0:0:1`])).toMatchObject({ exit: 0 });
    expect(await runWith(world, ['tee', `${SCSI}/0:0:0:1/delete`], '1')).toMatchObject({ exit: 1 });
  });

  test('the session: all of its disks go, whoever uses them', async () => {
    const world = await twoUnits();
    expect((await outOf(world, 'iscsiadm -m session -r 1 --logout')).split('\n')[1]).toBe(
      `Logout of [sid: 1, target: ${IQN}, portal: 10.0.3.1,3260] successful.`,
    );
    expect((await lines(world, BLOCK)).map((line) => line.split('\t')[0])).toEqual(['vda']);
    expect(await runWith(world, ['iscsiadm', '-m', 'session', '-r', '1', '--logout'])).toMatchObject({
      exit: 21,
    });
  });

  test('a record stays while a session is there', async () => {
    const world = await twoUnits();
    const node = ['iscsiadm', '-m', 'node', '-T', IQN, '-p', PORTALS[0] ?? ''];
    expect(await runWith(world, [...node, '--op', 'delete'])).toMatchObject({ exit: 15 });
    expect((await runWith(world, node)).out).toContain('node.startup = automatic');
    expect(
      await runWith(world, [...node, '--op', 'update', '-n', 'node.startup', '-v', 'manual']),
    ).toMatchObject({
      exit: 0,
    });
    expect((await runWith(world, node)).out).toContain('node.startup = manual');
    await outOf(world, 'iscsiadm -m session -r 1 --logout');
    expect(await runWith(world, [...node, '--op', 'delete'])).toMatchObject({ exit: 0 });
    expect(await runWith(world, node)).toMatchObject({ exit: 21 });
  });

  test('a multipath map goes when nobody uses it, and leaves its paths', async () => {
    const world = await twoUnits(true);
    insert(world, 'mounts', {
      host: 'compute1',
      ordinal: 1,
      target: '/mnt/rescue',
      fstype: 'ext4',
      source: '/dev/dm-1',
      device: 64769,
    });
    const [mine, theirs] = ['360000000000000000e00000000010001', '360000000000000000e00000000010002'];
    expect(await runWith(world, ['multipath', '-f', theirs ?? ''])).toMatchObject({ exit: 1 });
    expect(await runWith(world, ['multipath', '-f', mine ?? ''])).toMatchObject({ exit: 0 });
    expect(await lines(world, 'dmsetup info -c --noheadings -o name')).toEqual([theirs]);
    expect(await lines(world, 'find /sys/block/dm-1/slaves -mindepth 1 -printf %f\\n')).toEqual([
      'sdc',
      'sdd',
    ]);
    expect(await outOf(world, 'lsblk -n -r -o MOUNTPOINT /dev/dm-1')).toBe('/mnt/rescue\n');
    expect(await outOf(world, 'multipathd del path sda')).toBe('ok\n');
    expect(await lines(world, BLOCK)).toContain(
      'sda\t../devices/platform/host0/session1/target0:0:0/0:0:0:1/block/sda',
    );
  });

  test('a mapping of dm-crypt holds what is under it', async () => {
    const world = await twoUnits();
    addMap(world, 'compute1', {
      name: 'crypt-mine',
      kind: 'crypt',
      uuid: 'CRYPT-LUKS1-x-crypt-mine',
      below: ['sda'],
      bytes: 1,
    });
    const holders = `find ${SCSI}/0:0:0:1/block/sda -path */holders/* -printf %f\\n`;
    expect(await lines(world, holders)).toEqual(['dm-0']);
    expect(await runWith(world, ['cryptsetup', 'close', 'crypt-mine'])).toMatchObject({ exit: 0 });
    expect(await outOf(world, holders)).toBe('');
    expect(await runWith(world, ['cryptsetup', 'close', 'crypt-mine'])).toMatchObject({ exit: 4 });
  });
});

describe('what storage does behind the back of a host', () => {
  test('an export that ends leaves a disk that answers nothing', async () => {
    const world = await twoUnits();
    withdrawVolume(world, MINE);
    expect((await lines(world, BLOCK)).map((line) => line.split('\t')[0])).toEqual(['sda', 'sdb', 'vda']);
    expect(await runWith(world, ['blockdev', '--flushbufs', '/dev/sda'])).toMatchObject({ exit: 1 });
    expect(await runWith(world, ['blockdev', '--flushbufs', '/dev/sdb'])).toMatchObject({ exit: 0 });
  });

  test('a number that is free comes back with another volume, under the name of the first', async () => {
    const world = await twoUnits();
    withdrawVolume(world, MINE);
    const next = unit(world, 'cccccccc-0000-4000-8000-000000000003');
    expect(next).toMatchObject({ lun: 1, wwid: '360000000000000000e00000000010001' });
    // The host takes its old disk for the new volume.
    expect(connectUnit(world, 'compute1', next)).toBe('/dev/sda');
  });
});

describe('other ways to a volume', () => {
  test('an image that the kernel has as a device', async () => {
    const world = await hostsWorld('compute1');
    const image = { pool: 'volumes', name: 'volume-1', id: 'abc', bytes: 2 ** 30, parent: null };
    addImage(world, { ...image, createdAt: '2026-11-01 10:00:00' });
    insert(world, 'rbd_maps', { host: 'compute1', number: 0, pool: 'volumes', image: 'volume-1' });
    expect(JSON.parse(await outOf(world, 'rbd showmapped --format json'))).toEqual([
      { id: '0', pool: 'volumes', namespace: '', name: 'volume-1', snap: '-', device: '/dev/rbd0' },
    ]);
    expect(await outOf(world, 'cat /sys/devices/rbd/0/pool /sys/devices/rbd/0/name')).toBe(
      'volumes\nvolume-1\n',
    );
    expect(await outOf(world, 'find /sys/block/rbd0/. -path */holders/* -printf %f\\n')).toBe('');
    expect(await runWith(world, ['rbd', '-p', 'volumes', 'rm', 'volume-1', '--no-progress'])).toMatchObject({
      exit: 16,
    });
    await outOf(world, 'rbd unmap /dev/rbd0');
    expect(await runWith(world, ['test', '!', '-e', '/sys/devices/rbd/0'])).toMatchObject({ exit: 0 });
    expect(await runWith(world, ['rbd', '-p', 'volumes', 'rm', 'volume-1', '--no-progress'])).toMatchObject({
      exit: 0,
    });
  });

  test('a subsystem of NVMe', async () => {
    const world = await hostsWorld('compute1');
    const nqn = 'nqn.2014-08.org.nvmexpress:uuid:1';
    insert(world, 'nvme_subsystems', {
      host: 'compute1',
      number: 1,
      nqn,
      address: 'traddr=10.0.3.1,trsvcid=4420',
      namespaces: '["nvme1n1"]',
    });
    expect(
      await lines(world, 'find /sys/class/nvme-subsystem -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n'),
    ).toEqual(['nvme-subsys1\t../../devices/virtual/nvme-subsystem/nvme-subsys1']);
    expect(
      await lines(
        world,
        'find /sys/block -maxdepth 1 ( -lname */nvme-subsys1/* -o -lname */nvme1/* ) -printf %f\\n',
      ),
    ).toEqual(['nvme1n1']);
    expect(JSON.parse(await outOf(world, 'nvme list-subsys -o json'))).toMatchObject([
      { Subsystems: [{ Name: 'nvme-subsys1', NQN: nqn, Paths: [{ Name: 'nvme1' }] }] },
    ]);
    await outOf(world, `nvme disconnect -n ${nqn}`);
    expect(await outOf(world, 'nvme list-subsys -o json')).toBe('[]\n');
    expect(await runWith(world, ['nvme', 'disconnect', '-n', nqn])).toMatchObject({ exit: 1 });
  });

  test('an export of NFS is not unmounted while a domain has a file of it', async () => {
    const world = await hostsWorld('compute1');
    const target = '/var/lib/nova/mnt/0123456789abcdef0123456789abcdef';
    insert(world, 'mounts', {
      host: 'compute1',
      ordinal: 1,
      target,
      fstype: 'nfs4',
      source: 'filer:/vols',
      device: 60,
    });
    const disk = `<disk type='file' device='disk'>\n<source file='${target}/volume-1' index='1'/>\n</disk>`;
    insert(world, 'domains', {
      host: 'compute1',
      uuid: MINE,
      name: 'instance-00000001',
      state: 'running',
      running_id: 1,
      persistent: 1,
      xml: `<domain><devices>${disk}</devices></domain>`,
    });
    expect(await outOf(world, `findmnt -n -r -o SOURCE -M ${target}`)).toBe('filer:/vols\n');
    expect(await runWith(world, ['umount', target])).toMatchObject({
      exit: 32,
      err: expect.stringContaining('busy'),
    });
    world.machines.exec('UPDATE domains SET running_id = NULL');
    expect(await runWith(world, ['umount', target])).toMatchObject({ exit: 0 });
    expect(await runWith(world, ['findmnt', '-n', '-r', '-o', 'SOURCE', '-M', target])).toMatchObject({
      exit: 1,
    });
    expect(await runWith(world, ['umount', target])).toMatchObject({ exit: 32 });
  });
});
