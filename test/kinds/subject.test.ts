import { describe, expect, test } from 'vitest';
import { findSubject } from '../../src/kinds/subject/find.ts';
import { widenHosts } from '../../src/kinds/subject/hosts.ts';
import { resolveServer } from '../../src/kinds/subject/resolve.ts';
import type { Cell, SubjectOptions } from '../../src/kinds/subject/subject.ts';
import { mergeTraces, readTraces, type Traces, writeTraces } from '../../src/kinds/subject/traces.ts';
import { LookError, UsageError } from '../../src/plan/errors.ts';
import type { Row } from '../../src/site/reader.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { subject as subjectOf } from '../support/subjects.ts';

const SERVER = '11111111-2222-4333-8444-555555555555';
const OTHER = '99999999-2222-4333-8444-555555555555';
const PORT = 'aaaaaaaa-0000-4000-8000-000000000001';

const cell = (n: number): Cell => ({
  uuid: `c${n}`,
  name: `cell${n}`,
  database: `cell:c${n}`,
  isCell0: n === 0,
});
const CELLS = [cell(0), cell(1), cell(2)];
const OPTIONS: SubjectOptions = {
  cells: CELLS,
  nameTemplate: 'instance-%08x',
  serviceDownTime: 60,
  allHosts: false,
};

type Answers = Readonly<Record<string, readonly Row[] | LookError>>;

const MAPPING = `api: select m.*, c.uuid as cell_uuid from instance_mappings as m left join cell_mappings as c on c.id = m.cell_id where m.instance_uuid = "${SERVER}"`;
const REQUEST = `api: select * from build_requests where instance_uuid = "${SERVER}"`;
const live = (n: number) => `cell:c${n}: select * from instances where uuid = "${SERVER}"`;
const shadow = (n: number) => `cell:c${n}: select * from shadow_instances where uuid = "${SERVER}"`;
const services = (n: number) =>
  `cell:c${n}: select *, utc_timestamp() as now from services where binary in ("nova-compute", "nova-conductor") and deleted = 0`;
const DOWN = new LookError('database of cell1', 'refused', { code: 'database-er-tableaccess-denied-error' });

/** Everything that is asked once a cell is found. */
function details(n: number, changes: Readonly<Record<string, readonly Row[]>> = {}): Answers {
  const of = (table: string, order: string) =>
    `cell:c${n}: select * from ${table} where instance_uuid = "${SERVER}" order by ${order}`;
  return {
    [of('instance_info_caches', 'id desc')]: changes['caches'] ?? [],
    [of('instance_system_metadata', 'id')]: changes['metadata'] ?? [],
    [of('migrations', 'id')]: changes['migrations'] ?? [],
    [of('block_device_mapping', 'id')]: changes['bdms'] ?? [],
    [`cell:c${n}: select utc_timestamp() as now from instances limit 1`]: [{ now: '2026-11-22 10:00:00' }],
  };
}

const service = (host: string, changes: Row = {}): Row => ({
  host,
  binary: 'nova-compute',
  last_seen_up: '2026-11-22 09:59:50',
  updated_at: '2026-11-22 09:59:50',
  created_at: '2026-01-01 00:00:00',
  forced_down: 0,
  now: '2026-11-22 10:00:00',
  ...changes,
});

const row = (changes: Row = {}): Row => ({
  id: 42,
  uuid: SERVER,
  display_name: 'web-1',
  project_id: 'p1',
  vm_state: 'active',
  task_state: 'deleting',
  host: 'compute1',
  deleted: 0,
  ...changes,
});

const NOWHERE: Answers = Object.fromEntries(
  CELLS.flatMap((_, n) => [
    [live(n), []],
    [shadow(n), []],
    [services(n), []],
  ]),
);

function find(
  sql: Answers,
  options: Partial<SubjectOptions> = {},
  columns: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {},
) {
  const look = fakeReader({
    columns,
    sql: { [MAPPING]: [], [REQUEST]: [], ...NOWHERE, ...sql },
    hosts: { compute1: '/var/lib/nova/instances' },
  });
  return { subject: findSubject(look, SERVER, { ...OPTIONS, ...options }), look };
}

describe('where a server is', () => {
  const mapped = { [MAPPING]: [{ id: 1, cell_uuid: 'c1', queued_for_delete: 1 }] };

  test('its mapping names its cell, and no other cell is asked for its row', async () => {
    const { subject, look } = find({ ...mapped, [live(1)]: [row()], ...details(1) });
    expect(await subject).toMatchObject({
      uuid: SERVER,
      name: 'web-1',
      projectId: 'p1',
      cell: { name: 'cell1' },
      mapping: { cellUuid: 'c1', queuedForDelete: true },
      domainName: 'instance-0000002a',
      now: '2026-11-22 10:00:00',
    });
    expect(look.unasked()).toEqual(expect.arrayContaining([live(0), live(2), shadow(1)]));
  });

  test('without a mapping every cell is asked', async () => {
    const { subject, look } = find({ [live(2)]: [row()], ...details(2) });
    expect(await subject).toMatchObject({ cell: { name: 'cell2' }, mapping: null, row: { id: 42 } });
    expect(look.unasked()).not.toContain(live(0));
    expect(look.unasked()).not.toContain(live(1));
  });

  test('a mapping to a cell that is not there any more: every cell is asked', async () => {
    const { subject } = find({
      [MAPPING]: [{ id: 1, cell_uuid: 'gone' }],
      [live(1)]: [row()],
      ...details(1),
    });
    expect(await subject).toMatchObject({ cell: { name: 'cell1' } });
  });

  test('a mapping of a release before Rocky says nothing of being queued for delete', async () => {
    const { subject } = find({ [MAPPING]: [{ id: 1, cell_uuid: 'c1' }], [live(1)]: [row()], ...details(1) });
    expect((await subject).mapping).toEqual({ cellUuid: 'c1', queuedForDelete: null });
  });

  test('its mapping names a cell that has no row of it, and another has: mappings can be wrong', async () => {
    const { subject } = find({ ...mapped, [live(2)]: [row()], ...details(2) });
    expect(await subject).toMatchObject({ cell: { name: 'cell2' }, row: { id: 42 } });
  });

  test('its mapping names a cell that has no row of it, and another cannot be asked', async () => {
    const { subject } = find({ ...mapped, [live(2)]: DOWN });
    await expect(subject).rejects.toBe(DOWN);
  });

  describe('a resize to another cell keeps a second row there', () => {
    const moved = { migrations: [{ id: 3, status: 'finished', cross_cell_move: 1, deleted: 0 }] };
    test.each<[string, Answers]>([
      ['a migration says so', { [live(1)]: [row()], ...details(1, moved) }],
      ['its row is hidden', { [live(1)]: [row({ hidden: 1 })], ...details(1) }],
    ])('%s', async (_, here) => {
      const twice = find({ ...mapped, ...here, [live(2)]: [row()] });
      await expect(twice.subject).rejects.toMatchObject({ code: 'row-in-two-cells' });
      const once = find({ ...mapped, ...here, [live(2)]: [row({ deleted: 42 })] });
      expect(await once.subject).toMatchObject({ cell: { name: 'cell1' } });
      await expect(find({ ...mapped, ...here, [live(2)]: DOWN }).subject).rejects.toBe(DOWN);
    });
  });

  test('mapped to no cell and without a row: never scheduled, so on no host', async () => {
    const { subject } = find({
      [MAPPING]: [{ id: 1, cell_id: null, cell_uuid: null, queued_for_delete: 1 }],
    });
    expect(await subject).toMatchObject({ hosts: [], mapping: { unscheduled: true } });
  });

  test('in cell0 it is on no host, and its number names no domain: in another cell that is another server', async () => {
    const { subject } = find({ [live(0)]: [row({ host: null })], ...details(0) });
    expect(await subject).toMatchObject({ cell: { name: 'cell0' }, row: { id: 42 }, domainName: null });
  });

  test('mapped, and no row: its cell is known all the same', async () => {
    const { subject } = find({ ...mapped, ...details(1) });
    expect(await subject).toMatchObject({ row: null, cell: { name: 'cell1' }, domainName: null });
  });

  test('a build request only', async () => {
    const instance = JSON.stringify({ 'nova_object.data': { display_name: 'web-1' } });
    const { subject } = find({ [REQUEST]: [{ id: 7, instance, project_id: 'p1' }] });
    expect(await subject).toMatchObject({
      name: 'web-1',
      projectId: 'p1',
      row: null,
      cell: null,
      era: null,
      buildRequest: { id: 7 },
      hosts: [],
    });
  });

  test.each(['{', '[]', 'null', '{"nova_object.data": {"display_name": 7}}'])(
    'a build request that cannot be read is one without a name: %s',
    async (instance) => {
      const { subject } = find({ [REQUEST]: [{ id: 7, instance, project_id: null }] });
      expect(await subject).toMatchObject({ name: null, buildRequest: { id: 7 } });
    },
  );

  test('archived', async () => {
    const { subject } = find({ [shadow(1)]: [row({ deleted: 42 })], ...details(1) });
    expect(await subject).toMatchObject({ row: { archived: true, deleted: 42 }, cell: { name: 'cell1' } });
  });

  test('unknown anywhere: a subject all the same, and every compute host may have it', async () => {
    const { subject } = find({ [services(1)]: [service('compute1')], [services(2)]: [service('compute2')] });
    expect(await subject).toMatchObject({
      name: null,
      row: null,
      cell: null,
      hosts: [
        { name: 'compute1', because: ['every compute host'], instancesPath: '/var/lib/nova/instances' },
        { name: 'compute2', instancesPath: null },
      ],
    });
  });

  test('live in two cells: not known which is meant', async () => {
    const { subject } = find({ [live(1)]: [row()], [live(2)]: [row()] });
    await expect(subject).rejects.toMatchObject({
      code: 'row-in-two-cells',
      place: 'databases of cell1 and cell2',
      exitCode: 4,
    });
  });

  test('live in one and deleted in another: the live one', async () => {
    const { subject } = find({ [live(1)]: [row({ deleted: 42 })], [live(2)]: [row()], ...details(2) });
    expect(await subject).toMatchObject({ cell: { name: 'cell2' } });
  });

  test('a cell that cannot be asked ends it: it may be the one', async () => {
    const { subject } = find({ [live(1)]: DOWN });
    await expect(subject).rejects.toBe(DOWN);
  });
});

describe('what else it tells', () => {
  const here = (changes: Readonly<Record<string, readonly Row[]>>, of: Row = {}) =>
    find({
      [live(1)]: [row(of)],
      ...details(1, changes),
      [services(1)]: [service('compute1'), service('compute2')],
    }).subject;

  test('ports, migrations, volumes and metadata, each from its own table', async () => {
    const subject = await here({
      caches: [{ network_info: `[{"id": "${PORT}", "type": "ovs"}]` }],
      metadata: [
        { key: 'clean_attempts', value: '2' },
        { key: 'empty', value: null },
      ],
      migrations: [
        { id: 3, status: 'error', source_compute: 'compute1', dest_compute: 'compute2', deleted: 0 },
      ],
      bdms: [
        { volume_id: 'v1', destination_type: 'volume', delete_on_termination: 1, deleted: 0 },
        { volume_id: null, destination_type: 'local', deleted: 0 },
      ],
    });
    expect(subject.vifs).toMatchObject([{ portId: PORT }]);
    expect(subject.vifsKnown).toBe(true);
    expect([...subject.systemMetadata]).toEqual([['clean_attempts', '2']]);
    expect(subject.volumes).toMatchObject([{ volumeId: 'v1', deleteOnTermination: true }]);
    expect(subject.hosts.map(({ name, because }) => [name, because])).toEqual([
      ['compute1', ['instances.host', 'source of migration 3']],
      ['compute2', ['destination of migration 3']],
    ]);
  });

  test.each([[[]], [[{ network_info: null }]], [[{ network_info: '{broken' }]]])(
    'a network_info that cannot be read is not known: %j',
    async (caches) => {
      expect(await here({ caches })).toMatchObject({ vifs: [], vifsKnown: false });
    },
  );

  test('the host that shelved it', async () => {
    const subject = await here(
      { metadata: [{ key: 'shelved_host', value: 'compute2' }] },
      { host: null, vm_state: 'shelved_offloaded' },
    );
    expect(subject.hosts.map(({ name }) => name)).toEqual(['compute2']);
  });
});

describe('which hosts are looked at', () => {
  const names = async (of: Row, options: Partial<SubjectOptions> = {}) => {
    const { subject } = find(
      {
        [live(1)]: [row(of)],
        ...details(1),
        [services(1)]: [service('compute1'), service('compute2')],
      },
      options,
    );
    return (await subject).hosts.map(({ name }) => name);
  };

  test('the one of its row', async () => {
    expect(await names({})).toEqual(['compute1']);
  });
  test('all of them when somebody says so', async () => {
    expect(await names({}, { allHosts: true })).toEqual(['compute1', 'compute2']);
  });
  test('all of them when a deleted row names none', async () => {
    expect(await names({ host: null, deleted: 42 })).toEqual(['compute1', 'compute2']);
  });
  test.each<[string, Row]>([
    ['it was never started', { host: null, launched_at: null, vm_state: 'error' }],
    [
      'it is shelved and offloaded',
      { host: null, launched_at: '2026-01-01 00:00:00', vm_state: 'shelved_offloaded' },
    ],
  ])('none when %s', async (_, of) => {
    expect(await names(of)).toEqual([]);
  });
  test('a compute host on which one of its actions ran: a build that failed there leaves no other trace', async () => {
    const events = `cell:c1: select distinct e.host from instance_actions_events as e inner join instance_actions as a on a.id = e.action_id where a.instance_uuid = "${SERVER}"`;
    const { subject } = find(
      {
        [live(1)]: [row()],
        ...details(1),
        [services(1)]: [service('compute1'), service('compute2'), service('compute3')],
        [events]: [{ host: 'compute2' }, { host: 'controller' }, { host: null }, { host: 'compute1' }],
      },
      {},
      { 'cell:c1': { instance_actions_events: ['id', 'action_id', 'host'] } },
    );
    expect((await subject).hosts).toMatchObject([
      { name: 'compute1', because: ['instances.host', 'one of its actions ran there'] },
      { name: 'compute2', because: ['one of its actions ran there'] },
    ]);
  });
  test('all of them when it ran, and names no host now', async () => {
    expect(await names({ host: null, launched_at: '2026-01-01 00:00:00', vm_state: 'error' })).toEqual([
      'compute1',
      'compute2',
    ]);
  });
});

describe('whether a service is up, as Nova counts', () => {
  const up = async (changes: Row) => {
    const { subject } = find({
      [live(1)]: [row()],
      ...details(1),
      [services(1)]: [service('compute1', changes)],
    });
    return (await subject).hosts[0]?.service?.up;
  };
  test.each<[string, Row, boolean]>([
    ['a sign of life 60 s ago', { last_seen_up: '2026-11-22 09:59:00' }, true],
    ['61 s ago', { last_seen_up: '2026-11-22 09:58:59' }, false],
    ['forced down', { forced_down: 1 }, false],
    ['an old release has no last_seen_up', { last_seen_up: null }, true],
    ['never seen', { last_seen_up: null, updated_at: null, created_at: null }, false],
  ])('%s', async (_, changes, expected) => {
    expect(await up(changes)).toBe(expected);
  });

  test('a conductor that lives', async () => {
    const conductor = (changes: Row) =>
      find({
        [REQUEST]: [{ id: 7, instance: null, display_name: 'web-1' }],
        [services(2)]: [service('controller', { binary: 'nova-conductor', ...changes })],
      }).subject;
    expect((await conductor({})).conductorUp).toBe(true);
    expect((await conductor({ last_seen_up: '2026-11-22 09:00:00' })).conductorUp).toBe(false);
  });

  test('the conductor that schedules may be known to cell0 alone', async () => {
    const alive = { [services(0)]: [service('controller', { binary: 'nova-conductor' })] };
    const asked = [{ id: 7, instance: null, display_name: 'web-1' }];
    expect((await find({ [REQUEST]: asked, ...alive }).subject).conductorUp).toBe(true);
    const unplaced = { [live(1)]: [row({ host: null, vm_state: 'building' })], ...details(1) };
    expect((await find({ ...unplaced, ...alive }).subject).conductorUp).toBe(true);
    expect((await find({ ...unplaced, [services(0)]: DOWN }).subject).unknown).toHaveLength(1);
  });

  test.each([[1, 2] as const, [2, 1] as const])(
    'a host that two cells know is up when one of them says so: up in cell%i',
    async (alive, stale) => {
      const { subject } = find({
        [live(1)]: [row()],
        ...details(1),
        [services(alive)]: [service('compute1')],
        [services(stale)]: [service('compute1', { last_seen_up: '2026-01-01 00:00:00' })],
      });
      expect((await subject).hosts[0]?.service?.up).toBe(true);
    },
  );

  describe('services that cannot be read are not services that are down', () => {
    const unknown = async (sql: Answers, options: Partial<SubjectOptions> = {}) =>
      (await find({ [services(1)]: DOWN, ...sql }, options).subject).unknown;

    test('of the cell where the server lives', async () => {
      expect(await unknown({ [live(1)]: [row()], ...details(1) })).toEqual([
        { place: 'database of cell1', why: 'refused' },
      ]);
    });
    test('of any cell, for a server that is not scheduled yet', async () => {
      expect(await unknown({ [REQUEST]: [{ id: 7, instance: null }] })).toHaveLength(1);
    });
    test('of any cell, when every compute host is looked at', async () => {
      expect(await unknown({})).toHaveLength(1);
      expect(await unknown({ [live(2)]: [row()], ...details(2) }, { allHosts: true })).toHaveLength(1);
    });
    test('another cell does not matter', async () => {
      expect(await unknown({ [live(2)]: [row()], ...details(2) })).toEqual([]);
    });
    test('nor does its own, once the row is deleted and names its host', async () => {
      expect(await unknown({ [live(1)]: [row({ deleted: 42 })], ...details(1) })).toEqual([]);
    });
  });
});

describe('hosts that Neutron and Cinder add', () => {
  const PORTS = `network /v2.0/ports?device_id=${SERVER}`;
  const HELD = `volume /attachments/detail?all_tenants=1&instance_id=${SERVER}`;
  const widen = async (http: Parameters<typeof fakeReader>[0]['http']) => {
    const sql = {
      [live(1)]: [row()],
      ...details(1),
      [services(1)]: [service('compute1'), service('compute2')],
    };
    const look = fakeReader({
      http: { [HELD]: { body: { attachments: [] } }, ...http },
      sql: { [MAPPING]: [], [REQUEST]: [], ...NOWHERE, ...sql },
    });
    const narrow = await findSubject(look, SERVER, OPTIONS);
    return { narrow, wide: await widenHosts(look, narrow, OPTIONS) };
  };
  const port = (host: unknown) => ({ id: PORT, 'binding:host_id': host });

  test('a port bound elsewhere', async () => {
    const { wide } = await widen({ [PORTS]: { body: { ports: [port('compute2')] } } });
    expect(wide.hosts.map(({ name, because }) => [name, because])).toEqual([
      ['compute1', ['instances.host']],
      ['compute2', ['port aaaaaaaa is bound there']],
    ]);
    expect(wide.hosts[1]?.service?.up).toBe(true);
  });
  test.each(['compute1', '', null, undefined, 7])('nothing new from a port bound to %j', async (host) => {
    const { narrow, wide } = await widen({ [PORTS]: { body: { ports: [port(host)] } } });
    expect(wide.hosts).toBe(narrow.hosts);
  });
  test('a volume attached elsewhere', async () => {
    const holder = { attachment_id: 'a1', server_id: SERVER, host_name: 'compute2' };
    const { wide } = await widen({
      [PORTS]: { body: { ports: [] } },
      [HELD]: {
        body: { attachments: [{ id: 'a1', instance: SERVER, volume_id: 'v1', status: 'attached' }] },
      },
      'volume /volumes/v1': { body: { volume: { id: 'v1', status: 'in-use', attachments: [holder] } } },
    });
    expect(wide.hosts[1]).toMatchObject({ name: 'compute2', because: ['volume v1 is attached there'] });
  });
  test('a Cinder that cannot be asked is for the volumes to report', async () => {
    const down = new LookError('Cinder', 'down', { code: 'api-503' });
    const { narrow, wide } = await widen({ [PORTS]: { body: { ports: [] } }, [HELD]: down });
    expect(wide.hosts).toBe(narrow.hosts);
  });
  test('a Neutron that cannot be asked is for the ports to report', async () => {
    const { narrow, wide } = await widen({ [PORTS]: new LookError('Neutron', 'down', { code: 'api-503' }) });
    expect(wide.hosts).toBe(narrow.hosts);
  });
});

describe('from what was typed to one server', () => {
  const named = (n: number, name: string) =>
    `cell:c${n}: select uuid, display_name, vm_state, task_state from instances where display_name = ${JSON.stringify(name)} and deleted = 0`;
  const gone = (n: number, name: string) =>
    `cell:c${n}: select uuid, display_name, deleted_at from instances where display_name = ${JSON.stringify(name)} and deleted != 0 order by id desc limit 20`;
  const REQUESTS = 'api: select * from build_requests';
  const request = (uuid: string, name: string) => ({
    instance_uuid: uuid,
    instance: JSON.stringify({ 'nova_object.data': { display_name: name } }),
  });
  const server = (uuid: string, name: string, changes: Row = {}): Row => ({
    uuid,
    display_name: name,
    vm_state: 'active',
    task_state: null,
    ...changes,
  });

  function resolve(typed: string, sql: Answers = {}, name = typed.trim()): Promise<string> {
    const none = Object.fromEntries(
      CELLS.flatMap((_, n) => [named(n, name), gone(n, name)].map((q) => [q, []])),
    );
    return resolveServer(fakeReader({ sql: { [REQUESTS]: [], ...none, ...sql } }), CELLS, typed);
  }
  const refusal = async (typed: string, sql: Answers = {}, name?: string): Promise<UsageError> => {
    const error = await resolve(typed, sql, name).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UsageError);
    return error as UsageError;
  };

  test('a name that one server bears', async () => {
    expect(await resolve('web', { [named(1, 'web')]: [server(SERVER, 'web')] })).toBe(SERVER);
    expect(await resolve('  web ', { [named(1, 'web')]: [server(SERVER, 'web')] })).toBe(SERVER);
  });
  test('a name that only a build request bears', async () => {
    expect(await resolve('web', { [REQUESTS]: [request(SERVER, 'web'), request(OTHER, 'db')] })).toBe(SERVER);
  });
  test('one server in its cell and in its build request is one server', async () => {
    const sql = { [named(1, 'web')]: [server(SERVER, 'web')], [REQUESTS]: [request(SERVER, 'web')] };
    expect(await resolve('web', sql)).toBe(SERVER);
  });
  test('a uuid, in any case of letters, known or not', async () => {
    expect(await resolve(SERVER)).toBe(SERVER);
    const upper = 'AAAAAAAA-2222-4333-8444-555555555555';
    expect(await resolve(upper)).toBe(upper.toLowerCase());
  });
  test('a uuid that is also the name of that same server', async () => {
    expect(await resolve(SERVER, { [named(1, SERVER)]: [server(SERVER, SERVER)] })).toBe(SERVER);
  });
  test('uuid: says what is meant, and nothing is asked', async () => {
    expect(await resolveServer(fakeReader({}), CELLS, `uuid:${SERVER}`)).toBe(SERVER);
  });

  test('a name that two servers bear: both are told', async () => {
    const error = await refusal('web', {
      [named(1, 'web')]: [server(SERVER, 'web', { task_state: 'deleting' })],
      [named(2, 'web')]: [server(OTHER, 'web')],
    });
    expect(error).toMatchObject({ code: 'name-not-unique', exitCode: 2 });
    expect(error.message).toBe(
      `2 servers are called "web": ${SERVER} (cell1, deleting), ${OTHER} (cell2, active)`,
    );
  });
  test('many of them: the first five and how many more', async () => {
    const many = Array.from({ length: 7 }, (_, i) => server(`${i}`, 'web'));
    expect((await refusal('web', { [named(1, 'web')]: many })).message).toMatch(
      /^7 servers .*4 \(cell1, active\), and 2 more$/,
    );
  });
  test("a name that is another server's uuid", async () => {
    const error = await refusal(SERVER, { [named(1, SERVER)]: [server(OTHER, SERVER)] });
    expect(error).toMatchObject({ code: 'name-is-a-uuid', hint: expect.stringContaining(`uuid:${SERVER}`) });
    expect(error.message).toContain(OTHER);
  });
  test('a name is meant to the letter, whatever the column’s collation finds', async () => {
    const sql = { [named(1, 'web')]: [server(OTHER, 'Web'), server(OTHER, 'wéb')] };
    expect((await refusal('web', sql)).code).toBe('no-such-server');
    const both = { [named(1, 'web')]: [server(OTHER, 'WEB'), server(SERVER, 'web')] };
    expect(await resolve('web', both)).toBe(SERVER);
  });
  test('nobody: where was looked, and who bore the name', async () => {
    const error = await refusal('web', {
      [gone(1, 'web')]: [
        { uuid: SERVER, display_name: 'web', deleted_at: '2026-01-01 00:00:00' },
        { uuid: OTHER, display_name: 'WEB', deleted_at: null },
      ],
    });
    expect(error.message).toBe(
      'no live server is called "web": looked at build requests and cell0, cell1, cell2',
    );
    expect(error.hint).toBe(
      `deleted servers of that name: ${SERVER} (deleted 2026-01-01 00:00:00); a deleted one is named by its uuid`,
    );
  });
  test('nobody at all: how servers are named', async () => {
    expect((await refusal('web')).hint).toContain('whole uuid');
  });
  test.each([
    ['', 'server-empty'],
    ['   ', 'server-empty'],
    ['uuid:', 'server-empty'],
    ['uuid:web', 'uuid-invalid'],
    ['uuid:11111111-2222-4333-8444-55555555555', 'uuid-invalid'],
    ['11111111222243338444555555555555', 'uuid-invalid'],
    ['11111111-2222-4333-8444-5555555555551', 'uuid-invalid'],
    ["web' or 1=1 --", 'no-such-server'],
    ['%', 'no-such-server'],
  ])('%j is refused: %s', async (typed, code) => {
    expect((await refusal(typed)).code).toBe(code);
  });
  test('a cell that cannot be asked ends it: the name may be there', async () => {
    await expect(resolve('web', { [named(1, 'web')]: DOWN })).rejects.toBe(DOWN);
  });
});

const VIF = {
  portId: PORT,
  type: 'ovs',
  devname: 'tapaaaaaaaa-0',
  bridge: 'br-int',
  hybrid: true,
  vnicType: 'normal',
  preserveOnDelete: true,
};

describe('what an earlier run wrote down', () => {
  const known: Traces = {
    name: 'former',
    projectId: 'p0',
    domainName: 'instance-00000007',
    hosts: ['compute2'],
    portIds: [PORT],
    vifs: [VIF],
    volumes: [
      {
        rowId: 7,
        volumeId: 'bbbbbbbb-0000-4000-8000-000000000001',
        bootIndex: null,
        connection: { type: 'local', devicePath: null, multipathId: null, encrypted: false },
        connector: null,
        sizeGb: null,
        attachmentId: null,
        deleteOnTermination: true,
        deleted: false,
        deletedAt: null,
      },
    ],
  };

  test('is all that is known when no database knows the server any more', async () => {
    const { subject } = find({}, { known });
    expect(await subject).toMatchObject({
      name: 'former',
      projectId: 'p0',
      domainName: 'instance-00000007',
      hosts: [{ name: 'compute2', because: ['an earlier run looked there'] }],
      portIds: [PORT],
      vifs: [VIF],
      // Nothing of it stands in a live row.
      volumes: [{ ...known.volumes[0], deleted: true }],
    });
  });

  test('is added to what the databases know, which counts first', async () => {
    const { subject } = find({ [live(1)]: [row()], ...details(1) }, { known });
    expect(await subject).toMatchObject({
      name: 'web-1',
      projectId: 'p1',
      domainName: 'instance-0000002a',
      hosts: [{ name: 'compute1' }, { name: 'compute2' }],
    });
  });
});

describe('traces in a plan', () => {
  const of = subjectOf({
    vifs: [{ ...VIF, mac: 'fa:16:3e:00:00:01' }],
    portIds: ['cccccccc-0000-4000-8000-000000000002', PORT],
    volumes: [
      {
        rowId: 7,
        volumeId: 'bbbbbbbb-0000-4000-8000-000000000001',
        bootIndex: 0,
        connection: {
          type: 'iscsi',
          devicePath: '/dev/sdb',
          multipathId: null,
          encrypted: false,
          paths: [{ portal: '10.0.0.1:3260', iqn: 'iqn.2026-01.lab:x', lun: 1 }],
        },
        connector: null,
        sizeGb: null,
        attachmentId: null,
        deleteOnTermination: false,
        deleted: true,
        deletedAt: null,
      },
    ],
  });

  test('are read back as they were written; the order of ports does not count', () => {
    const written = JSON.parse(JSON.stringify(writeTraces(of)));
    expect(readTraces(written)).toEqual({
      name: 'web-1',
      projectId: 'p1',
      domainName: 'instance-0000002a',
      hosts: ['compute1'],
      portIds: [PORT, 'cccccccc-0000-4000-8000-000000000002'],
      vifs: of.vifs,
      volumes: of.volumes,
    });
  });
  test('of another version are not guessed at', () => {
    expect(readTraces({ hosts: 'compute1' })).toBeNull();
  });
  test('of several runs: the newest first, and what only older ones know', () => {
    const newer = readTraces(writeTraces(subjectOf({ domainName: null, portIds: [] })));
    const older = readTraces(writeTraces(of));
    if (newer === null || older === null) throw new Error('not read back');
    expect(mergeTraces([{ ...newer, hosts: ['compute9'] }, older])).toMatchObject({
      domainName: 'instance-0000002a',
      hosts: ['compute9', 'compute1'],
      portIds: older.portIds,
      volumes: older.volumes,
    });
    expect(mergeTraces([])).toBeNull();
  });
});
