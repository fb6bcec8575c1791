/** Records of targets: which go, and when, where several sessions or several portals have to do with one target. */
import { describe, expect, test } from 'vitest';
import { volumeConnections } from '../../src/kinds/volume-connections/index.ts';
import { orderSteps } from '../../src/plan/order.ts';
import type { DraftStep } from '../../src/plan/types.ts';
import { decisions } from '../support/subjects.ts';
import {
  acts,
  broken,
  iscsi,
  OWN,
  OWN_IQN,
  openQuestion,
  own,
  PORTAL,
  PORTAL_2,
  planOf,
  type Scene,
  SHARED_IQN,
  scsiPath,
  sessionFolder,
  withVolumes,
} from './volume-connections-samples.ts';

const SHARED = { portal: PORTAL, iqn: SHARED_IQN, lun: 1 };
const shared = withVolumes([iscsi([SHARED])]);
const record = (iqn: string, portal: string) => `volume-connections/compute1/record/${portal}/${iqn}`;
const manual = (iqn: string) =>
  `iscsiadm -m node -T ${iqn} -p ${PORTAL} --op update -n node.startup -v manual`;
const logout = (sid: number) => `iscsiadm -m session -r ${sid} --logout`;
const remove = (iqn: string, portal: string) => `iscsiadm -m node -T ${iqn} -p ${portal} --op delete`;
const ids = (plan: { readonly steps: readonly DraftStep[] }) => plan.steps.map((step) => step.id);

describe('several sessions by one record', () => {
  const two: Scene = {
    sessions: [
      { sid: 1, ...SHARED },
      { sid: 2, ...SHARED },
    ],
    // One line for each interface that the record is for.
    records: [SHARED, SHARED],
    disks: [
      { name: 'sdb', sid: 1, lun: 1 },
      { name: 'sdc', sid: 2, lun: 1 },
    ],
    changes: { [`compute1: ${openQuestion(['sdb', 'sdc'])}`]: '' },
  };

  test('it goes once, after the last of them', async () => {
    const plan = await planOf(two, shared);
    expect(acts(plan).slice(4)).toEqual([
      manual(SHARED_IQN),
      logout(1),
      manual(SHARED_IQN),
      logout(2),
      remove(SHARED_IQN, PORTAL),
    ]);
    const last = plan.steps.at(-1);
    expect(last?.needs).toEqual([
      'volume-connections/compute1/session/1',
      'volume-connections/compute1/session/2',
    ]);
    expect(() =>
      orderSteps(plan.steps.map((step) => ({ ...step, kind: 'volume-connections' }))),
    ).not.toThrow();
  });

  test('it goes only while all of them have ended', async () => {
    const last = (await planOf(two, shared)).steps.at(-1);
    if (last === undefined) throw new Error('no step');
    const second = `tcp: [2] ${PORTAL},1 ${SHARED_IQN} (non-flash)\n`;
    expect(await broken(last, { 'compute1: iscsiadm -m session': { exit: 21 } })).toEqual([]);
    expect(await broken(last, { 'compute1: iscsiadm -m session': second })).toEqual(['session 2 has ended']);
  });

  test('on each host it goes after the sessions of that host', async () => {
    const at = {
      ...{ sid: 1, portal: PORTAL, iqn: OWN_IQN, line: `tcp: [1] ${PORTAL},1 ${OWN_IQN}` },
      ...{ folder: sessionFolder(1), recorded: true, alike: [], devices: [], claimedBy: [] },
    };
    const sessions = ['compute1', 'compute2'].map((host) => ({ ...at, host }));
    const facts = { volumes: [], sessions, records: [], byHand: [] };
    const { steps } = volumeConnections.plan(facts, own, decisions());
    expect(steps.filter((step) => step.id.includes('/record/')).map((step) => step.needs)).toEqual([
      ['volume-connections/compute1/session/1'],
      ['volume-connections/compute2/session/1'],
    ]);
  });

  test('it goes after the last of three', async () => {
    const sessions = [1, 2, 3].map((sid) => ({ sid, ...SHARED }));
    const { steps } = await planOf({ sessions, records: [SHARED] }, shared);
    expect(steps.map((step) => step.id.split('/')[2])).toEqual(['session', 'session', 'session', 'record']);
  });

  test('it stays as it is while one of them carries the disk of somebody else', async () => {
    const disks = [...(two.disks ?? []), { name: 'sdd', sid: 2, lun: 2 }];
    const plan = await planOf({ ...two, disks }, shared);
    expect(acts(plan).filter((act) => act.startsWith('iscsiadm'))).toEqual([logout(1)]);
    expect(plan.kept).toMatchObject([{ why: 'sdd comes through it too' }]);
  });

  test('it stays while one of them carries nothing of the server at all', async () => {
    const disks = [
      { name: 'sdb', sid: 1, lun: 1 },
      { name: 'sdd', sid: 2, lun: 2 },
    ];
    const plan = await planOf({ ...two, disks }, shared);
    expect(acts(plan).filter((act) => act.startsWith('iscsiadm'))).toEqual([logout(1)]);
  });
});

describe('a record without a session', () => {
  test('is named once, also where it is for several interfaces', async () => {
    const plan = await planOf({ records: [OWN, OWN] }, own);
    expect(ids(plan)).toEqual([record(OWN_IQN, PORTAL)]);
    expect(plan.remains).toHaveLength(1);
  });

  test('waits for nothing, is saved first, and is gone when iscsiadm says so', async () => {
    const [step] = (await planOf({ records: [OWN] }, own)).steps;
    const argv = ['iscsiadm', '-m', 'node', '-T', OWN_IQN, '-p', PORTAL];
    expect(step).toMatchObject({
      act: { argv: [...argv, '--op', 'delete'], exit: [0, 21, 255] },
      settled: { door: 'command', host: 'compute1', argv, exit: [21], no: [0] },
      before: [{ door: 'command', host: 'compute1', argv }],
    });
    expect([step?.guards, step?.needs]).toEqual([[], []]);
  });

  test('goes while sessions lead to the same portal, or to the same target elsewhere', async () => {
    const scene: Scene = {
      sessions: [
        { sid: 1, portal: PORTAL, iqn: SHARED_IQN },
        { sid: 2, portal: PORTAL_2, iqn: OWN_IQN },
      ],
      records: [OWN],
    };
    expect(ids(await planOf(scene, own))).toContain(record(OWN_IQN, PORTAL));
  });

  test('goes by whichever of the portals it is', async () => {
    const both = withVolumes([iscsi([OWN, { ...OWN, portal: PORTAL_2 }])]);
    expect(ids(await planOf({ records: [{ ...OWN, portal: PORTAL_2 }] }, both))).toEqual([
      record(OWN_IQN, PORTAL_2),
    ]);
  });

  test('of another target at the same portal, or of the target elsewhere, is not the session’s', async () => {
    const records = [
      { ...SHARED, portal: PORTAL_2 },
      { ...SHARED, iqn: 'iqn.2010-10.org.openstack:theirs' },
    ];
    const scene: Scene = {
      sessions: [{ sid: 1, ...SHARED }],
      records,
      disks: [{ name: 'sdb', sid: 1, lun: 1 }],
    };
    expect(acts(await planOf(scene, shared)).slice(2)).toEqual([logout(1)]);
  });
});

test('a logout saves nothing, and counts as done when the session is gone already', async () => {
  const plan = await planOf({ sessions: [{ sid: 1, ...OWN }] }, own);
  expect(plan.steps[0]).toMatchObject({
    id: 'volume-connections/compute1/session/1',
    act: { exit: [0, 21, 255] },
  });
  expect(plan.steps[0]?.before).toEqual([]);
});

describe('a target that is called after the volume, at portals that Cinder does not name', () => {
  const second = { ...OWN, portal: PORTAL_2 };

  test('its disk, session and record go from each, although no map joins them any more', async () => {
    const scene: Scene = {
      sessions: [
        { sid: 1, ...OWN },
        { sid: 2, ...second },
      ],
      disks: [
        { name: 'sdb', sid: 1, lun: 1 },
        { name: 'sdc', sid: 2, lun: 1 },
      ],
      changes: { [`compute1: ${openQuestion(['sdb', 'sdc'])}`]: '' },
    };
    const done = acts(await planOf(scene, own)).filter((act) => !act.includes('node.startup'));
    expect(done).toEqual([
      'blockdev --flushbufs /dev/sdb',
      `tee ${scsiPath({ sid: 1, lun: 1 })}/delete <<<1`,
      'blockdev --flushbufs /dev/sdc',
      `tee ${scsiPath({ sid: 2, lun: 1 })}/delete <<<1`,
      logout(1),
      remove(OWN_IQN, PORTAL),
      logout(2),
      remove(OWN_IQN, PORTAL_2),
    ]);
  });

  test('a session that carries nothing, and a record alone, go as well', async () => {
    const scene: Scene = { sessions: [{ sid: 2, ...second }], records: [OWN, second] };
    expect(ids(await planOf(scene, own))).toEqual([
      'volume-connections/compute1/session/2',
      record(OWN_IQN, PORTAL_2),
      record(OWN_IQN, PORTAL),
    ]);
  });

  test('another LUN of it stays', async () => {
    const scene: Scene = { sessions: [{ sid: 2, ...second }], disks: [{ name: 'sdc', sid: 2, lun: 7 }] };
    expect((await planOf(scene, own)).steps).toEqual([]);
  });
});

test('disks, sessions and records of a host that has an export and iSCSI are told apart', async () => {
  const nfs = {
    type: 'nfs' as const,
    export: 'nas:/volumes',
    file: 'volume-x',
    devicePath: null,
    multipathId: null,
    encrypted: false,
  };
  const scene: Scene = {
    sessions: [{ sid: 1, ...OWN }],
    disks: [{ name: 'sdb', sid: 1, lun: 1 }],
    changes: { 'compute1: findmnt -n -r -o TARGET,FSTYPE,SOURCE': '/ ext4 /dev/vda\n' },
  };
  const plan = await planOf(scene, withVolumes([iscsi([OWN]), nfs]));
  expect(ids(plan)).toHaveLength(3);
  expect(plan.unknown).toEqual([]);
});

test('an adapter’s session is found by its folder in the kernel, whatever stands above it', async () => {
  const folder = '/sys/devices/platform/soc@0/pci0000:00/0000:05:00.0/host7/session12';
  const path = `${folder}/target7:10:11/7:10:11:12`;
  const links = (name: string, at: string, up: string) => `${name}\t${at.replace('/sys/', up)}\n`;
  const scene: Scene = {
    sessions: [{ sid: 12, ...OWN }],
    changes: {
      'compute1: find /sys/block -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n': links(
        'sdb',
        `${path}/block/sdb`,
        '../',
      ),
      'compute1: find /sys/bus/scsi/devices -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n': links(
        '7:10:11:12',
        path,
        '../../../',
      ),
      'compute1: find /sys/class/iscsi_session -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n': links(
        'session12',
        `${folder}/iscsi_session/session12`,
        '../../',
      ),
      [`compute1: ${openQuestion(['sdb'])}`]: '',
    },
  };
  const plan = await planOf(scene, withVolumes([iscsi([{ ...OWN, lun: 12 }])]));
  expect(acts(plan)[0]).toBe(`tee ${path}/delete <<<1`);
  expect(plan.steps[1]?.guards[0]?.check).toMatchObject({ argv: expect.arrayContaining([folder]) });
  expect(plan.steps).toHaveLength(3);
});
