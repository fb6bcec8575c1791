import { expect, test } from 'vitest';
import { acts, command, DISK, GROUP, LVS, libvirt, look, notActive, on } from './disks-samples.ts';
import { NEIGHBOUR, SERVER } from './domain-samples.ts';

const OWN = `  ${DISK}|1073741824|\n`;
const lvs = (columns: string, target: string) =>
  command('lvs', '--noheadings', '--nosuffix', '--units', 'b', '--separator', '|', '-o', columns, target);

function xmlOf(...devices: readonly string[]): string {
  return devices
    .map((dev) => `    <disk type='block' device='disk'>\n      <source dev='${dev}'/>\n    </disk>`)
    .join('\n');
}

test('logical volumes of the server go, and what was written in them is told', async () => {
  const out = `${OWN}  ${DISK}.eph0|67108864|\n  99999999-2222-4333-8444-555555555555_disk|1073741824|open\n`;
  const plan = await look({ ...libvirt('gone'), [LVS]: out }, { compute1: GROUP });
  expect(acts(plan)).toEqual([`lvremove -f -- vg0/${DISK}`, `lvremove -f -- vg0/${DISK}.eph0`]);
  expect(plan.steps[0]).toEqual({
    id: `disks/compute1/vg0/${DISK}`,
    phase: 'files',
    place: 'host compute1',
    title: `remove logical volume /dev/vg0/${DISK} (1 GiB)`,
    why: expect.any(String),
    act: command('lvremove', '-f', '--', `vg0/${DISK}`),
    guards: [
      notActive(),
      {
        must: `nothing has /dev/vg0/${DISK} open`,
        check: { ...lvs('lv_device_open', `vg0/${DISK}`), out: { linesWithin: ['unknown', '0', '-1'] } },
      },
    ],
    settled: { ...lvs('lv_name', 'vg0'), out: { lacksLine: DISK } },
    before: [],
    undo: 'never',
  });
  expect(plan.refusals).toEqual([]);
  expect(plan.unknown).toEqual([]);
  expect(plan.remains).toEqual([
    { place: 'host compute1', what: `logical volume /dev/vg0/${DISK}, 1 GiB` },
    { place: 'host compute1', what: `logical volume /dev/vg0/${DISK}.eph0, 0.06 GiB` },
  ]);
  expect(plan.kept).toEqual([
    {
      place: 'host compute1',
      what: `what was written in the blocks of /dev/vg0/${DISK}, /dev/vg0/${DISK}.eph0`,
      why: expect.any(String),
    },
  ]);
});

test('a group without a volume of the server: nothing is planned, and nothing told', async () => {
  const out = `  ${NEIGHBOUR}_disk|1073741824|open\n  ${SERVER}|1073741824|\n  root|1073741824|open\n`;
  const plan = await look({ ...libvirt('gone'), [LVS]: out }, { compute1: GROUP });
  expect(plan).toEqual({ steps: [], remains: [], refusals: [], kept: [], unknown: [] });
});

test.each([
  ['gone', 'running', true],
  ['shut off', 'running', true],
  ['shut off', 'gone', true],
  ['running', 'gone', false],
] as const)(
  'logical-volume-open: with a domain %s there, and %s elsewhere: %s',
  async (here, elsewhere, refused) => {
    const out = `  ${DISK}|1073741824|open\n`;
    const plan = await look(
      {
        ...libvirt(here),
        ...libvirt(elsewhere, { host: 'compute2' }),
        [LVS]: out,
        [LVS.replace('compute1', 'compute2')]: '',
      },
      { compute1: GROUP, compute2: GROUP },
      on(['compute1', 'compute2']),
    );
    expect(plan.refusals).toEqual(
      refused
        ? [
            {
              code: 'logical-volume-open',
              flag: null,
              sentence: expect.stringContaining(`/dev/vg0/${DISK} on compute1 is open`),
            },
          ]
        : [],
    );
  },
);

test.each([
  ['one that is not active', 'unknown', false],
  ['one that is not active, in numbers', '-1', false],
  ['one that nobody has open, in numbers', '0', false],
  ['one that is open, in numbers', '1', true],
])('what lvs says of %s: %s', async (_, said, refused) => {
  const plan = await look(
    { ...libvirt('gone'), [LVS]: `  ${DISK}|1073741824|${said}\n` },
    { compute1: GROUP },
  );
  expect(plan.refusals.map(({ code }) => code)).toEqual(refused ? ['logical-volume-open'] : []);
});

test('groups of two hosts that are called alike are two, each with its own volume', async () => {
  const plan = await look(
    {
      ...libvirt('gone'),
      ...libvirt('gone', { host: 'compute2' }),
      [LVS]: OWN,
      [LVS.replace('compute1', 'compute2')]: OWN,
    },
    { compute1: GROUP, compute2: GROUP },
    on(['compute1', 'compute2']),
  );
  expect(plan.steps.map((s) => s.place)).toEqual(['host compute1', 'host compute2']);
  for (const { guards } of plan.steps)
    expect(guards.slice(0, 2)).toEqual([notActive('compute1'), notActive('compute2')]);
});

test('without a word in the site file the domain tells the group, and it is read once', async () => {
  const disk = xmlOf(`/dev/vg0/${DISK}`, `/dev/vg0/${DISK}.eph0`);
  const out = `  ${DISK}|1073741824|open\n  ${DISK}.eph0|1073741824|open\n`;
  const plan = await look({ ...libvirt('running', { disk }), [LVS]: out }, {});
  expect(acts(plan)).toEqual([`lvremove -f -- vg0/${DISK}`, `lvremove -f -- vg0/${DISK}.eph0`]);
  expect(plan.refusals).toEqual([]);
});

test.each([
  ['a volume of another server', `/dev/vg0/${NEIGHBOUR}_disk`],
  ['a volume whose name only ends like the server’s', `/dev/vg0/old-${SERVER}_`],
  ['a device of another name', '/dev/sdb'],
  ['a link to a device', `/dev/disk/by-id/${SERVER}_disk`],
  ['a folder below', `/dev/vg0/${SERVER}_disk/part1`],
  ['a path that is not below /dev', `/srv/dev/vg0/${SERVER}_disk`],
  ['a group that is an option', `/dev/--all/${SERVER}_disk`],
])('no group is asked for the sake of %s', async (_, device) => {
  const plan = await look(libvirt('shut off', { disk: xmlOf(device) }), {});
  expect(plan).toEqual({ steps: [], remains: [], refusals: [], kept: [], unknown: [] });
});

test.each([
  [
    'a group that is not there',
    { exit: 5, err: '  WARNING: old metadata\n  Volume group "vg0" not found\n' },
    'the volume group vg0 cannot be read: Volume group "vg0" not found',
  ],
  ['a failure without a word', { exit: 5 }, 'the volume group vg0 cannot be read: lvs ended with 5'],
  [
    'a size in other units',
    `  ${DISK}|1.00g|\n`,
    `the list of logical volumes is not understood: ${DISK}|1.00g|`,
  ],
  [
    'a size with a word before it',
    `  ${DISK}|<1073741824|\n`,
    `the list of logical volumes is not understood: ${DISK}|<1073741824|`,
  ],
  [
    'a name of two words',
    `  ${DISK} old|1073741824|\n`,
    `the list of logical volumes is not understood: ${DISK} old|1073741824|`,
  ],
  [
    'a list of something else',
    'what is this\n',
    'the list of logical volumes is not understood: what is this',
  ],
])('%s is not "no volumes"', async (_, answer, why) => {
  const plan = await look({ ...libvirt('gone'), [LVS]: answer }, { compute1: GROUP });
  expect(plan.steps).toEqual([]);
  expect(plan.unknown).toEqual([{ place: 'host compute1', why }]);
});
