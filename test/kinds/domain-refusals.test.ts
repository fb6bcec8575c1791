import { describe, expect, test } from 'vitest';
import { domain } from '../../src/kinds/domain/index.ts';
import { serverOfDisk } from '../../src/kinds/domain/refusals.ts';
import type { Subject } from '../../src/kinds/subject/subject.ts';
import { type FakeAnswers, fakeReader } from '../support/fake-reader.ts';
import { decisions, instanceRow, subject } from '../support/subjects.ts';
import {
  domainAnswers,
  domainXml,
  LIST,
  NAME,
  NEIGHBOUR,
  ONE_AT_A_TIME,
  PORT,
  ROOT,
  SERVER,
  virshQuestion,
} from './domain-samples.ts';

async function look(command: FakeAnswers['command'], of: Subject) {
  const { facts } = await domain.find(fakeReader({ command: command ?? {} }), of);
  return domain.plan(facts, of, decisions());
}

function codes(plan: { refusals: readonly { code: string; flag: string | null }[] }) {
  return plan.refusals.map(({ code, flag }) => [code, flag]);
}

test.each(['/dev/sdb', '/dev/dm-3', '/dev/disk/by-path/ip-10.0.0.1:3260-iscsi-iqn.x:volume-7-lun-1'])(
  'a volume as %s belongs to no other server',
  async (disk) => {
    expect(codes(await look(domainAnswers({ disk }), subject()))).toEqual([]);
  },
);

const vif = (portId: string) => ({
  portId,
  type: 'ovs',
  devname: null,
  bridge: 'br-int',
  hybrid: false,
  vnicType: 'normal',
  preserveOnDelete: null,
});

/** A domain with the server's name and another uuid; its disk is its own unless said otherwise. */
function namesake({ disk = `${ROOT}/${NEIGHBOUR}/disk`, interfaces = '' } = {}) {
  const own = domainXml({ uuid: NEIGHBOUR, disk, interfaces }).replace(
    `${ROOT}/${SERVER}/console.log`,
    '/dev/null',
  );
  return { [LIST]: `${NEIGHBOUR} ${NAME}\n\n`, [virshQuestion(`dumpxml ${NEIGHBOUR}`)]: own };
}

test('a domain with the name but another uuid, where Nova says that the server is, refuses without a flag', async () => {
  const plan = await look(namesake(), subject());
  expect(codes(plan)).toEqual([['domain-other-uuid', null]]);
  expect(plan.steps).toEqual([]);
});

test('a namesake is seen in a list that pads its columns, and by an old virsh', async () => {
  const padded = { ...namesake(), [LIST]: `${NEIGHBOUR}   ${NAME}              \n\n` };
  const old = {
    ...namesake(),
    [LIST]: ONE_AT_A_TIME,
    [virshQuestion('list --all --uuid')]: `${NEIGHBOUR}\n\n`,
    [virshQuestion('list --all --name')]: `${NAME}\n\n`,
    [virshQuestion(`domuuid ${NAME}`)]: `${NEIGHBOUR}\n\n`,
  };
  for (const answers of [padded, old])
    expect(codes(await look(answers, subject()))).toEqual([['domain-other-uuid', null]]);
});

const OTHER_PORT = '99999999-448c-4a00-a71e-f3f81f979d44';
const plugged = (port: string, tap: string) => `    <interface type='bridge'>
      <virtualport type='openvswitch'><parameters interfaceid='${port}'/></virtualport>
      <target dev='${tap}'/>
    </interface>`;

describe('a namesake where Nova does not say that the server is', () => {
  const elsewhere = subject({ row: instanceRow({ host: null }), vifs: [vif(OTHER_PORT)] });
  const foreign = 'aaaaaaaa-448c-4a00-a71e-f3f81f979d44';

  test.each([
    ['the folder', namesake({ disk: `${ROOT}/${SERVER}/disk` }), elsewhere],
    ['a port', namesake({ interfaces: plugged(OTHER_PORT, 'vhu1') }), elsewhere],
    ['a tap', namesake({ interfaces: plugged(foreign, 'tap99999999-44') }), elsewhere],
    ['a port, by its metadata,', namesake(), { ...elsewhere, vifs: [vif(PORT)] }],
  ])('refuses when it uses %s of the server', async (_, answers, of) => {
    const plan = await look(answers, of);
    expect(codes(plan)).toEqual([['domain-other-uuid', null]]);
    expect(plan.kept).toEqual([]);
  });

  test.each([
    ['with what is its own', namesake({ interfaces: plugged(foreign, 'tapaaaaaaaa-44') }), elsewhere],
    ['of a server without a row', namesake(), subject({ row: null })],
    [
      'of an archived row, whose number another server has got',
      namesake(),
      subject({ row: instanceRow({ deleted: 42, archived: true }) }),
    ],
  ])('is a bystander %s', async (_, answers, of) => {
    const plan = await look(answers, of);
    expect(codes(plan)).toEqual([]);
    expect(plan.steps).toEqual([]);
    expect(plan.kept).toEqual([
      {
        place: 'host compute1',
        what: `domain ${NAME}`,
        why: `its uuid is ${NEIGHBOUR}: another server with the same name`,
      },
    ]);
  });
});

test('a namesake beside the server’s own domain, which has another name, is a bystander', async () => {
  const both = { [LIST]: `${SERVER} vm-7\n${NEIGHBOUR} ${NAME}\n\n` };
  const plan = await look({ ...namesake(), ...domainAnswers({ name: 'vm-7' }), ...both }, subject());
  expect(codes(plan)).toEqual([]);
  expect(plan.steps.map((s) => s.title)).toEqual(['stop domain vm-7', 'undefine domain vm-7']);
  expect(plan.kept).toHaveLength(1);
});

test('a domain of the server that is active on another host than the living row’s refuses without a flag', async () => {
  const plan = await look(domainAnswers(), subject({ row: instanceRow({ host: 'compute2' }) }));
  expect(codes(plan)).toEqual([['domain-elsewhere', null]]);
  // Still there, so still planned: a plan without steps would mean clean.
  expect(plan.steps).toHaveLength(2);
});

test.each([
  ['shut off, as on the source of a resize', { id: null, state: 'shut off' }, { host: 'compute2' }],
  ['of a deleted row', {}, { host: 'compute2', deleted: 42 }],
  ['of an archived row', {}, { host: 'compute2', archived: true }],
  ['of a row without a host', {}, { host: null }],
])('a domain elsewhere is a leftover when it is %s', async (_, sample, row) => {
  const plan = await look(domainAnswers(sample), subject({ row: instanceRow(row) }));
  expect(codes(plan)).toEqual([]);
  expect(plan.steps.at(-1)?.phase).toBe('undefine');
});

describe('a domain that runs where Nova knows neither server nor host', () => {
  const bound = { name: 'compute1', because: ['port 0faeac36 is bound there'], instancesPath: ROOT };
  const unknown = { row: null, mapping: null, hosts: [{ ...bound, service: null }] };

  test('is perhaps healthy in another region', async () => {
    const plan = await look(domainAnswers(), subject(unknown));
    expect(plan.refusals).toEqual([
      {
        code: 'domain-unknown-to-nova',
        flag: 'even-healthy',
        sentence: `domain ${NAME} is running on compute1, and no cell of this Nova knows that host or the server: is it the Nova of this region?`,
      },
    ]);
    expect(plan.steps).toHaveLength(2);
  });

  const buildRequest = { id: 1, name: 'web', projectId: 'p1', locked: false } as unknown as NonNullable<
    Subject['buildRequest']
  >;
  test.each<[string, Partial<Subject>]>([
    [
      'a nova-compute of it is known',
      { hosts: [{ ...bound, service: { up: false, lastSeen: '2026-11-02 10:00:00' } }] },
    ],
    [
      'an earlier run looked there',
      { hosts: [{ ...bound, because: ['an earlier run looked there'], service: null }] },
    ],
    ['there is a row of it', { row: instanceRow({ deleted: 42, archived: true }) }],
    ['it is mapped to a cell', { mapping: subject().mapping }],
    ['it was asked for', { buildRequest }],
  ])('is a leftover where %s', async (_, of) => {
    expect(codes(await look(domainAnswers(), subject({ ...unknown, ...of })))).toEqual([]);
  });
  test('is a leftover when it is shut off', async () => {
    const shutOff = domainAnswers({ id: null, state: 'shut off' });
    expect(codes(await look(shutOff, subject(unknown)))).toEqual([]);
  });
});

test('a domain whose disk lies in another server’s folder refuses without a flag', async () => {
  const plan = await look(domainAnswers({ disk: `${ROOT}/${NEIGHBOUR}/disk` }), subject());
  expect(codes(plan)).toEqual([['domain-not-novas', null]]);
  expect(plan.refusals[0]?.sentence).toContain(NEIGHBOUR);
});

/** As Nova writes it (nova 26 `virt/libvirt/config.py:LibvirtConfigGuestVPMEM`), and libvirt prints it. */
const memory = (model: string, path: string) => `    <memory model='${model}' access='shared'>
      <source>
        <path>${path}</path>
        <alignsize unit='KiB'>2048</alignsize>
        <pmem/>
      </source>
      <target>
        <size unit='KiB'>4194304</size>
      </target>
    </memory>
`;

test('persistent memory keeps what the server wrote: refused until somebody says that it is wiped', async () => {
  const interfaces = `${memory('nvdimm', '/dev/dax0.0')}${memory('dimm', '/dev/hugepages')}${memory('nvdimm', '/dev/dax1.0')}`;
  for (const state of [{}, { id: null, state: 'shut off' }]) {
    const plan = await look(domainAnswers({ interfaces, ...state }), subject());
    expect(codes(plan)).toEqual([['memory-by-hand', 'even-manual']]);
    expect(plan.refusals[0]?.sentence).toMatch(/: daxio -z -o \/dev\/dax0\.0; daxio -z -o \/dev\/dax1\.0$/);
    // Whoever lifts that is told all the same what is to be wiped: afterwards nothing names it.
    expect(plan.manual).toEqual(
      ['/dev/dax0.0', '/dev/dax1.0'].map((device) => ({
        place: 'host compute1',
        what: `persistent memory ${device} of domain ${NAME}`,
        how: `once the domain is gone, and before another server gets it: daxio -z -o ${device}`,
      })),
    );
  }
  const dimm = domainAnswers({ interfaces: memory('dimm', '/dev/hugepages') });
  expect(await look(dimm, subject())).toMatchObject({ refusals: [], manual: [] });
});

test('a domain whose metadata names another project refuses without a flag', async () => {
  expect(codes(await look(domainAnswers({ project: 'p2' }), subject()))).toEqual([
    ['domain-not-novas', null],
  ]);
  const unknownProject = { ...subject(), projectId: null };
  expect(codes(await look(domainAnswers({ project: 'p2' }), unknownProject))).toEqual([]);
});

test.each(['26.2.2', '16.0.0', '16.0.1-1.el7', '33.0.0.0rc1', '29.0.1.dev12'])(
  'what Nova %s wrote names the owner’s project',
  async (nova) => {
    const plan = await look(domainAnswers({ project: 'p2', nova }), subject());
    expect(codes(plan)).toEqual([['domain-not-novas', null]]);
  },
);

test.each(['2015.1.0', '2015.1.4-2.el7', '12.0.6', '13.1.4-1.el7', '15.1.0', 'unknown', null])(
  'what Nova %s wrote names the project of who asked last, and refuses nothing',
  async (nova) => {
    const plan = await look(domainAnswers({ project: 'p2', nova }), subject());
    expect(codes(plan)).toEqual([]);
    expect(plan.steps).toHaveLength(2);
  },
);

test('a domain without metadata is the server’s by its uuid', async () => {
  const bare = domainXml().replace(/^ *<metadata>[\s\S]*<\/metadata>\n/m, '');
  const plan = await look({ ...domainAnswers(), [virshQuestion(`dumpxml ${SERVER}`)]: bare }, subject());
  expect(codes(plan)).toEqual([]);
  expect(plan.steps).toHaveLength(2);
});

test.each([
  [`${ROOT}/${NEIGHBOUR}/disk`, NEIGHBOUR],
  [`${ROOT}/${NEIGHBOUR}_resize/disk`, NEIGHBOUR],
  [`vms/${NEIGHBOUR}_disk`, NEIGHBOUR],
  [`vms/${NEIGHBOUR}_disk.config`, NEIGHBOUR],
  [`/dev/nova-vg/${NEIGHBOUR}_disk`, NEIGHBOUR],
  [`volumes/volume-${NEIGHBOUR}`, null],
  [`/var/lib/nova/mnt/0123456789abcdef/volume-${NEIGHBOUR}`, null],
  [`${ROOT}/_base/cc204a7300a355cb6ecd849e8dae4badbfa624a7`, null],
  [`/dev/storpool/${NEIGHBOUR}`, null],
])('disk %s belongs to server %s', (disk, server) => {
  for (const path of [ROOT, `${ROOT}/`, `${ROOT}//`]) expect(serverOfDisk(disk, path)).toBe(server);
});
