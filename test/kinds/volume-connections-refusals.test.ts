import { describe, expect, test } from 'vitest';
import type { Connection } from '../../src/kinds/subject/connection.ts';
import { instanceRow } from '../support/subjects.ts';
import { NEIGHBOUR, SERVER } from './domain-samples.ts';
import {
  acts,
  iscsi,
  linkOf,
  OTHER_VOLUME,
  OWN,
  OWN_IQN,
  openQuestion,
  own,
  PORTAL,
  PORTAL_2,
  planOf,
  type Scene,
  SHARED_IQN,
  SLAVES,
  scene,
  VOLUME,
  withVolumes,
} from './volume-connections-samples.ts';

const gone = withVolumes([iscsi([OWN])], { gone: true, row: instanceRow({ deleted: 42 }) });
const CRYPT = {
  name: 'luks-x',
  kernelName: 'dm-3',
  type: 'crypt',
  on: ['sdb'],
  uuid: 'CRYPT-LUKS2-ab-luks-x',
};

/** A live mapping of the neighbour to the same target. */
function claim(volumeId: string, lun: number, iqn: string = OWN_IQN) {
  const data = { target_portal: PORTAL_2, target_iqn: iqn, target_lun: lun };
  return { server: NEIGHBOUR, volumeId, connection: { driver_volume_type: 'iscsi', data } };
}

describe('somebody else uses the disk', () => {
  test('Nova has the same LUN of another server on this host: connection-of-other-server', async () => {
    const plan = await planOf({ ...scene, claims: [claim(OTHER_VOLUME, 1)] }, own);
    expect(plan.refusals).toEqual([
      {
        code: 'connection-of-other-server',
        flag: null,
        sentence: `what compute1 has of volume ${VOLUME} is by Nova's record also that of server web-2 (${NEIGHBOUR}) with volume ${OTHER_VOLUME}: one of the two records is wrong`,
      },
    ]);
  });

  test.each([
    ['the disk', '/dev/sdb'],
    ['udev’s link to it', linkOf(PORTAL, OWN_IQN, 1)],
    ['a map above it', '/dev/mapper/luks-x'],
    ['that map by its number', '/dev/dm-3'],
  ])('another domain has %s: connection-other-domain', async (_, neighbourDisk) => {
    const plan = await planOf({ ...scene, neighbourDisk, maps: [CRYPT] }, own);
    expect(plan.codes).toContain('connection-other-domain');
    expect(plan.refusals.find((r) => r.code === 'connection-other-domain')).toMatchObject({
      flag: null,
      sentence: `domain instance-0000002b on compute1 uses ${neighbourDisk}, which is volume ${VOLUME}`,
    });
  });

  test('a domain with another disk is a bystander', async () => {
    expect((await planOf({ ...scene, neighbourDisk: '/dev/sdc' }, own)).refusals).toEqual([]);
  });

  test('it is mounted, or something on it is: connection-mounted', async () => {
    const mounted = await planOf({ ...scene, mounts: { sdb: '/mnt' } }, own);
    expect(mounted.refusals).toMatchObject([
      { code: 'connection-mounted', flag: null, sentence: expect.stringContaining('sdb on compute1') },
    ]);
    const part = { name: 'sdb1', kernelName: 'sdb1', type: 'part', on: ['sdb'], mount: '/data' };
    expect((await planOf({ ...scene, maps: [part] }, own)).codes).toEqual(['connection-mounted']);
    expect((await planOf({ ...scene, maps: [{ ...part, mount: '' }] }, own)).codes).toEqual([]);
  });

  test.each([
    ['a volume group', { name: 'vg-data', kernelName: 'dm-1', type: 'lvm', on: ['sdb'], uuid: 'LVM-ab' }],
    ['a RAID', { name: 'md0', kernelName: 'md0', type: 'raid1', on: ['sdb'] }],
    ['encryption that is not Nova’s', CRYPT],
  ])('%s lies on it: connection-held', async (_, map) => {
    const plan = await planOf({ ...scene, maps: [map] }, own);
    expect(plan.refusals).toEqual([
      {
        code: 'connection-held',
        flag: null,
        sentence: `${map.type} ${map.name} on compute1 lies on sdb, which is volume ${VOLUME}: take it away first`,
      },
    ]);
  });

  test('a volume group that lies on another disk first holds it as well', async () => {
    const on = ['vda', 'sdb'];
    const maps = [{ name: 'vg-data', kernelName: 'dm-1', type: 'lvm', on, uuid: 'LVM-ab' }];
    for (const listedOnce of [false, true]) {
      const plan = await planOf({ ...scene, maps, listedOnce }, own);
      expect(plan.refusals).toMatchObject([
        { code: 'connection-held', sentence: expect.stringContaining('lvm vg-data on compute1 lies on sdb') },
      ]);
    }
  });

  test('what came to lie on it while lsblk looked holds it too', async () => {
    const changes = { [`compute1: ${SLAVES}`]: '/sys/devices/virtual/block/dm-9/slaves\tsdb\n' };
    expect((await planOf({ ...scene, changes }, own)).codes).toEqual(['connection-held']);
  });

  test('a volume group on a partition of it holds it as well', async () => {
    const maps = [
      { name: 'sdb1', kernelName: 'sdb1', type: 'part', on: ['sdb'] },
      { name: 'vg-data', kernelName: 'dm-1', type: 'lvm', on: ['sdb1'], uuid: 'LVM-ab' },
    ];
    expect((await planOf({ ...scene, maps }, own)).codes).toEqual(['connection-held']);
  });

  test.each([
    ['dd', 'dd              dd if=/dev/sdb of=/x', 'dd'],
    [
      'the machine of another server',
      `qemu-system-x86 /usr/bin/qemu -uuid ${NEIGHBOUR} -m 1`,
      'qemu-system-x86',
    ],
    [
      'this server’s machine, of which libvirt knows nothing',
      `qemu-system-x86 /usr/bin/qemu -uuid ${SERVER} -m 1`,
      'qemu-system-x86',
    ],
  ])('%s has it open: connection-open', async (_, args, name) => {
    const plan = await planOf({ ...scene, open: [{ device: 'sdb', pid: 77, args }] }, own);
    expect(plan.refusals).toEqual([
      {
        code: 'connection-open',
        flag: null,
        sentence: `process 77 (${name}) on compute1 has sdb open, which is volume ${VOLUME}`,
      },
    ]);
  });

  test('a program that ended while it was asked for has it open no less', async () => {
    const changes = { 'compute1: ps -ww -o pid=,comm=,args= -p 77': { exit: 1 } };
    const plan = await planOf({ ...scene, open: [{ device: 'sdb', pid: 77, args: '' }], changes }, own);
    expect(plan.codes).toEqual(['connection-open']);
  });

  test('the same volume is attached to a server of this host: what is there stays, and it is said', async () => {
    const plan = await planOf({ ...scene, claims: [claim(VOLUME, 1)], neighbourDisk: '/dev/sdb' }, own);
    expect([plan.steps, plan.refusals, plan.remains]).toEqual([[], [], []]);
    expect(plan.kept).toEqual([
      {
        place: 'host compute1',
        what: `volume ${VOLUME}: disk sdb`,
        why: `the same volume is attached to server web-2 (${NEIGHBOUR}) with volume ${VOLUME}`,
      },
    ]);
  });
});

describe('it is perhaps not the volume', () => {
  const odd: [string, Scene, Connection, string][] = [
    [
      'it is too small',
      { ...scene, disks: [{ name: 'sdb', sid: 1, lun: 1, bytes: 1_000_000 }] },
      iscsi([OWN]),
      'sdb has 1000000 bytes, the volume 1 GiB',
    ],
    [
      'it is too big',
      { ...scene, disks: [{ name: 'sdb', sid: 1, lun: 1, bytes: 2 * 1024 ** 3 }] },
      iscsi([OWN]),
      'sdb has 2147483648 bytes, the volume 1 GiB',
    ],
    [
      'udev says otherwise',
      { ...scene, links: { [linkOf(PORTAL, OWN_IQN, 1)]: 'sdz' } },
      iscsi([OWN]),
      `${linkOf(PORTAL, OWN_IQN, 1)} leads to sdz`,
    ],
    [
      'its map has another WWID',
      {
        ...scene,
        maps: [{ name: 'mpatha', kernelName: 'dm-0', type: 'mpath', on: ['sdb'], uuid: 'mpath-3b' }],
      },
      iscsi([OWN], { multipathId: '3a' }),
      'the WWID of mpatha is 3b, not 3a',
    ],
  ];

  test.each(odd)('%s: connection-other-disk', async (_, at, connection, doubt) => {
    const plan = await planOf(at, withVolumes([connection]));
    expect(plan.refusals).toEqual([
      {
        code: 'connection-other-disk',
        flag: null,
        sentence: `what compute1 has under the connection of volume ${VOLUME} is perhaps not it: ${doubt}`,
      },
    ]);
  });

  test.each(odd)(
    '%s, and the row is marked deleted: it stays, and it is said',
    async (_, at, connection, doubt) => {
      const plan = await planOf(at, withVolumes([connection], { gone: true }));
      expect(plan.refusals).toEqual([]);
      expect(acts(plan)).toEqual([]);
      expect(plan.kept[0]?.why).toContain(doubt);
    },
  );

  test('a size that the storage rounded up is the volume’s', async () => {
    const disks = [{ name: 'sdb', sid: 1, lun: 1, bytes: 1024 ** 3 + 16 * 1024 ** 2 }];
    expect((await planOf({ ...scene, disks }, own)).refusals).toEqual([]);
  });

  test('no link of udev at all is no doubt: the kernel’s own path says which it is', async () => {
    const plan = await planOf({ ...scene, links: { [linkOf(PORTAL, OWN_IQN, 1)]: null } }, own);
    expect(plan.refusals).toEqual([]);
    expect(plan.steps[0]?.guards.map((g) => g.must)).not.toContain('leads to sdb');
  });
});

describe('of several records the one that is on the host', () => {
  const old = { portal: PORTAL, iqn: SHARED_IQN, lun: 4 };
  const both: Scene = {
    sessions: [
      { sid: 1, ...OWN },
      { sid: 2, portal: PORTAL, iqn: SHARED_IQN },
    ],
    disks: [
      { name: 'sdb', sid: 1, lun: 1 },
      { name: 'sdc', sid: 2, lun: 4 },
    ],
  };
  const twice = (first: Connection, second: Connection) => {
    const of = withVolumes([first, second]);
    return { ...of, volumes: of.volumes.map((v) => ({ ...v, volumeId: VOLUME })) };
  };

  test('the one that has a disk', async () => {
    const plan = await planOf(scene, twice(iscsi([old]), iscsi([OWN])));
    expect(plan.remains[0]?.what).toBe(`volume ${VOLUME}: disk sdb`);
  });

  test('the one that the server’s own domain uses, when both have', async () => {
    const changes = { [`compute1: ${openQuestion(['sdc', 'sdb'])}`]: '' };
    const at = { ...both, running: '/dev/sdc', changes };
    const plan = await planOf(at, twice(iscsi([OWN]), iscsi([old])));
    expect(plan.remains[0]?.what).toBe(`volume ${VOLUME}: disk sdc`);
  });

  test('a disk is one volume’s: a deleted row has no claim on what a live one has', async () => {
    const of = withVolumes([iscsi([OWN]), iscsi([OWN])]);
    const volumes = of.volumes.map((v, at) => ({ ...v, deleted: at === 0 }));
    const plan = await planOf(scene, { ...of, volumes });
    expect(plan.remains[0]?.what).toBe(`volume ${OTHER_VOLUME}: disk sdb`);
    expect(plan.remains.filter((r) => r.what.startsWith('volume'))).toHaveLength(1);
  });
});

test('what a deleted server left and somebody uses is refused like any other', async () => {
  expect((await planOf({ ...scene, mounts: { sdb: '/mnt' } }, gone)).codes).toEqual(['connection-mounted']);
});

describe('what Cinder knows', () => {
  const ATTACHMENT = 'cccccccc-0000-4000-8000-000000000001';
  const moved = { portal: PORTAL, iqn: SHARED_IQN, lun: 4 };
  const after: Scene = {
    sessions: [{ sid: 1, ...moved }],
    disks: [{ name: 'sdb', sid: 1, lun: 4 }],
  };
  /** Cinder 21 at 3.27: connection_info is flat. */
  const info = {
    driver_volume_type: 'iscsi',
    target_portal: moved.portal,
    target_iqn: moved.iqn,
    target_lun: moved.lun,
    auth_password: 'hidden-word',
  };
  const cinder = (host: string) => ({
    without: [],
    http: {
      [`volume /attachments/detail?all_tenants=1&instance_id=${SERVER}`]: {
        body: {
          attachments: [
            {
              id: ATTACHMENT,
              volume_id: VOLUME,
              instance: SERVER,
              status: 'attached',
              connection_info: info,
            },
          ],
        },
      },
      [`volume /volumes/${VOLUME}`]: {
        body: {
          volume: {
            id: VOLUME,
            size: 1,
            status: 'in-use',
            attachments: [{ server_id: SERVER, attachment_id: ATTACHMENT, host_name: host }],
          },
        },
      },
    },
  });

  test('its connection counts where Nova’s is older than a move of the storage', async () => {
    expect((await planOf(after, own)).remains).toEqual([]);
    const plan = await planOf(after, own, [], cinder('compute1'));
    expect(plan.remains[0]?.what).toBe(`volume ${VOLUME}: disk sdb`);
    expect(JSON.stringify(plan)).not.toContain('hidden-word');
  });

  test('and is refused for identity as Nova’s is', async () => {
    const disks = [{ name: 'sdb', sid: 1, lun: 4, bytes: 5 }];
    const plan = await planOf({ ...after, disks }, own, [], cinder('compute1'));
    expect(plan.codes).toEqual(['connection-other-disk']);
  });

  test('not on a host that it does not have it on', async () => {
    expect((await planOf(after, own, [], cinder('compute2'))).remains).toEqual([]);
  });

  test('when it does not answer Nova’s record is all there is; the kind of volumes tells of it', async () => {
    const { http } = cinder('compute1');
    const silent = Object.fromEntries(Object.keys(http).map((question) => [question, { status: 503 }]));
    const plan = await planOf(scene, own, [], { without: [], http: silent });
    expect([plan.steps.length, plan.unknown]).toEqual([3, []]);
  });
});
