import { expect, test } from 'vitest';
import { mountOf, mountsWithin, parseMounts } from '../../src/kinds/files/mounts.ts';
import { LookError } from '../../src/plan/errors.ts';
import { instanceRow, subject } from '../support/subjects.ts';
import { NEIGHBOUR, ROOT, SERVER } from './domain-samples.ts';
import { acts, answers, host, LOCAL, look, on } from './files-samples.ts';

test('the three folders go, and nothing else, each when it is itself, no mount and not in use', async () => {
  const found = `${SERVER}_del\td\t65024\t\n${SERVER}_resize\td\t65024\t\n${SERVER}\td\t65024\t\n`;
  const plan = await look(answers({ found }));
  expect(plan.refusals).toEqual([]);
  expect(acts(plan)).toEqual([
    `rm -rf --one-file-system -- ${ROOT}/${SERVER}_del`,
    `rm -rf --one-file-system -- ${ROOT}/${SERVER}_resize`,
    `rm -rf --one-file-system -- ${ROOT}/${SERVER}`,
  ]);
  expect(plan.remains).toEqual(
    [`${SERVER}_del`, `${SERVER}_resize`, SERVER].map((name) => ({
      place: 'host compute1',
      what: `folder ${ROOT}/${name}`,
    })),
  );
  expect(plan.kept).toEqual([]);
  const step = plan.steps[2];
  const path = `${ROOT}/${SERVER}`;
  expect(step?.act).toEqual({
    door: 'command',
    host: 'compute1',
    argv: ['rm', '-rf', '--one-file-system', '--', path],
    exit: [0],
  });
  expect(step?.guards.map((g) => g.check)).toEqual([
    {
      door: 'command',
      host: 'compute1',
      argv: ['realpath', '-e', '--', path],
      exit: [0],
      no: [1],
      out: { equals: path },
    },
    {
      door: 'command',
      host: 'compute1',
      argv: ['findmnt', '-n', '-o', 'TARGET', '-T', path],
      exit: [0],
      no: [1],
      out: { hasLine: '/' },
    },
    {
      door: 'command',
      host: 'compute1',
      argv: ['virsh', '-c', 'qemu:///system', 'list', '--uuid'],
      exit: [0],
      out: { lacksLine: SERVER },
    },
  ]);
  expect(step?.settled).toEqual({
    door: 'command',
    host: 'compute1',
    argv: [
      ...['find', `${ROOT}/.`, '-maxdepth', '1', '(', '-name', SERVER, ')'],
      ...['-printf', '%f\\t%y\\t%D\\t%l\\n'],
    ],
    exit: [0],
    out: { equals: '' },
  });
  expect(step).toMatchObject({ undo: 'never', before: [] });
});

test('an instances folder that is a link is worked on where it really is', async () => {
  expect(acts(await look(answers({ root: '/srv/nova' })))).toEqual([
    `rm -rf --one-file-system -- /srv/nova/${SERVER}`,
  ]);
});

test('a path that ends with slashes is the same folder', async () => {
  const sloppy = subject({ hosts: [{ ...host, instancesPath: `${ROOT}//` }] });
  expect(acts(await look(answers(), sloppy))).toEqual([`rm -rf --one-file-system -- ${ROOT}/${SERVER}`]);
});

test('a file in place of the folder goes like one', async () => {
  const plan = await look(answers({ found: `${SERVER}\tf\t65024\t\n` }));
  expect(plan.refusals).toEqual([]);
  expect(plan.remains).toEqual([{ place: 'host compute1', what: `other ${ROOT}/${SERVER}` }]);
});

test('no folder, and a neighbour’s folder that find should not have named: nothing planned', async () => {
  expect(await look(answers({ found: '' }))).toMatchObject({
    steps: [],
    remains: [],
    refusals: [],
    unknown: [],
  });
  expect((await look(answers({ found: `${NEIGHBOUR}\td\t65024\t\n_base\td\t65024\t\n` }))).steps).toEqual([]);
});

test('a folder that is a link to elsewhere refuses without a flag', async () => {
  const plan = await look(answers({ found: `${SERVER}\tl\t65024\t/srv/images\n` }));
  const path = `${ROOT}/${SERVER}`;
  expect(plan.refusals).toEqual([
    {
      code: 'folder-outside',
      flag: null,
      sentence: `${path} on compute1 is a link to /srv/images: what it leads to may be another server's`,
    },
  ]);
  expect(plan.remains).toEqual([{ place: 'host compute1', what: `link ${path}` }]);
  expect(plan.steps[0]?.guards[0]?.check).toMatchObject({ out: { equals: path } });
});

test('a link with a device number of its own, as overlayfs gives it, is a link and no mount', async () => {
  const plan = await look(answers({ found: `${SERVER}\tl\t44\t/srv/images\n` }));
  expect(plan.refusals.map(({ code }) => code)).toEqual(['folder-outside']);
});

const MINE = `${ROOT}/${SERVER}`;

test.each([
  ['on another device', '44', LOCAL, MINE],
  ['a bind mount of the same device', '65024', `${LOCAL}${MINE} ext4 /dev/vda[/srv/x]\n`, MINE],
  ['with a mount inside', '65024', `${LOCAL}${MINE}/m tmpfs none\n`, `${MINE}/m`],
  [
    'on another device with a mount inside',
    '44',
    `${LOCAL}${MINE} ext4 /dev/vdb\n${MINE}/m tmpfs none\n`,
    `${MINE}, ${MINE}/m`,
  ],
])('a folder that is a mount point, %s, refuses without a flag', async (_, device, mounts, points) => {
  const plan = await look(answers({ found: `${SERVER}\td\t${device}\t\n`, mounts }));
  expect(plan.refusals).toEqual([
    {
      code: 'folder-is-mount',
      flag: null,
      sentence: `${points} on compute1 is a mount point: unmount it first`,
    },
  ]);
});

test('a neighbour’s mount is not ours', async () => {
  const mounts = `${LOCAL}${ROOT}/${NEIGHBOUR} ext4 /dev/vdb\n${ROOT}/${SERVER}x ext4 /dev/vdc\n`;
  expect((await look(answers({ mounts }))).refusals).toEqual([]);
});

test('on disks of their own every host removes, Nova’s own first, when the domain is not active there', async () => {
  const hosts = ['compute1', 'compute2', 'compute3'];
  const plan = await look(
    Object.assign({}, ...hosts.map((name) => answers({ host: name }))),
    on(hosts, { row: instanceRow({ host: 'compute2' }) }),
  );
  expect(plan.steps.map((s) => s.id)).toEqual([
    `files/compute2/${SERVER}`,
    `files/compute1/${SERVER}`,
    `files/compute3/${SERVER}`,
  ]);
  expect(plan.steps.map((s) => s.guards.slice(2).map((g) => g.must))).toEqual([
    ["the server's domain is not active on compute2"],
    ["the server's domain is not active on compute1"],
    ["the server's domain is not active on compute3"],
  ]);
  expect(plan.refusals).toEqual([]);
});

test.each([
  [
    'the folder is missing',
    `realpath -e -- ${ROOT}`,
    { exit: 1, err: `realpath: ${ROOT}: No such file or directory` },
  ],
  [
    'mounts cannot be read',
    'findmnt -n -r -o TARGET,FSTYPE,SOURCE',
    { exit: 127, err: 'findmnt: not found' },
  ],
  ['mounts are empty', 'findmnt -n -r -o TARGET,FSTYPE,SOURCE', ''],
  ['mounts are something else', 'findmnt -n -r -o TARGET,FSTYPE,SOURCE', 'Welcome\n/ ext4 /dev/vda\n'],
  ['it is the whole file system', `realpath -e -- ${ROOT}`, '/\n'],
  ['the path is odd', `realpath -e -- ${ROOT}`, '/srv/a b;c\n'],
  [
    'the host does not answer',
    `realpath -e -- ${ROOT}`,
    new LookError('host compute1', 'no route', { code: 'x' }),
  ],
])('an instances folder that cannot be looked at is unknown, not empty: %s', async (_, question, answer) => {
  const { steps, unknown } = await look({ ...answers(), [`compute1: ${question}`]: answer });
  expect(steps).toEqual([]);
  expect(unknown).toMatchObject([{ place: 'host compute1' }]);
});

const FIND = Object.keys(answers()).find((question) => question.includes(': find ')) ?? '';

test.each([
  ['nothing is listed', ''],
  ['the root is not listed', `${SERVER}\td\t65024\t\n`],
  ['the root is a link', `.\tl\t65024\t/srv\n`],
  ['the root is a file', `.\tf\t65024\t\n`],
  ['the device of the root is not told', `.\td\n${SERVER}\td\t65024\t\n`],
])('a root that is no folder, or is not understood, is unknown: %s', async (_, listed) => {
  const { steps, unknown } = await look({ ...answers(), [FIND]: listed });
  expect(steps).toEqual([]);
  expect(unknown).toEqual([
    { place: 'host compute1', why: `${ROOT} is not a folder that expunge understands` },
  ]);
});

test('a listing that fails is unknown, in the words of the program', async () => {
  expect((await look({ ...answers(), [FIND]: { exit: 1, err: 'Not a directory' } })).unknown).toEqual([
    {
      place: 'host compute1',
      why: 'the instances folder cannot be read: Not a directory (is its store mounted?)',
    },
  ]);
});

test('a host that the site file does not know is unknown', async () => {
  const lost = subject({ hosts: [{ ...host, instancesPath: null }] });
  expect((await look({}, lost)).unknown).toMatchObject([{ place: 'host compute1' }]);
});

test.each([
  '-rf /',
  '-rf /srv',
  '-/srv',
  'nova/instances',
  '/',
  '',
  '/srv/..',
  '/srv/../etc',
  '/srv/a b',
  '/srv/$x',
])('the path %j is unknown, and nothing is asked about it', async (instancesPath) => {
  expect((await look({}, subject({ hosts: [{ ...host, instancesPath }] }))).unknown).toEqual([
    { place: 'host compute1', why: `${instancesPath} is not a path that expunge works on` },
  ]);
});

test('mounts: the deepest counts, the last of one target, decoded', () => {
  const mounts = parseMounts(
    'h',
    `/ ext4 /dev/vda\n/var ext4 /dev/vdb\n/var/lib\\x20x xfs /dev/vdc\n/var tmpfs none\n`,
  );
  expect(mountOf(mounts, '/var/lib')).toMatchObject({ fstype: 'tmpfs' });
  expect(mountOf(mounts, '/various')).toMatchObject({ target: '/' });
  expect(mountOf(mounts, '/var/lib x/nova')).toMatchObject({ fstype: 'xfs' });
  expect(mountsWithin(mounts, '/var')).toEqual(['/var', '/var/lib x', '/var']);
});
