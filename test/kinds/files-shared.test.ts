import { describe, expect, test } from 'vitest';
import { isShared } from '../../src/kinds/files/mounts.ts';
import { instanceRow } from '../support/subjects.ts';
import { ROOT, SERVER } from './domain-samples.ts';
import { answers, look, NFS, on } from './files-samples.ts';

const first = answers({ mounts: NFS });
const second = answers({ mounts: NFS, host: 'compute2' });
const third = answers({ mounts: NFS, host: 'compute3' });
const onHost = (name: string | null) => ({ row: instanceRow({ host: name }) });

describe('on shared storage that another host may use it refuses until --shared-instances is given', () => {
  test.each([
    ['another host of the server', ['compute1', 'compute2'], onHost('compute1'), 'compute2'],
    ['another host of a server on no host', ['compute1', 'compute2'], onHost(null), 'compute2'],
    ['another host of a server without a row', ['compute1', 'compute2'], { row: null }, 'compute2'],
    ['a host that only the row names', ['compute1'], onHost('compute7'), 'compute7'],
    ['both', ['compute1', 'compute2'], onHost('compute7'), 'compute2, compute7'],
  ])('%s', async (_, hosts, changes, users) => {
    const plan = await look({ ...first, ...second }, on(hosts, changes));
    expect(plan.refusals).toEqual([
      {
        code: 'shared-instances-path',
        flag: 'shared-instances',
        sentence: `${ROOT} on compute1 is nfs4 (store:/nova): ${users} may use the same folder`,
      },
    ]);
  });

  test('the host that removes is not named as another one, nor any host twice', async () => {
    const hosts = ['compute1', 'compute2', 'compute3'];
    const plan = await look({ ...first, ...second, ...third }, on(hosts, onHost('compute2')));
    expect(plan.refusals).toMatchObject([
      { sentence: expect.stringContaining('compute2 is nfs4 (store:/nova): compute1, compute3 may use') },
    ]);
    const unseen = answers({ mounts: NFS, host: 'compute2', found: '' });
    expect(
      (await look({ ...first, ...unseen }, on(['compute1', 'compute2'], onHost('compute2')))).refusals,
    ).toMatchObject([{ sentence: expect.stringContaining('): compute2 may use') }]);
  });

  test.each([
    ['its own host', onHost('compute1')],
    ['no host', onHost(null)],
    ['no row', { row: null }],
  ])('not when there is no other: %s', async (_, changes) => {
    expect((await look(first, on(['compute1'], changes))).refusals).toEqual([]);
  });

  test('not when there is no folder', async () => {
    const none = {
      ...answers({ mounts: NFS, found: '' }),
      ...answers({ mounts: NFS, found: '', host: 'compute2' }),
    };
    expect(await look(none, on(['compute1', 'compute2']))).toMatchObject({ steps: [], refusals: [] });
  });

  test('not on a disk of its own', async () => {
    expect((await look(answers(), on(['compute1'], onHost('compute7')))).refusals).toEqual([]);
  });
});

describe('of the hosts that share a store one removes', () => {
  test('Nova’s own, when the domain is active on none', async () => {
    const plan = await look({ ...first, ...second }, on(['compute1', 'compute2'], onHost('compute2')));
    expect(plan.steps.map((s) => s.id)).toEqual([`files/compute2/${SERVER}`]);
    expect(plan.remains).toEqual([{ place: 'host compute2', what: `folder ${ROOT}/${SERVER}` }]);
    const asked = plan.steps[0]?.guards
      .map((g) => g.check)
      .filter((c) => c.door === 'command' && c.argv[0] === 'virsh');
    expect(asked?.map((c) => 'host' in c && c.host)).toEqual(['compute2', 'compute1']);
  });

  test('another that sees the folder, when Nova’s own does not', async () => {
    const unseen = answers({ mounts: NFS, host: 'compute2', found: '' });
    const plan = await look({ ...first, ...unseen }, on(['compute1', 'compute2'], onHost('compute2')));
    expect(plan.steps.map((s) => s.id)).toEqual([`files/compute1/${SERVER}`]);
  });

  test('the first, when Nova names none', async () => {
    const plan = await look({ ...first, ...second }, on(['compute1', 'compute2'], { row: null }));
    expect(plan.steps.map((s) => s.id)).toEqual([`files/compute1/${SERVER}`]);
  });

  test.each([
    ['also where the other has it mounted elsewhere', '/mnt', '/mnt nfs4 store:/nova', ['compute1']],
    ['but both of two stores', ROOT, `${ROOT} nfs4 store:/other`, ['compute1', 'compute2']],
    ['but both of two folders of one store', '/mnt/other', '/mnt nfs4 store:/nova', ['compute1', 'compute2']],
  ])('%s', async (_, root, mount, removers) => {
    const there = answers({ host: 'compute2', root, mounts: `/ ext4 /dev/vda\n${mount}\n` });
    const plan = await look({ ...first, ...there }, on(['compute1', 'compute2']));
    expect(plan.steps.map((s) => s.place)).toEqual(removers.map((name) => `host ${name}`));
  });
});

test.each([
  ['nfs', true],
  ['nfs4', true],
  ['ceph', true],
  ['fuse.glusterfs', true],
  ['fuse.sshfs', true],
  ['gfs2', true],
  ['gfs', true],
  ['ocfs2', true],
  ['smb', true],
  ['smb3', true],
  ['ext4', false],
  ['xfs', false],
  ['btrfs', false],
  ['zfs', false],
  ['overlay', false],
  ['fuseblk', false],
  ['wekafs', true],
  ['a file system that nobody has heard of', true],
])('%s is shared: %s', (fstype, shared) => {
  expect(isShared({ target: '/', source: 'x', fstype })).toBe(shared);
});
