import { beforeEach, describe, expect, test } from 'vitest';
import { mountOf, parseMounts } from '../../../src/kinds/files/mounts.ts';
import { removeTree } from '../../../src/simulator/hosts/files.ts';
import { openSimulatedHost } from '../../../src/simulator/hosts/transport.ts';
import type { World } from '../../../src/simulator/world.ts';
import { ROOT, SERVER } from '../../kinds/domain-samples.ts';
import { hostAccess } from '../../support/host-access.ts';
import { addFile, count, hostsWorld, insert, outOf, runOn } from '../../support/hosts-world.ts';

const FOLDER = `${ROOT}/${SERVER}`;

let world: World;
beforeEach(async () => {
  world = await hostsWorld('compute1', 'compute2');
  addFile(world, `${FOLDER}/disk`);
  addFile(world, `${ROOT}/${SERVER}_resize`, 'folder');
});

function mount(
  target: string,
  changes: Readonly<Record<string, string | number>> = {},
  host = 'compute1',
): void {
  const ordinal = count(world, 'mounts', `host = '${host}'`);
  insert(world, 'mounts', {
    ...{ host, ordinal, target, fstype: 'ext4', source: '/dev/vdb', device: 2064, ...changes },
  });
}

function find(folder: string, ...names: readonly string[]) {
  const tests = ['.', ...names].flatMap((name) => ['-o', '-name', name]).slice(1);
  const argv = [
    'find',
    `${folder}/.`,
    '-maxdepth',
    '1',
    '(',
    ...tests,
    ')',
    '-printf',
    '%f\\t%y\\t%D\\t%l\\n',
  ];
  return openSimulatedHost(world, hostAccess(), () => {}).run(argv, 1000);
}

describe('realpath', () => {
  test('resolves links in every part of a path', async () => {
    addFile(world, '/data/nova', 'folder');
    addFile(world, '/srv', 'link', 'compute1', 'data');
    addFile(world, '/instances', 'link', 'compute1', '/srv/./nova/../nova');
    expect(await outOf(world, 'realpath -e -- /instances')).toBe('/data/nova\n');
    expect(await outOf(world, `realpath -e -- ${FOLDER}`)).toBe(`${FOLDER}\n`);
  });
  test.each([
    ['/nowhere/at/all', 'No such file or directory'],
    [`${FOLDER}/disk/x`, 'Not a directory'],
    ['/loop', 'Too many levels of symbolic links'],
  ])('%s: %s', async (path, why) => {
    addFile(world, '/loop', 'link', 'compute1', 'loop');
    expect(await runOn(world, `realpath -e -- ${path}`)).toEqual({
      exit: 1,
      out: '',
      err: `realpath: ${path}: ${why}\n`,
    });
  });
});

test('test tells what is there, through links', async () => {
  addFile(world, '/dangling', 'link', 'compute1', '/nowhere');
  addFile(world, '/leads', 'link', 'compute1', FOLDER);
  const exits = async (words: string) => (await runOn(world, `test ${words}`)).exit;
  expect(await exits(`! -e ${FOLDER}`)).toBe(1);
  expect(await exits('! -e /dangling')).toBe(0);
  expect(await exits('-d /leads')).toBe(0);
  expect(await exits(`-d ${FOLDER}/disk`)).toBe(1);
  expect(await exits(`-d ${ROOT}`)).toBe(0);
});

describe('find', () => {
  test('tells kind, device and target of the names that are there', async () => {
    addFile(world, `${ROOT}/${SERVER}_del`, 'link', 'compute1', '/elsewhere');
    mount(`${ROOT}/${SERVER}_resize`);
    const { out } = await find(ROOT, SERVER, `${SERVER}_resize`, `${SERVER}_del`, 'absent');
    expect(out.split('\n')).toEqual([
      '.\td\t2049\t',
      `${SERVER}\td\t2049\t`,
      `${SERVER}_del\tl\t2049\t/elsewhere`,
      `${SERVER}_resize\td\t2064\t`,
      '',
    ]);
  });
  test('says when there is no such folder', async () => {
    expect(await find('/nowhere', SERVER)).toEqual({
      exit: 1,
      out: '',
      err: "find: '/nowhere/.': No such file or directory\n",
    });
    expect((await find(`${FOLDER}/disk`, SERVER)).err).toContain('Not a directory');
  });
});

describe('findmnt', () => {
  test('lists what is mounted, / first, as the kind understands it', async () => {
    mount('/mnt/with blank', { source: '10.0.0.1:/nova', fstype: 'nfs4' });
    const out = await outOf(world, 'findmnt -n -r -o TARGET,FSTYPE,SOURCE');
    expect(out).toBe('/ ext4 /dev/vda1\n/mnt/with\\x20blank nfs4 10.0.0.1:/nova\n');
    expect(mountOf(parseMounts('h', out), '/mnt/with blank/x')?.source).toBe('10.0.0.1:/nova');
  });
  test('tells the mount that a path lies on', async () => {
    expect(await outOf(world, `findmnt -n -o TARGET -T ${FOLDER}`)).toBe('/\n');
    mount(ROOT);
    expect(await outOf(world, `findmnt -n -o TARGET -T ${FOLDER}`)).toBe(`${ROOT}\n`);
    mount(FOLDER);
    expect(await outOf(world, `findmnt -n -o TARGET -T ${FOLDER}`)).toBe(`${FOLDER}\n`);
    expect(await runOn(world, 'findmnt -n -o TARGET -T /nowhere')).toEqual({ exit: 1, out: '', err: '' });
  });
});

describe('rm -rf --one-file-system', () => {
  const RM = 'rm -rf --one-file-system --';
  const paths = () =>
    world.machines
      .prepare("SELECT path FROM files WHERE host = 'compute1' ORDER BY path")
      .all()
      .map(({ path }) => String(path));

  test('removes a tree and nothing whose name begins alike', async () => {
    addFile(world, `${FOLDER}x/disk`);
    addFile(world, `${FOLDER}-0`);
    expect(await runOn(world, `${RM} ${FOLDER}`)).toEqual({ exit: 0, out: '', err: '' });
    expect(paths()).toEqual([`${FOLDER}-0`, `${FOLDER}_resize`, `${FOLDER}x/disk`]);
    expect((await runOn(world, `test ! -e ${FOLDER}`)).exit).toBe(0);
    expect((await runOn(world, `${RM} ${FOLDER}`)).exit).toBe(0);
    expect((await runOn(world, `test -d ${ROOT}`)).exit).toBe(0);
  });
  test('removes a link and not what it leads to', async () => {
    addFile(world, '/leads', 'link', 'compute1', FOLDER);
    await outOf(world, `${RM} /leads`);
    expect(paths()).toEqual([`${FOLDER}/disk`, `${FOLDER}_resize`]);
  });
  test('passes over another device, and keeps the folders that lead to it', async () => {
    addFile(world, `${FOLDER}/deep/mnt/kept`);
    addFile(world, `${FOLDER}/deep/gone`);
    addFile(world, `${FOLDER}/deep`, 'folder');
    mount(`${FOLDER}/deep/mnt`);
    expect(await runOn(world, `${RM} ${FOLDER}`)).toEqual({
      exit: 1,
      out: '',
      err: `rm: skipping '${FOLDER}/deep/mnt', since it's on a different device\n`,
    });
    expect(paths()).toEqual([`${FOLDER}/deep`, `${FOLDER}/deep/mnt/kept`, `${FOLDER}_resize`]);
  });
});

describe('one folder under several names', () => {
  test('a bind mount shows the files of its source, and rm goes through it', async () => {
    addFile(world, '/srv/part', 'folder');
    addFile(world, '/srv/part/precious');
    mount(`${FOLDER}/bound`, { source: '/dev/vda1[/srv/part]', device: 2049 });
    expect((await runOn(world, `test -e ${FOLDER}/bound/precious`)).exit).toBe(0);
    expect(await runOn(world, `rm -rf --one-file-system -- ${FOLDER}`)).toEqual({
      exit: 1,
      out: '',
      err: `rm: cannot remove '${FOLDER}/bound': Device or resource busy\n`,
    });
    expect((await runOn(world, 'test -e /srv/part/precious')).exit).toBe(1);
    expect((await runOn(world, 'test -d /srv/part')).exit).toBe(0);
  });
  test('a store of the network is the same on every host that has it mounted', async () => {
    const nfs = { source: 'store:/nova', fstype: 'nfs4', device: 60 };
    for (const host of ['compute1', 'compute2']) mount(ROOT, nfs, host);
    expect((await runOn(world, `test -e ${FOLDER}/disk`, 'compute2')).exit).toBe(0);
    removeTree(world, 'compute2', FOLDER);
    expect((await runOn(world, `test -e ${FOLDER}/disk`, 'compute1')).exit).toBe(1);
  });
  test('disks of two hosts are two disks, whatever they are called', async () => {
    for (const host of ['compute1', 'compute2']) mount(ROOT, {}, host);
    expect((await runOn(world, `test -e ${FOLDER}/disk`, 'compute2')).exit).toBe(1);
  });
});
