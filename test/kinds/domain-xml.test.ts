import { expect, test } from 'vitest';
import { parseDomainXml } from '../../src/kinds/domain/xml.ts';
import { domainXml, NAME, PORT, ROOT, SERVER } from './domain-samples.ts';

test('the XML gives name, disks without their backing chain, project, ports and taps', () => {
  expect(parseDomainXml(domainXml())).toEqual({
    name: NAME,
    uuid: SERVER,
    disks: [`${ROOT}/${SERVER}/disk`],
    project: 'p1',
    memories: [],
    rbdDisks: [],
    ports: [PORT],
    taps: ['tapdfaeac36-44'],
  });
});

test('a server’s name cannot forge elements, and entities are read', () => {
  const forged = domainXml({
    userName: '&lt;nova:project uuid="evil"/&gt;',
    disk: '/a&apos;b/disk',
    name: 'a&amp;b &lt;c&gt; &quot;d&quot;',
  });
  expect(parseDomainXml(forged)).toMatchObject({ name: 'a&b <c> "d"', project: 'p1', disks: ["/a'b/disk"] });
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

const OTHER_PORT = '99999999-448c-4a00-a71e-f3f81f979d44';

test('every port of the metadata is read', () => {
  const two = domainXml().replace('</nova:ports>', `<nova:port uuid="${OTHER_PORT}"/></nova:ports>`);
  expect(parseDomainXml(two).ports).toEqual([PORT, OTHER_PORT]);
});

test('a drive without a medium is backed by nothing', () => {
  const cdrom = `    <disk type='file' device='cdrom'>
      <target dev='sda' bus='sata'/>
    </disk>`;
  expect(parseDomainXml(domainXml({ interfaces: cdrom })).disks).toEqual([`${ROOT}/${SERVER}/disk`]);
});

test.each([
  ['of another protocol', "protocol='iscsi' name='iqn.2010-10.org.openstack:volume-1/1'"],
  ['without a pool', "protocol='rbd' name='image'"],
  ['without a name', "protocol='rbd'"],
])('a network disk %s is no image in Ceph', (_, source) => {
  const disk = `    <disk type='network' device='disk'>
      <source ${source}/>
    </disk>`;
  expect(parseDomainXml(domainXml({ interfaces: disk })).rbdDisks).toEqual([]);
});

test('an image in Ceph without a user is read, and one with slashes in its name', () => {
  const disk = `    <disk type='network' device='disk'>
      <source protocol='rbd' name='vms/space/${SERVER}_disk'/>
    </disk>`;
  expect(parseDomainXml(domainXml({ interfaces: disk })).rbdDisks).toEqual([
    { pool: 'vms', image: `space/${SERVER}_disk`, user: null },
  ]);
});

test('name and uuid are those of the domain, never of an element within', () => {
  const within = `<domain>
  <metadata>
    <name>${NAME}</name>
    <uuid>${SERVER}</uuid>
  </metadata>
</domain>
`;
  const nothing = {
    name: null,
    uuid: null,
    disks: [],
    rbdDisks: [],
    memories: [],
    project: null,
    ports: [],
    taps: [],
  };
  expect(parseDomainXml(within)).toEqual(nothing);
  expect(parseDomainXml('')).toEqual(nothing);
});
