/** Connections that are no iSCSI: fibre channel, NVMe over fabrics, rbd devices, exports, and those that are undone by hand. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Connection } from '../../src/kinds/subject/connection.ts';
import type { FakeAnswers } from '../support/fake-reader.ts';
import { instanceRow, subject } from '../support/subjects.ts';
import { LIST, NEIGHBOUR, SERVER, virshQuestion } from './domain-samples.ts';
import {
  acts,
  broken,
  CLAIMS,
  OTHER_VOLUME,
  openQuestion,
  planOf,
  type Scene,
  VOLUME,
  withVolumes,
} from './volume-connections-samples.ts';

const NOTED = { devicePath: null, multipathId: null, encrypted: false };
const BLOCK = 'compute1: find /sys/block -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n';
const LAYERS = 'compute1: lsblk -a -n -P -b -o NAME,KNAME,PKNAME,TYPE,SIZE,STATE,MOUNTPOINT';
const LINKS = 'compute1: find /dev/disk/by-path /dev/disk/by-id -mindepth 1 -maxdepth 1 -printf %p\\t%l\\n';

const disk = (name: string, more = '') =>
  `NAME="${name}" KNAME="${name}" PKNAME="" TYPE="disk" SIZE="1073741824" STATE="running" MOUNTPOINT="${more}"\n`;
const neighbours = (connection: object) => [
  {
    instance_uuid: NEIGHBOUR,
    volume_id: OTHER_VOLUME,
    connection_info: JSON.stringify(connection),
    display_name: 'web-2',
  },
];

/** A host with these answers besides those that every host gives, and a database with these claims. */
function at(changes: FakeAnswers['command'], of: Connection, claims: object[] = []) {
  const scene: Scene = { changes: { [LIST]: '\n', ...changes } };
  return planOf(scene, withVolumes([of]), [], { sql: { [CLAIMS]: claims as never } });
}

describe('fibre channel', () => {
  const PATH = '/sys/devices/pci0000:00/0000:05:00.0/host3/rport-3:0-0/target3:0:0/3:0:0:2';
  const LINK = '/dev/disk/by-path/pci-0000:05:00.0-fc-0x5006016d09200925-lun-2';
  const fc: Connection = {
    ...NOTED,
    type: 'fibre_channel',
    wwns: ['5006016D09200925', '5006016d09200926'],
    luns: [2],
  };
  const answers = {
    [BLOCK]: `sdb\t..${PATH.slice('/sys'.length)}/block/sdb\n`,
    [LAYERS]: disk('sdb'),
    [LINKS]: `${LINK}\t../../sdb\n${LINK}-part1\t../../sdb1\n/dev/disk/by-path/pci-0000:05:00.0-fc-0x5006016d09200925-lun-22\t../../sdc\n`,
    [`compute1: ${openQuestion(['sdb'])}`]: '',
  };

  test('each disk of port and LUN goes, and there is nothing to log out of', async () => {
    const plan = await at(answers, fc);
    expect(acts(plan)).toEqual(['blockdev --flushbufs /dev/sdb', `tee ${PATH}/delete <<<1`]);
    expect(plan.steps[0]?.guards.map((g) => g.must)).toContain(`${LINK} leads to sdb`);
  });

  test.each([
    [255, '255'],
    [256, '0x0100000000000000'],
    [258, '0x0102000000000000'],
  ])('LUN %i is written as udev writes it', async (lun, written) => {
    const link = `/dev/disk/by-path/pci-0000:05:00.0-fc-0x5006016d09200925-lun-${written}`;
    const plan = await at(
      { ...answers, [LINKS]: `${link}\t../../sdb\n` },
      { ...fc, wwns: ['0x5006016d09200925'], luns: [lun] },
    );
    expect(plan.steps).toHaveLength(1);
  });

  test('the same LUN of another server of this host: connection-of-other-server', async () => {
    const theirs = {
      driver_volume_type: 'fibre_channel',
      data: { target_wwn: ['5006016d09200926'], target_lun: 2 },
    };
    expect((await at(answers, fc, neighbours(theirs))).codes).toEqual(['connection-of-other-server']);
    const other = { ...theirs, data: { ...theirs.data, target_lun: 3 } };
    expect((await at(answers, fc, neighbours(other))).codes).toEqual([]);
  });

  test('ports and LUNs that do not go together name nothing', async () => {
    expect((await at(answers, { ...fc, luns: [2, 3, 4] })).steps).toEqual([]);
  });
});

describe('NVMe over fabrics', () => {
  const NQN = 'nqn.2014-08.org.nvmexpress:uuid:1';
  const nvme: Connection = { ...NOTED, type: 'nvmeof', nqn: NQN, portals: ['10.0.0.1:4420'] };
  const SUBSYSTEMS = 'compute1: find /sys/class/nvme-subsystem -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n';
  const LIST_SUBSYSTEMS = 'compute1: nvme list-subsys -o json';
  // nvme-cli 2: nested by host. nvme-cli 1: name and paths apart.
  const two = [
    { HostNQN: 'h', Subsystems: [{ Name: 'nvme-subsys1', NQN, Paths: [{ Name: 'nvme1', State: 'live' }] }] },
  ];
  const one = { Subsystems: [{ Name: 'nvme-subsys1', NQN }, { Paths: [{ Name: 'nvme1', State: 'live' }] }] };
  const namespace = (name: string) => `${name}\t../devices/virtual/nvme-subsystem/nvme-subsys1/${name}\n`;
  const answers = {
    [BLOCK]: namespace('nvme1n1'),
    [SUBSYSTEMS]: 'nvme-subsys1\t../../devices/virtual/nvme-subsystem/nvme-subsys1\n',
    [LIST_SUBSYSTEMS]: JSON.stringify(two),
    [LAYERS]: disk('nvme1n1'),
    [`compute1: ${openQuestion(['nvme1n1'])}`]: '',
  };

  test.each([
    ['nvme-cli 2', two],
    ['nvme-cli 1', one],
  ])('the subsystem is disconnected when its one namespace is the server’s (%s)', async (_, said) => {
    const plan = await at({ ...answers, [LIST_SUBSYSTEMS]: JSON.stringify(said) }, nvme);
    expect(acts(plan)).toEqual([`nvme disconnect -n ${NQN}`]);
    expect(plan.refusals).toEqual([]);
  });

  test('only while nobody else comes through it', async () => {
    const [step] = (await at(answers, nvme)).steps;
    if (step === undefined) throw new Error('no step');
    const namespaces =
      'compute1: find /sys/block -maxdepth 1 ( -lname */nvme-subsys1/* -o -lname */nvme1/* ) -printf %f\\n';
    const good = {
      [virshQuestion('list --uuid')]: '\n',
      [namespaces]: 'nvme1n1\n',
      'compute1: lsblk -n -r -o MOUNTPOINT /dev/nvme1n1': '\n',
      'compute1: find /sys/block/nvme1n1/. -path */holders/* -printf %f\\n': '',
      [`compute1: ${openQuestion(['nvme1n1'])}`]: '',
    };
    expect(await broken(step, good)).toEqual([]);
    const bad: [string, string, string][] = [
      [virshQuestion('list --uuid'), `${SERVER}\n`, 'domain is not active'],
      [namespaces, 'nvme1n1\nnvme1n2\n', 'no other namespace than nvme1n1'],
      ['compute1: lsblk -n -r -o MOUNTPOINT /dev/nvme1n1', '/mnt\n', 'is not mounted'],
      [
        'compute1: find /sys/block/nvme1n1/. -path */holders/* -printf %f\\n',
        'dm-1\n',
        'nothing lies on nvme1n1',
      ],
      [`compute1: ${openQuestion(['nvme1n1'])}`, '/proc/7/fd\t/dev/nvme1n1\n', 'has nvme1n1 open'],
    ];
    for (const [question, answer, must] of bad)
      expect(await broken(step, { ...good, [question]: answer })).toEqual([expect.stringContaining(must)]);
  });

  test('one with several namespaces stays, and one that another server uses', async () => {
    const more = {
      ...answers,
      [BLOCK]: `${namespace('nvme1n1')}${namespace('nvme1n2')}`,
      [LAYERS]: `${disk('nvme1n1')}${disk('nvme1n2')}`,
      [`compute1: ${openQuestion(['nvme1n1', 'nvme1n2'])}`]: '',
    };
    expect(await at(more, nvme)).toMatchObject({
      steps: [],
      kept: [{ why: expect.stringContaining('several namespaces') }],
    });
    const theirs = {
      driver_volume_type: 'nvmeof',
      data: { target_nqn: NQN, target_portal: '10.0.0.1', target_port: 4420 },
    };
    expect(await at(answers, nvme, neighbours(theirs))).toMatchObject({
      steps: [],
      refusals: [],
      kept: [{ why: expect.stringContaining('web-2') }],
    });
  });

  test('one that is mounted is refused, one that cannot be listed is unknown', async () => {
    expect((await at({ ...answers, [LAYERS]: disk('nvme1n1', '/mnt') }, nvme)).codes).toEqual([
      'connection-mounted',
    ]);
    const unknown = (await at({ ...answers, [LIST_SUBSYSTEMS]: { exit: 127 } }, nvme)).unknown;
    expect(unknown).toMatchObject([{ why: expect.stringContaining('nvme is not there') }]);
    expect((await at({ ...answers, [LIST_SUBSYSTEMS]: 'no json' }, nvme)).unknown).toHaveLength(1);
  });

  test('a host without fabrics is asked no more', async () => {
    const none = { exit: 1, err: 'find: ‘/sys/class/nvme-subsystem’: No such file or directory\n' };
    expect(await at({ [BLOCK]: '', [SUBSYSTEMS]: none }, nvme)).toMatchObject({ steps: [], unknown: [] });
  });
});

describe('rbd', () => {
  const rbd: Connection = { ...NOTED, type: 'rbd', pool: 'volumes', image: `volume-${VOLUME}` };
  const SHOWMAPPED = 'compute1: rbd showmapped --format json';
  const image = {
    id: '0',
    pool: 'volumes',
    namespace: '',
    name: `volume-${VOLUME}`,
    snap: '-',
    device: '/dev/rbd0',
  };
  const answers = {
    [BLOCK]: 'rbd0\t../devices/rbd/0/block/rbd0\n',
    [SHOWMAPPED]: JSON.stringify([image]),
    [LAYERS]: disk('rbd0'),
    [`compute1: ${openQuestion(['rbd0'])}`]: '',
  };

  test('qemu that speaks to Ceph by itself leaves nothing, and nothing is asked of rbd', async () => {
    expect(await at({ [BLOCK]: '' }, rbd)).toMatchObject({ steps: [], kept: [], unknown: [], remains: [] });
  });

  test.each([
    ['Ceph 16', [image]],
    ['Ceph 12', { 0: image }],
  ])('an image that the kernel has as a device is unmapped (%s)', async (_, said) => {
    const plan = await at({ ...answers, [SHOWMAPPED]: JSON.stringify(said) }, rbd);
    expect(acts(plan)).toEqual(['rbd unmap /dev/rbd0']);
    expect(plan.remains).toEqual([{ place: 'host compute1', what: `volume ${VOLUME}: /dev/rbd0` }]);
  });

  test('another image is a bystander', async () => {
    const other = JSON.stringify([{ ...image, name: `volume-${OTHER_VOLUME}` }]);
    expect((await at({ ...answers, [SHOWMAPPED]: other }, rbd)).steps).toEqual([]);
  });

  test('only while it is this image, and nobody uses it', async () => {
    const [step] = (await at(answers, rbd)).steps;
    if (step === undefined) throw new Error('no step');
    const identity = 'compute1: cat /sys/devices/rbd/0/pool /sys/devices/rbd/0/name';
    const good = {
      [virshQuestion('list --uuid')]: '\n',
      [identity]: `volumes\nvolume-${VOLUME}\n`,
      'compute1: lsblk -n -r -o MOUNTPOINT /dev/rbd0': '\n',
      'compute1: find /sys/block/rbd0/. -path */holders/* -printf %f\\n': '',
      [`compute1: ${openQuestion(['rbd0'])}`]: '',
    };
    expect(await broken(step, good)).toEqual([]);
    const other = { ...good, [identity]: `volumes\nvolume-${OTHER_VOLUME}\n` };
    expect(await broken(step, other)).toEqual([`/dev/rbd0 is still the image volumes/volume-${VOLUME}`]);
  });

  test('one that a program has open is refused; without rbd on the host it is unknown', async () => {
    const open = {
      ...answers,
      [`compute1: ${openQuestion(['rbd0'])}`]: '/proc/7/fd\t/dev/rbd0\n',
      'compute1: ps -ww -o pid=,comm=,args= -p 7': '      7 dd              dd\n',
    };
    expect((await at(open, rbd)).codes).toEqual(['connection-open']);
    expect((await at({ ...answers, [SHOWMAPPED]: { exit: 127 } }, rbd)).unknown).toHaveLength(1);
  });
});

describe('an export that is mounted', () => {
  const EXPORT = '10.0.0.9:/volumes';
  const TARGET = `/var/lib/nova/mnt/${createHash('md5').update(EXPORT).digest('hex')}`;
  const nfs: Connection = { ...NOTED, type: 'nfs', export: EXPORT, file: `volume-${VOLUME}` };
  const OPEN = `compute1: ${openQuestion(['x']).replace(/\( .* \)/, `( -lname ${TARGET}/* )`)}`;
  const answers = {
    [BLOCK]: '',
    'compute1: findmnt -n -r -o TARGET,FSTYPE,SOURCE': `/ ext4 /dev/vda\n${TARGET} nfs4 ${EXPORT}\n`,
    [LAYERS]: disk('vda', '/'),
    [OPEN]: '',
  };
  const theirs = { driver_volume_type: 'nfs', data: { export: EXPORT, name: `volume-${OTHER_VOLUME}` } };

  test('that nobody uses any more is unmounted, and not lazily', async () => {
    const plan = await at(answers, nfs);
    expect(acts(plan)).toEqual([`umount ${TARGET}`]);
    const [step] = plan.steps;
    if (step === undefined) throw new Error('no step');
    const good = {
      [virshQuestion('list --uuid')]: '\n',
      [`compute1: findmnt -n -r -o SOURCE -M ${TARGET}`]: `${EXPORT}\n`,
      [OPEN]: '',
    };
    expect(await broken(step, good)).toEqual([]);
    expect(await broken(step, { ...good, [OPEN]: `/proc/7/fd\t${TARGET}/volume-x\n` })).toEqual([
      `no program has a file below ${TARGET} open`,
    ]);
    const elsewhere = { ...good, [`compute1: findmnt -n -r -o SOURCE -M ${TARGET}`]: 'nas:/other\n' };
    expect(await broken(step, elsewhere)).toEqual([`${EXPORT} is what is mounted there`]);
  });

  test('that another server of this host has a volume on stays', async () => {
    const plan = await at(answers, nfs, neighbours(theirs));
    expect([plan.steps, plan.refusals]).toEqual([[], []]);
    expect(plan.kept).toMatchObject([
      { why: expect.stringContaining(`in use by server web-2 (${NEIGHBOUR})`) },
    ]);
  });

  test('that a program has a file open on stays', async () => {
    const open = {
      ...answers,
      [OPEN]: `/proc/7/fd\t${TARGET}/volume-x\n`,
      'compute1: ps -ww -o pid=,comm=,args= -p 7': '      7 qemu-img        qemu-img convert\n',
    };
    expect(await at(open, nfs)).toMatchObject({
      steps: [],
      kept: [{ why: expect.stringContaining('process 7 (qemu-img)') }],
    });
  });

  test('that is mounted elsewhere is somebody’s own', async () => {
    const mounts = { 'compute1: findmnt -n -r -o TARGET,FSTYPE,SOURCE': `/srv nfs4 ${EXPORT}\n` };
    expect(await at({ ...answers, ...mounts }, nfs)).toMatchObject({ steps: [], kept: [] });
  });
});

describe('what has to be undone by hand', () => {
  const scaleio: Connection = { ...NOTED, type: 'other', driver: 'scaleio' };
  const live = withVolumes([scaleio]);

  test('is refused and listed: connection-by-hand', async () => {
    const plan = await planOf({}, live);
    expect(plan.refusals).toEqual([
      {
        code: 'connection-by-hand',
        flag: 'even-manual',
        sentence: `volume ${VOLUME} is connected to host compute1 by scaleio, which this version has no commands for: disconnect it there by hand`,
      },
    ]);
    expect(plan.manual).toMatchObject([
      { place: 'host compute1', what: `connection of volume ${VOLUME} by scaleio` },
    ]);
  });

  test('with --even-manual it is listed as long as Nova has the volume', async () => {
    const plan = await planOf({}, live, ['even-manual']);
    expect(plan.refusals).toEqual([]);
    expect(plan.manual).toHaveLength(1);
  });

  test('of a deleted server it is asked for too, and with --even-manual it is done', async () => {
    const of = { gone: true, row: instanceRow({ deleted: 42 }) };
    const gone = withVolumes([scaleio], of);
    expect(await planOf({}, gone)).toMatchObject({ codes: ['connection-by-hand'], manual: [{}] });
    expect(await planOf({}, gone, ['even-manual'])).toMatchObject({ codes: [], manual: [] });
  });

  test('a volume that was detached from a server that lives is none of it', async () => {
    expect(await planOf({}, withVolumes([scaleio], { gone: true }))).toMatchObject({ codes: [], manual: [] });
  });

  test('a server that is on no host has nothing to be undone', async () => {
    const nowhere = subject({ ...live, row: instanceRow({ host: null }), hosts: [] });
    expect(await planOf({}, nowhere)).toMatchObject({ codes: [], manual: [], unknown: [] });
  });
});
