/** NVMe over fabrics as kernels with and without paths of their own have it, and as nvme-cli 1 and 2 list it. */
import { describe, expect, test } from 'vitest';
import type { Connection } from '../../src/kinds/subject/connection.ts';
import type { FakeAnswers } from '../support/fake-reader.ts';
import { LIST, NEIGHBOUR, virshQuestion } from './domain-samples.ts';
import {
  acts,
  broken,
  CLAIMS,
  OTHER_VOLUME,
  openQuestion,
  planOf,
  VOLUME,
  withVolumes,
} from './volume-connections-samples.ts';

const NQN = 'nqn.2014-08.org.nvmexpress:uuid:1';
const OTHER_NQN = 'nqn.2014-08.org.nvmexpress:uuid:2';
const of = (nqn: string): Connection => ({
  type: 'nvmeof',
  nqn,
  portals: ['10.0.0.1:4420'],
  devicePath: null,
  multipathId: null,
  encrypted: false,
});
const BLOCK = 'compute1: find /sys/block -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n';
const LAYERS = 'compute1: lsblk -a -n -P -b -o NAME,KNAME,PKNAME,TYPE,SIZE,STATE,MOUNTPOINT';
const SUBSYSTEMS = 'compute1: find /sys/class/nvme-subsystem -mindepth 1 -maxdepth 1 -printf %f\\t%l\\n';
const LISTED = 'compute1: nvme list-subsys -o json';

const disks = (names: readonly string[]) =>
  names
    .map((n) => `NAME="${n}" KNAME="${n}" PKNAME="" TYPE="disk" SIZE="1" STATE="live" MOUNTPOINT=""\n`)
    .join('');
const subsystems = (...nqns: readonly string[]) =>
  nqns.map((nqn, at) => ({ Name: `nvme-subsys${at + 1}`, NQN: nqn, Paths: [{ Name: `nvme${at + 1}` }] }));
const nested = (...nqns: readonly string[]) => [{ HostNQN: 'h', Subsystems: subsystems(...nqns) }];
const apart = (...nqns: readonly string[]) => ({
  Subsystems: subsystems(...nqns).flatMap(({ Paths, ...named }) => [named, { Paths }]),
});
/** A kernel that joins paths: the namespace below the subsystem, and each path hidden below its controller. */
const joined = (at: number, name = `nvme${at}n1`) =>
  `${name}\t../devices/virtual/nvme-subsystem/nvme-subsys${at}/${name}\n` +
  `${name.replace('n1', 'c0n1')}\t../devices/virtual/nvme-fabrics/ctl/nvme${at}/${name.replace('n1', 'c0n1')}\n`;
/** A kernel that does not: the namespace below the controller. */
const single = (at: number, name = `nvme${at}n1`) =>
  `${name}\t../devices/virtual/nvme-fabrics/ctl/nvme${at}/${name}\n`;

function host(block: string, listed: unknown, names: readonly string[]): NonNullable<FakeAnswers['command']> {
  return {
    [LIST]: '\n',
    [BLOCK]: `nvme0n1\t../devices/pci0000:00/0000:00:03.0/nvme/nvme0/nvme0n1\n${block}`,
    [SUBSYSTEMS]: 'nvme-subsys1\t../../devices/virtual/nvme-subsystem/nvme-subsys1\n',
    [LISTED]: JSON.stringify(listed),
    [LAYERS]: disks(names),
    [`compute1: ${openQuestion(names)}`]: '',
  };
}

function plan(changes: FakeAnswers['command'], connections = [of(NQN)], claims: object[] = []) {
  return planOf({ changes }, withVolumes(connections), [], { sql: { [CLAIMS]: claims as never } });
}

const both = nested(NQN, OTHER_NQN);

describe('one namespace', () => {
  test('with hidden paths of several controllers is one: the subsystem is disconnected', async () => {
    const listed = [
      { Subsystems: [{ Name: 'nvme-subsys1', NQN, Paths: [{ Name: 'nvme1' }, { Name: 'nvme2' }] }] },
    ];
    const second = 'nvme1c2n1\t../devices/virtual/nvme-fabrics/ctl/nvme2/nvme1c2n1\n';
    const made = await plan(host(`${joined(1)}${second}`, listed, ['nvme1n1']));
    expect(acts(made)).toEqual([`nvme disconnect -n ${NQN}`]);
    expect(made.remains).toEqual([
      { place: 'host compute1', what: `volume ${VOLUME}: NVMe subsystem ${NQN}` },
    ]);
  });

  test.each<[string, unknown]>([
    ['nvme-cli 2', both],
    ['nvme-cli 1', apart(NQN, OTHER_NQN)],
    ['nvme-cli 1, the other way round', apart(OTHER_NQN, NQN)],
  ])('below its controller is found by it, and no other’s (%s)', async (_, listed) => {
    const at = JSON.stringify(listed).indexOf(OTHER_NQN) < JSON.stringify(listed).indexOf(NQN) ? 2 : 1;
    const made = await plan(host(`${single(1)}${single(2)}`, listed, [`nvme${at}n1`]));
    expect(acts(made)).toEqual([`nvme disconnect -n ${NQN}`]);
    expect(made.steps[0]?.guards.map((g) => g.must)).toContain(
      `nvme-subsys${at} has no other namespace than nvme${at}n1`,
    );
  });

  test('below its controller: another that came meanwhile is seen', async () => {
    const [step] = (await plan(host(single(1), nested(NQN), ['nvme1n1']))).steps;
    if (step === undefined) throw new Error('no step');
    const question =
      'compute1: find /sys/block -maxdepth 1 ( -lname */nvme-subsys1/* -o -lname */nvme1/* ) -printf %f\\n';
    const good = {
      [virshQuestion('list --uuid')]: '\n',
      [question]: 'nvme1n1\n',
      'compute1: lsblk -n -r -o MOUNTPOINT /dev/nvme1n1': '\n',
      'compute1: find /sys/block/nvme1n1/. -path */holders/* -printf %f\\n': '',
      [`compute1: ${openQuestion(['nvme1n1'])}`]: '',
    };
    expect(await broken(step, good)).toEqual([]);
    expect(await broken(step, { ...good, [question]: 'nvme1n1\nnvme1n2\n' })).toEqual([
      'nvme-subsys1 has no other namespace than nvme1n1',
    ]);
  });

  test('below each of two controllers is two devices: it stays', async () => {
    const listed = [
      { Subsystems: [{ Name: 'nvme-subsys1', NQN, Paths: [{ Name: 'nvme1' }, { Name: 'nvme2' }] }] },
    ];
    const made = await plan(host(`${single(1)}${single(2)}`, listed, ['nvme1n1', 'nvme2n1']));
    expect(made).toMatchObject({ steps: [], kept: [{ why: expect.stringContaining('nvme1n1, nvme2n1') }] });
  });
});

test('a namespace that only one controller may see is another: it stays, also beside one whose paths are joined', async () => {
  const made = await plan(host(`${joined(1)}${single(1, 'nvme1n2')}`, nested(NQN), ['nvme1n1', 'nvme1n2']));
  expect(made).toMatchObject({ steps: [], kept: [{ why: expect.stringContaining('nvme1n1, nvme1n2') }] });
});

test('hidden paths that were there are no other namespace just before; one that came is', async () => {
  const [step] = (await plan(host(joined(1), nested(NQN), ['nvme1n1']))).steps;
  expect(step?.guards[1]?.check).toMatchObject({
    argv: expect.arrayContaining(['*/nvme-subsys1/*', '*/nvme1/*']),
    out: { linesWithin: ['nvme1n1', 'nvme1c0n1'] },
  });
});

test('numbers of several digits are names as well', async () => {
  const block =
    'nvme10n12\t../devices/virtual/nvme-subsystem/nvme-subsys1/nvme10n12\n' +
    'nvme10c11n12\t../devices/virtual/nvme-fabrics/ctl/nvme1/nvme10c11n12\n';
  const [step] = (await plan(host(block, nested(NQN), ['nvme10n12']))).steps;
  expect(step?.guards[1]?.check).toMatchObject({ out: { linesWithin: ['nvme10n12', 'nvme10c11n12'] } });
});

test('a subsystem that has no namespace any more is disconnected', async () => {
  const made = await plan(host('', nested(NQN), []));
  expect(acts(made)).toEqual([`nvme disconnect -n ${NQN}`]);
  expect(made.steps[0]?.guards).toHaveLength(2);
});

test('the subsystem of another volume is a bystander', async () => {
  const made = await plan(host(`${joined(1)}${joined(2)}`, both, ['nvme2n1']), [of(OTHER_NQN)]);
  expect(acts(made)).toEqual([`nvme disconnect -n ${OTHER_NQN}`]);
});

test('two volumes on two subsystems are two, in the order of the volumes', async () => {
  const made = await plan(host(`${joined(1)}${joined(2)}`, both, ['nvme1n1', 'nvme2n1']), [
    of(NQN),
    of(OTHER_NQN),
  ]);
  expect(made.steps.map((step) => step.id)).toEqual([
    `volume-connections/compute1/${VOLUME}/nvme-subsys1`,
    `volume-connections/compute1/${OTHER_VOLUME}/nvme-subsys2`,
  ]);
});

test('a neighbour on another subsystem keeps nothing', async () => {
  const theirs = {
    instance_uuid: NEIGHBOUR,
    volume_id: OTHER_VOLUME,
    connection_info: JSON.stringify({ driver_volume_type: 'nvmeof', data: { target_nqn: OTHER_NQN } }),
    display_name: 'web-2',
  };
  const made = await plan(host(joined(1), nested(NQN), ['nvme1n1']), [of(NQN)], [theirs]);
  expect([acts(made), made.kept]).toEqual([[`nvme disconnect -n ${NQN}`], []]);
});

test.each([
  { Subsystems: 'none' },
  { Subsystems: [{ Name: 1, NQN }] },
  { Subsystems: [{ Name: 'nvme-subsys1', NQN: 1 }] },
  { Subsystems: [{ Name: 'nvme-subsys1', NQN, Paths: 'nvme1' }] },
  { Subsystems: [{ Name: 'nvme-subsys1', NQN, Paths: [{}] }] },
])('a list of another form is unknown: %j', async (listed) => {
  const made = await plan(host(joined(1), listed, ['nvme1n1']));
  expect([made.steps, made.unknown.map((u) => u.place)]).toEqual([[], ['host compute1']]);
});

test('what the step says of itself', async () => {
  const [step] = (await plan(host(joined(1), nested(NQN), ['nvme1n1']))).steps;
  expect(step?.act).toEqual({
    door: 'command',
    host: 'compute1',
    argv: ['nvme', 'disconnect', '-n', NQN],
    exit: [0],
  });
  expect(step?.settled).toEqual({
    door: 'command',
    host: 'compute1',
    argv: ['test', '!', '-e', '/sys/class/nvme-subsystem/nvme-subsys1'],
    exit: [0],
    no: [1],
  });
  expect([step?.before, step?.needs]).toEqual([[], []]);
  // The domain, its other namespaces; mounts, holders and programs: of these nothing may be printed.
  const nothing = { linesWithin: [] };
  expect(step?.guards.slice(2).map(({ check }) => 'out' in check && check.out)).toEqual([
    nothing,
    nothing,
    nothing,
  ]);
});
