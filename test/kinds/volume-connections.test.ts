import { describe, expect, test } from 'vitest';
import { volumeConnections } from '../../src/kinds/volume-connections/index.ts';
import { LookError } from '../../src/plan/errors.ts';
import type { DraftStep } from '../../src/plan/types.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { instanceRow, subject } from '../support/subjects.ts';
import { NEIGHBOUR, SERVER, virshQuestion } from './domain-samples.ts';
import {
  acts,
  broken,
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
  scsiPath,
  sessionFolder,
  twoPaths,
  VOLUME,
  withVolumes,
} from './volume-connections-samples.ts';

const SHARED = { portal: PORTAL, iqn: SHARED_IQN, lun: 1 };

/** One volume on a target of its own. */
const ownTarget: Scene = {
  sessions: [{ sid: 1, ...OWN }],
  disks: [{ name: 'sdb', sid: 1, lun: 1 }],
};

/** One LUN of a target that carries the neighbour's disk too. */
const shared = withVolumes([iscsi([SHARED])]);
const sharedTarget: Scene = {
  sessions: [{ sid: 2, ...SHARED }],
  disks: [
    { name: 'sdb', sid: 2, lun: 1 },
    { name: 'sdc', sid: 2, lun: 2 },
  ],
  claims: [
    {
      server: NEIGHBOUR,
      volumeId: OTHER_VOLUME,
      connection: {
        driver_volume_type: 'iscsi',
        data: { target_portal: PORTAL, target_iqn: SHARED_IQN, target_lun: 2 },
      },
    },
  ],
};

/** The volume by both portals, with a map above. */
const bothPortals = [OWN, { ...OWN, portal: PORTAL_2 }];
const WWID = '360000000000000000e00000000010001';
const multipath: Scene = {
  ...twoPaths,
  maps: [{ name: 'mpatha', kernelName: 'dm-0', type: 'mpath', on: ['sdb', 'sdc'], uuid: `mpath-${WWID}` }],
};

function stepOf(plan: { readonly steps: readonly DraftStep[] }, id: string): DraftStep {
  const step = plan.steps.find((s) => s.id === `volume-connections/compute1/${id}`);
  if (step === undefined) throw new Error(`no step ${id}`);
  return step;
}

describe('a volume on a target of its own', () => {
  test('is flushed, removed by the kernel’s own path, and its session and record go', async () => {
    const plan = await planOf(ownTarget, own);
    expect(acts(plan)).toEqual([
      'blockdev --flushbufs /dev/sdb',
      `tee ${scsiPath({ sid: 1, lun: 1 })}/delete <<<1`,
      `iscsiadm -m node -T ${OWN_IQN} -p ${PORTAL} --op update -n node.startup -v manual`,
      'iscsiadm -m session -r 1 --logout',
      `iscsiadm -m node -T ${OWN_IQN} -p ${PORTAL} --op delete`,
    ]);
    expect(plan.refusals).toEqual([]);
    expect(plan.kept).toEqual([]);
    expect(plan.unknown).toEqual([]);
    expect(plan.remains.map((r) => r.what)).toEqual([
      `volume ${VOLUME}: disk sdb`,
      `iSCSI session to ${OWN_IQN} at ${PORTAL}`,
    ]);
    expect(plan.steps.map((s) => s.needs)).toEqual([
      [],
      [`volume-connections/compute1/${VOLUME}/sdb`],
      ['volume-connections/compute1/session/1'],
    ]);
  });

  test('the disk goes only while it is this one, and nobody uses it', async () => {
    const step = stepOf(await planOf(ownTarget, own), `${VOLUME}/sdb`);
    const path = scsiPath({ sid: 1, lun: 1 });
    const link = linkOf(PORTAL, OWN_IQN, 1);
    const on = (question: string) => `compute1: ${question}`;
    const good = {
      [virshQuestion('list --uuid')]: `${NEIGHBOUR}\n`,
      [on('realpath -e /sys/block/sdb')]: `${path}/block/sdb\n`,
      [on(`realpath -e ${link}`)]: '/dev/sdb\n',
      [on(`find ${path}/block/sdb -path */holders/* -printf %f\\n`)]: '',
      [on('lsblk -n -r -o MOUNTPOINT /dev/sdb')]: '\n',
      [on(openQuestion(['sdb']))]: { exit: 1, err: 'find: ‘/proc/7/fd/3’: No such file or directory\n' },
    };
    expect(await broken(step, good)).toEqual([]);
    const bad: [string, string | { exit: number }, string][] = [
      [virshQuestion('list --uuid'), `${SERVER}\n`, "the server's domain is not active"],
      [
        on('realpath -e /sys/block/sdb'),
        `${scsiPath({ sid: 9, lun: 1 })}/block/sdb\n`,
        'sdb is still the disk that was looked at',
      ],
      [on('realpath -e /sys/block/sdb'), { exit: 1 }, 'sdb is still the disk that was looked at'],
      [on(`realpath -e ${link}`), '/dev/sdc\n', `${link} leads to sdb`],
      [
        on(`find ${path}/block/sdb -path */holders/* -printf %f\\n`),
        'dm-0\n',
        'nothing lies on sdb: no map, no volume group, no RAID',
      ],
      [on('lsblk -n -r -o MOUNTPOINT /dev/sdb'), '\n/mnt\n', 'sdb is not mounted'],
      [on(openQuestion(['sdb'])), '/proc/77/fd\t/dev/sdb\n', 'no program has sdb open'],
    ];
    for (const [question, answer, must] of bad)
      expect(await broken(step, { ...good, [question]: answer })).toEqual([must]);
    expect(step.settled).toMatchObject({ argv: ['test', '!', '-e', path] });
  });

  test('the session ends only when nothing comes through it, and its record only after it', async () => {
    const plan = await planOf(ownTarget, own);
    const logout = stepOf(plan, 'session/1');
    const question = `compute1: find ${sessionFolder(1)} -mindepth 2 -maxdepth 4 ( -name *:*:*:* -o -path */block/* ) -printf %f\\n`;
    expect(await broken(logout, { [question]: '2:0:0:0\n' })).toEqual([]);
    expect(await broken(logout, { [question]: '2:0:0:0\n2:0:0:7\n' })).toEqual([
      'the session has no device left but 2:0:0:0',
    ]);
    // The kernel had no disk yet of what then looked like a controller.
    expect(await broken(logout, { [question]: '2:0:0:0\nsdc\n2:0:0:0\n' })).toHaveLength(1);
    const line = `tcp: [1] ${PORTAL},1 ${OWN_IQN} (non-flash)`;
    expect(logout.settled).toEqual({
      door: 'command',
      host: 'compute1',
      argv: ['iscsiadm', '-m', 'session'],
      exit: [0, 21],
      out: { lacksLine: line },
    });
    const record = stepOf(plan, `record/${PORTAL}/${OWN_IQN}`);
    expect(await broken(record, { 'compute1: iscsiadm -m session': { exit: 21 } })).toEqual([]);
    expect(await broken(record, { 'compute1: iscsiadm -m session': `${line}\n` })).toEqual([
      'the session has ended',
    ]);
    expect(record.before).toEqual([
      { door: 'command', host: 'compute1', argv: ['iscsiadm', '-m', 'node', '-T', OWN_IQN, '-p', PORTAL] },
    ]);
  });

  test('a disk that is offline is not flushed: it would never end', async () => {
    const disks = [{ name: 'sdb', sid: 1, lun: 1, state: 'transport-offline' }];
    expect(acts(await planOf({ ...ownTarget, disks }, own))[0]).toBe(
      `tee ${scsiPath({ sid: 1, lun: 1 })}/delete <<<1`,
    );
  });

  test('the server’s own machine has it open while it runs: it is stopped first', async () => {
    const open = [
      {
        device: 'sdb',
        pid: 612,
        args: `qemu-system-x86 /usr/bin/qemu-system-x86_64 -name guest=x -uuid ${SERVER} -m 64`,
      },
    ];
    const plan = await planOf({ ...ownTarget, open, running: '/dev/sdb' }, own);
    expect(plan.refusals).toEqual([]);
    expect(plan.steps).toHaveLength(3);
  });

  test('what a deleted server left is found by the rows that are marked deleted', async () => {
    const gone = withVolumes([iscsi([OWN])], { gone: true, row: instanceRow({ deleted: 42 }) });
    expect((await planOf(ownTarget, gone)).steps).toHaveLength(3);
  });

  test('a session without a disk is logged out of, and a record without a session goes', async () => {
    const bare: Scene = { sessions: [{ sid: 1, ...OWN }] };
    expect(acts(await planOf(bare, own))).toContain('iscsiadm -m session -r 1 --logout');
    const record: Scene = { records: [OWN] };
    const plan = await planOf(record, own);
    expect(acts(plan)).toEqual([`iscsiadm -m node -T ${OWN_IQN} -p ${PORTAL} --op delete`]);
    expect(plan.remains).toEqual([{ place: 'host compute1', what: `record of ${OWN_IQN} at ${PORTAL}` }]);
  });

  test('a session that has no record is only ended', async () => {
    expect(acts(await planOf({ ...ownTarget, records: [] }, own)).slice(2)).toEqual([
      'iscsiadm -m session -r 1 --logout',
    ]);
  });
});

describe('a target that carries the disks of others', () => {
  test('only the LUN goes; the session stays, and it is said for whom', async () => {
    const plan = await planOf(sharedTarget, shared);
    expect(acts(plan)).toEqual([
      'blockdev --flushbufs /dev/sdb',
      `tee ${scsiPath({ sid: 2, lun: 1 })}/delete <<<1`,
    ]);
    expect(plan.kept).toEqual([
      {
        place: 'host compute1',
        what: `iSCSI session to ${SHARED_IQN} at ${PORTAL}`,
        why: `sdc comes through it too; it is used by server web-2 (${NEIGHBOUR}) with volume ${OTHER_VOLUME}`,
      },
    ]);
    expect(plan.refusals).toEqual([]);
  });

  test('also when Nova knows nobody else, but a disk is there', async () => {
    const plan = await planOf({ ...sharedTarget, claims: [] }, shared);
    expect(acts(plan)).toHaveLength(2);
    expect(plan.kept).toMatchObject([{ why: 'sdc comes through it too' }]);
  });

  test('also when no disk is there, but Nova has a server that uses the target', async () => {
    const plan = await planOf({ ...sharedTarget, disks: [{ name: 'sdb', sid: 2, lun: 1 }] }, shared);
    expect(acts(plan)).toHaveLength(2);
    expect(plan.kept).toHaveLength(1);
  });

  test('also when what comes through it is no disk', async () => {
    const tape = scsiPath({ sid: 2, lun: 5 });
    const scene = { ...sharedTarget, claims: [], disks: [{ name: 'sdb', sid: 2, lun: 1 }], devices: [tape] };
    expect((await planOf(scene, shared)).kept).toMatchObject([{ why: '3:0:0:5 comes through it too' }]);
  });

  test('it is logged out of when both disks are the server’s own, after both are gone', async () => {
    const both = withVolumes([iscsi([SHARED]), iscsi([{ ...SHARED, lun: 2 }])]);
    const scene: Scene = {
      ...sharedTarget,
      claims: [],
      changes: {
        [`compute1: ${openQuestion(['sdb', 'sdc'])}`]: '',
      },
    };
    const plan = await planOf(scene, both);
    expect(stepOf(plan, 'session/2').needs).toEqual([
      `volume-connections/compute1/${VOLUME}/sdb`,
      `volume-connections/compute1/${OTHER_VOLUME}/sdc`,
    ]);
    expect(plan.kept).toEqual([]);
  });

  test('nothing of it is said when the server has no disk there: the session is the others’', async () => {
    const disks = [{ name: 'sdc', sid: 2, lun: 2 }];
    const plan = await planOf({ ...sharedTarget, disks }, shared);
    expect([plan.steps, plan.kept, plan.remains, plan.refusals]).toEqual([[], [], [], []]);
  });

  test('a record of it without a session is left alone', async () => {
    expect((await planOf({ records: [SHARED] }, shared)).steps).toEqual([]);
  });

  test('a LUN that was given again is another server’s: nothing is said of it', async () => {
    const gone = withVolumes([iscsi([{ ...SHARED, lun: 2 }])], { gone: true });
    const plan = await planOf(
      { ...sharedTarget, changes: { [`compute1: ${openQuestion(['sdc'])}`]: '' } },
      gone,
    );
    expect([plan.steps, plan.kept, plan.remains, plan.refusals]).toEqual([[], [], [], []]);
  });
});

describe('a volume by several paths', () => {
  const of = withVolumes([iscsi(bothPortals, { multipathId: WWID, devicePath: '/dev/dm-0' })]);

  test('its map goes first and is what is flushed, then each disk, then each session', async () => {
    const plan = await planOf(multipath, of);
    expect(acts(plan).filter((act) => !act.includes('-m node'))).toEqual([
      'multipath -f mpatha',
      `tee ${scsiPath({ sid: 1, lun: 1 })}/delete <<<1`,
      `tee ${scsiPath({ sid: 2, lun: 1 })}/delete <<<1`,
      'iscsiadm -m session -r 1 --logout',
      'iscsiadm -m session -r 2 --logout',
    ]);
    expect(stepOf(plan, `${VOLUME}/sdc`).needs).toEqual([`volume-connections/compute1/${VOLUME}/map`]);
    expect(plan.remains[0]?.what).toBe(`volume ${VOLUME}: disks sdb, sdc, below mpatha`);
  });

  test('the map goes only while it is this one, closed, and on no other disk', async () => {
    const step = stepOf(await planOf(multipath, of), `${VOLUME}/map`);
    const dm = (column: string) => `compute1: dmsetup info -c --noheadings -o ${column} mpatha`;
    const slaves = 'compute1: find /sys/block/dm-0/slaves -mindepth 1 -printf %f\\n';
    const good = {
      [virshQuestion('list --uuid')]: '\n',
      [dm('uuid')]: `mpath-${WWID}\n`,
      [dm('open')]: '0\n',
      [slaves]: 'sdb\n',
    };
    expect(await broken(step, good)).toEqual([]);
    const bad: [string, string, string][] = [
      [virshQuestion('list --uuid'), `${SERVER}\n`, "the server's domain is not active"],
      [dm('uuid'), 'mpath-3other\n', `mpatha is still the map mpath-${WWID}`],
      [dm('open'), '1\n', 'nobody has mpatha open'],
      [slaves, 'sdb\nsdq\n', 'mpatha lies on no other disk than sdb, sdc'],
    ];
    for (const [question, answer, must] of bad)
      expect(await broken(step, { ...good, [question]: answer })).toEqual([must]);
    expect(step.settled).toMatchObject({ out: { lacksLine: 'mpatha' } });
  });

  test('multipathd watches the disks: it is told, and is no stranger', async () => {
    const open = ['sdb', 'sdc'].map((device) => ({
      device,
      pid: 55,
      args: 'multipathd      /sbin/multipathd -d -s',
    }));
    const plan = await planOf({ ...multipath, open }, of);
    expect(plan.refusals).toEqual([]);
    expect(acts(plan)).toContain('multipathd del path sdc');
    const guard = stepOf(plan, `${VOLUME}/sdb`).guards.at(-1);
    expect(guard?.check).toMatchObject({
      out: { linesWithin: ['/proc/55/fd\t/dev/sdb', '/proc/55/fd\t/dev/sdc'] },
    });
  });

  test('maps of partitions go with it, while nobody has them open', async () => {
    const part = {
      name: 'mpatha1',
      kernelName: 'dm-1',
      type: 'part',
      on: ['dm-0'],
      uuid: `part1-mpath-${WWID}`,
    };
    const [map] = multipath.maps ?? [];
    if (map === undefined) throw new Error('no map');
    const plan = await planOf({ ...multipath, maps: [{ ...map, open: 1 }, part] }, of);
    expect(plan.refusals).toEqual([]);
    const musts = stepOf(plan, `${VOLUME}/map`).guards.map((g) => g.must);
    expect(musts).toContain('nobody has mpatha open but the maps of its partitions');
    expect(musts).toContain('nobody has mpatha1 open');
  });

  test('a disk of the map that no record names is the volume’s too', async () => {
    const plan = await planOf(multipath, withVolumes([iscsi([OWN])]));
    expect(acts(plan).filter((act) => act.startsWith('tee'))).toHaveLength(2);
    expect(acts(plan)).toContain('iscsiadm -m session -r 2 --logout');
  });

  test('the map is seen from its second path, also when lsblk names it on the first alone', async () => {
    const scene = { ...multipath, listedOnce: true };
    const plan = await planOf(scene, withVolumes([iscsi([{ ...OWN, portal: PORTAL_2 }])]));
    expect(acts(plan)[0]).toBe('multipath -f mpatha');
    expect(acts(plan).filter((act) => act.startsWith('tee'))).toHaveLength(2);
  });

  test('encryption above is closed before anything else', async () => {
    const crypt = {
      name: 'crypt-sdb',
      kernelName: 'dm-3',
      type: 'crypt',
      on: ['sdb'],
      uuid: 'CRYPT-LUKS1-ab-crypt-sdb',
    };
    const plan = await planOf(
      { ...ownTarget, maps: [crypt] },
      withVolumes([iscsi([OWN], { encrypted: true })]),
    );
    expect(plan.refusals).toEqual([]);
    expect(acts(plan)[0]).toBe('cryptsetup close crypt-sdb');
    const step = stepOf(plan, `${VOLUME}/crypt`);
    const dm = (column: string) => `compute1: dmsetup info -c --noheadings -o ${column} crypt-sdb`;
    const good = { [virshQuestion('list --uuid')]: '', [dm('uuid')]: crypt.uuid, [dm('open')]: '0' };
    expect(await broken(step, good)).toEqual([]);
    expect(await broken(step, { ...good, [dm('open')]: '1' })).toEqual(['nobody has crypt-sdb open']);
    expect(await broken(step, { ...good, [dm('uuid')]: 'x' })).toEqual([
      `crypt-sdb is still the map ${crypt.uuid}`,
    ]);
    expect(stepOf(plan, `${VOLUME}/sdb`).needs).toEqual([step.id]);
  });
});

describe('what is asked of a host', () => {
  test('nothing, of a server without volumes', async () => {
    const { facts, unknown } = await volumeConnections.find(fakeReader({ without: ['volume'] }), subject());
    expect([facts, unknown]).toEqual([{ volumes: [], sessions: [], records: [], byHand: [] }, []]);
  });

  test('three commands in one exchange, where nothing is', async () => {
    const look = fakeReader({
      without: ['volume'],
      command: {
        'compute1: find /sys/block -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n': 'vda\t../devices/x/vda\n',
        'compute1: iscsiadm -m session': { exit: 21 },
        'compute1: iscsiadm -m node': { exit: 21 },
      },
    });
    const { facts, unknown } = await volumeConnections.find(look, own);
    expect([facts.sessions, facts.volumes, unknown, look.unasked()]).toEqual([[], [], [], []]);
  });

  test('a host without the initiator has no iSCSI, unless its kernel has such a disk', async () => {
    const missing = {
      'compute1: iscsiadm -m session': { exit: 127 },
      'compute1: iscsiadm -m node': { exit: 127 },
    };
    expect((await planOf({ changes: missing }, own)).unknown).toEqual([]);
    const plan = await planOf({ ...ownTarget, changes: missing }, own);
    expect(plan.unknown).toEqual([
      {
        place: 'host compute1',
        why: 'iscsiadm is not there (in a container? then hosts.compute1.containers must say so)',
      },
    ]);
  });

  test.each([
    [
      'find /sys/block -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n',
      { exit: 1, err: 'find: ‘/sys/block’: Permission denied\n' },
      'devices cannot be read',
    ],
    [
      SLAVES,
      { exit: 1, err: 'find: ‘/sys/devices/virtual/block’: Permission denied\n' },
      'devices cannot be read',
    ],
    [
      'iscsiadm -m session',
      { exit: 20, err: 'iscsiadm: could not connect to iscsid\n' },
      'iscsiadm does not answer',
    ],
    ['find /sys/block -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n', 'what is this\n', 'is not understood'],
    ['find /sys/block -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n', 'sda\tx\ty\n', 'is not understood'],
    ['iscsiadm -m session', 'what is this\n', 'is not understood'],
    ['iscsiadm -m node', 'what is this\n', 'is not understood'],
    [
      'lsblk -a -n -P -b -o NAME,KNAME,PKNAME,TYPE,SIZE,STATE,MOUNTPOINT',
      { exit: 1, err: 'lsblk: no\n' },
      'lsblk does not answer',
    ],
    [
      'find /sys/class/iscsi_session -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n',
      { exit: 2 },
      'find does not answer',
    ],
    [
      openQuestion(['sdb']),
      { exit: 1, err: 'find: ‘/proc/1/fd/0’: Permission denied\n' },
      'who has a disk open cannot be read',
    ],
    [
      'virsh -c qemu:///system list --all --uuid --name',
      { exit: 1, err: 'error: failed to connect\n' },
      'libvirt does not answer',
    ],
  ])('%s that does not answer is unknown, not nothing', async (question, answer, why) => {
    const plan = await planOf({ ...ownTarget, changes: { [`compute1: ${question}`]: answer } }, own);
    expect(plan.unknown).toMatchObject([{ place: 'host compute1', why: expect.stringContaining(why) }]);
    expect(plan.steps).toEqual([]);
  });

  test('a database that does not answer is unknown: who else has the disk is not known then', async () => {
    const error = new LookError('database nova', 'does not answer', { code: 'x' });
    const { CLAIMS } = await import('./volume-connections-samples.ts');
    const plan = await planOf(ownTarget, own, [], { sql: { [CLAIMS]: error } });
    expect(plan.unknown).toEqual([{ place: 'database nova', why: 'does not answer' }]);
  });

  test('a map is known, but dmsetup is not there', async () => {
    const changes = { 'compute1: dmsetup info -c --noheadings -o minor,open,uuid,name': { exit: 127 } };
    const plan = await planOf({ ...multipath, changes }, withVolumes([iscsi(bothPortals)]));
    expect(plan.unknown).toMatchObject([
      { why: 'dmsetup is not there (in a container? then hosts.compute1.containers must say so)' },
    ]);
  });

  test('a host that the site file does not know is unknown when a volume may be there', async () => {
    const [host] = own.hosts;
    if (host === undefined) throw new Error('no host');
    const plan = await planOf(ownTarget, { ...own, hosts: [{ ...host, instancesPath: null }] });
    expect(plan.unknown).toMatchObject([{ place: 'host compute1' }]);
  });
});
