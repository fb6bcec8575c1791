/** What is planned for what a host has: the steps as data, what stays, and what is undone by hand. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Connection } from '../../src/kinds/subject/connection.ts';
import type { Subject } from '../../src/kinds/subject/subject.ts';
import type { ConnectionFacts } from '../../src/kinds/volume-connections/facts.ts';
import { volumeConnections } from '../../src/kinds/volume-connections/index.ts';
import { type FakeAnswers, fakeReader } from '../support/fake-reader.ts';
import { decisions, instanceRow, subject } from '../support/subjects.ts';
import { NEIGHBOUR, SERVER } from './domain-samples.ts';
import {
  acts,
  iscsi,
  OTHER_VOLUME,
  OWN,
  openQuestion,
  own,
  PORTAL,
  planOf,
  type Scene,
  SHARED_IQN,
  scene,
  scsiPath,
  twoPaths,
  VOLUME,
  withVolumes,
} from './volume-connections-samples.ts';

const NOTED = { devicePath: null, multipathId: null, encrypted: false };
const NQN = 'nqn.2014-08.org.nvmexpress:uuid:1';
const EXPORT = '10.0.0.9:/volumes';
const TARGET = `/var/lib/nova/mnt/${createHash('md5').update(EXPORT).digest('hex')}`;
const nfs: Connection = { ...NOTED, type: 'nfs', export: EXPORT, file: `volume-${VOLUME}` };
const scaleio: Connection = { ...NOTED, type: 'other', driver: 'scaleio' };

type Volume = ConnectionFacts['volumes'][number];
const common = { host: 'compute1', volumeId: VOLUME, live: true, users: [], sharedWith: [] };
const subsystem: Volume = {
  ...common,
  type: 'nvme',
  nqn: NQN,
  subsystem: 'nvme-subsys1',
  namespaces: ['nvme1n1'],
  hidden: [],
  folders: ['nvme-subsys1'],
};
const image: Volume = { ...common, type: 'rbd', device: '/dev/rbd0', image: 'volumes/x' };
const mount: Volume = { ...common, type: 'mount', export: EXPORT, source: EXPORT, target: TARGET };
const disk = (host: string, name: string): Volume => ({
  ...common,
  host,
  type: 'disks',
  transport: 'iscsi',
  further: false,
  disks: [
    {
      name,
      scsi: scsiPath({ sid: 1, lun: 1 }),
      session: 1,
      lun: 1,
      bytes: 1,
      running: true,
      link: null,
    },
  ],
  multipath: null,
  crypt: null,
  doubts: [],
  watched: [],
});
const neighbour = { type: 'server', server: NEIGHBOUR, described: 'server web-2' } as const;
const plan = (volumes: readonly Volume[], more: Partial<ConnectionFacts> = {}) =>
  volumeConnections.plan({ volumes, sessions: [], records: [], byHand: [], ...more }, own, decisions());

describe('steps', () => {
  const WWID = 'mpath-3a';
  const layered: Scene = {
    ...twoPaths,
    maps: [
      { name: 'mpatha', kernelName: 'dm-0', type: 'mpath', on: ['sdb', 'sdc'], uuid: WWID },
      { name: 'crypt-x', kernelName: 'dm-1', type: 'crypt', on: ['dm-0'], uuid: 'CRYPT-LUKS1-a' },
    ],
  };
  const noMap = (name: string) => ({
    door: 'command',
    host: 'compute1',
    argv: ['dmsetup', 'info', '-c', '--noheadings', '-o', 'name'],
    exit: [0],
    out: { lacksLine: name },
  });
  const id = (last: string) => `volume-connections/compute1/${VOLUME}/${last}`;

  test('close encryption, in the words of old cryptsetup too, then the map, then each disk', async () => {
    const { steps } = await planOf(layered, own);
    const [crypt, map, first] = steps;
    expect(crypt).toMatchObject({
      id: id('crypt'),
      act: {
        argv: ['cryptsetup', 'close', 'crypt-x'],
        exit: [0, 4],
        otherwise: [['cryptsetup', 'luksClose', 'crypt-x']],
      },
      settled: noMap('crypt-x'),
      before: [],
      needs: [],
    });
    expect(map).toMatchObject({
      id: id('map'),
      act: { argv: ['multipath', '-f', 'mpatha'], exit: [0] },
      settled: noMap('mpatha'),
      before: [],
      needs: [id('crypt')],
    });
    const path = scsiPath({ sid: 1, lun: 1 });
    expect(first).toMatchObject({
      id: id('sdb'),
      settled: { argv: ['test', '!', '-e', path], exit: [0], no: [1] },
      before: [],
      needs: [id('crypt'), id('map')],
    });
    expect(first?.act).toEqual({
      door: 'command',
      host: 'compute1',
      argv: ['tee', `${path}/delete`],
      input: '1',
      exit: [0],
    });
  });

  test('tell multipathd, which may not know the disk, and flush a disk that has no map', async () => {
    const open = [{ device: 'sdb', pid: 55, args: 'multipathd      /sbin/multipathd -d -s' }];
    const { steps } = await planOf({ ...scene, open }, own);
    expect(steps[0]?.act).toMatchObject({
      first: [
        { argv: ['multipathd', 'del', 'path', 'sdb'], exit: [0, 1] },
        { argv: ['blockdev', '--flushbufs', '/dev/sdb'], exit: [0] },
      ],
    });
  });

  test('look whether anything lies on the disk, and whether it is mounted: not a line may be there', async () => {
    const { steps } = await planOf(scene, own);
    const checks = steps[0]?.guards.map(({ must, check }) => [must, 'out' in check ? check.out : null]);
    expect(checks).toContainEqual([
      'nothing lies on sdb: no map, no volume group, no RAID',
      { linesWithin: [] },
    ]);
    expect(checks).toContainEqual(['sdb is not mounted', { linesWithin: [] }]);
    expect(steps[0]?.guards[1]?.check).toMatchObject({ argv: ['realpath', '-e', '/sys/block/sdb'], no: [1] });
  });
});

describe('a session', () => {
  const session = {
    host: 'compute1',
    sid: 1,
    portal: PORTAL,
    iqn: SHARED_IQN,
    line: 'x',
    folder: '/sys/devices/platform/host2/session1',
    recorded: false,
    alike: [],
    claimedBy: [],
  };
  const devices = (...disks: string[]) =>
    disks.map((name, at) => ({ id: `2:0:0:${at + 1}`, lun: at + 1, disk: name }));

  test('stays for the disks of others, all of them named', () => {
    const sessions = [{ ...session, devices: devices('sdb', 'sdc', 'sdd') }];
    const { steps, remains, kept } = plan([disk('compute1', 'sdb')], { sessions });
    expect(kept).toMatchObject([{ why: 'sdc, sdd come through it too' }]);
    expect([steps.length, remains.length]).toEqual([1, 1]);
  });

  test('stays for a server that uses its target, and of no disk is spoken then', () => {
    const sessions = [{ ...session, devices: devices('sdb'), claimedBy: ['server web-2'] }];
    expect(plan([disk('compute1', 'sdb')], { sessions }).kept).toMatchObject([
      { why: 'it is used by server web-2' },
    ]);
  });

  test('is not ended for a disk of the same name on another host', () => {
    const sessions = [{ ...session, devices: devices('sdb', 'sdc') }];
    const { steps, kept } = plan([disk('compute1', 'sdb'), disk('compute2', 'sdc')], { sessions });
    expect(steps.map(({ act }) => act.door === 'command' && act.argv[0])).toEqual(['tee', 'tee']);
    expect(kept).toMatchObject([{ why: 'sdc comes through it too' }]);
  });

  test('ends beside storage of other kinds', () => {
    const sessions = [{ ...session, devices: devices('sdb') }];
    const { steps } = plan([disk('compute1', 'sdb'), subsystem, image, mount], { sessions });
    expect(steps).toHaveLength(5);
  });
});

describe('what stays', () => {
  test('a subsystem that is another server’s, also where the record is marked deleted', () => {
    const { steps, kept, refusals } = plan([{ ...subsystem, live: false, users: [neighbour] }]);
    expect([steps, refusals]).toEqual([[], []]);
    expect(kept).toEqual([
      {
        place: 'host compute1',
        what: `volume ${VOLUME}: NVMe subsystem ${NQN}`,
        why: 'the same subsystem is that of server web-2',
      },
    ]);
  });

  test('a mount, for everybody who uses it, each named once', () => {
    const users = [
      neighbour,
      neighbour,
      { type: 'domain', name: 'instance-2b', disk: `${TARGET}/x` },
      { type: 'program', device: TARGET, pid: 7, name: 'dd' },
      { type: 'mount', device: 'loop0', target: '/mnt' },
    ] as const;
    expect(plan([{ ...mount, users }]).kept).toEqual([
      {
        place: 'host compute1',
        what: `volume ${VOLUME}: ${EXPORT} at ${TARGET}`,
        why: `all volumes of ${EXPORT} are below it, and in use by server web-2, domain instance-2b, process 7 (dd), mount`,
      },
    ]);
  });

  test('nothing of what a record marked deleted led to and nobody uses', () => {
    const { steps, kept } = plan([subsystem, image, mount].map((one) => ({ ...one, live: false })));
    expect([steps.length, kept]).toEqual([3, []]);
  });
});

describe('a server with several kinds of storage', () => {
  const answers = {
    'compute1: findmnt -n -r -o TARGET,FSTYPE,SOURCE': `${TARGET} nfs4 ${EXPORT}\n`,
    [`compute1: ${openQuestion(['x']).replace(/\( .* \)/, `( -lname ${TARGET}/* )`)}`]: '',
  };
  const heads = (found: Parameters<typeof acts>[0]) => acts(found).map((act) => act.split(' ')[0]);

  test('a disk and a mount both go', async () => {
    const found = await planOf({ ...scene, changes: answers }, withVolumes([iscsi([OWN]), nfs]));
    expect(heads(found)).toEqual(['blockdev', 'tee', 'umount', 'iscsiadm', 'iscsiadm', 'iscsiadm']);
  });

  test.each<[string, Scene, number]>([
    ['a record', { records: [OWN, { portal: PORTAL, iqn: `${SHARED_IQN}-${OTHER_VOLUME}` }] }, 1],
    [
      'a session',
      {
        sessions: [
          { sid: 1, ...OWN },
          { sid: 2, portal: PORTAL, iqn: `${SHARED_IQN}-${OTHER_VOLUME}` },
        ],
      },
      2,
    ],
  ])('a disk of one volume and %s of another both go', async (_, more, steps) => {
    const second = iscsi([{ portal: PORTAL, iqn: `${SHARED_IQN}-${OTHER_VOLUME}`, lun: 1 }]);
    const found = await planOf({ ...scene, ...more }, withVolumes([iscsi([OWN]), second]));
    expect(found.steps).toHaveLength(3 + steps);
  });

  test('a session without a disk and a record of another volume both go', async () => {
    const iqn = `${SHARED_IQN}-${OTHER_VOLUME}`;
    const at: Scene = { sessions: [{ sid: 1, ...OWN }], records: [{ portal: PORTAL, iqn }] };
    const found = await planOf(at, withVolumes([iscsi([OWN]), iscsi([{ portal: PORTAL, iqn, lun: 1 }])]));
    expect(heads(found)).toEqual(['iscsiadm', 'iscsiadm']);
  });

  test('one that expunge has no commands for does not hide the other', async () => {
    expect((await planOf(scene, withVolumes([iscsi([OWN]), scaleio]))).steps).toHaveLength(3);
  });

  test('where there is none that it has commands for, no host is asked', async () => {
    const { unknown } = await volumeConnections.find(
      fakeReader({ without: ['volume'] }),
      withVolumes([scaleio]),
    );
    expect(unknown).toEqual([]);
  });

  test('storage of other kinds has none of the host’s disks', async () => {
    const changes = { 'compute1: findmnt -n -r -o TARGET,FSTYPE,SOURCE': '/ ext4 /dev/vda\n' };
    expect(await planOf({ ...scene, changes }, withVolumes([nfs]))).toMatchObject({ steps: [], unknown: [] });
  });
});

describe('by hand', () => {
  const cinder = (driver: string, host: string | null, connection = true): Partial<FakeAnswers> => {
    const attachment = {
      id: 'cccccccc-0000-4000-8000-000000000001',
      volume_id: VOLUME,
      instance: SERVER,
      status: 'attached',
      connection_info: connection ? { driver_volume_type: driver } : {},
    };
    const holder = { server_id: SERVER, attachment_id: attachment.id, host_name: host };
    return {
      without: [],
      http: {
        [`volume /attachments/detail?all_tenants=1&instance_id=${SERVER}`]: {
          body: { attachments: [attachment] },
        },
        [`volume /volumes/${VOLUME}`]: {
          body: { volume: { id: VOLUME, size: 1, status: 'in-use', attachments: [holder] } },
        },
      },
    };
  };
  const places = async (of: Subject, answers: Partial<FakeAnswers>, lift: string[] = []) =>
    (await planOf({}, of, lift, answers)).manual?.map(({ place, what }) => `${place}: ${what}`);

  test('is done where Cinder has it, or where the server is', async () => {
    const none = withVolumes([]);
    expect(await places(none, cinder('storpool', 'compute7'))).toEqual([
      `host compute7: connection of volume ${VOLUME} by storpool`,
    ]);
    expect(await places(none, cinder('storpool', null))).toEqual([
      `host compute1: connection of volume ${VOLUME} by storpool`,
    ]);
    expect(await places(none, cinder('storpool', null, false))).toEqual([]);
  });

  test('stays listed as long as Cinder has it, whatever was lifted', async () => {
    expect(await places(withVolumes([]), cinder('storpool', 'compute7'), ['even-manual'])).toHaveLength(1);
  });

  test('is listed once for a volume and host, as Nova wrote it down', async () => {
    expect(await places(withVolumes([scaleio]), cinder('storpool', 'compute1'))).toEqual([
      `host compute1: connection of volume ${VOLUME} by scaleio`,
    ]);
  });

  test('is listed for each host that has it', async () => {
    expect(await places(withVolumes([scaleio]), cinder('scaleio', 'compute7'))).toHaveLength(2);
  });

  test('of a server whose row is gone it is where it was last', async () => {
    const gone = withVolumes([scaleio], { gone: true, row: null });
    expect(await places(gone, {})).toEqual([`host compute1: connection of volume ${VOLUME} by scaleio`]);
    expect(await places(subject({ ...gone, hosts: [] }), {})).toEqual([]);
  });

  test('a mapping that lives counts before one of the same volume that is marked deleted', async () => {
    const of = withVolumes([scaleio, scaleio], { row: instanceRow({ deleted: 42 }) });
    const volumes = of.volumes.map((v, at) => ({ ...v, volumeId: VOLUME, deleted: at === 0 }));
    expect(await places({ ...of, volumes }, {}, ['even-manual'])).toHaveLength(1);
  });

  test('several are listed in Nova’s order', async () => {
    const storpool: Connection = { ...scaleio, driver: 'storpool' };
    expect(await places(withVolumes([scaleio, storpool]), {})).toEqual([
      `host compute1: connection of volume ${VOLUME} by scaleio`,
      `host compute1: connection of volume ${OTHER_VOLUME} by storpool`,
    ]);
  });
});

test('it goes through commands, the database and Cinder', () => {
  expect(volumeConnections.doors).toEqual(['command', 'sql', 'http']);
});
