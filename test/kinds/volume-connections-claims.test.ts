/** Who else has a claim on what a host has: Nova's mappings of other servers, read by what they lead to. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Connection } from '../../src/kinds/subject/connection.ts';
import type { FakeAnswers } from '../support/fake-reader.ts';
import { LIST, NEIGHBOUR } from './domain-samples.ts';
import {
  acts,
  CLAIMS,
  iscsi,
  OTHER_VOLUME,
  OWN,
  OWN_IQN,
  openQuestion,
  PORTAL,
  PORTAL_2,
  planOf,
  type Scene,
  SHARED_IQN,
  scene,
  VOLUME,
  withVolumes,
} from './volume-connections-samples.ts';

const SECOND_IQN = `${OWN_IQN}.b`;

/** A live mapping of the neighbour by these ways. */
function claim(ways: readonly (readonly [string, number])[], volumeId = OTHER_VOLUME, more: object = {}) {
  const data = {
    target_portals: ways.map(() => PORTAL_2),
    target_iqns: ways.map(([iqn]) => iqn),
    target_luns: ways.map(([, lun]) => lun),
    ...more,
  };
  return { server: NEIGHBOUR, volumeId, connection: { driver_volume_type: 'iscsi', data } };
}

describe('a LUN of an iSCSI target', () => {
  const of = withVolumes([iscsi([OWN, { portal: PORTAL_2, iqn: SECOND_IQN, lun: 3 }])]);

  test.each<[string, [string, number][], string[]]>([
    ['the same by a way that the host does not use now', [[SECOND_IQN, 3]], ['connection-of-other-server']],
    [
      'the same by the second of their ways',
      [
        [SHARED_IQN, 8],
        [SECOND_IQN, 3],
      ],
      ['connection-of-other-server'],
    ],
    ['another LUN of that target', [[SECOND_IQN, 4]], []],
    ['that LUN of another target', [[SHARED_IQN, 3]], []],
    ['the other way’s LUN of that target', [[SECOND_IQN, 1]], []],
  ])('%s', async (_, ways, codes) => {
    expect((await planOf({ ...scene, claims: [claim(ways)] }, of)).codes).toEqual(codes);
  });

  test('one that the storage numbers with a mark is compared as the kernel has it', async () => {
    const flat = 0x4000 + 258;
    const at: Scene = { ...scene, disks: [{ name: 'sdb', sid: 1, lun: flat }] };
    const ours = withVolumes([iscsi([{ ...OWN, lun: flat }])]);
    const marked = (lun: number, addressing_mode: string | null) =>
      planOf({ ...at, claims: [claim([[OWN_IQN, lun]], OTHER_VOLUME, { addressing_mode })] }, ours);
    expect((await marked(258, 'SAM2')).codes).toEqual(['connection-of-other-server']);
    expect((await marked(258, 'SAM3-flat')).codes).toEqual(['connection-of-other-server']);
    expect((await marked(258, 'SAM')).codes).toEqual([]);
    expect((await marked(258, null)).codes).toEqual([]);
    expect((await marked(flat, 'transparent')).codes).toEqual(['connection-of-other-server']);
  });
});

describe('a disk of the map that no record of the server names', () => {
  const two: Scene = {
    sessions: [
      { sid: 1, ...OWN },
      { sid: 2, portal: PORTAL_2, iqn: SECOND_IQN },
    ],
    disks: [
      { name: 'sdb', sid: 1, lun: 1 },
      { name: 'sdc', sid: 2, lun: 5 },
    ],
    maps: [{ name: 'mpatha', kernelName: 'dm-0', type: 'mpath', on: ['sdb', 'sdc'], uuid: 'mpath-3a' }],
  };
  const refused = ['connection-of-other-server'];

  test.each<[string, [string, number][], string[]]>([
    ['another server has it by that target and LUN', [[SECOND_IQN, 5]], refused],
    [
      'or by one of several',
      [
        [SHARED_IQN, 9],
        [SECOND_IQN, 5],
      ],
      refused,
    ],
    ['another LUN of that target is another disk', [[SECOND_IQN, 1]], []],
    ['that LUN of a target without a session too', [[SHARED_IQN, 5]], []],
  ])('%s', async (_, ways, codes) => {
    expect((await planOf({ ...two, claims: [claim(ways)] }, withVolumes([iscsi([OWN])]))).codes).toEqual(
      codes,
    );
  });
});

describe('the same volume on another server of this host', () => {
  const here = withVolumes([iscsi([OWN])]);

  test('keeps the disk, also where the two records name different ways, as Nova does', async () => {
    const plan = await planOf({ ...scene, claims: [claim([[SHARED_IQN, 7]], VOLUME)] }, here);
    expect([acts(plan), plan.refusals]).toEqual([[], []]);
    expect(plan.kept).toMatchObject([{ why: expect.stringContaining('the same volume is attached to') }]);
  });

  test('keeps it and says so when this server’s row is marked deleted', async () => {
    const gone = withVolumes([iscsi([OWN])], { gone: true });
    const plan = await planOf({ ...scene, claims: [claim([[OWN_IQN, 1]], VOLUME)] }, gone);
    expect(acts(plan)).toEqual([]);
    expect(plan.kept).toMatchObject([{ why: expect.stringContaining('the same volume is attached to') }]);
  });

  test('keeps the record of its target', async () => {
    const records: Scene = { records: [OWN] };
    expect((await planOf({ ...records, claims: [claim([[OWN_IQN, 1]], VOLUME)] }, here)).steps).toEqual([]);
    expect((await planOf({ ...records, claims: [claim([[SHARED_IQN, 1]])] }, here)).steps).toHaveLength(1);
  });

  test('has no claim before it is connected', async () => {
    const rows = [{ instance_uuid: NEIGHBOUR, volume_id: VOLUME, connection_info: null, display_name: null }];
    const plan = await planOf(scene, here, [], { sql: { [CLAIMS]: rows } });
    expect([plan.kept, plan.refusals]).toEqual([[], []]);
  });
});

describe('of a server that no cell has', () => {
  const HOST =
    'api: select c.uuid from host_mappings as h inner join cell_mappings as c on c.id = h.cell_id where h.host = "compute1"';
  const theirs = {
    instance_uuid: NEIGHBOUR,
    volume_id: OTHER_VOLUME,
    connection_info: JSON.stringify(claim([[OWN_IQN, 1]]).connection),
    display_name: 'web-2',
  };
  const cell0 = { uuid: '0', name: 'cell0', database: 'cell:0', isCell0: true };

  test.each([
    ['none at all', null],
    ['only cell0, which has no hosts', cell0],
  ])('%s: the host’s cell tells whose its disks are', async (_, cell) => {
    const of = withVolumes([iscsi([OWN])], { cell });
    const answers = (rows: object[]) => ({ sql: { [HOST]: [{ uuid: 'c1' }], [CLAIMS]: rows as never } });
    expect((await planOf(scene, of, [], answers([]))).steps).toHaveLength(3);
    expect((await planOf(scene, of, [], answers([theirs]))).codes).toEqual(['connection-of-other-server']);
  });

  test('where Nova maps the host to none, nobody can say it: unknown, not nobody’s', async () => {
    const of = withVolumes([iscsi([OWN])], { cell: null });
    const plan = await planOf(scene, of, [], { sql: { [HOST]: [] } });
    expect(plan.unknown).toEqual([
      {
        place: 'host compute1',
        why: 'whose its disks are is not known: no cell has the server, and none the host',
      },
    ]);
    expect(plan.steps).toEqual([]);
  });
});

describe('ways of storage', () => {
  const NOTED = { devicePath: null, multipathId: null, encrypted: false };
  const NQN = 'nqn.2014-08.org.nvmexpress:uuid:1';
  const EXPORT = '10.0.0.9:/volumes';
  const TARGET = `/var/lib/nova/mnt/${createHash('md5').update(EXPORT).digest('hex')}`;
  const FC_PATH = '/devices/pci0000:00/0000:05:00.0/host3/rport-3:0-0/target3:0:0/3:0:0:2';
  const FC_LINK = '/dev/disk/by-path/pci-0000:05:00.0-fc-0x5006016d09200925-lun-2';
  const on = (answers: Readonly<Record<string, string>>): FakeAnswers['command'] => ({
    [LIST]: '\n',
    ...Object.fromEntries(Object.entries(answers).map(([question, said]) => [`compute1: ${question}`, said])),
  });
  const BLOCK = 'find /sys/block -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n';
  const LSBLK = 'lsblk -a -n -P -b -o NAME,KNAME,PKNAME,TYPE,SIZE,STATE,MOUNTPOINT';
  const layer = (name: string) =>
    `NAME="${name}" KNAME="${name}" PKNAME="" TYPE="disk" SIZE="1073741824" STATE="running" MOUNTPOINT=""\n`;

  interface Way {
    readonly connection: Connection;
    readonly at: Scene;
    /** as Nova writes it down, for the same thing, and for another of its kind */
    readonly same: object;
    readonly other: object;
  }
  const data = (driver_volume_type: string, values: object) => ({ driver_volume_type, data: values });
  const ways: Readonly<Record<string, Way>> = {
    iscsi: {
      connection: iscsi([OWN]),
      at: scene,
      same: data('iscsi', { target_portal: PORTAL, target_iqn: OWN_IQN, target_lun: 1 }),
      other: data('iscsi', { target_portal: PORTAL, target_iqn: SHARED_IQN, target_lun: 1 }),
    },
    fibre: {
      connection: {
        ...NOTED,
        type: 'fibre_channel',
        wwns: ['5006016d09200925', '5006016d09200926'],
        luns: [2],
      },
      at: {
        changes: on({
          [BLOCK]: `sdb\t..${FC_PATH}/block/sdb\n`,
          [LSBLK]: layer('sdb'),
          'find /dev/disk/by-path /dev/disk/by-id -mindepth 1 -maxdepth 1 -printf %p\\t%l\\n': `${FC_LINK}\t../../sdb\n`,
          [openQuestion(['sdb'])]: '',
        }),
      },
      same: data('fibre_channel', { target_wwn: ['0x5006016D09200926'], target_lun: 2 }),
      other: data('fibre_channel', { target_wwn: ['5006016d09200925'], target_lun: 3 }),
    },
    nvme: {
      connection: { ...NOTED, type: 'nvmeof', nqn: NQN, portals: [] },
      at: {
        changes: on({
          [BLOCK]: 'nvme1n1\t../devices/virtual/nvme-subsystem/nvme-subsys1/nvme1n1\n',
          'find /sys/class/nvme-subsystem -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n': 'nvme-subsys1\t../x\n',
          'nvme list-subsys -o json': JSON.stringify({ Subsystems: [{ Name: 'nvme-subsys1', NQN }] }),
          [LSBLK]: layer('nvme1n1'),
          [openQuestion(['nvme1n1'])]: '',
        }),
      },
      same: data('nvmeof', { target_nqn: NQN }),
      other: data('nvmeof', { target_nqn: `${NQN}2` }),
    },
    rbd: {
      connection: { ...NOTED, type: 'rbd', pool: 'volumes', image: 'volume-x' },
      at: {
        changes: on({
          [BLOCK]: 'rbd0\t../devices/rbd/0/block/rbd0\n',
          'rbd showmapped --format json': JSON.stringify([
            { pool: 'volumes', name: 'volume-x', device: '/dev/rbd0' },
          ]),
          [LSBLK]: layer('rbd0'),
          [openQuestion(['rbd0'])]: '',
        }),
      },
      same: data('rbd', { name: 'volumes/volume-x' }),
      other: data('rbd', { name: 'backups/volume-x' }),
    },
    nfs: {
      connection: { ...NOTED, type: 'nfs', export: EXPORT, file: 'volume-x' },
      at: {
        changes: on({
          [BLOCK]: '',
          'findmnt -n -r -o TARGET,FSTYPE,SOURCE': `${TARGET} nfs4 ${EXPORT}\n`,
          [LSBLK]: layer('vda'),
          [openQuestion(['x']).replace(/\( .* \)/, `( -lname ${TARGET}/* )`)]: '',
        }),
      },
      same: data('nfs', { export: EXPORT, name: 'volume-y' }),
      other: data('nfs', { export: `${EXPORT}2`, name: 'volume-x' }),
    },
  };
  const planWith = ({ at, connection }: Way, theirs: object) => {
    const row = {
      instance_uuid: NEIGHBOUR,
      volume_id: OTHER_VOLUME,
      connection_info: JSON.stringify(theirs),
      display_name: null,
    };
    return planOf(at, withVolumes([connection]), [], { sql: { [CLAIMS]: [row] } });
  };

  test.each(Object.entries(ways))('%s: what another server has as well does not go', async (_, way) => {
    const plan = await planWith(way, way.same);
    expect([...plan.codes, ...plan.kept.map(({ why }) => why)].join()).toMatch(
      new RegExp(`connection-of-other-server|server ${NEIGHBOUR} \\(${NEIGHBOUR}\\)`),
    );
  });

  const strangers = Object.entries(ways).flatMap(([name, way]) => [
    [name, `another ${name}`, way, way.other] as const,
    ...Object.entries(ways).flatMap(([theirs, { same }]) =>
      theirs === name ? [] : [[name, theirs, way, same] as const],
    ),
  ]);
  test.each(strangers)('%s: a neighbour with %s is a bystander', async (_, __, way, theirs) => {
    const plan = await planWith(way, theirs);
    expect([plan.refusals, plan.kept, plan.unknown]).toEqual([[], [], []]);
    expect(plan.steps.length).toBeGreaterThan(0);
  });

  test('another image of the same pool is a bystander', async () => {
    const { rbd } = ways;
    if (rbd === undefined) throw new Error('no rbd');
    expect((await planWith(rbd, data('rbd', { name: 'volumes/volume-z' }))).refusals).toEqual([]);
  });

  test('one port of several is enough, and of iSCSI nothing is asked', async () => {
    const { fibre } = ways;
    if (fibre === undefined) throw new Error('no fibre channel');
    const theirs = data('fibre_channel', { target_wwn: ['50aa', '5006016d09200925'], target_lun: 2 });
    const silent = {
      'compute1: find /sys/class/iscsi_session -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n': { exit: 2 },
    };
    const at = { changes: { ...fibre.at.changes, ...silent } };
    expect(await planWith({ ...fibre, at }, theirs)).toMatchObject({
      codes: ['connection-of-other-server'],
      unknown: [],
    });
  });

  test('a LUN of fibre channel that is numbered with a mark is compared as the kernel has it', async () => {
    const { fibre } = ways;
    if (fibre === undefined) throw new Error('no fibre channel');
    const theirs = { target_wwn: ['5006016d09200925'], target_lun: 2, addressing_mode: 'SAM3-flat' };
    expect((await planWith(fibre, data('fibre_channel', theirs))).refusals).toEqual([]);
  });

  test('ports of fibre channel go with LUNs by position where there is one for each', async () => {
    const { fibre } = ways;
    if (fibre?.connection.type !== 'fibre_channel') throw new Error('no fibre channel');
    const of = (luns: number[]) =>
      planOf(
        fibre.at,
        withVolumes([{ ...NOTED, type: 'fibre_channel', wwns: ['50aa', '5006016d09200925'], luns }]),
      );
    expect((await of([7, 2])).steps).toHaveLength(1);
    expect((await of([2, 7])).steps).toEqual([]);
  });
});
