/** Programs that have a disk open: which they are, and what they have. */
import { describe, expect, test } from 'vitest';
import type { FakeAnswers } from '../support/fake-reader.ts';
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
  twoPaths,
  VOLUME,
  withVolumes,
} from './volume-connections-samples.ts';

const mapped: Scene = {
  ...twoPaths,
  maps: [{ name: 'mpatha', kernelName: 'dm-1', type: 'mpath', on: ['sdb', 'sdc'], uuid: 'mpath-3a' }],
};
const PS = (pids: string) => `compute1: ps -ww -o pid=,comm=,args= -p ${pids}`;
const dd = (device: string, pid = 77) => ({ device, pid, args: 'dd              dd bs=1M' });
const MULTIPATHD = 'multipathd      /sbin/multipathd -d -s';
const own612 = (args = `-name guest=x -uuid ${SERVER}`) => ({
  device: 'sdb',
  pid: 612,
  args: `qemu-system-x86 /usr/bin/qemu-system-x86_64 ${args}`,
});
const said = (pid: number, name: string, device: string) =>
  `process ${pid} (${name}) on compute1 has ${device} open, which is volume ${VOLUME}`;
const sentences = async (at: Scene) => (await planOf(at, own)).refusals.map(({ sentence }) => sentence);

describe('what a program has open', () => {
  test.each([
    ['the second of two paths', 'sdc', 'sdc'],
    ['the map', 'dm-1', 'dm-1'],
    ['a partition of the map', 'dm-1p1', 'dm-1'],
    ['a partition', 'sdb1', 'sdb'],
    ['a partition with two digits', 'sdc12', 'sdc'],
  ])('%s is named', async (_, device, named) => {
    expect(await sentences({ ...mapped, open: [dd(device)] })).toEqual([said(77, 'dd', named)]);
  });

  test('a map is not a partition of one whose number it begins with', async () => {
    const crypt = {
      name: 'crypt-x',
      kernelName: 'dm-10',
      type: 'crypt',
      on: ['dm-1'],
      uuid: 'CRYPT-LUKS1-a',
    };
    const at = { ...mapped, maps: [...(mapped.maps ?? []), crypt], open: [dd('dm-10')] };
    expect(await sentences(at)).toEqual([said(77, 'dd', 'dm-10')]);
  });

  test.each(['sdb1x', 'sdb1x1', 'sdb1 copy'])('a file that is called %s is none of it', async (device) => {
    expect(await sentences({ ...scene, open: [dd(device)] })).toEqual([]);
  });

  test('a node of the device that is gone is the device still', async () => {
    const changes = {
      [`compute1: ${openQuestion(['sdb'])}`]: '/proc/77/fd\t/dev/sdb1 (deleted)\n',
      [PS('77')]: '     77 dd              dd bs=1M\n',
    };
    expect(await sentences({ ...scene, changes })).toEqual([said(77, 'dd', 'sdb')]);
  });

  test('is refused for the volume that it is of, not for another', async () => {
    const both: Scene = {
      sessions: [
        { sid: 1, ...OWN },
        { sid: 2, portal: PORTAL, iqn: SHARED_IQN },
      ],
      disks: [
        { name: 'sdb', sid: 1, lun: 1 },
        { name: 'sdc', sid: 2, lun: 4 },
      ],
      changes: {
        [`compute1: ${openQuestion(['sdb', 'sdc'])}`]: '/proc/77/fd\t/dev/sdc\n',
        [PS('77')]: '     77 dd              dd\n',
      },
    };
    const of = withVolumes([iscsi([OWN]), iscsi([{ portal: PORTAL, iqn: SHARED_IQN, lun: 4 }])]);
    expect((await planOf(both, of)).refusals).toMatchObject([
      { sentence: `process 77 (dd) on compute1 has sdc open, which is volume ${OTHER_VOLUME}` },
    ]);
  });
});

describe('which program it is', () => {
  test('each is named by its own number', async () => {
    const open = [dd('sdb', 99), { device: 'sdb', pid: 8, args: 'fio             fio --name=x' }];
    expect(await sentences({ ...scene, open })).toEqual([said(99, 'dd', 'sdb'), said(8, 'fio', 'sdb')]);
  });

  test('the server’s own machine is stopped first; whoever has the disk besides is refused', async () => {
    const at: Scene = { ...scene, running: '/dev/sdb', open: [own612(), dd('sdb')] };
    expect(await sentences(at)).toEqual([said(77, 'dd', 'sdb')]);
    expect(await sentences({ ...at, open: [own612()] })).toEqual([]);
    const neighbour = own612(`-uuid ${NEIGHBOUR}`);
    expect(await sentences({ ...at, open: [neighbour] })).toEqual([said(612, 'qemu-system-x86', 'sdb')]);
  });

  test('one that ended meanwhile is nobody’s machine', async () => {
    const at: Scene = { ...scene, running: '/dev/sdb', open: [dd('sdb')], changes: { [PS('77')]: '' } };
    expect(await sentences(at)).toEqual([said(77, '?', 'sdb')]);
  });

  test('where nobody has it open no program is asked for', async () => {
    const changes = { [PS('')]: { exit: 127 } };
    expect((await planOf({ ...scene, changes }, own)).unknown).toEqual([]);
  });

  test('multipathd watches, another does not: only the former is told, and may have it open', async () => {
    const open = [{ device: 'sdc', pid: 55, args: MULTIPATHD }, dd('sdb')];
    const plan = await planOf({ ...mapped, open }, own);
    expect(acts(plan).filter((act) => act.startsWith('multipathd'))).toEqual(['multipathd del path sdc']);
    const [guard] = plan.steps.flatMap(({ id, guards }) => (id.endsWith('/sdb') ? guards.slice(-1) : []));
    expect(guard?.check).toMatchObject({ exit: [0, 1], out: { linesWithin: ['/proc/55/fd\t/dev/sdc'] } });
  });
});

describe('what is not understood is unknown, not nobody', () => {
  const OPEN = `compute1: ${openQuestion(['sdb'])}`;
  const one = '/proc/77/fd\t/dev/sdb\n';

  test.each<[string, FakeAnswers['command'], string]>([
    ['a line of find', { [OPEN]: 'what is this\n' }, 'what find says is not understood'],
    ['a line that only ends like one of find', { [OPEN]: `x${one}` }, 'what find says is not understood'],
    ['a line of ps', { [OPEN]: one, [PS('77')]: 'what is this\n' }, 'what ps says is not understood'],
    [
      'a line that only ends like one of ps',
      { [OPEN]: one, [PS('77')]: 'PID 77 dd  dd\n' },
      'what ps says is not understood',
    ],
    [
      'a process that hides what it has open',
      { [OPEN]: { exit: 1, err: 'find: ‘/proc/1/fd’: Permission denied\n' } },
      'it needs root: sudo: true in the site file',
    ],
  ])('%s', async (_, changes, why) => {
    const plan = await planOf({ ...scene, changes }, own);
    expect(plan.unknown).toMatchObject([{ place: 'host compute1', why: expect.stringContaining(why) }]);
    expect(plan.steps).toEqual([]);
  });

  test('a warning beside a good answer is no failure', async () => {
    const links = 'compute1: find /sys/class/iscsi_session -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n';
    const out = 'session1\t../../devices/platform/host2/session1/iscsi_session/session1\n';
    const changes = { [links]: { exit: 0, out, err: 'Warning: Permanently added compute1 to the list\n' } };
    expect(await planOf({ ...scene, changes }, own)).toMatchObject({ unknown: [], refusals: [] });
  });
});
