import { expect, test } from 'vitest';
import { disks } from '../../src/kinds/disks/index.ts';
import type { Subject } from '../../src/kinds/subject/subject.ts';
import { LookError } from '../../src/plan/errors.ts';
import type { ImageStore } from '../../src/site/reader.ts';
import { type FakeAnswers, fakeReader } from '../support/fake-reader.ts';
import { decisions, subject } from '../support/subjects.ts';
import { domainXml, LIST, NAME, SERVER, virshQuestion } from './domain-samples.ts';

const STORE: ImageStore = { type: 'rbd', pool: 'vms', user: 'nova', conf: null };
const DISK = `${SERVER}_disk`;
/** as rbd 16.2 names a client */
const WATCHER = { address: '10.0.0.11:0/3517', client: 4217, cookie: 94 };

const RBD_XML = `    <disk type='network' device='disk'>
      <driver name='qemu' type='raw' cache='none'/>
      <auth username='nova'>
        <secret type='ceph' uuid='457eb676-33da-42ec-9a8c-9293d545c337'/>
      </auth>
      <source protocol='rbd' name='vms/${DISK}' index='1'>
        <host name='10.0.0.1' port='6789'/>
      </source>
      <target dev='vda' bus='virtio'/>
    </disk>`;

const [home] = subject().hosts;
if (home === undefined) throw new Error('no host');

interface Image {
  readonly name?: string;
  readonly snapshots?: readonly { name: string; protected: boolean; children?: readonly object[] }[];
  readonly watchers?: readonly object[];
}

/** What rbd 16.2 answers of one pool. */
function rbdAnswers(
  images: readonly Image[],
  { host = 'compute1', user = '--id nova ' } = {},
): Record<string, string> {
  const ask = (words: string) => `${host}: rbd ${user}-p vms ${words} --format json`;
  const all = images.map(({ name = DISK, ...image }) => ({ name, ...image }));
  return {
    [ask('ls')]: JSON.stringify(['99999999-2222-4333-8444-555555555555_disk', ...all.map((i) => i.name)]),
    ...Object.fromEntries(
      all.flatMap(({ name, snapshots = [], watchers = [] }) => [
        [ask(`info ${name}`), JSON.stringify({ name, id: '10342b866ac0', size: 1073741824, objects: 256 })],
        [
          ask(`snap ls ${name}`),
          JSON.stringify(
            snapshots.map((s) => ({
              id: 4,
              name: s.name,
              size: 1073741824,
              protected: String(s.protected),
            })),
          ),
        ],
        [ask(`status ${name}`), JSON.stringify({ watchers })],
        ...snapshots.map((s) => [ask(`children ${name}@${s.name}`), JSON.stringify(s.children ?? [])]),
      ]),
    ),
  };
}

/** libvirt without the domain, or with it. */
function libvirt(state: 'gone' | 'running' | 'shut off', host = 'compute1'): Record<string, string> {
  const list = LIST.replace('compute1', host);
  if (state === 'gone') return { [list]: '' };
  const active = state === 'running';
  return {
    [list]: `${SERVER} ${NAME}\n`,
    [virshQuestion(`dominfo ${SERVER}`, host)]:
      `Id:             ${active ? 3 : '-'}\nName:           ${NAME}\nState:          ${state}\nPersistent:     yes\nManaged save:   no\n`,
    [virshQuestion(`dumpxml ${SERVER}`, host)]: domainXml({
      id: active ? 3 : null,
      interfaces: RBD_XML,
      disk: '/x',
    }),
  };
}

async function look(
  command: NonNullable<FakeAnswers['command']>,
  images: Record<string, ImageStore> = { compute1: STORE },
  of: Subject = subject(),
) {
  const { facts, unknown } = await disks.find(
    fakeReader({ command, images, hosts: { compute1: '/i', compute2: '/i' } }),
    of,
  );
  return { ...disks.plan(facts, of, decisions()), unknown };
}

function acts(plan: { steps: readonly { act: object }[] }) {
  return plan.steps.map((s) => ('argv' in s.act ? (s.act.argv as string[]).join(' ') : ''));
}

test('an image goes with its snapshots, when the domain does not run and nobody has it open', async () => {
  const plan = await look({
    ...libvirt('gone'),
    ...rbdAnswers([
      {
        snapshots: [
          { name: 'nova-resize', protected: false },
          { name: 'kept_by_glance', protected: true },
        ],
      },
    ]),
  });
  expect(plan.refusals).toEqual([]);
  expect(plan.unknown).toEqual([]);
  expect(acts(plan)).toEqual([
    `rbd --id nova -p vms snap rm ${DISK}@nova-resize --no-progress`,
    `rbd --id nova -p vms snap unprotect ${DISK}@kept_by_glance`,
    `rbd --id nova -p vms snap rm ${DISK}@kept_by_glance --no-progress`,
    `rbd --id nova -p vms rm ${DISK} --no-progress`,
  ]);
  const removal = plan.steps.at(-1);
  expect(removal?.needs).toEqual(plan.steps.slice(0, -1).map((s) => s.id));
  expect(removal?.guards.map((g) => g.must)).toEqual([
    "the server's domain is not active on compute1",
    `nobody has vms/${DISK} open`,
  ]);
  expect(removal?.settled).toMatchObject({ argv: ['rbd', '--id', 'nova', '-p', 'vms', 'ls'] });
  expect(plan.remains).toEqual([
    { place: 'rbd pool vms', what: `image ${DISK}, 1 GiB, snapshots nova-resize, kept_by_glance` },
  ]);
});

test('without a word in the site file the domain tells where its disks are, and who signs in', async () => {
  const plan = await look({ ...libvirt('running'), ...rbdAnswers([{ watchers: [WATCHER] }]) }, {}, subject());
  // Its own qemu has the disk open until it is stopped, and a killed one for half a minute more.
  expect(plan.refusals).toEqual([]);
  expect(acts(plan)).toEqual([
    `rbd --id nova -p vms status ${DISK}`,
    `rbd --id nova -p vms rm ${DISK} --no-progress`,
  ]);
  expect(plan.steps[0]).toMatchObject({ patience: 60, settled: { out: { hasLine: 'Watchers: none' } } });
});

test('no disk on rbd or LVM: nothing is asked of either', async () => {
  const plan = await look(libvirt('gone'), {});
  expect(plan).toMatchObject({ steps: [], remains: [], refusals: [], kept: [], unknown: [] });
});

test.each([
  ['the server runs nowhere', 'shut off', [WATCHER]],
  ['somebody besides its qemu', 'running', [WATCHER, { ...WATCHER, client: 99 }]],
] as const)('image-watched: %s', async (_, state, watchers) => {
  const plan = await look({ ...libvirt(state), ...rbdAnswers([{ watchers }]) });
  expect(plan.refusals).toMatchObject([{ code: 'image-watched', flag: null }]);
  expect(plan.refusals[0]?.sentence).toContain('10.0.0.11:0/3517 (client.4217)');
});

test('snapshot-has-clones names the clone', async () => {
  const children = [{ pool: 'volumes', pool_namespace: '', image: 'volume-1' }];
  const plan = await look({
    ...libvirt('gone'),
    ...rbdAnswers([{ snapshots: [{ name: 's1', protected: true, children }] }]),
  });
  expect(plan.refusals).toMatchObject([{ code: 'snapshot-has-clones', flag: null }]);
  expect(plan.refusals[0]?.sentence).toContain(`volumes/volume-1 is a clone of vms/${DISK}@s1`);
});

test('a pool that two hosts use holds one image, and the server’s own host removes it', async () => {
  const of = subject({ hosts: [{ ...home, name: 'compute2' }, home] });
  const plan = await look(
    {
      ...libvirt('gone'),
      ...libvirt('gone', 'compute2'),
      ...rbdAnswers([{}]),
      ...rbdAnswers([{}], { host: 'compute2' }),
    },
    { compute1: STORE, compute2: STORE },
    of,
  );
  expect(plan.steps.map((s) => s.place)).toEqual(['host compute1']);
  expect(plan.steps[0]?.guards.map((g) => g.must)).toContain("the server's domain is not active on compute2");
});

test('a name that Nova does not give is kept, though it begins with the uuid', async () => {
  const plan = await look({ ...libvirt('gone'), ...rbdAnswers([{ name: `${SERVER}-before-upgrade` }]) });
  expect(plan.steps).toEqual([]);
  expect(plan.kept).toMatchObject([{ what: `image ${SERVER}-before-upgrade` }]);
});

test.each([
  ['a cluster that does not answer', { exit: 2, err: "rbd: couldn't connect to the cluster!\n" }],
  ['no rbd', { exit: 127 }],
  ['no JSON', { out: 'Watchers: none' }],
  ['JSON of another shape', { out: '{}' }],
  ['a name that is an option', { out: JSON.stringify([`${SERVER}_disk --all`]) }],
])('%s is not "no disks"', async (_, answer) => {
  const plan = await look({
    ...libvirt('gone'),
    'compute1: rbd --id nova -p vms ls --format json': answer,
  });
  expect(plan.unknown).toMatchObject([{ place: 'host compute1' }]);
});

test('a host that cannot be reached is not known', async () => {
  const lost = subject({ hosts: [{ ...home, instancesPath: null }] });
  expect((await look({}, {}, lost)).unknown).toMatchObject([{ place: 'host compute1' }]);
  const silent = new LookError('host compute1', 'no answer', { code: 'host-unreachable' });
  const plan = await look({
    [LIST]: silent,
    'compute1: rbd --id nova -p vms ls --format json': silent,
  });
  expect(plan.unknown).toMatchObject([{ place: 'host compute1' }]);
});

const GROUP: ImageStore = { type: 'lvm', group: 'vg0' };
const LVS =
  'compute1: lvs --noheadings --nosuffix --units b --separator | -o lv_name,lv_size,lv_device_open vg0';

test('logical volumes of the server go, and what was written in them is told', async () => {
  const out = `  ${SERVER}_disk|1073741824|\n  99999999-2222-4333-8444-555555555555_disk|1073741824|open\n`;
  const plan = await look({ ...libvirt('gone'), [LVS]: out }, { compute1: GROUP });
  expect(acts(plan)).toEqual([`lvremove -f -- vg0/${DISK}`]);
  expect(plan.steps[0]?.guards.map((g) => g.must)).toEqual([
    "the server's domain is not active on compute1",
    `nothing has /dev/vg0/${DISK} open`,
  ]);
  expect(plan.kept).toMatchObject([{ what: expect.stringContaining(`/dev/vg0/${DISK}`) }]);
});

test('logical-volume-open: something other than its qemu uses it', async () => {
  const out = `  ${SERVER}_disk|1073741824|open\n`;
  const plan = await look({ ...libvirt('gone'), [LVS]: out }, { compute1: GROUP });
  expect(plan.refusals).toMatchObject([{ code: 'logical-volume-open', flag: null }]);
});

test.each([
  ['a group that is not there', { exit: 5, err: '  Volume group "vg0" not found\n' }],
  ['a list that is not understood', `  ${SERVER}_disk|1.00g|\n`],
  ['a list of something else', 'what is this\n'],
])('%s is not "no volumes"', async (_, answer) => {
  const plan = await look({ ...libvirt('gone'), [LVS]: answer }, { compute1: GROUP });
  expect(plan.unknown).toMatchObject([{ place: 'host compute1' }]);
});
