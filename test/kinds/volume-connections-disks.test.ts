/** Which disks of a host are a volume's, which of them go, and what lies on them. */
import { describe, expect, test } from 'vitest';
import { volumeConnections } from '../../src/kinds/volume-connections/index.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { instanceRow, volumeMapping } from '../support/subjects.ts';
import { NEIGHBOUR } from './domain-samples.ts';
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
  scene,
  scsiPath,
  twoPaths,
  VOLUME,
  withVolumes,
} from './volume-connections-samples.ts';

const SHARED = { portal: PORTAL, iqn: SHARED_IQN, lun: 4 };
const WWID = '360000000000000000e00000000010001';
const MAP = { name: 'mpatha', kernelName: 'dm-0', type: 'mpath', on: ['sdb', 'sdc'], uuid: `mpath-${WWID}` };
const CRYPT = { name: 'crypt-x', kernelName: 'dm-3', type: 'crypt', on: ['sdb'], uuid: 'CRYPT-LUKS1-a-x' };
const byBoth = withVolumes([iscsi([OWN, { ...OWN, portal: PORTAL_2 }])]);
/** Nobody has any of these open. */
const unopened = (...names: string[]) => ({ [`compute1: ${openQuestion(names)}`]: '' });
const removals = (plan: Parameters<typeof acts>[0]) =>
  plan.steps.flatMap(({ id }) => /\/(sd[a-z]+)$/.exec(id)?.[1] ?? []);

describe('a disk is the volume’s', () => {
  /** The same LUN number on two targets. */
  const same: Scene = {
    sessions: [
      { sid: 1, ...OWN },
      { sid: 2, portal: PORTAL, iqn: SHARED_IQN },
    ],
    disks: [
      { name: 'sdb', sid: 1, lun: 1 },
      { name: 'sdc', sid: 2, lun: 1 },
    ],
  };

  test('by LUN and session together: the same LUN of another target is somebody else’s', async () => {
    const plan = await planOf(same, own);
    expect(removals(plan)).toEqual(['sdb']);
    expect(plan.kept).toEqual([]);
  });

  test('by whatever portal of its target it came, also where no map is left that says so', async () => {
    const plan = await planOf({ ...twoPaths, changes: unopened('sdb', 'sdc') }, own);
    expect(removals(plan)).toEqual(['sdb', 'sdc']);
    expect(acts(plan)).toContain('iscsiadm -m session -r 2 --logout');
  });

  test('by the map that it has in common with it, and by no other device that lies on a disk', async () => {
    const part = { name: 'sdd1', kernelName: 'sdd1', type: 'part', on: ['sdd'] };
    const disks = [...(twoPaths.disks ?? []), { name: 'sdd', sid: 2, lun: 9 }];
    const at = { ...twoPaths, disks, maps: [MAP, part], changes: unopened('sdb', 'sdc', 'dm-0') };
    expect(removals(await planOf(at, own))).toEqual(['sdb', 'sdc']);
    const without = { ...twoPaths, disks, maps: [part], changes: unopened('sdb', 'sdc') };
    expect(removals(await planOf(without, own))).toEqual(['sdb', 'sdc']);
  });

  test('and stays while its link of udev leads to it, whichever target it is of', async () => {
    const at: Scene = { sessions: [{ sid: 2, ...SHARED }], disks: [{ name: 'sdb', sid: 2, lun: 4 }] };
    const plan = await planOf(at, withVolumes([iscsi([SHARED])]));
    const musts = plan.steps[0]?.guards.map((guard) => guard.must);
    expect(musts).toContain(`${linkOf(PORTAL, SHARED_IQN, 4)} leads to sdb`);
  });

  test('each of several by the link of its own portal', async () => {
    const plan = await planOf({ ...twoPaths, changes: unopened('sdb', 'sdc') }, byBoth);
    const links = plan.steps.flatMap(({ guards }) =>
      guards.flatMap(({ must }) => (must.includes(' leads to ') ? [must] : [])),
    );
    expect(links).toEqual([
      `${linkOf(PORTAL, OWN_IQN, 1)} leads to sdb`,
      `${linkOf(PORTAL_2, OWN_IQN, 1)} leads to sdc`,
    ]);
  });

  test('without a link of udev by the kernel’s path alone', async () => {
    const plan = await planOf({ ...scene, links: { [linkOf(PORTAL, OWN_IQN, 1)]: null } }, own);
    const [must, ...others] = plan.steps[0]?.guards.map((guard) => guard.must).slice(1) ?? [];
    expect(must).toBe('sdb is still the disk that was looked at');
    expect(others[0]).toBe('nothing lies on sdb: no map, no volume group, no RAID');
  });

  test('when lsblk does not have it any more: its size is no doubt, and it is not flushed', async () => {
    const question = 'lsblk -a -n -P -b -o NAME,KNAME,PKNAME,TYPE,SIZE,STATE,MOUNTPOINT';
    const vda = 'NAME="vda" KNAME="vda" PKNAME="" TYPE="disk" SIZE="1" STATE="running" MOUNTPOINT="/"\n';
    const plan = await planOf({ ...scene, changes: { [`compute1: ${question}`]: vda } }, own);
    expect(plan.refusals).toEqual([]);
    expect(acts(plan)[0]).toBe(`tee ${scsiPath({ sid: 1, lun: 1 })}/delete <<<1`);
    const neighbourDisk = linkOf(PORTAL, OWN_IQN, 1);
    const used = await planOf({ ...scene, neighbourDisk, changes: { [`compute1: ${question}`]: vda } }, own);
    expect(used.codes).toEqual(['connection-other-domain']);
  });

  test('one of which the kernel tells no state is flushed', async () => {
    const disks = [{ name: 'sdb', sid: 1, lun: 1, state: '' }];
    expect(acts(await planOf({ ...scene, disks }, own))[0]).toBe('blockdev --flushbufs /dev/sdb');
  });

  test('of a volume whose size nobody noted, whatever its size', async () => {
    const of = withVolumes([iscsi([OWN])]);
    const volumes = of.volumes.map((volume) => ({ ...volume, sizeGb: null }));
    expect((await planOf(scene, { ...of, volumes })).refusals).toEqual([]);
  });
});

describe('the WWID that Nova noted', () => {
  const noted = withVolumes([iscsi([OWN], { multipathId: WWID })]);
  const byId = (id: string, name = 'sdb'): Scene => ({
    ...scene,
    links: { [`/dev/disk/by-id/scsi-${id}`]: name },
  });

  test('is that of the map: no doubt; none was noted: no doubt either', async () => {
    expect((await planOf({ ...twoPaths, maps: [MAP] }, noted)).refusals).toEqual([]);
    expect((await planOf({ ...twoPaths, maps: [MAP] }, own)).refusals).toEqual([]);
  });

  test('is looked for at the disk where the map is gone: a LUN that was given again is not removed', async () => {
    const other = '360000000000000000e00000000990001';
    expect((await planOf(byId(other), noted)).refusals).toMatchObject([
      {
        code: 'connection-other-disk',
        sentence: expect.stringContaining(`the WWID of sdb is ${other}, not ${WWID}`),
      },
    ]);
    expect((await planOf(byId(other), own)).refusals).toEqual([]);
    const vendors = withVolumes([iscsi([OWN], { multipathId: '1IET_00010001' })]);
    expect((await planOf(byId(other), vendors)).refusals).toEqual([]);
  });

  test.each<[string, Scene]>([
    ['is that of the disk', byId(WWID)],
    ['is not told by udev', scene],
    ['is that of another disk', byId('3600', 'sdq')],
    ['cannot be compared with a name of another form', byId('SVENDOR_DISK_1')],
  ])('%s: no doubt', async (_, at) => {
    expect((await planOf(at, noted)).refusals).toEqual([]);
  });
});

describe('what lies on the disks', () => {
  const steps = (plan: Parameters<typeof acts>[0]) => acts(plan).filter((act) => !act.startsWith('iscsiadm'));

  test('encryption above a map is closed before the map goes', async () => {
    const crypt = { ...CRYPT, on: ['dm-0'] };
    const plan = await planOf({ ...twoPaths, maps: [MAP, crypt] }, byBoth);
    expect(plan.refusals).toEqual([]);
    expect(steps(plan).slice(0, 2)).toEqual(['cryptsetup close crypt-x', 'multipath -f mpatha']);
    expect(plan.steps[1]?.needs).toEqual([plan.steps[0]?.id]);
    expect(plan.remains[0]?.what).toBe(`volume ${VOLUME}: disks sdb, sdc, below mpatha and crypt-x`);
  });

  test('a link of udev that os-brick made lead to the encryption is no doubt', async () => {
    const links = { [linkOf(PORTAL, OWN_IQN, 1)]: 'mapper/crypt-x' };
    const plan = await planOf({ ...scene, maps: [CRYPT], links }, own);
    expect(plan.refusals).toEqual([]);
    expect(steps(plan)[0]).toBe('cryptsetup close crypt-x');
    const theirs = { ...scene, maps: [{ ...CRYPT, on: ['vda'] }], links, changes: unopened('sdb') };
    expect((await planOf(theirs, own)).codes).toEqual(['connection-other-disk']);
  });

  test('nor is one that os-brick left so when it closed the encryption, and which leads to nothing now', async () => {
    const links = { [linkOf(PORTAL, OWN_IQN, 1)]: 'mapper/crypt-x' };
    const plan = await planOf({ ...scene, links }, own);
    expect([plan.codes, removals(plan)]).toEqual([[], ['sdb']]);
    const other = await planOf({ ...scene, links: { [linkOf(PORTAL, OWN_IQN, 1)]: 'sdq' } }, own);
    expect(other.codes).toEqual(['connection-other-disk']);
  });

  test('another domain that has the encryption by such a link uses the disk', async () => {
    const link = '/dev/disk/by-id/os-brick+dev+sdb';
    const links = { [link]: 'mapper/crypt-x' };
    const plan = await planOf({ ...scene, maps: [CRYPT], links, neighbourDisk: link }, own);
    expect(plan.codes).toEqual(['connection-other-domain']);
  });

  test.each([
    '/var/lib/nova/instances/x/disk',
    '/dev/mapper/nobodys',
    '/srv/dev/mapper/crypt-x',
    '/srv/dev/sdb',
  ])('another domain with %s does not', async (neighbourDisk) => {
    expect((await planOf({ ...scene, maps: [CRYPT], neighbourDisk }, own)).codes).toEqual([]);
  });

  test('maps of partitions of the disk itself are somebody’s: connection-held', async () => {
    const maps = [{ name: 'sdb-1', kernelName: 'dm-5', type: 'part', on: ['sdb'] }];
    expect((await planOf({ ...scene, maps, changes: unopened('sdb') }, own)).codes).toEqual([
      'connection-held',
    ]);
  });

  test('a map of a partition of another map is not this one’s', async () => {
    const part = { name: 'p', kernelName: 'dm-1', type: 'part', on: ['dm-7'], uuid: `part1-mpath-${WWID}9` };
    const at = { ...twoPaths, maps: [MAP, part], changes: unopened('sdb', 'sdc', 'dm-0') };
    const plan = await planOf(at, byBoth);
    expect(plan.steps[0]?.guards.map((guard) => guard.must)).toContain('nobody has mpatha open');
  });
});

describe('of several records of a volume', () => {
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
  /** The newest first. */
  const records = (...deleted: boolean[]) => {
    const of = withVolumes([iscsi([OWN]), iscsi([SHARED])]);
    const volumes = of.volumes.map((v, at) => ({
      ...v,
      ...{ rowId: 9 - at, volumeId: VOLUME, deleted: deleted[at] ?? false },
    }));
    return { ...of, volumes };
  };
  const theirs = {
    server: NEIGHBOUR,
    volumeId: OTHER_VOLUME,
    connection: {
      driver_volume_type: 'iscsi',
      data: { target_portal: PORTAL, target_iqn: SHARED_IQN, target_lun: 4 },
    },
  };

  test('what a detachment left goes as well, with its session', async () => {
    const plan = await planOf({ ...both, changes: unopened('sdb', 'sdc') }, records(false, true));
    expect(removals(plan)).toEqual(['sdb', 'sdc']);
    expect(acts(plan)).toContain('iscsiadm -m session -r 2 --logout');
    expect(plan.refusals).toEqual([]);
  });

  test('what the other leads to is another server’s by now: nothing is said of it', async () => {
    for (const deleted of [true, false]) {
      const at = { ...both, claims: [theirs], changes: unopened('sdb', 'sdc') };
      const plan = await planOf(at, records(false, deleted));
      expect(removals(plan)).toEqual(['sdb']);
      expect([plan.refusals, plan.kept]).toEqual([[], []]);
    }
  });

  test('what the old one leads to is another server’s, and nothing else is here: nothing is said', async () => {
    const [, disk] = both.disks ?? [];
    if (disk === undefined) throw new Error('no disk');
    const at = { ...both, sessions: both.sessions?.slice(1) ?? [], disks: [disk], claims: [theirs] };
    const plan = await planOf(at, records(false, true));
    expect([plan.steps, plan.refusals, plan.kept]).toEqual([[], [], []]);
  });

  test('a disk of both is no doubt about those that only the other leads to', async () => {
    const of = withVolumes([iscsi([SHARED]), iscsi([SHARED, { ...SHARED, portal: PORTAL_2 }])]);
    const volumes = of.volumes.map((v, at) => ({ ...v, volumeId: VOLUME, deleted: at === 1 }));
    const at: Scene = {
      sessions: [
        { sid: 1, ...SHARED },
        { sid: 2, ...SHARED, portal: PORTAL_2 },
      ],
      disks: [
        { name: 'sdb', sid: 1, lun: 4 },
        { name: 'sdc', sid: 2, lun: 4 },
      ],
      changes: unopened('sdb', 'sdc'),
    };
    const plan = await planOf(at, { ...of, volumes });
    expect([removals(plan), plan.kept]).toEqual([['sdb', 'sdc'], []]);
  });

  test('what the other leads to has another size: it stays, and it is said', async () => {
    const [disk] = both.disks ?? [];
    if (disk === undefined) throw new Error('no disk');
    const disks = [disk, { name: 'sdc', sid: 2, lun: 4, bytes: 5 }];
    const plan = await planOf({ ...both, disks, changes: unopened('sdb', 'sdc') }, records(false, true));
    expect(removals(plan)).toEqual(['sdb']);
    expect(plan.kept).toMatchObject([{ what: `volume ${VOLUME}: disk sdc` }]);
    expect(plan.refusals).toEqual([]);
  });

  test('maps of both have steps of their own', async () => {
    const maps = [
      { ...MAP, on: ['sdb'] },
      { name: 'mpathb', kernelName: 'dm-1', type: 'mpath', on: ['sdc'], uuid: 'mpath-3b' },
    ];
    const changes = unopened('sdb', 'dm-0', 'sdc', 'dm-1');
    const plan = await planOf({ ...both, maps, changes }, records(false, true));
    expect(plan.steps.map((step) => step.id.replace(`volume-connections/compute1/${VOLUME}/`, ''))).toEqual(
      expect.arrayContaining(['map', 'sdb', 'map-of-sdc', 'sdc']),
    );
  });

  test.each<[string, string]>([
    ['a map', '/dev/dm-1'],
    ['that map by its name', '/dev/mapper/mpathb'],
  ])('the one whose disks the server’s own domain has by %s comes first', async (_, running) => {
    const maps = [{ name: 'mpathb', kernelName: 'dm-1', type: 'mpath', on: ['sdc'], uuid: 'mpath-3b' }];
    const at = { ...both, maps, running, changes: unopened('sdc', 'dm-1', 'sdb') };
    expect((await planOf(at, records())).remains[0]?.what).toBe(`volume ${VOLUME}: disk sdc, below mpathb`);
  });

  test('two volumes have each its own', async () => {
    const of = withVolumes([iscsi([OWN]), iscsi([SHARED])]);
    const plan = await planOf({ ...both, changes: unopened('sdb', 'sdc') }, of);
    expect(plan.remains.slice(0, 2).map(({ what }) => what)).toEqual([
      `volume ${VOLUME}: disk sdb`,
      `volume ${OTHER_VOLUME}: disk sdc`,
    ]);
  });

  test('an old record of one volume has no claim on the disk of another', async () => {
    const of = withVolumes([iscsi([SHARED]), iscsi([OWN]), iscsi([OWN])]);
    const volumes = of.volumes.map((v, at) => ({
      ...v,
      volumeId: at === 2 ? OTHER_VOLUME : VOLUME,
      deleted: at === 1,
      sizeGb: at === 2 ? 1 : 7,
    }));
    const plan = await planOf(scene, { ...of, volumes });
    expect(plan.remains[0]?.what).toBe(`volume ${OTHER_VOLUME}: disk sdb`);
    expect([plan.refusals, plan.kept]).toEqual([[], []]);
  });
});

describe('on a host that the server is not on any more', () => {
  const moved = withVolumes([iscsi([OWN])], { row: instanceRow({ host: 'compute9' }) });
  const theirs = {
    server: NEIGHBOUR,
    volumeId: OTHER_VOLUME,
    connection: {
      driver_volume_type: 'iscsi',
      data: { target_portal: PORTAL, target_iqn: OWN_IQN, target_lun: 1 },
    },
  };

  test('what was left goes', async () => {
    expect(removals(await planOf(scene, moved))).toEqual(['sdb']);
  });

  test('a LUN that is another server’s there is none of it: LUNs differ from host to host', async () => {
    const plan = await planOf({ ...scene, claims: [theirs] }, moved);
    expect([plan.steps, plan.refusals, plan.kept]).toEqual([[], [], []]);
  });

  test('a disk that is perhaps another stays, and it is said', async () => {
    const disks = [{ name: 'sdb', sid: 1, lun: 1, bytes: 5 }];
    const plan = await planOf({ ...scene, disks }, moved);
    expect([removals(plan), plan.refusals]).toEqual([[], []]);
    expect(plan.kept).toMatchObject([{ why: expect.stringContaining('sdb has 5 bytes') }]);
  });
});

describe('of a server that Nova has on no host', () => {
  const nowhere = withVolumes([iscsi([SHARED])], {
    row: instanceRow({ host: null, vmState: 'shelved_offloaded' }),
  });
  const at: Scene = {
    sessions: [{ sid: 1, ...SHARED }],
    disks: [{ name: 'sdb', sid: 1, lun: 4 }],
  };
  const theirs = {
    server: NEIGHBOUR,
    volumeId: OTHER_VOLUME,
    connection: {
      driver_volume_type: 'iscsi',
      data: { target_portal: PORTAL, target_iqn: SHARED_IQN, target_lun: 4 },
    },
  };

  test.each([
    ['the host set aside', nowhere],
    ['the row gone', { ...nowhere, row: null }],
  ])('%s, what was left goes, and a LUN that is another server’s is none of it', async (_, of) => {
    expect(removals(await planOf(at, of))).toEqual(['sdb']);
    const plan = await planOf({ ...at, claims: [theirs] }, of);
    expect([plan.steps, plan.refusals, plan.kept]).toEqual([[], [], []]);
  });

  test('a disk that is perhaps another stays, and it is said', async () => {
    const disks = [{ name: 'sdb', sid: 1, lun: 4, bytes: 5 }];
    const plan = await planOf({ ...at, disks }, nowhere);
    expect([removals(plan), plan.codes, plan.kept]).toMatchObject([[], [], [{}]]);
  });
});

test('a volume that was never connected keeps nobody from looking for the others', async () => {
  const of = withVolumes([iscsi([OWN])]);
  const volumes = [...of.volumes, volumeMapping({ volumeId: OTHER_VOLUME, connection: null })];
  expect(removals(await planOf(scene, { ...of, volumes }))).toEqual(['sdb']);
});

test('a host that the site does not know is no matter where no volume was connected', async () => {
  const of = withVolumes([], { volumes: [volumeMapping({ connection: null })] });
  const hosts = of.hosts.map((host) => ({ ...host, instancesPath: null }));
  const { unknown } = await volumeConnections.find(fakeReader({ without: ['volume'] }), { ...of, hosts });
  expect(unknown).toEqual([]);
});
