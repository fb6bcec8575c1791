/** rbd devices of the kernel, and exports that are mounted: which are Nova's, and who else uses them. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Connection } from '../../src/kinds/subject/connection.ts';
import type { FakeAnswers } from '../support/fake-reader.ts';
import { domainXml, LIST, NAME, NEIGHBOUR, SERVER, virshQuestion } from './domain-samples.ts';
import {
  acts,
  CLAIMS,
  iscsi,
  OTHER_VOLUME,
  OWN_IQN,
  openQuestion,
  PORTAL,
  planOf,
  VOLUME,
  withVolumes,
} from './volume-connections-samples.ts';

const NOTED = { devicePath: null, multipathId: null, encrypted: false };
const BLOCK = 'compute1: find /sys/block -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n';
const LAYERS = 'compute1: lsblk -a -n -P -b -o NAME,KNAME,PKNAME,TYPE,SIZE,STATE,MOUNTPOINT';
const OTHERS_DOMAIN = 'instance-0000002b';

const plan = (changes: FakeAnswers['command'], connections: Connection[], claims: object[] = []) =>
  planOf({ changes: { [LIST]: '\n', ...changes } }, withVolumes(connections), [], {
    sql: { [CLAIMS]: claims as never },
  });
const claim = (volume: string, driver: string, data: object) => ({
  instance_uuid: NEIGHBOUR,
  volume_id: volume,
  connection_info: JSON.stringify({ driver_volume_type: driver, data }),
  display_name: 'web-2',
});

describe('an rbd device', () => {
  const rbd = (volume: string, pool = 'volumes'): Connection => ({
    ...NOTED,
    type: 'rbd',
    pool,
    image: `volume-${volume}`,
  });
  const mapped = (number: number, volume: string, more: object = {}) => ({
    id: String(number),
    pool: 'volumes',
    namespace: '',
    name: `volume-${volume}`,
    snap: '-',
    device: `/dev/rbd${number}`,
    ...more,
  });
  /** @param numbers of the devices that are looked at closely */
  const host = (images: readonly object[], numbers: readonly number[]) => ({
    [BLOCK]: images.map((_, i) => `rbd${i + 10}\t../devices/rbd/${i + 10}/block/rbd${i + 10}\n`).join(''),
    'compute1: rbd showmapped --format json': JSON.stringify(images),
    [LAYERS]: '',
    [`compute1: ${openQuestion(numbers.map((n) => `rbd${n}`))}`]: '',
    // A host has always some device.
    ...(images.length === 0 ? { [BLOCK]: '' } : {}),
  });
  const layers = (...names: string[]) =>
    names
      .map((n) => `NAME="${n}" KNAME="${n}" PKNAME="" TYPE="disk" SIZE="1" STATE="" MOUNTPOINT=""\n`)
      .join('');

  test('of a number of several digits goes, and says of itself what it must', async () => {
    const made = await plan(host([mapped(10, VOLUME)], [10]), [rbd(VOLUME)]);
    expect(made.steps[0]).toMatchObject({
      act: { argv: ['rbd', 'unmap', '/dev/rbd10'], exit: [0] },
      settled: {
        door: 'command',
        host: 'compute1',
        argv: ['test', '!', '-e', '/sys/devices/rbd/10'],
        exit: [0],
        no: [1],
      },
    });
    expect([made.steps[0]?.before, made.steps[0]?.needs]).toEqual([[], []]);
    expect(made.steps[0]?.guards[1]?.check).toMatchObject({ exit: [0], no: [1] });
    const nothing = { linesWithin: [] };
    expect(made.steps[0]?.guards.slice(2).map(({ check }) => 'out' in check && check.out)).toEqual([
      nothing,
      nothing,
      nothing,
    ]);
  });

  test.each([
    ['of the same name in another pool', { pool: 'backups' }],
    ['of the same name in a namespace of the pool', { namespace: 'tenant' }],
    ['that is a snapshot of it', { snap: 'backup-1' }],
  ])('%s is somebody else’s', async (_, more) => {
    expect((await plan(host([mapped(10, VOLUME, more)], [10]), [rbd(VOLUME)])).steps).toEqual([]);
  });

  test('goes as it is listed by a Ceph that names no namespaces', async () => {
    const { namespace: _, ...older } = mapped(10, VOLUME);
    expect(acts(await plan(host([older], [10]), [rbd(VOLUME)]))).toEqual(['rbd unmap /dev/rbd10']);
  });

  test.each([
    [{}],
    [{ pool: 'volumes', name: `volume-${VOLUME}` }],
    [mapped(10, VOLUME, { device: '/x/dev/rbd10' })],
    [mapped(10, VOLUME, { device: '/dev/rbd10/../sda' })],
    [mapped(10, VOLUME, { pool: 1 })],
  ])('in a list of another form is unknown: %j', async (image) => {
    const made = await plan(host([image], [10]), [rbd(VOLUME)]);
    expect([made.steps, made.unknown.map((u) => u.place)]).toEqual([[], ['host compute1']]);
  });

  test('of each volume is a step of its own, in their order, and a program holds but the one that it has open', async () => {
    const images = [mapped(10, VOLUME), mapped(11, OTHER_VOLUME)];
    const changes = {
      ...host(images, [10, 11]),
      [LAYERS]: layers('rbd10', 'rbd11'),
      [`compute1: ${openQuestion(['rbd10', 'rbd11'])}`]: '/proc/7/fd\t/dev/rbd11\n',
      'compute1: ps -ww -o pid=,comm=,args= -p 7': '      7 dd              dd\n',
    };
    const made = await plan(changes, [rbd(VOLUME), rbd(OTHER_VOLUME)]);
    expect(acts(made)).toEqual(['rbd unmap /dev/rbd10', 'rbd unmap /dev/rbd11']);
    expect(made.refusals.map((r) => r.sentence)).toEqual([
      `process 7 (dd) on compute1 has rbd11 open, which is volume ${OTHER_VOLUME}`,
    ]);
  });

  test('that a program had open which ended since is refused, without its name', async () => {
    const changes = {
      ...host([mapped(10, VOLUME)], [10]),
      [`compute1: ${openQuestion(['rbd10'])}`]: '/proc/7/fd\t/dev/rbd10\n',
      'compute1: ps -ww -o pid=,comm=,args= -p 7': { exit: 1 },
    };
    expect((await plan(changes, [rbd(VOLUME)])).refusals).toMatchObject([
      { code: 'connection-open', sentence: expect.stringContaining('process 7 (?)') },
    ]);
  });

  test('of a volume that a neighbour has too stays; one that has another keeps nothing', async () => {
    const at = host([mapped(10, VOLUME)], [10]);
    const theirs = (volume: string) => [claim(volume, 'rbd', { name: `volumes/volume-${volume}` })];
    expect(await plan(at, [rbd(VOLUME)], theirs(VOLUME))).toMatchObject({
      steps: [],
      kept: [{ why: expect.stringContaining('the same volume is attached to server web-2') }],
    });
    expect((await plan(at, [rbd(VOLUME)], theirs(OTHER_VOLUME))).steps).toHaveLength(1);
  });
});

describe('an export', () => {
  const EXPORT = '10.0.0.9:/volumes';
  const HASH = createHash('md5').update(EXPORT).digest('hex');
  const TARGET = `/var/lib/nova/mnt/${HASH}`;
  const nfs = (volume = VOLUME, devicePath: string | null = null): Connection => ({
    ...NOTED,
    type: 'nfs',
    export: EXPORT,
    file: `volume-${volume}`,
    devicePath,
  });
  const openBelow = (target: string) =>
    `compute1: ${openQuestion(['x']).replace(/\( .* \)/, `( -lname ${target}/* )`)}`;
  const host = (...targets: readonly string[]) => ({
    [BLOCK]: '',
    'compute1: findmnt -n -r -o TARGET,FSTYPE,SOURCE': targets.map((t) => `${t} nfs4 ${EXPORT}\n`).join(''),
    [LAYERS]: '',
    ...Object.fromEntries(targets.map((target) => [openBelow(target), ''])),
  });

  test('says of itself what it must', async () => {
    const [step] = (await plan(host(TARGET), [nfs()])).steps;
    const argv = ['findmnt', '-n', '-r', '-o', 'SOURCE', '-M', TARGET];
    expect(step).toMatchObject({
      act: { argv: ['umount', TARGET], exit: [0] },
      settled: { door: 'command', host: 'compute1', argv, exit: [1], no: [0] },
    });
    expect(step?.guards[1]?.check).toMatchObject({ argv, exit: [0], no: [1] });
    expect(step?.guards[2]?.check).toMatchObject({ out: { linesWithin: [] } });
    expect([step?.before, step?.needs]).toEqual([[], []]);
  });

  test.each([
    ['Cinder', `/var/lib/cinder/mnt/${HASH}`],
    ['Glance', `/var/lib/glance/mnt/nfs/${HASH}`],
  ])('that %s has mounted on the same host is left to it', async (_, theirs) => {
    expect(await plan(host(theirs), [nfs()])).toMatchObject({ steps: [], kept: [], unknown: [] });
    expect(acts(await plan(host(theirs, TARGET), [nfs()]))).toEqual([`umount ${TARGET}`]);
  });

  test('of another name that Nova mounted is a bystander', async () => {
    const other = `/var/lib/nova/mnt/${createHash('md5').update('10.0.0.9:/others').digest('hex')}`;
    expect(await plan(host(other), [nfs()])).toMatchObject({ steps: [], kept: [], unknown: [] });
  });

  test('that Nova mounted elsewhere is found by the file that it noted', async () => {
    const elsewhere = `/srv/mounts/${HASH}`;
    expect(acts(await plan(host(elsewhere), [nfs(VOLUME, `${elsewhere}/volume-${VOLUME}`)]))).toEqual([
      `umount ${elsewhere}`,
    ]);
    expect((await plan(host(elsewhere), [nfs()])).steps).toEqual([]);
  });

  test('of two volumes is unmounted once, for the first of them', async () => {
    const made = await plan(host(TARGET), [nfs(), nfs(OTHER_VOLUME)]);
    expect(made.steps.map((step) => step.id)).toEqual([
      `volume-connections/compute1/${VOLUME}/mount${TARGET}`,
    ]);
  });

  test('that the storage moved, with both mounted: each is a step of its own', async () => {
    const moved = '10.0.0.9:/moved';
    const second = `/var/lib/nova/mnt/${createHash('md5').update(moved).digest('hex')}`;
    const other = { ...nfs(), export: moved } as Connection;
    const of = withVolumes([nfs(), other]);
    const volumes = of.volumes.map((volume) => ({ ...volume, volumeId: VOLUME }));
    const made = await planOf({ changes: { [LIST]: '\n', ...host(TARGET, second) } }, { ...of, volumes });
    expect(made.steps.map((step) => step.id).sort()).toEqual(
      [TARGET, second].map((at) => `volume-connections/compute1/${VOLUME}/mount${at}`).sort(),
    );
  });

  test('stays while a domain of another server has its disk below it', async () => {
    const dump = (disk: string) => ({
      [LIST]: `${NEIGHBOUR} ${OTHERS_DOMAIN}\n`,
      [virshQuestion(`dumpxml ${NEIGHBOUR}`)]: domainXml({ uuid: NEIGHBOUR, name: OTHERS_DOMAIN, disk }),
    });
    const inUse = await plan({ ...host(TARGET), ...dump(`${TARGET}/volume-${OTHER_VOLUME}`) }, [nfs()]);
    expect(inUse).toMatchObject({
      steps: [],
      kept: [{ why: expect.stringContaining(`in use by domain ${OTHERS_DOMAIN}`) }],
    });
    const elsewhere = await plan({ ...host(TARGET), ...dump(`/var/lib/nova/mnt/other/volume-1`) }, [nfs()]);
    expect(elsewhere.steps).toHaveLength(1);
  });

  test('goes although the server’s own machine has its disk open: it is stopped first', async () => {
    const own = {
      ...host(TARGET),
      [LIST]: `${SERVER} ${NAME}\n`,
      [virshQuestion(`dumpxml ${SERVER}`)]: domainXml({ disk: `${TARGET}/volume-${VOLUME}` }),
      [openBelow(TARGET)]: `/proc/612/fd\t${TARGET}/volume-${VOLUME}\n`,
      'compute1: ps -ww -o pid=,comm=,args= -p 612': `    612 qemu-system-x86 /usr/bin/qemu -uuid ${SERVER} -m 64\n`,
    };
    const state = (word: string) => ({
      [virshQuestion(`dominfo ${SERVER}`)]:
        `Id:             ${word === 'running' ? 1 : '-'}\nName:           ${NAME}\nState:          ${word}\nPersistent:     yes\nManaged save:   no\n`,
    });
    expect((await plan({ ...own, ...state('running') }, [nfs()])).steps).toHaveLength(1);
    expect(await plan({ ...own, ...state('shut off') }, [nfs()])).toMatchObject({
      steps: [],
      kept: [{ why: expect.stringContaining('process 612 (qemu-system-x86)') }],
    });
    const other = {
      ...own,
      ...state('running'),
      'compute1: ps -ww -o pid=,comm=,args= -p 612': '    612 qemu-img        qemu-img convert\n',
    };
    expect((await plan(other, [nfs()])).steps).toEqual([]);
  });

  test('and a target of iSCSI of one server are both looked for', async () => {
    const made = await plan(host(TARGET), [nfs(), iscsi([{ portal: PORTAL, iqn: OWN_IQN, lun: 1 }])]);
    expect([acts(made), made.unknown]).toEqual([[`umount ${TARGET}`], []]);
  });
});
