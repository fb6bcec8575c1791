/** What `doctor` finds of a site, door by door. */
import { describe, expect, test } from 'vitest';
import type { Cell } from '../../src/kinds/subject/subject.ts';
import { LookError } from '../../src/plan/errors.ts';
import { diagnose } from '../../src/run/diagnose.ts';
import type { Site } from '../../src/site/connect.ts';
import type { Row } from '../../src/site/reader.ts';
import { type FakeAnswers, fakeReader } from '../support/fake-reader.ts';
import { fakeSite } from '../support/fake-site.ts';

const NOBODY = '00000000-0000-0000-0000-000000000000';
const PORTS = `network /v2.0/ports?device_id=${NOBODY}`;
const IMAGES = `image /v2/images?instance_uuid=${NOBODY}`;
const ALLOCATIONS = `placement /allocations/${NOBODY}`;
const ATTACHMENTS = `volume /attachments/detail?all_tenants=1&instance_id=${NOBODY}`;
const COMPUTES = 'select host from services where binary = "nova-compute" and deleted = 0';

const CELL0: Cell = { database: 'cell:cell0', uuid: NOBODY, name: 'cell0', isCell0: true };
const CELL1: Cell = { database: 'cell:c1', uuid: 'c1', name: 'cell1', isCell0: false };

type Rights = Readonly<Record<'user' | 'schema' | 'table', readonly Row[]>>;

const ME = 'expunge@10.0.0.%';
const grant = (may: string, who = "'expunge'@'10.0.0.%'"): Row => ({ me: ME, who, may });
const ALL = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'].map((may) => grant(may));
const NONE = grant('USAGE');

function rightsIn(database: string, rights: Partial<Rights>): NonNullable<FakeAnswers['sql']> {
  const of = { user: [NONE], schema: [], table: [], ...rights };
  const select = (from: string) =>
    `${database}: select current_user() as me, grantee as who, privilege_type as may from information_schema.${from}_privileges`;
  const here = ' where database() like table_schema';
  return {
    [select('user')]: of.user,
    [select('schema') + here]: of.schema,
    [select('table') + here]: of.table,
  };
}

function readable(
  database: string,
  table: string,
  rights: Partial<Rights> = { schema: ALL },
): FakeAnswers['sql'] {
  return { [`${database}: select id from ${table} limit 1`]: [{ id: 1 }], ...rightsIn(database, rights) };
}

function onHost(name: string): NonNullable<FakeAnswers['command']> {
  return {
    [`${name}: id -un`]: 'root\n',
    [`${name}: virsh -c qemu:///system version`]: 'Using library: libvirt 9.0.0\n',
    [`${name}: test -d /var/lib/nova/instances`]: '',
    [`${name}: ovs-vsctl --timeout=10 list-br`]: 'br-int\n',
  };
}

/** A small cloud in order: one cell, one host, one memcached. */
const SOUND = {
  http: {
    [PORTS]: { body: { ports: [] } },
    [IMAGES]: { body: { images: [] } },
    [ALLOCATIONS]: { body: { allocations: {} } },
    [ATTACHMENTS]: { body: { attachments: [] } },
  },
  sql: {
    ...readable('api', 'instance_mappings'),
    ...readable('cell:cell0', 'instances'),
    ...readable('cell:c1', 'instances'),
    [`cell:c1: ${COMPUTES}`]: [{ host: 'cmp-1' }],
  },
  command: onHost('cmp-1'),
  queue: { 'cell:c1 compute.expunge-doctor': null },
  servers: ['ctl-1:11211'],
  hosts: { 'cmp-1': '/var/lib/nova/instances' },
} satisfies FakeAnswers;

type Changes = { [K in keyof FakeAnswers]?: FakeAnswers[K] };

function siteWith(changes: Changes, config: Partial<Site['config']> = {}): Site & { unasked(): string[] } {
  const reader = fakeReader({
    ...SOUND,
    ...changes,
    http: { ...SOUND.http, ...changes.http },
    sql: { ...SOUND.sql, ...changes.sql },
    command: { ...SOUND.command, ...changes.command },
    queue: { ...SOUND.queue, ...changes.queue },
    hosts: { ...SOUND.hosts, ...changes.hosts },
  });
  const site = fakeSite({ there: [] });
  return {
    ...site,
    reader,
    config: { ...site.config, ...config },
    cells: async () => [CELL0, CELL1],
    unasked: reader.unasked,
  };
}

const explain = (error: unknown) => (error instanceof LookError ? error.message : null);

/** Every finding as a line: `ok` or `FAILS`, where, and what. */
async function lines(site: Site): Promise<string[]> {
  const findings = await diagnose(site, explain);
  return findings.map(({ ok, place, says }) => `${ok ? 'ok' : 'FAILS'} ${place}: ${says}`);
}

/** The findings of one place. */
async function at(place: string, changes: Changes, config?: Partial<Site['config']>): Promise<string[]> {
  const all = await lines(siteWith(changes, config));
  return all.filter((line) => line.replace(/^\w+ /, '').startsWith(`${place}: `));
}

test('a site in order: every door was tried, in a fixed order', async () => {
  const site = siteWith({});
  expect(await lines(site)).toEqual([
    'ok API network: ports can be listed',
    'ok API image: images can be listed',
    'ok API placement: allocations can be read',
    'ok API volume: attachments can be listed',
    "ok service token: none: volumes are let go of after Nova's rows (service_user in the site file)",
    'ok database nova_api: readable; may write',
    'ok memcached ctl-1:11211: answers',
    'ok database of cell0: readable; may write',
    'ok database of cell1: readable; may write',
    'ok message bus of cell1: answers, its queues may be read',
    'ok host cmp-1: reached as root',
    'ok host cmp-1, libvirt: virsh answers',
    'ok host cmp-1, folder: /var/lib/nova/instances is there',
    'ok host cmp-1, Open vSwitch: ovs-vsctl answers',
  ]);
  expect(site.unasked()).toEqual([]);
});

test('one place that fails takes no other with it', async () => {
  const refused = new LookError('Neutron', 'GET /v2.0/ports answered 403: Forbidden', { code: 'api-403' });
  const all = await lines(siteWith({ http: { [PORTS]: refused } }));
  expect(all.filter((line) => line.startsWith('FAILS'))).toEqual([
    'FAILS API network: GET /v2.0/ports answered 403: Forbidden',
  ]);
  expect(all).toHaveLength(14);
});

test('a fault of the program is none of the site', async () => {
  const site = siteWith({});
  const broken = { ...site.reader, cache: { servers: ['m'], get: () => Promise.reject(new TypeError('x')) } };
  await expect(diagnose({ ...site, reader: broken }, explain)).rejects.toThrow(TypeError);
});

test('what an API gives page by page is listed, so that a page that fails shows', async () => {
  const site = siteWith({});
  const listed: string[] = [];
  const http: Site['reader']['http'] = {
    ...site.reader.http,
    list: async (service, ...rest) => {
      listed.push(service);
      return site.reader.http.list(service, ...rest);
    },
  };
  await lines({ ...site, reader: { ...site.reader, http } });
  expect(listed.sort()).toEqual(['image', 'network', 'volume']);
});

describe('Cinder', () => {
  const answers = (status: number) => at('API volume', { http: { [ATTACHMENTS]: { status } } });
  test('a cloud may have none', async () => {
    const found = await at('API volume', { without: ['volume'] });
    expect(found).toEqual(['ok API volume: none in the catalog: volumes cannot be looked at']);
  });
  test.each([404, 406])('one before Pike answers %i', async (status) => {
    expect(await answers(status)).toEqual([
      'ok API volume: older than Pike: volumes can be looked at one by one',
    ]);
  });
  test.each([400, 403, 500])('%i is a fault', async (status) => {
    expect(await answers(status)).toEqual([`FAILS API volume: answered ${status}`]);
  });
  test('is asked as the look at volumes asks it, at a version that Ocata has not', async () => {
    const site = siteWith({});
    const asked: unknown[] = [];
    const http: Site['reader']['http'] = {
      ...site.reader.http,
      list: async (service, path, key, options) => {
        if (service === 'volume') asked.push(options?.microversion);
        return site.reader.http.list(service, path, key, options);
      },
    };
    await lines({ ...site, reader: { ...site.reader, http } });
    expect(asked).toEqual(['3.28']);
  });
});

describe('service token', () => {
  const serviceUser = { from: 'service_user' } as unknown as Site['config']['serviceUser'];
  test('one that can be had', async () => {
    const token = { available: true, from: 'nova.conf' } as const;
    expect(await at('service token', { serviceToken: token }, { serviceUser })).toEqual([
      'ok service token: can be had, with the account of nova.conf',
    ]);
  });
  test('an account that is named and is refused', async () => {
    const token = { available: false, why: 'Keystone answered 401' } as const;
    expect(await at('service token', { serviceToken: token }, { serviceUser })).toEqual([
      'FAILS service token: Keystone answered 401',
    ]);
  });
});

describe('rights on a database', () => {
  const rightsOf = async (rights: Partial<Rights>) => {
    const [line] = await at('database of cell1', { sql: { ...rightsIn('cell:c1', rights) } });
    return line?.replace('ok database of cell1: readable; ', '');
  };
  const write = ['INSERT', 'UPDATE', 'DELETE'];
  const to = (who: string) => write.map((may) => grant(may, who));
  test.each<[string, Partial<Rights>, string]>([
    ['everywhere', { user: ALL }, 'may write'],
    ['some everywhere, some here', { user: [grant('INSERT')], schema: ALL.slice(2) }, 'may write'],
    ['none', { schema: [grant('SELECT')] }, 'may not INSERT, UPDATE, DELETE: plan works, apply does not'],
    ['one lacks', { schema: ALL.slice(0, 3) }, 'may not DELETE: plan works, apply does not'],
    [
      'table by table',
      { schema: [grant('SELECT')], table: [grant('UPDATE'), grant('DELETE')] },
      'may UPDATE, DELETE in single tables: docs/reference.md lists those that apply needs',
    ],
    [
      'tables that may be read say nothing of writing',
      { table: [grant('SELECT')] },
      'may not INSERT, UPDATE, DELETE: plan works, apply does not',
    ],
    [
      "another's, whom a user that reads everything sees too",
      {
        user: [grant('SELECT'), ...to("'nova'@'%'")],
        schema: to("'expunge'@'10.0.1.%'"),
        table: to("''@''"),
      },
      'may not INSERT, UPDATE, DELETE: plan works, apply does not',
    ],
  ])('%s', async (_, rights, says) => {
    expect(await rightsOf(rights)).toBe(says);
  });
  test('the name of a user may have an @', async () => {
    const rights = ALL.map((row) => ({ ...row, me: 'ex@corp@%', who: "'ex@corp'@'%'" }));
    expect(await rightsOf({ schema: rights })).toBe('may write');
  });
});

test('the databases of Neutron and Cinder, where the site names them', async () => {
  const sql = { ...readable('neutron', 'ports'), ...readable('cinder', 'volumes', { schema: [] }) };
  const found = await lines(siteWith({ databases: ['neutron', 'cinder'], sql }));
  expect(found.slice(6, 8)).toEqual([
    'ok database neutron: readable; may write',
    'ok database cinder: readable; may not INSERT, UPDATE, DELETE: plan works, apply does not',
  ]);
});

describe("Nova's databases", () => {
  const gone = new LookError('database', 'connection refused', { code: 'database-down' });
  test('a cloud without a server yet', async () => {
    const sql = { 'api: select id from instance_mappings limit 1': [] };
    expect(await at('database nova_api', { sql })).toEqual([
      'ok database nova_api: readable, no server in it yet; may write',
    ]);
  });
  test('without the API database nothing is known of cells, and hosts are those of the site file', async () => {
    const site = siteWith(
      { sql: { 'api: select id from instance_mappings limit 1': gone } },
      { file: { hosts: { default: { sudo: true }, 'cmp-1': {} } } },
    );
    const found = await lines(site);
    expect(found.filter((line) => /database|bus|host cmp-1:|default/.test(line))).toEqual([
      'FAILS database nova_api: connection refused',
      'ok host cmp-1: reached as root',
    ]);
  });
  test("a cell that is down says so once, and hides the other cells' hosts from nobody", async () => {
    const sql = { 'cell:c1: select id from instances limit 1': gone, [`cell:c1: ${COMPUTES}`]: gone };
    const found = await lines(siteWith({ sql }));
    expect(found.filter((line) => line.startsWith('FAILS'))).toEqual([
      'FAILS database of cell1: connection refused',
    ]);
    expect(found.some((line) => line.includes('host '))).toBe(false);
  });
});

describe('message bus', () => {
  test('that cannot be reached', async () => {
    const gone = new LookError('message bus', 'connection refused', { code: 'bus-down' });
    expect(await at('message bus of cell1', { queue: { 'cell:c1 compute.expunge-doctor': gone } })).toEqual([
      'FAILS message bus of cell1: connection refused',
    ]);
  });
  test('a site that has none is not asked', async () => {
    const site = siteWith({}, { file: { message_bus: { none: true } } });
    const found = await lines(site);
    expect(found).toContain(
      'ok message bus of cell1: none, as the site file says: nobody looks what waits there',
    );
    expect(site.unasked()).toEqual(['cell:c1 compute.expunge-doctor']);
  });
});

describe('hosts', () => {
  test('that only the site file names are tried too, each once', async () => {
    const site = siteWith(
      { command: onHost('old-1'), hosts: { 'old-1': '/var/lib/nova/instances' } },
      { file: { hosts: { default: {}, 'old-1': {}, 'cmp-1': {} } } },
    );
    const found = await lines(site);
    expect(found.filter((line) => line.includes('reached as'))).toEqual([
      'ok host old-1: reached as root',
      'ok host cmp-1: reached as root',
    ]);
  });
  test('one that cannot be reached is asked nothing else', async () => {
    const down = new LookError('host cmp-1', 'ssh ended with 255: No route to host', {
      code: 'host-unreachable',
    });
    const found = await lines(siteWith({ command: { 'cmp-1: id -un': down } }));
    expect(found.filter((line) => line.includes('host cmp-1'))).toEqual([
      'FAILS host cmp-1: ssh ended with 255: No route to host',
    ]);
  });
  const failed = (exit: number, err: string) => ({ exit, out: '', err });
  test.each([
    [
      'libvirt',
      'virsh -c qemu:///system version',
      failed(1, 'error: failed to connect\nerror: Connection refused\n'),
      'FAILS host cmp-1, libvirt: virsh version ended with 1: error: Connection refused',
    ],
    [
      'folder',
      'test -d /var/lib/nova/instances',
      failed(1, ''),
      'FAILS host cmp-1, folder: /var/lib/nova/instances is not a folder there',
    ],
    [
      'Open vSwitch',
      'ovs-vsctl --timeout=10 list-br',
      failed(1, 'ovs-vsctl: unix:/run/openvswitch/db.sock: database connection failed\n'),
      'FAILS host cmp-1, Open vSwitch: ovs-vsctl list-br ended with 1: ovs-vsctl: unix:/run/openvswitch/db.sock: database connection failed',
    ],
    [
      'Open vSwitch',
      'ovs-vsctl --timeout=10 list-br',
      failed(127, 'ovs-vsctl: command not found\n'),
      'ok host cmp-1, Open vSwitch: none on this host',
    ],
  ])('%s: %s', async (part, argv, answer, says) => {
    // Where there is no ovs-vsctl, the devices tell whether there is no Open vSwitch either.
    const bare = {
      exit: 0,
      out: '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN\n',
      err: '',
    };
    const command = { 'cmp-1: ip -o link show': bare, [`cmp-1: ${argv}`]: answer };
    expect(await at(`host cmp-1, ${part}`, { command })).toEqual([says]);
  });

  test('Open vSwitch in a container, where a purge would not find its records', async () => {
    const none = failed(127, 'ovs-vsctl: command not found\n');
    const link =
      '3: ovs-system: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN mode DEFAULT group default\n';
    const command = {
      'cmp-1: ovs-vsctl --timeout=10 list-br': none,
      'cmp-1: ip -o link show': { exit: 0, out: link, err: '' },
    };
    expect(await at('host cmp-1, Open vSwitch', { command })).toEqual([
      'FAILS host cmp-1, Open vSwitch: Open vSwitch runs there, but ovs-vsctl is not there (in a container? then hosts.cmp-1.containers must say so)',
    ]);
  });
});
