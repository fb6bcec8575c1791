import { expect, test } from 'vitest';
import { LookError } from '../../src/plan/errors.ts';
import { subject } from '../support/subjects.ts';
import { acts, DISK, LS, libvirt, look, on, rbdAnswers, rbdXml, STORE } from './disks-samples.ts';
import { LIST, NEIGHBOUR, SERVER } from './domain-samples.ts';

test.each([
  [
    'a cluster that does not answer',
    {
      exit: 2,
      out: '[]',
      err: "2026-11-22 -1 monclient: timed out\nrbd: couldn't connect to the cluster!\n",
    },
    "rbd cannot look into pool vms: rbd: couldn't connect to the cluster! (images.user and images.conf of the host in the site file)",
  ],
  [
    'a failure without a word',
    { exit: 2, out: '[]' },
    'rbd cannot look into pool vms: rbd ended with 2 (images.user and images.conf of the host in the site file)',
  ],
  [
    'no rbd',
    { exit: 127, err: 'sh: rbd: not found\n' },
    'rbd is not there, but its servers have disks on Ceph (in a container? then hosts.compute1.containers must say so; else install ceph-common there)',
  ],
  ['no JSON', { out: 'Watchers: none' }, 'the answer of rbd is not JSON'],
  ['JSON of another shape', { out: '{}' }, /^the answer is not understood: body: /],
  [
    'a name that is an option',
    { out: JSON.stringify([`${DISK} --all`]) },
    `an image of the server is called "${DISK} --all": not a name that expunge works on`,
  ],
])('%s is not "no disks"', async (_, answer, why) => {
  const plan = await look({ ...libvirt('gone'), [LS]: answer });
  expect(plan.steps).toEqual([]);
  expect(plan.unknown).toEqual([
    { place: 'host compute1', why: typeof why === 'string' ? why : expect.stringMatching(why) },
  ]);
});

test('a snapshot whose name is no plain one leaves the disks unknown', async () => {
  const snapshots = [{ name: 'before "the" upgrade', protected: 'false' }] as const;
  const plan = await look({ ...libvirt('gone'), ...rbdAnswers([{ snapshots }]) });
  expect(plan.steps).toEqual([]);
  expect(plan.unknown).toMatchObject([
    { place: 'host compute1', why: expect.stringContaining('a snapshot of the server is called') },
  ]);
});

test('a host that cannot be reached is not known', async () => {
  const lost = subject({
    hosts: [{ name: 'compute1', because: [], instancesPath: null, service: null }],
  });
  expect((await look({}, {}, lost)).unknown).toEqual([
    { place: 'host compute1', why: expect.stringContaining('the site file does not say how to reach it') },
  ]);
  const silent = new LookError('host compute1', 'no answer', { code: 'host-unreachable' });
  const plan = await look({ [LIST]: silent, [LS]: silent });
  expect(plan.unknown).toEqual([{ place: 'host compute1', why: 'no answer' }]);
});

test('one host that is not known leaves the disks of another', async () => {
  const silent = new LookError('host compute2', 'no answer', { code: 'host-unreachable' });
  const plan = await look(
    {
      ...libvirt('gone'),
      ...libvirt('gone', { host: 'compute2' }),
      ...rbdAnswers([{}]),
      [LS.replace('compute1', 'compute2')]: silent,
    },
    { compute1: STORE, compute2: STORE },
    on(['compute1', 'compute2']),
  );
  expect(plan.unknown).toEqual([{ place: 'host compute2', why: 'no answer' }]);
  expect(acts(plan)).toEqual([`rbd --id nova -p vms rm ${DISK} --no-progress`]);
});

test.each([
  ['neither a user nor a configuration', null, null, ''],
  ['a user', 'nova', null, '--id nova '],
  ['a configuration', null, '/etc/ceph/east.conf', '--conf /etc/ceph/east.conf '],
  ['both', 'nova', '/etc/ceph/east.conf', '--id nova --conf /etc/ceph/east.conf '],
])('rbd is asked, and removes, with what the site file names: %s', async (_, user, conf, access) => {
  const plan = await look(
    { ...libvirt('gone'), ...rbdAnswers([{}], { access }) },
    { compute1: { ...STORE, user, conf } },
  );
  expect(plan.unknown).toEqual([]);
  expect(acts(plan)).toEqual([`rbd ${access}-p vms rm ${DISK} --no-progress`]);
});

test.each([
  ['true', ['unprotect', 'rm']],
  ['false', ['rm']],
] as const)('a snapshot of which rbd says protected: %j', async (told, words) => {
  const plan = await look({
    ...libvirt('gone'),
    ...rbdAnswers([{ snapshots: [{ name: 's1', protected: told }] }]),
  });
  expect(acts(plan).flatMap((act) => / snap (\S+) /.exec(act)?.[1] ?? [])).toEqual(words);
});

test('a snapshot of which rbd says that otherwise is not understood: no check would know it again', async () => {
  const plan = await look({
    ...libvirt('gone'),
    ...rbdAnswers([{ snapshots: [{ name: 's1', protected: true }] }]),
  });
  expect(plan.steps).toEqual([]);
  expect(plan.unknown).toMatchObject([{ place: 'host compute1' }]);
});

test('a domain whose qemu signs in as nobody: rbd is asked without a user', async () => {
  const plan = await look(
    { ...libvirt('shut off', { disk: rbdXml({ user: null }) }), ...rbdAnswers([{}], { access: '' }) },
    {},
  );
  expect(plan.unknown).toEqual([]);
  expect(acts(plan)).toEqual([`rbd -p vms rm ${DISK} --no-progress`]);
});

test('the site file is believed before the domain', async () => {
  const plan = await look({
    ...libvirt('shut off', { disk: rbdXml({ pool: 'old', user: null }) }),
    ...rbdAnswers([{}]),
  });
  expect(acts(plan)).toEqual([`rbd --id nova -p vms rm ${DISK} --no-progress`]);
});

test.each([
  ['a volume of Cinder’s', { pool: 'volumes', image: 'volume-1' }],
  ['an image of another server', { image: `${NEIGHBOUR}_disk` }],
  ['an image that only begins with the uuid', { image: SERVER }],
  ['a pool that is an option', { pool: '--all' }],
  ['a user that is an option', { user: '--all' }],
])('no pool is asked for the sake of %s', async (_, disk) => {
  const plan = await look(libvirt('shut off', { disk: rbdXml(disk) }), {});
  expect(plan).toEqual({ steps: [], remains: [], refusals: [], kept: [], unknown: [] });
});
