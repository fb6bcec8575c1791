import { expect, test } from 'vitest';
import { disks } from '../../src/kinds/disks/index.ts';
import { LookError } from '../../src/plan/errors.ts';
import { instanceRow } from '../support/subjects.ts';
import {
  acts,
  command,
  DISK,
  libvirt,
  look,
  notActive,
  on,
  rbdAnswers,
  STORE,
  WATCHER,
} from './disks-samples.ts';
import { LIST, SERVER } from './domain-samples.ts';

const rbd = (...words: readonly string[]) => command('rbd', '--id', 'nova', '-p', 'vms', ...words);
const unwatched = { ...rbd('status', DISK), out: { hasLine: 'Watchers: none' } };
const anyWords = { title: expect.any(String), why: expect.any(String) };

function common(what: string) {
  return { id: `disks/compute1/vms/${DISK}/${what}`, phase: 'files', place: 'host compute1', before: [] };
}

test('hosts are asked, and nothing else', () => {
  expect(disks.doors).toEqual(['command']);
});

test('an image goes with its snapshots, when the domain does not run and nobody has it open', async () => {
  const plan = await look({
    ...libvirt('gone'),
    ...rbdAnswers([
      {
        snapshots: [
          { name: 'nova-resize', protected: 'false' },
          { name: 'kept_by_glance', protected: 'true' },
        ],
      },
    ]),
  });
  expect(plan.refusals).toEqual([]);
  expect(plan.unknown).toEqual([]);
  expect(plan.kept).toEqual([]);
  expect(acts(plan)).toEqual([
    `rbd --id nova -p vms snap rm ${DISK}@nova-resize --no-progress`,
    `rbd --id nova -p vms snap unprotect ${DISK}@kept_by_glance`,
    `rbd --id nova -p vms snap rm ${DISK}@kept_by_glance --no-progress`,
    `rbd --id nova -p vms rm ${DISK} --no-progress`,
  ]);
  const ids = plan.steps.map((s) => s.id);
  expect(plan.steps.map((s) => s.needs)).toEqual([[], [], [ids[1]], ids.slice(0, -1)]);
  expect(plan.steps.at(-1)).toEqual({
    ...common('remove'),
    title: `remove rbd image vms/${DISK} (1 GiB)`,
    why: expect.any(String),
    act: { ...rbd('rm', DISK, '--no-progress'), seconds: 600 },
    guards: [notActive(), { must: `nobody has vms/${DISK} open`, check: unwatched }],
    settled: { ...rbd('ls'), out: { lacksLine: DISK } },
    needs: ids.slice(0, -1),
    undo: 'never',
  });
  expect(plan.remains).toEqual([
    { place: 'rbd pool vms', what: `image ${DISK}, 1 GiB, snapshots nova-resize, kept_by_glance` },
  ]);
});

test('a snapshot goes when nothing was cloned from it, and a protected one is unprotected before', async () => {
  const snapshots = [
    { name: 's1', protected: 'true' },
    { name: 's2', protected: 'false' },
  ] as const;
  const plan = await look({ ...libvirt('gone'), ...rbdAnswers([{ snapshots }]) });
  const listed = rbd('snap', 'ls', DISK, '--format', 'json');
  const guards = (full: string) => [
    notActive(),
    {
      must: `nothing was cloned from ${full}`,
      check: { ...rbd('children', full, '--format', 'json'), out: { equals: '[]' } },
    },
  ];
  const removal = (name: string) => ({
    ...common(`snap/${name}`),
    ...anyWords,
    act: rbd('snap', 'rm', `${DISK}@${name}`, '--no-progress'),
    guards: guards(`${DISK}@${name}`),
    settled: { ...listed, out: { lacksText: `"name":"${name}",` } },
    undo: 'never',
  });
  expect(plan.steps.slice(0, -1)).toEqual([
    {
      ...common('snap/s1/unprotect'),
      ...anyWords,
      act: rbd('snap', 'unprotect', `${DISK}@s1`),
      guards: guards(`${DISK}@s1`),
      settled: { ...listed, out: { lacksText: `"name":"s1","size":${2 ** 29},"protected":"true"` } },
      needs: [],
      undo: 'recreate',
    },
    { ...removal('s1'), needs: [`disks/compute1/vms/${DISK}/snap/s1/unprotect`] },
    { ...removal('s2'), needs: [] },
  ]);
});

test('without a word in the site file the domain tells where its disks are, and who signs in', async () => {
  const plan = await look({ ...libvirt('running'), ...rbdAnswers([{ watchers: [WATCHER] }]) }, {});
  // Its own qemu has the disk open until it is stopped, and a killed one for half a minute more.
  expect(plan.refusals).toEqual([]);
  expect(acts(plan)).toEqual([
    `rbd --id nova -p vms status ${DISK}`,
    `rbd --id nova -p vms rm ${DISK} --no-progress`,
  ]);
  expect(plan.steps[0]).toEqual({
    ...common('watchers'),
    ...anyWords,
    act: rbd('status', DISK),
    guards: [],
    settled: unwatched,
    patience: 60,
    undo: 'before-image',
  });
});

test('everything that is done with an image waits until nobody has it open', async () => {
  const snapshots = [{ name: 's1', protected: 'true' }] as const;
  const plan = await look({
    ...libvirt('running'),
    ...rbdAnswers([{ watchers: [WATCHER], snapshots }]),
  });
  const [wait, unprotect, drop, remove] = plan.steps.map((s) => s.id);
  expect(plan.steps.slice(1).map((s) => [s.id, s.needs])).toEqual([
    [unprotect, [wait]],
    [drop, [wait, unprotect]],
    [remove, [wait, unprotect, drop]],
  ]);
});

test('no disk on rbd or LVM: nothing is asked of either', async () => {
  const plan = await look(libvirt('gone'), {});
  expect(plan).toEqual({ steps: [], remains: [], refusals: [], kept: [], unknown: [] });
});

test.each([
  ['the server runs nowhere', 'shut off', [WATCHER]],
  ['the server runs on compute1 only', 'running', [WATCHER, { ...WATCHER, client: 99 }]],
] as const)('image-watched: %s', async (where, state, watchers) => {
  const plan = await look({ ...libvirt(state), ...rbdAnswers([{ watchers }]) });
  expect(plan.refusals).toMatchObject([{ code: 'image-watched', flag: null }]);
  expect(plan.refusals[0]?.sentence).toContain('10.0.0.11:0/3517 (client.4217)');
  expect(plan.refusals[0]?.sentence).toContain(`, and ${where}: `);
});

test.each([
  ['', 'volumes/volume-1'],
  ['tenants', 'volumes/tenants/volume-1'],
])('snapshot-has-clones names the clone, in the namespace "%s" of its pool', async (namespace, clone) => {
  const children = [{ pool: 'volumes', pool_namespace: namespace, image: 'volume-1' }];
  const plan = await look({
    ...libvirt('gone'),
    ...rbdAnswers([{ snapshots: [{ name: 's1', protected: 'true', children }] }]),
  });
  expect(plan.refusals).toMatchObject([{ code: 'snapshot-has-clones', flag: null }]);
  expect(plan.refusals[0]?.sentence).toContain(`${clone} is a clone of vms/${DISK}@s1`);
});

test.each([
  ['the server’s own host', ['compute2', 'compute1'], 'compute1'],
  ['the first of others', ['compute2', 'compute3'], 'compute2'],
])('a pool that two hosts use holds one image, and %s removes it', async (_, hosts, remover) => {
  const [first = '', second = ''] = hosts;
  const plan = await look(
    {
      ...libvirt('gone', { host: first }),
      ...libvirt('gone', { host: second }),
      ...rbdAnswers([{}], { host: first }),
      ...rbdAnswers([{}], { host: second }),
    },
    { [first]: STORE, [second]: STORE },
    on(hosts, { row: instanceRow({ host: 'compute1' }) }),
  );
  expect(plan.steps.map((s) => s.place)).toEqual([`host ${remover}`]);
  expect(plan.steps[0]?.guards.slice(0, 2)).toEqual([notActive(first), notActive(second)]);
  expect(plan.remains).toHaveLength(1);
});

test('pools of two clusters that are called alike are two, each with its own image', async () => {
  const plan = await look(
    {
      ...libvirt('gone'),
      ...libvirt('gone', { host: 'compute2' }),
      ...rbdAnswers([{}]),
      ...rbdAnswers([{ id: '5e0c6b8b4567' }], { host: 'compute2' }),
    },
    { compute1: STORE, compute2: STORE },
    on(['compute1', 'compute2']),
  );
  expect(plan.steps.map((s) => s.place)).toEqual(['host compute1', 'host compute2']);
  expect(plan.remains).toHaveLength(2);
});

test('the disks of a server without a row go too', async () => {
  const plan = await look(
    { ...libvirt('gone'), ...rbdAnswers([{}]) },
    { compute1: STORE },
    on(['compute1'], { row: null }),
  );
  expect(acts(plan)).toEqual([`rbd --id nova -p vms rm ${DISK} --no-progress`]);
});

test('a host whose libvirt does not answer is not asked again before an image goes', async () => {
  const silent = new LookError('host compute2', 'no answer', { code: 'host-unreachable' });
  const plan = await look(
    { ...libvirt('gone'), [LIST.replace('compute1', 'compute2')]: silent, ...rbdAnswers([{}]) },
    { compute1: STORE },
    on(['compute1', 'compute2']),
  );
  expect(plan.unknown).toEqual([]);
  expect(plan.steps[0]?.guards).toEqual([
    notActive(),
    { must: `nobody has vms/${DISK} open`, check: unwatched },
  ]);
});

test('every name that Nova gives goes, in the order of the pool', async () => {
  const names = ['', '.config', '.eph0', '.swap', '.rescue'].map((end) => `${DISK}${end}`);
  const plan = await look({
    ...libvirt('gone'),
    ...rbdAnswers(names.map((name) => ({ name, size: 2 ** 26 }))),
  });
  expect(acts(plan)).toEqual(names.map((name) => `rbd --id nova -p vms rm ${name} --no-progress`));
  expect(plan.remains).toEqual(
    names.map((name) => ({ place: 'rbd pool vms', what: `image ${name}, 0.06 GiB` })),
  );
  expect(plan.kept).toEqual([]);
});

test.each([['-before-upgrade'], ['_disk2'], ['_disk_old'], ['_backup']])(
  'a name that Nova does not give is kept, though it begins with the uuid: %s',
  async (end) => {
    const plan = await look({
      ...libvirt('gone'),
      ...rbdAnswers([{}, { name: `${SERVER}${end}`, watchers: [WATCHER] }]),
    });
    expect(acts(plan)).toEqual([`rbd --id nova -p vms rm ${DISK} --no-progress`]);
    expect(plan.refusals).toEqual([]);
    expect(plan.kept).toEqual([
      { place: 'rbd pool vms', what: `image ${SERVER}${end}`, why: expect.any(String) },
    ]);
  },
);
