/** What the initiator says in its versions, and whose sessions and records are the server's. */
import { describe, expect, test } from 'vitest';
import { volumeConnections } from '../../src/kinds/volume-connections/index.ts';
import type { DraftStep } from '../../src/plan/types.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { NEIGHBOUR } from './domain-samples.ts';
import {
  acts,
  iscsi,
  OTHER_VOLUME,
  OWN,
  OWN_IQN,
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
const SDB = { name: 'sdb', sid: 1, lun: 1 };
const ownTarget: Scene = { sessions: [{ sid: 1, ...OWN }], disks: [SDB] };
const sharedTarget: Scene = { sessions: [{ sid: 1, ...SHARED }], disks: [SDB] };

const SESSIONS = 'compute1: iscsiadm -m session';
const RECORDS = 'compute1: iscsiadm -m node';
const deletions = (plan: { readonly steps: readonly DraftStep[] }) =>
  acts(plan).filter((act) => act.endsWith('--op delete'));
const logouts = (plan: { readonly steps: readonly DraftStep[] }) =>
  acts(plan).filter((act) => act.endsWith('--logout'));
const remove = (iqn: string, portal: string) => `iscsiadm -m node -T ${iqn} -p ${portal} --op delete`;
const logout = (sid: number) => `iscsiadm -m session -r ${sid} --logout`;

describe('a session is understood', () => {
  test.each([
    ['of open-iscsi 2.0-873, which does not say flash', `tcp: [1] ${PORTAL},1 ${OWN_IQN}`],
    ['of iSER', `iser: [1] ${PORTAL},1 ${OWN_IQN} (non-flash)`],
    ['of an adapter', `qla4xxx: [1] ${PORTAL},12 ${OWN_IQN} (non-flash)`],
    ['whose portal has no group', `be2iscsi: [1] ${PORTAL},-1 ${OWN_IQN} (non-flash)`],
    ['with spaces behind it', `tcp: [1] ${PORTAL},1 ${OWN_IQN} (non-flash)  `],
  ])('%s', async (_, line) => {
    const plan = await planOf({ ...ownTarget, changes: { [SESSIONS]: `${line}\n` } }, own);
    const step = plan.steps.find((s) => s.id.endsWith('/session/1'));
    expect(step?.settled).toMatchObject({ out: { lacksLine: line.trim() } });
    expect(deletions(plan)).toEqual([remove(OWN_IQN, PORTAL)]);
  });

  test('by a number of several digits, and its group as well', async () => {
    const sid = 12;
    const scene: Scene = { sessions: [{ sid, ...OWN }], disks: [{ name: 'sdb', sid, lun: 1 }] };
    const changes = {
      [SESSIONS]: `tcp: [12] ${PORTAL},1025 ${OWN_IQN} (non-flash)\n`,
      [RECORDS]: `${PORTAL},1025 ${OWN_IQN}\n`,
    };
    expect(acts(await planOf({ ...scene, changes }, own))).toEqual([
      'blockdev --flushbufs /dev/sdb',
      `tee ${scsiPath({ sid, lun: 1 })}/delete <<<1`,
      `iscsiadm -m node -T ${OWN_IQN} -p ${PORTAL} --op update -n node.startup -v manual`,
      logout(12),
      remove(OWN_IQN, PORTAL),
    ]);
  });

  test('one that an adapter made from its own flash is left alone', async () => {
    const changes = { [SESSIONS]: `qla4xxx: [1] ${PORTAL},1 ${OWN_IQN} (flash)\n`, [RECORDS]: { exit: 21 } };
    expect(await planOf({ ...ownTarget, changes }, own)).toMatchObject({ steps: [], kept: [], unknown: [] });
  });

  test.each([
    [SESSIONS, `iscsiadm: warning, tcp: [1] ${PORTAL},1 ${OWN_IQN} (non-flash)`],
    [SESSIONS, `tcp: [1] ${PORTAL},1 ${OWN_IQN} (non-flash) and more`],
    [SESSIONS, `tcp: [] ${PORTAL},1 ${OWN_IQN}`],
    [RECORDS, `iscsiadm: warning, ${PORTAL},1 ${OWN_IQN}`],
    [RECORDS, `${PORTAL},1 ${OWN_IQN} and more`],
  ])('%s: a line of another form is unknown, not another session', async (question, line) => {
    const plan = await planOf({ ...ownTarget, changes: { [question]: `${line}\n` } }, own);
    expect(plan.unknown).toMatchObject([{ why: expect.stringContaining('is not understood') }]);
  });

  test('what it prints when there is none is no session, wherever it prints it', async () => {
    const none = { exit: 21, out: 'iscsiadm: No active sessions.\n' };
    const changes = { [SESSIONS]: none, [RECORDS]: { exit: 21, out: 'iscsiadm: No records found\n' } };
    expect(await planOf({ changes }, own)).toMatchObject({ steps: [], unknown: [] });
  });

  test('an initiator that fails is unknown also on a host that shows no disk of iSCSI', async () => {
    const changes = { [SESSIONS]: { exit: 20, err: 'iscsiadm: could not connect to iscsid\n' } };
    const { unknown } = await planOf({ changes }, own);
    expect(unknown).toMatchObject([{ why: expect.stringContaining('could not connect to iscsid') }]);
  });
});

describe('a portal is the same', () => {
  test.each([
    ['IPv6 in capitals in Nova', '[FD00::A]:3260', '[fd00::a]:3260', '[fd00::a]:3260'],
    ['IPv6 in capitals on the host', '[fd00::a]:3260', '[FD00::A]:3260', '[FD00::A]:3260'],
    ['IPv4 within IPv6', '[::ffff:10.0.0.1]:3260', '::ffff:10.0.0.1:3260', '[::ffff:10.0.0.1]:3260'],
    ['a name without a dot, which iscsiadm takes for IPv6', 'san1:3260', '[san1]:3260', 'san1:3260'],
    ['a name with dots', 'san1.example.org:3260', 'san1.example.org:3260', 'san1.example.org:3260'],
  ])('%s', async (_, inNova, onHost, inCommands) => {
    const scene: Scene = { ...ownTarget, sessions: [{ sid: 1, iqn: SHARED_IQN, portal: onHost }] };
    const plan = await planOf(scene, withVolumes([iscsi([{ ...SHARED, portal: inNova }])]));
    expect(logouts(plan)).toEqual([logout(1)]);
    expect(deletions(plan)).toEqual([remove(SHARED_IQN, inCommands)]);
  });
});

describe('whose a session is', () => {
  /** The neighbour's session, with the same LUN. */
  const theirs = { sid: 2, portal: PORTAL, iqn: 'iqn.2010-10.org.openstack:theirs' };

  test.each([
    ['to another target at the same portal', theirs],
    ['to the same shared target at a portal that no record names', { sid: 2, ...SHARED, portal: PORTAL_2 }],
  ])('one %s is a bystander, with its disk of the same LUN', async (_, session) => {
    const scene: Scene = {
      sessions: [{ sid: 1, ...SHARED }, session],
      disks: [SDB, { name: 'sdc', sid: 2, lun: 1 }],
    };
    const plan = await planOf(scene, shared);
    expect(acts(plan).filter((act) => /^tee|--logout$/.test(act))).toEqual([
      `tee ${scsiPath({ sid: 1, lun: 1 })}/delete <<<1`,
      logout(1),
    ]);
    expect(deletions(plan)).toEqual([remove(SHARED_IQN, PORTAL)]);
  });

  test('one that carries nothing stays when it leads to a target of somebody else', async () => {
    const plan = await planOf({ ...ownTarget, sessions: [{ sid: 1, ...OWN }, theirs] }, own);
    expect(logouts(plan)).toEqual([logout(1)]);
  });

  test('one that carries nothing ends, whatever disks the host has besides, by any of the portals', async () => {
    const scene: Scene = {
      sessions: [{ sid: 1, ...SHARED, portal: PORTAL_2 }, theirs],
      disks: [{ name: 'sdc', sid: 2, lun: 1 }],
    };
    const plan = await planOf(scene, withVolumes([iscsi([SHARED, { ...SHARED, portal: PORTAL_2 }])]));
    expect(logouts(plan)).toEqual([logout(1)]);
  });

  test('of one that carries only disks of others no more is asked', async () => {
    const look = fakeReader({
      without: ['volume'],
      command: {
        'compute1: find /sys/block -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n': `sdc\t..${scsiPath({ sid: 1, lun: 2 }).slice('/sys'.length)}/block/sdc\n`,
        [SESSIONS]: `tcp: [1] ${PORTAL},1 ${SHARED_IQN} (non-flash)\n`,
        [RECORDS]: `${PORTAL},1 ${SHARED_IQN}\n`,
      },
    });
    const { facts, unknown } = await volumeConnections.find(look, shared);
    expect([facts.volumes, facts.sessions, facts.records, unknown]).toEqual([[], [], [], []]);
  });

  test('a disk of a neighbour at LUN 0 is no controller: the session stays', async () => {
    const disks = [SDB, { name: 'sdc', sid: 1, lun: 0 }];
    const plan = await planOf({ ...sharedTarget, disks }, shared);
    expect(logouts(plan)).toEqual([]);
    expect(plan.kept).toMatchObject([{ why: expect.stringContaining('sdc') }]);
  });

  test('well-known units of SCSI and folders of its targets are nobody’s', async () => {
    const units = [0xc000, 0xc101].map((lun) => scsiPath({ sid: 1, lun }));
    const folder = `${sessionFolder(1)}/target2:0:0`;
    const plan = await planOf({ ...ownTarget, devices: [...units, folder] }, own);
    expect(logouts(plan)).toEqual([logout(1)]);
    const step = plan.steps.find((s) => s.id.endsWith('/session/1'));
    expect(step?.guards[0]?.check).toMatchObject({
      out: { linesWithin: ['2:0:0:0', '2:0:0:49152', '2:0:0:49409'] },
    });
  });

  test('one that ended while the host was looked at is not logged out of', async () => {
    const question = 'compute1: find /sys/class/iscsi_session -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n';
    const plan = await planOf({ ...ownTarget, changes: { [question]: '' } }, own);
    expect([logouts(plan), plan.unknown]).toEqual([[], []]);
  });

  test('one whose folder is no plain path of the kernel is not logged out of', async () => {
    const question = 'compute1: find /sys/class/iscsi_session -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n';
    const answer = 'session1\t../../devices/platform/host2/../session1/iscsi_session/session1\n';
    expect(logouts(await planOf({ ...ownTarget, changes: { [question]: answer } }, own))).toEqual([]);
  });
});

describe('a neighbour on this host', () => {
  const claim = (connection: object) => ({ server: NEIGHBOUR, volumeId: OTHER_VOLUME, connection });
  const data = { target_portal: PORTAL, target_iqn: 'iqn.2010-10.org.openstack:theirs', target_lun: 2 };

  test.each<[string, object]>([
    ['has a volume on another target', { driver_volume_type: 'iscsi', data }],
    [
      'has a volume by fibre channel',
      { driver_volume_type: 'fibre_channel', data: { target_wwn: ['5006016d09200925'], target_lun: 1 } },
    ],
    ['has a volume in Ceph', { driver_volume_type: 'rbd', data: { name: `volumes/volume-${OTHER_VOLUME}` } }],
  ])('that %s keeps no session', async (_, connection) => {
    const plan = await planOf({ ...sharedTarget, claims: [claim(connection)] }, shared);
    expect([logouts(plan), plan.kept]).toEqual([[logout(1)], []]);
  });

  test('that goes through the target by one of several paths keeps the session', async () => {
    const several = {
      target_portals: [PORTAL_2, PORTAL],
      target_iqns: ['iqn.2010-10.org.openstack:theirs', SHARED_IQN],
      target_luns: [2, 2],
    };
    const claims = [claim({ driver_volume_type: 'iscsi', data: several })];
    const plan = await planOf({ ...sharedTarget, claims }, shared);
    expect(logouts(plan)).toEqual([]);
    expect(plan.kept).toMatchObject([{ why: expect.stringContaining('it is used by server web-2') }]);
  });
});
