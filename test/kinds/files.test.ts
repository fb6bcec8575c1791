import { expect, test } from 'vitest';
import { files } from '../../src/kinds/files/index.ts';
import { isShared, mountOf, mountsWithin, parseMounts } from '../../src/kinds/files/mounts.ts';
import type { Subject } from '../../src/kinds/subject/subject.ts';
import { LookError } from '../../src/plan/errors.ts';
import { type FakeAnswers, fakeReader } from '../support/fake-reader.ts';
import { decisions, instanceRow, subject } from '../support/subjects.ts';
import { NEIGHBOUR, ROOT, SERVER } from './domain-samples.ts';

const LOCAL = '/ ext4 /dev/vda\n/sys sysfs sysfs\n/run/netns ext4 /dev/vda[/run/netns]\n';
const NFS = `/ ext4 /dev/vda\n${ROOT} nfs4 store:/nova\n`;

interface Sample {
  readonly host?: string;
  readonly found?: string;
  readonly mounts?: string;
  readonly root?: string;
}

/** Answers of one host, as findutils 4.9 and util-linux 2.38 give them. */
function answers({
  host = 'compute1',
  found = `${SERVER}\td\t65024\t\n`,
  mounts = LOCAL,
  root = ROOT,
}: Sample = {}): Record<string, string> {
  return {
    [`${host}: realpath -e -- ${ROOT}`]: `${root}\n`,
    [`${host}: findmnt -n -r -o TARGET,FSTYPE,SOURCE`]: mounts,
    [`${host}: find ${ROOT}/. -maxdepth 1 ( -name . -o -name ${SERVER} -o -name ${SERVER}_resize -o -name ${SERVER}_del ) -printf %f\\t%y\\t%D\\t%l\\n`]: `.\td\t65024\t\n${found}`,
  };
}

const one = subject();
const [host] = one.hosts;
if (host === undefined) throw new Error('no host');
const two = subject({ hosts: [host, { ...host, name: 'compute2' }] });

async function look(command: FakeAnswers['command'], of: Subject = one) {
  const { facts, unknown } = await files.find(fakeReader({ command: command ?? {} }), of);
  return { ...files.plan(facts, of, decisions()), unknown };
}

function acts(plan: { steps: readonly { act: object }[] }) {
  return plan.steps.map((s) => ('argv' in s.act ? (s.act.argv as string[]).join(' ') : ''));
}

test('the three folders go, and nothing else, each when it is itself, no mount and not in use', async () => {
  const found = `${SERVER}_del\td\t65024\t\n${SERVER}_resize\td\t65024\t\n${SERVER}\td\t65024\t\n`;
  const plan = await look(answers({ found }));
  expect(plan.refusals).toEqual([]);
  expect(acts(plan)).toEqual([
    `rm -rf --one-file-system -- ${ROOT}/${SERVER}_del`,
    `rm -rf --one-file-system -- ${ROOT}/${SERVER}_resize`,
    `rm -rf --one-file-system -- ${ROOT}/${SERVER}`,
  ]);
  const step = plan.steps[2];
  const path = `${ROOT}/${SERVER}`;
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
      out: { equals: '/' },
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
    argv: ['test', '!', '-e', path],
    exit: [0],
    no: [1],
  });
  expect(step?.undo).toBe('never');
});

test('an instances folder that is a link is worked on where it really is', async () => {
  expect(acts(await look(answers({ root: '/srv/nova' })))).toEqual([
    `rm -rf --one-file-system -- /srv/nova/${SERVER}`,
  ]);
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
  expect(plan.refusals).toMatchObject([
    { code: 'folder-outside', flag: null, sentence: expect.stringContaining('/srv/images') },
  ]);
  expect(plan.steps[0]?.guards[0]?.check).toMatchObject({ out: { equals: `${ROOT}/${SERVER}` } });
});

test.each([
  ['on another device', `${SERVER}\td\t44\t\n`, LOCAL],
  [
    'a bind mount of the same device',
    `${SERVER}\td\t65024\t\n`,
    `${LOCAL}${ROOT}/${SERVER} ext4 /dev/vda[/srv/x]\n`,
  ],
  ['with a mount inside', `${SERVER}\td\t65024\t\n`, `${LOCAL}${ROOT}/${SERVER}/m tmpfs none\n`],
])('a folder that is a mount point, %s, refuses without a flag', async (_, found, mounts) => {
  const plan = await look(answers({ found, mounts }));
  expect(plan.refusals).toMatchObject([{ code: 'folder-is-mount', flag: null }]);
});

test('a neighbour’s mount is not ours', async () => {
  const mounts = `${LOCAL}${ROOT}/${NEIGHBOUR} ext4 /dev/vdb\n${ROOT}/${SERVER}x ext4 /dev/vdc\n`;
  expect((await look(answers({ mounts }))).refusals).toEqual([]);
});

test('on shared storage that another host may use it refuses until --shared-instances is given', async () => {
  const plan = await look(
    { ...answers({ mounts: NFS }), ...answers({ mounts: NFS, host: 'compute2' }) },
    two,
  );
  expect(plan.refusals).toMatchObject([
    {
      code: 'shared-instances-path',
      flag: 'shared-instances',
      sentence: expect.stringContaining('compute2 may use'),
    },
  ]);
});

test('on shared storage one host removes, Nova’s own, when the domain is active on none', async () => {
  const moved = { ...two, row: instanceRow({ host: 'compute2' }) };
  const plan = await look(
    { ...answers({ mounts: NFS }), ...answers({ mounts: NFS, host: 'compute2' }) },
    moved,
  );
  expect(plan.steps.map((s) => s.id)).toEqual([`files/compute2/${SERVER}`]);
  const asked = plan.steps[0]?.guards
    .map((g) => g.check)
    .filter((c) => c.door === 'command' && c.argv[0] === 'virsh');
  expect(asked?.map((c) => 'host' in c && c.host)).toEqual(['compute2', 'compute1']);
});

test('the row’s own host counts as another user of a shared store, also when it is not among the hosts', async () => {
  const away = subject({ row: instanceRow({ host: 'compute7' }) });
  expect((await look(answers({ mounts: NFS }), away)).refusals).toMatchObject([
    { code: 'shared-instances-path' },
  ]);
  expect((await look(answers({ mounts: NFS }))).refusals).toEqual([]);
  expect((await look(answers(), away)).refusals).toEqual([]);
});

test('local storage on two hosts is removed on both', async () => {
  const plan = await look({ ...answers(), ...answers({ host: 'compute2' }) }, two);
  expect(plan.steps.map((s) => s.id)).toEqual([`files/compute1/${SERVER}`, `files/compute2/${SERVER}`]);
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

test('a root that is no folder, or whose listing fails, is unknown', async () => {
  const find = Object.keys(answers()).find((question) => question.includes(': find ')) ?? '';
  expect((await look({ ...answers(), [find]: '' })).unknown).toHaveLength(1);
  expect((await look({ ...answers(), [find]: { exit: 1, err: 'Not a directory' } })).unknown).toMatchObject([
    { why: expect.stringContaining('is its store mounted?') },
  ]);
});

test('a host that the site file does not know, and a path that could be an option, are unknown', async () => {
  const lost = subject({
    hosts: [
      { ...host, instancesPath: null },
      { ...host, name: 'c2', instancesPath: '-rf /' },
    ],
  });
  expect((await look({}, lost)).unknown).toMatchObject([{ place: 'host compute1' }, { place: 'host c2' }]);
});

test('mounts: the deepest counts, the last of one target, decoded', () => {
  const mounts = parseMounts(
    'h',
    `/ ext4 /dev/vda\n/var ext4 /dev/vdb\n/var/lib\\x20x xfs /dev/vdc\n/var tmpfs none\n`,
  );
  expect(mountOf(mounts, '/var/lib')).toMatchObject({ fstype: 'tmpfs' });
  expect(mountOf(mounts, '/various')).toMatchObject({ target: '/' });
  expect(mountsWithin(mounts, '/var')).toEqual(['/var', '/var/lib x', '/var']);
});

test.each([
  ['nfs', true],
  ['nfs4', true],
  ['ceph', true],
  ['fuse.glusterfs', true],
  ['fuse.sshfs', true],
  ['gfs2', true],
  ['ocfs2', true],
  ['ext4', false],
  ['xfs', false],
  ['btrfs', false],
  ['zfs', false],
  ['overlay', false],
  ['fuseblk', false],
])('%s is shared: %s', (fstype, shared) => {
  expect(isShared({ target: '/', source: 'x', fstype })).toBe(shared);
});
