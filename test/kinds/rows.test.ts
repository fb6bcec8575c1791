import { describe, expect, test } from 'vitest';
import type { PciDevice, RowFacts } from '../../src/kinds/rows/find.ts';
import { rows } from '../../src/kinds/rows/index.ts';
import { CHILD_TABLES, takes } from '../../src/kinds/rows/tables.ts';
import type { Era, InstanceRow, Subject } from '../../src/kinds/subject/subject.ts';
import type { SqlWrite, Step } from '../../src/plan/types.ts';
import type { Row } from '../../src/site/reader.ts';
import { renderWrite } from '../../src/site/sql/render.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { decisions, instanceRow, subject } from '../support/subjects.ts';

const SERVER = '11111111-2222-4333-8444-555555555555';
const ZED: Era = { atLeast: 26, below: 28 };
const NOW = 'utc_timestamp()';

/** Columns of `instances` that matter here, in Zed. */
const COLUMNS = new Set(['id', 'uuid', 'progress', 'cleaned', 'hidden', 'power_state']);

type Count = readonly [live: number, undated?: number];

function facts(counts: Readonly<Record<string, Count>> = {}, changes: Partial<RowFacts> = {}): RowFacts {
  return {
    database: 'cell:c1',
    cellName: 'cell1',
    columns: COLUMNS,
    children: CHILD_TABLES.filter((child) => takes(child, ZED)).map((child) => ({
      ...child,
      live: counts[child.table]?.[0] ?? 0,
      undated: counts[child.table]?.[1] ?? 0,
    })),
    pci: [],
    progress: 0,
    ...changes,
  };
}

function planFor(of: RowFacts | null, changes: Partial<Subject> = {}) {
  return rows.plan(of, subject({ era: ZED, ...changes }), decisions());
}

function onlyStep(of: RowFacts, changes: Partial<Subject> = {}): Step & { writes: readonly SqlWrite[] } {
  const [step, ...others] = planFor(of, changes).steps;
  expect(others).toEqual([]);
  if (step?.act.door !== 'sql') throw new Error('no step on the sql door');
  return { kind: 'rows', needs: [], ...step, writes: step.act.writes } as Step & { writes: SqlWrite[] };
}

/** As it goes to the database, with the parameters in place; the number of rows that it must touch in front. */
function sent(writes: readonly SqlWrite[]): string[] {
  return writes.map((write) => {
    const { sql, parameters } = renderWrite(write);
    let next = 0;
    const text = sql.replaceAll('`', '').replaceAll('?', () => JSON.stringify(parameters[next++]));
    return `${write.verb === 'insert' ? 1 : write.rows}: ${text}`;
  });
}

const asSeen = (row: InstanceRow) =>
  `id = 42 and uuid = "${SERVER}" and deleted = ${row.deleted} and ` +
  [
    ['host', row.host],
    ['vm_state', row.vmState],
    ['task_state', row.taskState],
  ]
    .map(([column, value]) => (value === null ? `${column} is null` : `${column} = "${value}"`))
    .join(' and ');

describe('a live row, stuck in deleting on its host, with Zed columns', () => {
  const step = onlyStep(
    facts(
      {
        instance_info_caches: [1],
        instance_system_metadata: [5],
        block_device_mapping: [1],
        instance_extra: [1],
        instance_id_mappings: [1],
        tags: [2],
        console_auth_tokens: [1],
        virtual_interfaces: [2],
      },
      { progress: 50 },
    ),
  );

  test('exactly what Nova would write, its own row first, each with its count', () => {
    expect(sent(step.writes)).toEqual([
      `1: update instances set vm_state = "deleted", task_state = null, power_state = 0, terminated_at = ${NOW}, deleted_at = ${NOW}, deleted = id, progress = 0, cleaned = 1, updated_at = ${NOW} where ${asSeen(instanceRow())}`,
      `1: insert into instance_system_metadata (created_at, instance_uuid, key, value, deleted) values (${NOW}, "${SERVER}", "clean_attempts", "1", 0)`,
      `1: update instance_info_caches set deleted = id, deleted_at = ${NOW}, network_info = "[]" where instance_uuid = "${SERVER}" and deleted = 0`,
      `1: update instance_extra set deleted = id, deleted_at = ${NOW} where instance_uuid = "${SERVER}" and deleted = 0`,
      // Five that were there and the one that was just put in.
      `6: update instance_system_metadata set deleted = id, deleted_at = ${NOW} where instance_uuid = "${SERVER}" and deleted = 0`,
      `1: update block_device_mapping set deleted = id, deleted_at = ${NOW} where instance_uuid = "${SERVER}" and deleted = 0`,
      `2: update virtual_interfaces set deleted = id, deleted_at = ${NOW} where instance_uuid = "${SERVER}" and deleted = 0`,
      `1: update instance_id_mappings set deleted = id, deleted_at = ${NOW} where uuid = "${SERVER}" and deleted = 0`,
      `2: delete from tags where resource_id = "${SERVER}"`,
      `1: delete from console_auth_tokens where instance_uuid = "${SERVER}"`,
    ]);
  });

  test('only while the row is the one that was planned for', () => {
    expect(step.guards).toEqual([
      {
        must: "row 42 is still this server's, in the state that the plan was made for",
        check: {
          door: 'sql',
          database: 'cell:c1',
          table: 'instances',
          count: 1,
          where: [
            { column: 'id', is: '=', value: 42 },
            { column: 'uuid', is: '=', value: SERVER },
            { column: 'deleted', is: '=', value: 0 },
            { column: 'host', is: '=', value: 'compute1' },
            { column: 'vm_state', is: '=', value: 'active' },
            { column: 'task_state', is: '=', value: 'deleting' },
          ],
        },
      },
    ]);
  });

  test('done when the row is as Nova leaves it', () => {
    expect(step.settled).toEqual({
      door: 'sql',
      database: 'cell:c1',
      table: 'instances',
      count: 1,
      where: [
        { column: 'id', is: '=', value: 42 },
        { column: 'deleted', is: '=', value: 42 },
        { column: 'vm_state', is: '=', value: 'deleted' },
        { column: 'task_state', is: 'null' },
        { column: 'deleted_at', is: 'not null' },
        { column: 'terminated_at', is: 'not null' },
        { column: 'cleaned', is: '=', value: 1 },
        { column: 'power_state', is: '=', value: 0 },
      ],
    });
  });

  test('every row that changes is saved first, and it is the last phase but quota and mapping', () => {
    expect(step.before.map((image) => (image.door === 'sql' ? image.table : image.door))).toEqual([
      'instances',
      'instance_info_caches',
      'instance_extra',
      'instance_system_metadata',
      'block_device_mapping',
      'virtual_interfaces',
      'instance_id_mappings',
      'tags',
      'console_auth_tokens',
    ]);
    expect(step).toMatchObject({ phase: 'rows', undo: 'before-image', place: 'database of cell1' });
  });
});

describe("what the row is, and what of it is Nova's to change", () => {
  const set = (changes: Partial<InstanceRow>, of: Partial<RowFacts> = {}, era: Era = ZED) => {
    const [write] = onlyStep(facts({}, of), { row: instanceRow(changes), era }).writes;
    return write?.verb === 'update' && write.table === 'instances' ? write.set : null;
  };

  test('on no host: neither cleaned nor power_state, and no clean_attempts', () => {
    const step = onlyStep(facts({ instance_system_metadata: [2] }), { row: instanceRow({ host: null }) });
    expect(sent(step.writes)).toEqual([
      `1: update instances set vm_state = "deleted", task_state = null, terminated_at = ${NOW}, deleted_at = ${NOW}, deleted = id, updated_at = ${NOW} where ${asSeen(instanceRow({ host: null }))}`,
      `2: update instance_system_metadata set deleted = id, deleted_at = ${NOW} where instance_uuid = "${SERVER}" and deleted = 0`,
    ]);
  });
  test('cleaned already: no clean_attempts', () => {
    expect(onlyStep(facts(), { row: instanceRow({ cleaned: true }) }).writes).toHaveLength(1);
    expect(set({ cleaned: true })).not.toHaveProperty('cleaned');
  });
  test('attempts counted by Nova already: not put in again', () => {
    const step = onlyStep(facts({ instance_system_metadata: [3] }), {
      systemMetadata: new Map([['clean_attempts', '2']]),
    });
    expect(step.writes.map(({ verb }) => verb)).toEqual(['update', 'update']);
    expect(sent(step.writes)[1]).toMatch(/^3: /);
  });
  test('power_state is left before Kilo', () => {
    expect(set({}, {}, { atLeast: 10, below: 11 })).not.toHaveProperty('power_state');
    expect(set({}, {}, { atLeast: 11, below: 12 })).toMatchObject({ power_state: 0 });
    expect(set({ powerState: 0 })).not.toHaveProperty('power_state');
  });
  test('columns that the release lacks are not written', () => {
    expect(set({}, { columns: new Set(['id', 'uuid']), progress: null })).not.toHaveProperty('progress');
    expect(set({}, { columns: new Set(['id', 'uuid', 'progress']) })).not.toHaveProperty('cleaned');
  });
});

describe('a row that was deleted by hand, without deleted_at and terminated_at', () => {
  const byHand = instanceRow({
    vmState: 'deleted',
    taskState: null,
    powerState: 0,
    cleaned: true,
    deleted: 42,
  });

  test('gets them; updated_at stays as a soft delete leaves it', () => {
    const step = onlyStep(facts({ instance_faults: [0, 2], instance_metadata: [1, 3] }), { row: byHand });
    expect(sent(step.writes)).toEqual([
      `1: update instances set terminated_at = ${NOW}, deleted_at = ${NOW} where ${asSeen(byHand)}`,
      `3: update instance_metadata set deleted_at = ${NOW} where instance_uuid = "${SERVER}" and deleted <> 0 and deleted_at is null`,
      `1: update instance_metadata set deleted = id, deleted_at = ${NOW} where instance_uuid = "${SERVER}" and deleted = 0`,
      `2: update instance_faults set deleted_at = ${NOW} where instance_uuid = "${SERVER}" and deleted <> 0 and deleted_at is null`,
    ]);
    expect(step.settled).toMatchObject({ table: 'instances', count: 1 });
  });

  test('deleted = 1, as gists have it, becomes its own id', () => {
    const one = {
      ...byHand,
      deleted: 1,
      deletedAt: '2020-01-01 00:00:00',
      terminatedAt: '2020-01-01 00:00:00',
    };
    expect(sent(onlyStep(facts(), { row: one }).writes)).toEqual([
      `1: update instances set deleted = id where ${asSeen(one)}`,
    ]);
  });

  test('says what it lacks', () => {
    expect(planFor(facts(), { row: byHand }).remains).toEqual([
      {
        place: 'database of cell1',
        what: 'deleted row in instances, not as Nova leaves it: terminated_at, deleted_at',
      },
    ]);
  });
});

describe('a row that Nova deleted whole', () => {
  const done = instanceRow({
    vmState: 'deleted',
    taskState: null,
    powerState: 0,
    cleaned: true,
    deleted: 42,
    deletedAt: '2026-11-03 10:00:00',
    terminatedAt: '2026-11-03 10:00:00',
  });

  test('nothing to do', () => {
    expect(planFor(facts(), { row: done })).toEqual({ steps: [], remains: [], refusals: [], kept: [] });
  });
  test('children that live on are deleted; done when none is left', () => {
    const step = onlyStep(facts({ block_device_mapping: [2] }), { row: done });
    expect(sent(step.writes)).toEqual([
      `2: update block_device_mapping set deleted = id, deleted_at = ${NOW} where instance_uuid = "${SERVER}" and deleted = 0`,
    ]);
    expect(step.settled).toMatchObject({ table: 'block_device_mapping', count: 0 });
    expect(step.guards[0]?.check).toMatchObject({ table: 'instances', count: 1 });
  });
});

test('children without any row of the server', () => {
  const step = onlyStep(facts({ tags: [1] }), { row: null });
  expect(sent(step.writes)).toEqual([`1: delete from tags where resource_id = "${SERVER}"`]);
  expect(step.guards).toEqual([]);
  expect(step.settled).toEqual({
    door: 'sql',
    database: 'cell:c1',
    table: 'tags',
    where: [{ column: 'resource_id', is: '=', value: SERVER }],
    count: 0,
  });
});

test('no cell: nothing', () => {
  expect(planFor(null).steps).toEqual([]);
});

describe('PCI devices', () => {
  const device = (changes: Partial<PciDevice> = {}): PciDevice => ({
    id: 7,
    address: '0000:81:00.1',
    devType: 'type-VF',
    status: 'allocated',
    nodeId: 1,
    parentAddress: '0000:81:00.0',
    follows: [],
    ...changes,
  });
  const freed = (pci: readonly PciDevice[]) => sent(onlyStep(facts({}, { pci }), { row: null }).writes);

  test('a device is freed, and what follows from it with its status as it was seen', () => {
    expect(freed([device({ follows: [{ id: 1, status: 'unavailable' }] })])).toEqual([
      `1: update pci_devices set status = "available", instance_uuid = null, request_id = null, updated_at = ${NOW} where id = 7 and instance_uuid = "${SERVER}"`,
      `1: update pci_devices set status = "available", updated_at = ${NOW} where id = 1 and status = "unavailable"`,
    ]);
  });
  test('two VFs of one PF free it once: the second time it would touch no row', () => {
    const follows = [{ id: 1, status: 'unavailable' }];
    const writes = freed([device({ follows }), device({ id: 8, follows })]);
    expect(writes.filter((w) => w.includes('where id = 1 '))).toHaveLength(1);
    expect(writes).toHaveLength(3);
  });
  test('each is saved once', () => {
    const follows = [{ id: 1, status: 'unavailable' }];
    const step = onlyStep(facts({}, { pci: [device({ follows }), device({ id: 8, follows })] }), {
      row: null,
    });
    expect(step.before.filter((b) => b.door === 'sql' && b.table === 'pci_devices')).toEqual([
      {
        door: 'sql',
        database: 'cell:c1',
        table: 'pci_devices',
        where: [{ column: 'id', is: 'in', value: [7, 1, 8] }],
      },
    ]);
  });
});

describe('what is found', () => {
  const ZED_SCHEMA: Readonly<Record<string, readonly string[]>> = {
    instances: ['id', 'uuid', 'progress', 'cleaned', 'hidden'],
    instance_metadata: ['id', 'instance_uuid', 'deleted', 'deleted_at'],
    tags: ['tag', 'resource_id'],
    // Zed's code knows no share_mapping; and a table without the key column is another table.
    share_mapping: ['id', 'instance_uuid'],
    migrations: ['id', 'deleted'],
    pci_devices: ['id', 'instance_uuid'],
  };
  const CHILDREN = `cell:c1: select "instance_metadata" as source, deleted as deleted, deleted_at as deleted_at from instance_metadata where instance_uuid = "${SERVER}" union all select "tags" as source, 0 as deleted, null as deleted_at from tags where resource_id = "${SERVER}"`;
  const INSTANCE = `cell:c1: select * from instances where uuid = "${SERVER}"`;
  const OWN = `cell:c1: select * from pci_devices where instance_uuid = "${SERVER}" and deleted = 0`;
  const FAMILY = 'cell:c1: select * from pci_devices where compute_node_id in (1) and deleted = 0';

  const find = (sql: Readonly<Record<string, readonly Row[]>>, changes: Partial<Subject> = {}) =>
    rows.find(
      fakeReader({
        columns: { 'cell:c1': ZED_SCHEMA },
        sql: { [CHILDREN]: [], [INSTANCE]: [{ id: 42, progress: 3 }], [OWN]: [], ...sql },
      }),
      subject({ era: ZED, ...changes }),
    );

  test('rows are counted as living, and as deleted without a date', async () => {
    const { facts: found } = await find({
      [CHILDREN]: [
        { source: 'instance_metadata', deleted: 0, deleted_at: null },
        { source: 'instance_metadata', deleted: 5, deleted_at: null },
        { source: 'instance_metadata', deleted: 6, deleted_at: '2026-11-02 10:00:00' },
        { source: 'tags', deleted: 0, deleted_at: null },
      ],
    });
    expect(found?.children).toMatchObject([
      { table: 'instance_metadata', live: 1, undated: 1 },
      { table: 'tags', live: 1, undated: 0 },
    ]);
    expect(found).toMatchObject({ progress: 3, cellName: 'cell1', pci: [] });
  });

  test('an archived server, one in no cell, or one of no known release: nothing, and nothing is asked', async () => {
    for (const changes of [{ row: instanceRow({ archived: true }) }, { cell: null }, { era: null }])
      expect(await rows.find(fakeReader({}), subject(changes))).toEqual({ facts: null, unknown: [] });
  });

  describe('what follows a PCI device', () => {
    const own = (changes: Record<string, string | number | null> = {}) => ({
      id: 7,
      address: '0000:81:00.1',
      dev_type: 'type-VF',
      status: 'allocated',
      compute_node_id: 1,
      parent_addr: '0000:81:00.0',
      instance_uuid: SERVER,
      ...changes,
    });
    const pf = (changes: Record<string, string | number | null> = {}) =>
      own({
        id: 1,
        address: '0000:81:00.0',
        dev_type: 'type-PF',
        status: 'unavailable',
        parent_addr: null,
        instance_uuid: null,
        ...changes,
      });
    const follows = async (mine: readonly Row[], others: readonly Row[]) =>
      (await find({ [OWN]: mine, [FAMILY]: [...mine, ...others] })).facts?.pci.map((d) =>
        d.follows.map(({ id }) => id),
      );

    test('the PF of its last VF', async () => {
      expect(await follows([own()], [pf()])).toEqual([[1]]);
      expect(await follows([own()], [pf({ status: 'unclaimable' })])).toEqual([[1]]);
    });
    test('also when the other VF is the same server’s', async () => {
      expect(await follows([own(), own({ id: 8, address: '0000:81:00.2' })], [pf()])).toEqual([[1], [1]]);
    });
    test('not while another VF is in use', async () => {
      const busy = own({ id: 9, address: '0000:81:00.3', instance_uuid: 'another' });
      expect(await follows([own()], [pf(), busy])).toEqual([[]]);
      expect(await follows([own()], [pf(), { ...busy, status: 'available', instance_uuid: null }])).toEqual([
        [1],
      ]);
    });
    test('not a PF that is free, nor one of the same address on another node', async () => {
      expect(await follows([own()], [pf({ status: 'available' })])).toEqual([[]]);
      expect(await follows([own()], [pf({ compute_node_id: 2 })])).toEqual([[]]);
    });
    test('the VFs of a PF', async () => {
      const mine = pf({ status: 'allocated', instance_uuid: SERVER });
      const vf = (id: number, status: string, parent = '0000:81:00.0') =>
        own({ id, address: `0000:81:00.${id}`, status, parent_addr: parent, instance_uuid: null });
      expect(
        await follows(
          [mine],
          [vf(2, 'unavailable'), vf(3, 'available'), vf(4, 'unavailable', '0000:82:00.0')],
        ),
      ).toEqual([[2]]);
    });
    test('nothing of a plain device', async () => {
      expect(await follows([own({ dev_type: 'type-PCI', parent_addr: null })], [pf()])).toEqual([[]]);
    });
  });
});

/** facts 1.2, computed there over every final tag of Nova: S soft, H hard, - left alone. One letter per series below. */
const SERIES = [9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 26, 28, 31, 33] as const;
const TABLE: Readonly<Record<string, string>> = {
  //                                   9  10 11 12 13 14 15 16 17 18 19 20 26 28 31 33
  security_group_instance_association: 'S  S  S  S  S  S  S  S  S  S  S  S  S  S  S  S',
  instance_info_caches: 'S  S  S  S  S  S  S  S  S  S  S  S  S  S  S  S',
  instance_metadata: 'S  S  S  S  S  S  S  S  S  S  S  S  S  S  S  S',
  instance_faults: 'S  S  S  S  S  S  S  S  S  S  S  S  S  S  S  S',
  instance_extra: '-  S  S  S  S  S  S  S  S  S  S  S  S  S  S  S',
  instance_system_metadata: '-  -  -  S  S  S  S  S  S  S  S  S  S  S  S  S',
  tags: '-  -  -  H  H  H  H  H  H  H  H  H  H  H  H  H',
  instance_group_member: '-  -  -  -  S  S  S  S  S  -  -  -  -  -  -  -',
  block_device_mapping: 'S  S  S  S  S  S  S  S  S  S  S  S  S  S  S  S',
  migrations: '-  -  -  -  -  S  S  S  S  S  S  S  S  S  S  S',
  console_auth_tokens: '-  -  -  -  -  H  H  H  H  H  H  H  H  H  H  H',
  instance_id_mappings: '-  -  -  -  -  -  -  -  S  S  S  S  S  S  S  S',
  virtual_interfaces: 'S  S  S  S  S  S  S  S  S  S  S  S  S  S  S  S',
  share_mapping: '-  -  -  -  -  -  -  -  -  -  -  -  -  -  H  H',
  instance_actions: '-  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -',
  instance_actions_events: '-  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -',
  fixed_ips: '-  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -',
  request_specs: '-  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -',
};

describe("which tables each release's delete takes", () => {
  test.each(Object.entries(TABLE))('%s', (table, line) => {
    const child = CHILD_TABLES.find((c) => c.table === table);
    const letters = SERIES.map((series) => {
      if (child === undefined || !takes(child, { atLeast: series, below: series + 1 })) return '-';
      return child.how === 'soft' ? 'S' : 'H';
    });
    expect(letters.join('  ')).toBe(line);
  });
  test('no table is taken that is not in that list', () => {
    expect(CHILD_TABLES.map(({ table }) => table).filter((table) => !(table in TABLE))).toEqual([]);
  });
  test('of a range of releases the newest that may be counts', () => {
    const migrations = CHILD_TABLES.find(({ table }) => table === 'migrations');
    if (migrations === undefined) throw new Error('no migrations');
    expect(takes(migrations, { atLeast: 13, below: 14 })).toBe(false);
    expect(takes(migrations, { atLeast: 13, below: 15 })).toBe(true);
  });
});

describe('a server whose host is powered off', () => {
  const [at] = subject().hosts;
  if (at === undefined) throw new Error('no host');
  const off = { hosts: [{ ...at, fenced: { answers: null } }] };

  test('gets the row of a local delete by nova-api: its files are not gone, and nobody was at its host', () => {
    const { writes, settled } = onlyStep(facts({ instance_system_metadata: [5] }), off);
    const text = sent(writes).join('\n');
    expect(text).toContain('vm_state = "deleted"');
    expect(text).toContain('deleted = id');
    expect(text).not.toMatch(/cleaned|power_state|clean_attempts/);
    expect(JSON.stringify(settled)).not.toMatch(/cleaned|power_state/);
  });
  test('is done then, and is not when the host is back', () => {
    const row = instanceRow({
      deleted: 42,
      vmState: 'deleted',
      taskState: null,
      deletedAt: '2026-11-22 10:00:00',
      terminatedAt: '2026-11-22 10:00:00',
    });
    expect(planFor(facts(), { ...off, row }).steps).toEqual([]);
    const text = sent(onlyStep(facts(), { row }).writes).join('\n');
    expect(text).toMatch(/cleaned = 1/);
    expect(text).toMatch(/power_state = 0/);
    expect(text).toContain('clean_attempts');
  });
  test('another host of its own that is off changes nothing of that', () => {
    const other = { hosts: [at, { ...at, name: 'compute2', fenced: { answers: null } }] };
    expect(sent(onlyStep(facts(), other).writes).join('\n')).toMatch(/cleaned = 1/);
  });
});
