import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { readDomains } from '../../../src/kinds/domain/virsh.ts';
import type { World } from '../../../src/simulator/world.ts';
import { domainXml, NAME, NEIGHBOUR, PORT, SERVER } from '../../kinds/domain-samples.ts';
import {
  addFile,
  count,
  hostsWorld,
  insert,
  outOf,
  plugServer,
  runOn,
  siteOf,
  switchPort,
} from '../../support/hosts-world.ts';
import { subject } from '../../support/subjects.ts';

const V = 'virsh -c qemu:///system';
const SHORT = PORT.slice(0, 11);
const NATIVE = `    <interface type='bridge'>
      <mac address='fa:16:3e:26:ef:4f'/>
      <source bridge='br-int'/>
      <virtualport type='openvswitch'>
        <parameters interfaceid='${PORT}'/>
      </virtualport>
      <target dev='tap${SHORT}'/>
    </interface>`;

/** As recorded on Nova 26, where os-vif makes the port. */
const BY_OS_VIF = `    <interface type='ethernet'>
      <mac address='fa:16:3e:26:ef:4f'/>
      <target dev='tap${SHORT}'/>
    </interface>`;

let world: World;
beforeEach(async () => {
  world = await hostsWorld('compute1');
  switchPort(world, 'compute1', 'br-int');
});

function setDomain(columns: string): void {
  world.machines.exec(`UPDATE domains SET ${columns}`);
}

function plug(changes: { native?: boolean; persistent?: boolean } = {}): void {
  const xml = domainXml(changes.native ? { interfaces: NATIVE } : {});
  plugServer(world, { uuid: SERVER, name: NAME, port: PORT, xml, ...changes });
}

describe('what is there', () => {
  test('is listed as virsh does: active ones by number, the others by name', async () => {
    plug();
    for (const [uuid, name] of [
      ['b', 'instance-00000002'],
      ['a', 'instance-00000001'],
    ] as const)
      insert(world, 'domains', { host: 'compute1', uuid, name, state: 'shut off', persistent: 1, xml: '' });
    expect(await outOf(world, `${V} list --all --uuid --name`)).toBe(
      `${SERVER} ${NAME}\na instance-00000001\nb instance-00000002\n\n`,
    );
    expect(await outOf(world, `${V} list --uuid`)).toBe(`${SERVER}\n\n`);
    expect(await outOf(world, `${V} list --all --name`)).toBe(
      `${NAME}\ninstance-00000001\ninstance-00000002\n\n`,
    );
  });
  test('is read by the kinds as it is', async () => {
    plug();
    expect((await readDomains(siteOf(world).reader, 'compute1', subject())).own).toMatchObject({
      name: NAME,
      active: true,
      state: 'running',
      persistent: true,
      managedSave: false,
      taps: [`tap${SHORT}`],
    });
  });
  test('another with its name is a namesake', async () => {
    plug();
    setDomain(`uuid = '${NEIGHBOUR}', xml = replace(xml, '${SERVER}', '${NEIGHBOUR}')`);
    const { own, namesake } = await readDomains(siteOf(world).reader, 'compute1', subject());
    expect([own, namesake]).toEqual([null, { uuid: NEIGHBOUR, usesOurs: false }]);
  });
  test('dominfo says it in words', async () => {
    plug({ persistent: false });
    expect(await outOf(world, `${V} dominfo ${NAME}`)).toBe(await outOf(world, `${V} dominfo ${SERVER}`));
    expect(await outOf(world, `${V} dominfo ${SERVER}`)).toMatch(
      /^Id: {13}1\nName: {11}instance-0000002a\nUUID: .*\nOS Type: .*\nState: {10}running\n[\s\S]*^Persistent: {5}no\n/m,
    );
  });
  test('what is not there has libvirt’s message', async () => {
    for (const words of ['dominfo', 'dumpxml', 'domname', 'destroy', 'undefine'])
      expect(await runOn(world, `${V} ${words} ${SERVER}`)).toEqual({
        exit: 1,
        out: '\n',
        err: `error: failed to get domain '${SERVER}'\n`,
      });
  });
});

/** What libvirt 9.0 showed of a server of Nova 26: `virsh dumpxml`, and `virsh dumpxml --inactive`. */
const [RUNNING, SHUT_OFF] = ['running', 'shut-off'].map((state) =>
  readFileSync(join(import.meta.dirname, `${state}-server.xml`), 'utf8'),
);

describe('a real server', () => {
  beforeEach(() => {
    plugServer(world, { uuid: SERVER, name: 'instance-00000001', port: PORT, xml: RUNNING ?? '' });
  });
  test('is shown as libvirt shows it, before and after it stops', async () => {
    expect(await outOf(world, `${V} dumpxml ${SERVER}`)).toBe(`${RUNNING}\n`);
    await outOf(world, `${V} destroy ${SERVER}`);
    expect(await outOf(world, `${V} dumpxml ${SERVER}`)).toBe(`${SHUT_OFF}\n`);
  });
  test('is described as libvirt describes it, but for the time that it has computed', async () => {
    expect(await outOf(world, `${V} dominfo ${SERVER}`)).toBe(`Id:             1
Name:           instance-00000001
UUID:           ${SERVER}
OS Type:        hvm
State:          running
CPU(s):         1
Max memory:     65536 KiB
Used memory:    65536 KiB
Persistent:     yes
Autostart:      disable
Managed save:   no
Security model: none
Security DOI:   0

`);
  });
});

describe('the XML', () => {
  test('has the number of a domain that runs', async () => {
    plug();
    setDomain('running_id = 17');
    expect(await outOf(world, `${V} dumpxml ${SERVER}`)).toMatch(/^<domain type='qemu' id='17'>\n/);
  });
  test('loses what libvirt had added when it stops', async () => {
    plug();
    await outOf(world, `${V} destroy ${SERVER}`);
    const xml = await outOf(world, `${V} dumpxml ${SERVER}`);
    expect(xml).toMatch(/^<domain type='qemu'>\n/);
    expect(xml).not.toMatch(/backingStore|_base|index='1'|\/dev\/pts/);
    expect(xml).toContain(`<source file='/var/lib/nova/instances/${SERVER}/disk'/>`);
    expect(xml).toContain(`<target dev='tap${SHORT}'/>`);
    expect((await readDomains(siteOf(world).reader, 'compute1', subject())).own?.active).toBe(false);
  });
});

describe('destroy', () => {
  test('pulls the plug: the tap goes, the bridge and its pair stay', async () => {
    plug();
    expect(await runOn(world, `${V} destroy ${SERVER}`)).toEqual({
      exit: 0,
      out: `Domain '${SERVER}' destroyed\n\n`,
      err: '',
    });
    expect(await outOf(world, `${V} list --uuid`)).toBe('\n');
    expect(await outOf(world, `${V} list --all --uuid`)).toBe(`${SERVER}\n\n`);
    expect(await outOf(world, `ls /sys/class/net/qbr${SHORT}/brif`)).toBe(`qvb${SHORT}\n`);
    expect(count(world, 'links', "name LIKE 'tap%'")).toBe(0);
    expect(count(world, 'switch_ports')).toBe(2);
  });
  test('with native plugging libvirt takes out of the switch what it had put there', async () => {
    plug({ native: true });
    await outOf(world, `${V} destroy ${SERVER}`);
    expect(count(world, 'switch_ports', "name <> 'br-int'")).toBe(0);
    expect(count(world, 'links')).toBe(0);
  });
  test('with native plugging by os-vif the tap goes, and its record stays', async () => {
    plug({ native: true });
    setDomain(`xml = '${domainXml({ interfaces: BY_OS_VIF }).replaceAll("'", "''")}'`);
    await outOf(world, `${V} destroy ${SERVER}`);
    expect(count(world, 'switch_ports', `name = 'tap${SHORT}'`)).toBe(1);
    expect(count(world, 'links')).toBe(0);
  });
  test('a tap that is not libvirt’s to manage stays', async () => {
    plug();
    setDomain("xml = replace(xml, '<target dev=''tap', '<target managed=''no'' dev=''tap')");
    await outOf(world, `${V} destroy ${SERVER}`);
    expect(count(world, 'links', `name = 'tap${SHORT}'`)).toBe(1);
  });
  test('a transient domain is gone', async () => {
    plug({ persistent: false });
    await outOf(world, `${V} destroy ${SERVER}`);
    expect(await outOf(world, `${V} list --all --uuid`)).toBe('\n');
  });
  test('one that does not run is an error', async () => {
    plug();
    await outOf(world, `${V} destroy ${SERVER}`);
    expect(await runOn(world, `${V} destroy ${SERVER}`)).toEqual({
      exit: 1,
      out: '\n',
      err: `error: Failed to destroy domain '${SERVER}'\nerror: Requested operation is not valid: domain is not running\n`,
    });
  });
});

describe('undefine', () => {
  beforeEach(async () => {
    plug();
    await outOf(world, `${V} destroy ${SERVER}`);
  });
  const failed = (why: string) =>
    `error: Failed to undefine domain '${SERVER}'\nerror: Requested operation is not valid: ${why}\n`;

  test('takes the definition and its file', async () => {
    expect(await outOf(world, `${V} undefine ${SERVER}`)).toBe(`Domain '${SERVER}' has been undefined\n\n`);
    expect(count(world, 'domains')).toBe(0);
    expect(count(world, 'files', "path LIKE '/etc/libvirt/%'")).toBe(0);
    expect(count(world, 'files', "path LIKE '/var/lib/nova/%'")).toBe(2);
  });
  test.each([
    ['snapshots = 2', '--snapshots-metadata', failed('cannot delete inactive domain with 2 snapshots')],
    ['nvram = 1', '--nvram', failed('cannot undefine domain with nvram')],
    [
      'managed_save = 1',
      '--managed-save',
      'error: Refusing to undefine while domain managed save image exists\n',
    ],
  ])('with %s it needs %s', async (columns, flag, message) => {
    setDomain(columns);
    addFile(world, `/var/lib/libvirt/qemu/save/${NAME}.save`);
    addFile(world, `/var/lib/libvirt/qemu/nvram/${NAME}_VARS.fd`);
    addFile(world, `/var/lib/libvirt/qemu/snapshot/${NAME}/1.xml`);
    expect(await runOn(world, `${V} undefine ${SERVER}`)).toEqual({ exit: 1, out: '\n', err: message });
    expect(count(world, 'domains')).toBe(1);
    expect((await runOn(world, `${V} undefine ${SERVER} ${flag}`)).exit).toBe(0);
    const folder = { '--snapshots-metadata': 'snapshot', '--nvram': 'nvram', '--managed-save': 'save' }[flag];
    expect(count(world, 'files', `path LIKE '/var/lib/libvirt/qemu/${folder}/%'`)).toBe(0);
  });
  test('all flags that expunge gives are known, with nothing to apply them to', async () => {
    await outOf(
      world,
      `${V} undefine ${SERVER} --managed-save --snapshots-metadata --checkpoints-metadata --nvram --tpm`,
    );
    expect(count(world, 'domains')).toBe(0);
  });
});

test('a running domain loses its definition and is gone when it stops', async () => {
  plug();
  await outOf(world, `${V} undefine ${SERVER}`);
  expect(await outOf(world, `${V} dominfo ${SERVER}`)).toMatch(/^State: +running$[\s\S]*^Persistent: +no$/m);
  expect((await runOn(world, `${V} undefine ${SERVER}`)).err).toContain('cannot undefine transient domain');
  await outOf(world, `${V} destroy ${SERVER}`);
  expect(count(world, 'domains')).toBe(0);
});

test('a libvirt that does not answer has not said that there is nothing', async () => {
  plug();
  world.machines.exec("UPDATE hosts SET libvirt = 'down'");
  expect(await runOn(world, `${V} list --uuid`)).toEqual({
    exit: 1,
    out: '',
    err: "error: failed to connect to the hypervisor\nerror: Failed to connect socket to '/var/run/libvirt/libvirt-sock': Connection refused\n",
  });
  await expect(readDomains(siteOf(world).reader, 'compute1', subject())).rejects.toMatchObject({
    code: 'libvirt-unreachable',
  });
});
