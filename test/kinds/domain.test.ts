import { expect, test } from 'vitest';
import { domain } from '../../src/kinds/domain/index.ts';
import type { Subject } from '../../src/kinds/subject/subject.ts';
import { LookError } from '../../src/plan/errors.ts';
import { type FakeAnswers, fakeReader } from '../support/fake-reader.ts';
import { decisions, instanceRow, subject } from '../support/subjects.ts';
import {
  domainAnswers,
  domainXml,
  LIST,
  NAME,
  NEIGHBOUR,
  ONE_AT_A_TIME,
  SERVER,
  virshQuestion,
} from './domain-samples.ts';

const one = subject();
const notActive = {
  door: 'command',
  host: 'compute1',
  argv: ['virsh', '-c', 'qemu:///system', 'list', '--uuid'],
  exit: [0],
  out: { lacksLine: SERVER },
};

async function look(command: FakeAnswers['command'], of: Subject = one) {
  const reader = fakeReader({ command: command ?? {} });
  const { facts, unknown } = await domain.find(reader, of);
  return { ...domain.plan(facts, of, decisions()), unknown, unasked: reader.unasked() };
}

test('a running domain is stopped by its uuid and then undefined, its XML saved', async () => {
  const { steps, remains, refusals, unknown } = await look(domainAnswers());

  expect(unknown).toEqual([]);
  expect(refusals).toEqual([]);
  expect(remains).toEqual([{ place: 'host compute1', what: `domain ${NAME}, running` }]);
  expect(steps.map((s) => [s.phase, s.id])).toEqual([
    ['stop', 'domain/compute1/stop'],
    ['undefine', 'domain/compute1/undefine'],
  ]);
  const [stop, undefine] = steps;
  expect(stop?.act).toEqual({
    door: 'command',
    host: 'compute1',
    argv: ['virsh', '-c', 'qemu:///system', 'destroy', SERVER],
    exit: [0],
  });
  expect(stop?.settled).toEqual(notActive);
  expect(stop?.before).toEqual([]);
  expect(undefine?.settled).toEqual({
    door: 'command',
    host: 'compute1',
    argv: ['virsh', '-c', 'qemu:///system', 'list', '--all', '--uuid'],
    exit: [0],
    out: { lacksLine: SERVER },
  });
  expect(undefine?.before).toEqual([
    { door: 'command', host: 'compute1', argv: ['virsh', '-c', 'qemu:///system', 'dumpxml', SERVER] },
  ]);
});

test('before the stop, uuid and name must still belong together; before the undefine, nothing may be active', async () => {
  const { steps } = await look(domainAnswers());
  expect(steps[0]?.guards.map((g) => g.check)).toEqual([
    {
      door: 'command',
      host: 'compute1',
      argv: ['virsh', '-c', 'qemu:///system', 'domname', SERVER],
      exit: [0],
      out: { equals: NAME },
    },
  ]);
  expect(steps[1]?.guards.map((g) => g.check)).toEqual([notActive]);
});

test('a daemon that does not know a flag is asked again without it, the youngest flag first; storage is never removed', async () => {
  const { steps } = await look(domainAnswers());
  const act = steps[1]?.act;
  if (act?.door !== 'command') throw new Error('not a command');
  expect([act.host, act.exit]).toEqual(['compute1', [0]]);
  const tries = [act.argv, ...(act.otherwise ?? [])].map((argv) => argv.join(' '));
  const first = `virsh -c qemu:///system undefine ${SERVER} --managed-save --snapshots-metadata`;
  expect(tries).toEqual([
    `${first} --checkpoints-metadata --nvram --tpm`,
    `${first} --checkpoints-metadata --nvram`,
    `${first} --nvram`,
    first,
  ]);
});

test.each([
  ['running', 3, true],
  ['paused', 12, true],
  ['crashed', 3, true],
  ['pmsuspended', 3, true],
  ['in shutdown', 3, true],
  ['crashed', null, false],
  ['shut off', null, false],
])('a domain that is %s with id %s: stopped first? %s', async (state, id, stopped) => {
  const { steps } = await look(domainAnswers({ state, id }));
  expect(steps.map((s) => s.phase)).toEqual(stopped ? ['stop', 'undefine'] : ['undefine']);
});

test('a transient domain vanishes when it stops, so its XML is saved before that', async () => {
  const { steps, remains } = await look(domainAnswers({ persistent: false }));
  expect(steps.map((s) => s.phase)).toEqual(['stop']);
  expect(steps[0]?.before).toEqual([
    { door: 'command', host: 'compute1', argv: ['virsh', '-c', 'qemu:///system', 'dumpxml', SERVER] },
  ]);
  expect(remains[0]?.what).toBe(`domain ${NAME}, running, transient`);
});

test('a saved state is told of, for the undefine removes it too', async () => {
  const { remains } = await look(domainAnswers({ id: null, state: 'shut off', managedSave: true }));
  expect(remains).toEqual([{ place: 'host compute1', what: `domain ${NAME}, shut off, with a saved state` }]);
});

test('neighbours with similar names and uuids plan nothing', async () => {
  const listed = `${NEIGHBOUR} ${NAME}0\n22222222-2222-4333-8444-555555555555 instance-0000002\n\n`;
  expect(await look({ [LIST]: listed })).toMatchObject({ steps: [], remains: [], refusals: [], kept: [] });
});

test.each([ONE_AT_A_TIME, { exit: 1, err: 'error: Options --uuid and --name are mutually exclusive\n' }])(
  'an old virsh that lists either uuids or names is asked twice: $err',
  async (refusal) => {
    const old = {
      ...domainAnswers(),
      [LIST]: refusal,
      [virshQuestion('list --all --uuid')]: `${SERVER}\n${NEIGHBOUR}\n\n`,
      [virshQuestion('list --all --name')]: `${NAME}\ninstance-0000002b\n\n`,
      [virshQuestion(`domuuid ${NAME}`)]: `${SERVER}\n\n`,
    };
    const { steps, refusals, unasked } = await look(old);
    expect(steps.map((s) => s.phase)).toEqual(['stop', 'undefine']);
    expect(refusals).toEqual([]);
    expect(unasked).toEqual([]);
  },
);

test.each(['Welcome', `Welcome ${SERVER}`, `${SERVER} (running)`])(
  'an old virsh that lists “%s” among the uuids is unknown',
  async (odd) => {
    const { steps, unknown } = await look({
      [LIST]: ONE_AT_A_TIME,
      [virshQuestion('list --all --uuid')]: `${odd}\n${SERVER}\n`,
      [virshQuestion('list --all --name')]: `${NAME}\n`,
    });
    expect(steps).toEqual([]);
    expect(unknown).toEqual([
      { place: 'host compute1', why: `the list of domains is not understood: ${odd}` },
    ]);
  },
);

test.each(['-1', 'Welcome', `${NEIGHBOUR} ${NAME}`])(
  'an old virsh that tells “%s” as the uuid of a namesake is unknown, and asked no more',
  async (odd) => {
    const { unknown, unasked } = await look({
      [LIST]: ONE_AT_A_TIME,
      [virshQuestion('list --all --uuid')]: `${NEIGHBOUR}\n`,
      [virshQuestion('list --all --name')]: `${NAME}\n`,
      [virshQuestion(`domuuid ${NAME}`)]: `${odd}\n\n`,
    });
    expect(unasked).toEqual([]);
    expect(unknown).toEqual([
      { place: 'host compute1', why: `the list of domains is not understood: ${odd}` },
    ]);
  },
);

test.each(['Welcome', `Welcome ${SERVER} ${NAME}`, SERVER, `${SERVER}${NAME}`])(
  'a virsh that lists “%s” among the domains is unknown',
  async (odd) => {
    const answers = domainAnswers();
    const { steps, unknown } = await look({ ...answers, [LIST]: `${answers[LIST]}${odd}\n` });
    expect(steps).toEqual([]);
    expect(unknown).toEqual([
      { place: 'host compute1', why: `the list of domains is not understood: ${odd}` },
    ]);
  },
);

test('a virsh that cannot connect is unknown, not absent', async () => {
  const err =
    "error: failed to connect to the hypervisor\nerror: Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory\n";
  const { steps, unknown } = await look({ [LIST]: { exit: 1, err } });
  expect(steps).toEqual([]);
  expect(unknown).toMatchObject([
    {
      place: 'host compute1',
      why: expect.stringMatching(/^libvirt does not answer: error: Failed to connect/),
    },
  ]);
});

test('a host without virsh, a host that does not answer and one that the site file lacks are unknown', async () => {
  const [host] = one.hosts;
  if (host === undefined) throw new Error('no host');
  const three = subject({
    hosts: [host, { ...host, name: 'compute2' }, { ...host, name: 'compute3', instancesPath: null }],
  });
  const { unknown } = await look(
    {
      [LIST]: { exit: 127 },
      [virshQuestion('list --all --uuid --name', 'compute2')]: new LookError(
        'host compute2',
        'no route to host',
        {
          code: 'host-unreachable',
        },
      ),
    },
    three,
  );
  expect(unknown).toEqual([
    {
      place: 'host compute1',
      why: 'virsh is not there (in a container? then hosts.compute1.containers must say so)',
    },
    { place: 'host compute2', why: 'no route to host' },
    {
      place: 'host compute3',
      why: 'the site file does not say how to reach it (add hosts.compute3 or hosts.default)',
    },
  ]);
});

test('a domain that changes while it is looked at is unknown', async () => {
  const gone = {
    ...domainAnswers(),
    [virshQuestion(`dominfo ${SERVER}`)]: { exit: 1, err: 'error: Domain not found\n' },
  };
  expect((await look(gone)).unknown).toMatchObject([{ place: 'host compute1' }]);
});

test.each([
  ['XML with another name', 'dumpxml', domainXml({ name: 'other' })],
  ['XML with another uuid', 'dumpxml', domainXml({ uuid: NEIGHBOUR })],
  ['no XML', 'dumpxml', '\n'],
  ['no dominfo', 'dominfo', '\n'],
])('a domain of which libvirt gives %s is unknown', async (_, word, said) => {
  const { steps, unknown } = await look({ ...domainAnswers(), [virshQuestion(`${word} ${SERVER}`)]: said });
  expect(steps).toEqual([]);
  expect(unknown).toEqual([
    { place: 'host compute1', why: `what libvirt says of domain ${SERVER} does not agree with itself` },
  ]);
});

test('a server that no database knows is still found by its uuid, under whatever name', async () => {
  const bare = subject({ uuid: SERVER, row: null, projectId: null, domainName: null });
  const { steps, refusals } = await look(domainAnswers({ name: 'vm-7' }), { ...bare, row: null });
  expect(steps.map((s) => s.title)).toEqual(['stop domain vm-7', 'undefine domain vm-7']);
  expect(refusals).toEqual([]);
});

test('what libvirt answers for the row’s own host does not depend on the row being deleted', async () => {
  const deleted = subject({ row: instanceRow({ deleted: 42, host: 'compute9' }) });
  const { steps, refusals } = await look(domainAnswers(), deleted);
  expect(steps).toHaveLength(2);
  expect(refusals).toEqual([]);
});
