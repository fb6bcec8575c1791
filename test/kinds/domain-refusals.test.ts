import { expect, test } from 'vitest';
import { domain } from '../../src/kinds/domain/index.ts';
import { serverOfDisk } from '../../src/kinds/domain/refusals.ts';
import { parseDomainXml } from '../../src/kinds/domain/xml.ts';
import type { Subject } from '../../src/kinds/subject/subject.ts';
import { type FakeAnswers, fakeReader } from '../support/fake-reader.ts';
import { decisions, instanceRow, subject } from '../support/subjects.ts';
import {
  domainAnswers,
  domainXml,
  LIST,
  NAME,
  NEIGHBOUR,
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

/** A domain with the server's name and another uuid; its disk is its own unless said otherwise. */
function namesake(disk = `${ROOT}/${NEIGHBOUR}/disk`) {
  const own = domainXml({ uuid: NEIGHBOUR, disk, interfaces: '' }).replace(
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

test('a namesake that uses the server’s folder refuses wherever it is', async () => {
  const elsewhere = subject({ row: instanceRow({ host: null }) });
  expect(codes(await look(namesake(`${ROOT}/${SERVER}/disk`), elsewhere))).toEqual([
    ['domain-other-uuid', null],
  ]);
});

test('a namesake on a host that Nova does not name, with disks of its own, is a bystander', async () => {
  const plan = await look(namesake(), subject({ row: instanceRow({ host: null }) }));
  expect(codes(plan)).toEqual([]);
  expect(plan.steps).toEqual([]);
  expect(plan.kept).toMatchObject([{ what: `domain ${NAME}`, why: expect.stringContaining(NEIGHBOUR) }]);
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

test('a domain whose disk lies in another server’s folder refuses without a flag', async () => {
  const plan = await look(domainAnswers({ disk: `${ROOT}/${NEIGHBOUR}/disk` }), subject());
  expect(codes(plan)).toEqual([['domain-not-novas', null]]);
  expect(plan.refusals[0]?.sentence).toContain(NEIGHBOUR);
});

test('a domain whose metadata names another project refuses without a flag', async () => {
  expect(codes(await look(domainAnswers({ project: 'p2' }), subject()))).toEqual([
    ['domain-not-novas', null],
  ]);
  const unknownProject = { ...subject(), projectId: null };
  expect(codes(await look(domainAnswers({ project: 'p2' }), unknownProject))).toEqual([]);
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
  expect(serverOfDisk(disk, `${ROOT}/`)).toBe(server);
});

test('the XML gives name, disks without their backing chain, project, ports and taps', () => {
  expect(parseDomainXml(domainXml())).toEqual({
    name: NAME,
    uuid: SERVER,
    disks: [`${ROOT}/${SERVER}/disk`],
    project: 'p1',
    rbdDisks: [],
    ports: [PORT],
    taps: ['tapdfaeac36-44'],
  });
});

test('a server’s name cannot forge elements, and entities are read', () => {
  const forged = domainXml({
    userName: '&lt;nova:project uuid="evil"/&gt;',
    disk: '/a&apos;b/disk',
    name: 'a&amp;b',
  });
  expect(parseDomainXml(forged)).toMatchObject({ name: 'a&b', project: 'p1', disks: ["/a'b/disk"] });
});

test('network disks and Open vSwitch interfaces are read', () => {
  const xml = domainXml({
    interfaces: `    <interface type='bridge'>
      <source bridge='br-int'/>
      <virtualport type='openvswitch'>
        <parameters interfaceid='99999999-448c-4a00-a71e-f3f81f979d44'/>
      </virtualport>
      <target dev='tap99999999-44'/>
    </interface>
    <disk type='network' device='disk'>
      <auth username='nova'>
        <secret type='ceph' uuid='457eb676-33da-42ec-9a8c-9293d545c337'/>
      </auth>
      <source protocol='rbd' name='vms/${SERVER}_disk'>
        <host name='10.0.0.1' port='6789'/>
      </source>
      <serial>x</serial>
    </disk>`,
  });
  expect(parseDomainXml(xml)).toMatchObject({
    disks: [`${ROOT}/${SERVER}/disk`, `vms/${SERVER}_disk`],
    rbdDisks: [{ pool: 'vms', image: `${SERVER}_disk`, user: 'nova' }],
    ports: [PORT, '99999999-448c-4a00-a71e-f3f81f979d44'],
    taps: ['tap99999999-44'],
  });
});
