/** Which volumes are looked for: what Nova's rows and Cinder's attachments say of them, together. */
import { describe, expect, test } from 'vitest';
import type { Subject } from '../../src/kinds/subject/subject.ts';
import type { FakeAnswers } from '../support/fake-reader.ts';
import { instanceRow, volumeMapping } from '../support/subjects.ts';
import { SERVER } from './domain-samples.ts';
import {
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
  VOLUME,
  withVolumes,
} from './volume-connections-samples.ts';

const SHARED = { portal: PORTAL, iqn: SHARED_IQN, lun: 4 };
const WWID = '360000000000000000e00000000010001';
const ID = (volume: string) => volume.replace(/^b{8}/, 'cccccccc');
const small: Scene = { ...scene, disks: [{ name: 'sdb', sid: 1, lun: 1, bytes: 1_000_000 }] };
const map = (wwid: string): Scene => ({
  ...scene,
  maps: [{ name: 'mpatha', kernelName: 'dm-0', type: 'mpath', on: ['sdb'], uuid: `mpath-${wwid}` }],
});

/** Cinder with an attachment of each of these volumes: where it leads, and the host that was noted. */
function cinder(
  attached: Readonly<Record<string, { readonly to: typeof OWN | null; readonly host: string | null }>>,
  named: readonly string[],
): Partial<FakeAnswers> {
  const info = (to: typeof OWN | null) =>
    to === null
      ? {}
      : { driver_volume_type: 'iscsi', target_portal: to.portal, target_iqn: to.iqn, target_lun: to.lun };
  const attachments = Object.entries(attached).map(([volume, { to }]) => ({
    id: ID(volume),
    volume_id: volume,
    instance: SERVER,
    status: 'attached',
    connection_info: info(to),
  }));
  const volumes = [...new Set([...named, ...Object.keys(attached)])].map((volume) => {
    const one = attached[volume];
    const holders =
      one === undefined ? [] : [{ server_id: SERVER, attachment_id: ID(volume), host_name: one.host }];
    return [
      `volume /volumes/${volume}`,
      { body: { volume: { id: volume, size: 1, status: 'in-use', attachments: holders } } },
    ] as const;
  });
  const list = `volume /attachments/detail?all_tenants=1&instance_id=${SERVER}`;
  // Those that Nova's live rows name and the list does not have.
  const missing = named.map((volume) => [`volume /attachments/${ID(volume)}`, { status: 404 }] as const);
  return {
    without: [],
    http: {
      [list]: { body: { attachments } },
      ...Object.fromEntries(volumes),
      ...Object.fromEntries(missing),
    },
  };
}

const deleted = (of: Subject): Subject => ({
  ...of,
  row: instanceRow({ deleted: 42 }),
  volumes: of.volumes.map((volume) => ({ ...volume, deleted: true })),
});

describe('an attachment of Cinder', () => {
  test.each([
    ['that notes no host counts on every host of the server', null, 1],
    ['that notes this host counts', 'compute1', 1],
    ['that notes another does not', 'compute2', 0],
  ])('%s', async (_, host, count) => {
    const answers = cinder({ [VOLUME]: { to: SHARED, host } }, [VOLUME]);
    const at: Scene = { sessions: [{ sid: 1, ...SHARED }], disks: [{ name: 'sdb', sid: 1, lun: 4 }] };
    const plan = await planOf(at, own, [], answers);
    expect(plan.remains.filter((r) => r.what.startsWith('volume'))).toHaveLength(count);
  });

  test('of a volume that Nova does not list at all is looked for', async () => {
    const answers = cinder({ [OTHER_VOLUME]: { to: SHARED, host: 'compute1' } }, [VOLUME]);
    const at: Scene = { sessions: [{ sid: 1, ...SHARED }], disks: [{ name: 'sdb', sid: 1, lun: 4 }] };
    expect((await planOf(at, own, [], answers)).remains[0]?.what).toBe(`volume ${OTHER_VOLUME}: disk sdb`);
  });

  test('makes a volume the server’s still, whose row is marked deleted: a doubt is refused', async () => {
    const answers = cinder({ [VOLUME]: { to: null, host: 'compute1' } }, [VOLUME]);
    expect((await planOf(small, deleted(own), [], answers)).codes).toEqual(['connection-other-disk']);
  });

  test('makes no other volume the server’s: a doubt is said, and the disk stays', async () => {
    const answers = cinder({ [OTHER_VOLUME]: { to: SHARED, host: 'compute1' } }, [VOLUME]);
    const plan = await planOf(small, deleted(own), [], answers);
    expect([plan.codes, plan.kept.map((k) => k.what)]).toEqual([[], [`volume ${VOLUME}: disk sdb`]]);
  });
});

describe('an attachment of Cinder, of a server that Nova has on no host', () => {
  const nowhere = { ...own, row: instanceRow({ host: null }) };

  test.each<[string, string | null, string[]]>([
    ['that notes this host says that what Nova noted is of here', 'compute1', ['connection-other-disk']],
    ['that notes no host says nothing of it', null, []],
    ['that notes another says that it is of there', 'compute2', []],
  ])('%s', async (_, host, codes) => {
    const answers = cinder({ [VOLUME]: { to: null, host } }, [VOLUME]);
    const plan = await planOf(small, nowhere, [], answers);
    expect([plan.codes, plan.kept.length]).toEqual([codes, codes.length === 0 ? 1 : 0]);
  });

  test('that notes no host, with a connection, is perhaps of another host', async () => {
    const answers = cinder({ [VOLUME]: { to: OWN, host: null } }, [VOLUME]);
    const plan = await planOf(small, nowhere, [], answers);
    expect([plan.codes, plan.kept.length]).toEqual([[], 1]);
  });
});

describe('what Nova noted when it connected', () => {
  const noted = withVolumes([iscsi([OWN], { multipathId: WWID })]);
  const answers = cinder({ [VOLUME]: { to: OWN, host: 'compute1' } }, [VOLUME]);

  test('holds also where Cinder, which notes none, names the same target: another WWID is another disk', async () => {
    expect((await planOf(map(WWID), noted, [], answers)).codes).toEqual([]);
    const plan = await planOf(map('3other'), noted, [], answers);
    expect(plan.refusals).toMatchObject([
      {
        code: 'connection-other-disk',
        sentence: expect.stringContaining(`the WWID of mpatha is 3other, not ${WWID}`),
      },
    ]);
  });

  test('in the live row comes before what a row marked deleted has', async () => {
    const [row] = noted.volumes;
    if (row === undefined) throw new Error('no row');
    const older = { ...row, rowId: 3, deleted: true, connection: iscsi([OWN], { multipathId: '3older' }) };
    const plan = await planOf(map(WWID), { ...noted, volumes: [older, row] });
    expect(plan.codes).toEqual([]);
  });

  // Cinder's target of LVM with LIO has another WWID each time that it is exported (cinder 21 `cmd/rtstool.py:create`).
  test('is by the newest row, where all are marked deleted: the volume was attached again', async () => {
    const [row] = noted.volumes;
    if (row === undefined) throw new Error('no row');
    const older = { ...row, rowId: 3, sizeGb: 9, connection: iscsi([OWN], { multipathId: '3older' }) };
    const of = deleted({ ...noted, volumes: [older, row] });
    const plan = await planOf(map(WWID), of);
    expect([plan.kept, plan.steps.length]).toEqual([[], 4]);
    const none = cinder({ [VOLUME]: { to: null, host: 'compute1' } }, [VOLUME]);
    expect((await planOf(map(WWID), of, [], none)).codes).toEqual([]);
  });

  test('in an older row is not of a newer one that came by no map', async () => {
    const [row] = own.volumes;
    if (row === undefined) throw new Error('no row');
    const older = { ...row, rowId: 3, deleted: true, connection: iscsi([OWN], { multipathId: '3older' }) };
    const links = { '/dev/disk/by-id/scsi-36001405aa': 'sdb' };
    const plan = await planOf({ ...scene, links }, { ...own, volumes: [older, row] });
    expect(plan.codes).toEqual([]);
    const newer = { ...older, rowId: 9 };
    expect((await planOf({ ...scene, links }, { ...own, volumes: [newer, row] })).codes).toEqual([]);
  });

  test('in a row that is marked deleted is not of today while a live one is there, whatever Cinder notes', async () => {
    const [row] = noted.volumes;
    if (row === undefined) throw new Error('no row');
    const older = { ...row, rowId: 3, deleted: true, connection: iscsi([SHARED]) };
    const at: Scene = {
      sessions: [{ sid: 1, ...SHARED }],
      disks: [{ name: 'sdb', sid: 1, lun: 4, bytes: 1_000_000 }],
    };
    const none = cinder({ [VOLUME]: { to: null, host: 'compute1' } }, [VOLUME]);
    const plan = await planOf(at, { ...noted, volumes: [older, row] }, [], none);
    expect([plan.codes, plan.kept.length]).toEqual([[], 1]);
  });
});

test('volumes are taken in the order of their ids, whatever that of the rows: the plan is the same', async () => {
  const both: Scene = {
    sessions: [{ sid: 1, ...SHARED }],
    disks: [
      { name: 'sdb', sid: 1, lun: 4 },
      { name: 'sdc', sid: 1, lun: 5 },
    ],
    changes: { [`compute1: ${openQuestion(['sdb', 'sdc'])}`]: '' },
  };
  const of = withVolumes([iscsi([SHARED]), iscsi([{ ...SHARED, lun: 5 }])]);
  const turned = { ...of, volumes: [...of.volumes].reverse() };
  const [plan, again] = [await planOf(both, of), await planOf(both, turned)];
  expect(plan.steps).toHaveLength(4);
  expect(again).toEqual(plan);
});

test('a row that notes no connection, and one that notes no size, hide nothing of the others', async () => {
  const [row] = own.volumes;
  if (row === undefined) throw new Error('no row');
  const bare = volumeMapping({ rowId: 9, volumeId: VOLUME, connection: null, sizeGb: null });
  const plan = await planOf(small, { ...own, volumes: [bare, row] });
  expect(plan.codes).toEqual(['connection-other-disk']);
});

test('a LUN above 255 that the storage addresses flat is found by the number that the kernel gives it', async () => {
  const { parseConnection } = await import('../../src/kinds/subject/connection.ts');
  const data = { target_portal: PORTAL, target_iqn: SHARED_IQN, target_lun: 300, addressing_mode: 'SAM2' };
  const connection = parseConnection(JSON.stringify({ driver_volume_type: 'iscsi', data }));
  if (connection === null) throw new Error('no connection');
  const lun = 300 + 16384;
  const at: Scene = {
    sessions: [{ sid: 1, ...SHARED }],
    disks: [{ name: 'sdb', sid: 1, lun }],
    links: {
      [`/dev/disk/by-path/ip-${PORTAL}-iscsi-${SHARED_IQN}-lun-${lun}`]: null,
      [`/dev/disk/by-path/ip-${PORTAL}-iscsi-${SHARED_IQN}-lun-0x412c000000000000`]: 'sdb',
    },
  };
  const plan = await planOf(at, withVolumes([connection]));
  expect(plan.steps[0]?.title).toBe(`remove disk sdb of volume ${VOLUME}`);
  expect(plan.steps[0]?.guards.map((g) => g.must)).toContainEqual(expect.stringContaining('lun-0x412c'));
});
