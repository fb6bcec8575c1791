import { describe, expect, test } from 'vitest';
import { quota } from '../../src/kinds/quota/index.ts';
import type { Era, Subject } from '../../src/kinds/subject/subject.ts';
import { LookError } from '../../src/plan/errors.ts';
import type { Row } from '../../src/site/reader.ts';
import { renderWrite } from '../../src/site/sql/render.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { decisions, instanceRow, subject } from '../support/subjects.ts';

const SERVER = '11111111-2222-4333-8444-555555555555';
const USAGES =
  'cell:c1: select id, user_id, resource, in_use from quota_usages where project_id = "p1" and resource in ("instances", "cores", "ram") and deleted = 0 order by id';
const SERVERS = `cell:c1: select user_id, vm_state, count(*) as instances, sum(vcpus) as cores, sum(memory_mb) as ram from instances where deleted = 0 and project_id = "p1" and uuid != "${SERVER}" group by user_id, vm_state`;
const OCATA: Era = { atLeast: 15, below: 16 };
const TABLE = { columns: { 'cell:c1': { quota_usages: ['id', 'in_use'] } } };

const usage = (id: number, resource: string, in_use: number, user_id: string | null = 'u1') => ({
  id,
  user_id,
  resource,
  in_use,
});
const servers = (vm_state: string | null, n: number, user_id: string | null = 'u1') => ({
  user_id,
  vm_state,
  instances: n,
  cores: String(n),
  ram: String(64 * n),
});

async function planFor(usages: readonly Row[], groups: readonly Row[], era: Era | null = OCATA) {
  const of = subject({ uuid: SERVER, era });
  const look = fakeReader({ ...TABLE, sql: { [USAGES]: usages, [SERVERS]: groups } });
  const { facts, unknown } = await quota.find(look, of);
  return { unknown, ...quota.plan(facts, of, decisions()) };
}

test('what does not agree once the server is gone is recounted, what agrees is left', async () => {
  const plan = await planFor(
    [usage(1, 'instances', 3), usage(2, 'cores', 2), usage(3, 'ram', 192)],
    [servers('active', 2)],
  );
  expect(plan.unknown).toEqual([]);
  expect(plan.remains.map(({ what }) => what)).toEqual([
    'instances in use 3, without this server 2',
    'ram in use 192, without this server 128',
  ]);
  const where = [
    { column: 'id', is: '=', value: 3 },
    { column: 'deleted', is: '=', value: 0 },
  ];
  expect(plan.steps[1]).toMatchObject({
    phase: 'quota',
    id: 'quota/cell:c1/3',
    place: 'database of cell1',
    guards: [],
    settled: {
      table: 'quota_usages',
      where: [...where, { column: 'in_use', is: '=', value: 128 }],
      count: 1,
    },
    before: [{ table: 'quota_usages', where }],
    undo: 'before-image',
  });
});

test('the database counts, in the transaction; limits and reservations are never written', async () => {
  const plan = await planFor([usage(1, 'instances', 3), usage(3, 'ram', 192)], [servers('active', 2)]);
  const writes = plan.steps.flatMap(({ act }) => (act.door === 'sql' ? act.writes : []));
  expect(writes.map(({ table }) => table)).toEqual(['quota_usages', 'quota_usages']);
  expect(writes.map((write) => renderWrite(write).sql)).toEqual([
    'update `quota_usages` set `in_use` = (select count(*) from `instances` where `deleted` = ? and `project_id` = ? and `user_id` = ? and `vm_state` <> ?), `updated_at` = utc_timestamp() where `id` = ? and `deleted` = ?',
    'update `quota_usages` set `in_use` = (select coalesce(sum(`memory_mb`), 0) from `instances` where `deleted` = ? and `project_id` = ? and `user_id` = ? and `vm_state` <> ?), `updated_at` = utc_timestamp() where `id` = ? and `deleted` = ?',
  ]);
  expect(writes.every((write) => write.verb === 'update' && write.rows === 1)).toBe(true);
});

test.each([{ projectId: null }, { userId: null }])(
  'a row of nobody (%j) counts towards nothing',
  async (nobody) => {
    const of = subject({ uuid: SERVER, era: OCATA, row: instanceRow(nobody) });
    expect(await quota.find(fakeReader(TABLE), of)).toEqual({ facts: { wrong: [] }, unknown: [] });
  },
);

test('servers in soft-delete have given their quota back', async () => {
  const plan = await planFor([usage(1, 'instances', 3)], [servers('active', 1), servers('soft-delete', 1)]);
  expect(plan.remains.map(({ what }) => what)).toEqual(['instances in use 3, without this server 1']);
});

test('the last server of an owner leaves nothing in use', async () => {
  expect((await planFor([usage(2, 'cores', 1)], [])).steps).toMatchObject([
    { title: 'recount cores in use: 1 → 0' },
  ]);
});

test('another owner’s row of the same project is a bystander', async () => {
  const plan = await planFor(
    [usage(1, 'instances', 99, 'u2'), usage(2, 'instances', 1)],
    [servers('active', 1), servers('active', 4, 'u2')],
  );
  expect(plan.steps).toEqual([]);
});

describe('a row without a user', () => {
  test('stands for the whole project', async () => {
    const plan = await planFor(
      [usage(1, 'instances', 6, null)],
      [servers('active', 1), servers('active', 4, 'u2')],
    );
    expect(plan.remains.map(({ what }) => what)).toEqual(['instances in use 6, without this server 5']);
    expect(JSON.stringify(plan.steps[0]?.act)).not.toContain('user_id');
  });

  test('also when another resource has rows per user', async () => {
    const plan = await planFor(
      [usage(1, 'cores', 6, null), usage(2, 'instances', 1)],
      [servers('active', 1)],
    );
    expect(plan.remains.map(({ what }) => what)).toEqual(['cores in use 6, without this server 1']);
  });

  test('is left when there are rows per user', async () => {
    const plan = await planFor(
      [usage(1, 'instances', 6, null), usage(2, 'instances', 1)],
      [servers('active', 1)],
    );
    expect(plan.steps).toEqual([]);
  });
});

describe('where the table is not what Nova counts by', () => {
  test('Pike and later: nothing is asked', async () => {
    const of = subject({ uuid: SERVER, era: { atLeast: 16, below: 17 } });
    expect(await quota.find(fakeReader({}), of)).toEqual({ facts: { wrong: [] }, unknown: [] });
    const wrong = {
      ...TABLE,
      sql: { [USAGES]: [usage(1, 'instances', 3)], [SERVERS]: [servers('active', 1)] },
    };
    expect(await quota.find(fakeReader(wrong), of)).toEqual({ facts: { wrong: [] }, unknown: [] });
  });

  test('no such table, no cell or no row: nothing', async () => {
    const empty = { facts: { wrong: [] }, unknown: [] };
    expect(await quota.find(fakeReader({}), subject({ uuid: SERVER, era: OCATA }))).toEqual(empty);
    expect(await quota.find(fakeReader({}), subject({ uuid: SERVER, era: OCATA, cell: null }))).toEqual(
      empty,
    );
    expect(await quota.find(fakeReader({}), subject({ uuid: SERVER, era: OCATA, row: null }))).toEqual(empty);
  });

  test.each([null, { atLeast: 14, below: 18 }])(
    'a release that is not known (%j): nothing if it agrees, unknown if it does not',
    async (era) => {
      expect((await planFor([], [], era)).unknown).toEqual([]);
      const plan = await planFor([usage(1, 'instances', 3)], [servers('active', 1)], era);
      expect(plan.steps).toEqual([]);
      expect(plan.unknown).toMatchObject([{ place: 'database of cell1' }]);
    },
  );
});

test('a server that no host took is counted where nothing leads: told', async () => {
  const cell0 = { uuid: 'c1', name: 'cell0', database: 'cell:c1', isCell0: true };
  const told = (changes: Partial<Subject>) =>
    quota.plan({ wrong: [] }, subject({ era: OCATA, cell: cell0, ...changes }), decisions()).kept;
  expect(told({})).toEqual([
    {
      place: 'quota_usages',
      what: 'what this server counts in the quota of project p1',
      why: expect.stringContaining('quota_usage_refresh'),
    },
  ]);
  expect(told({ era: { atLeast: 16, below: 17 } })).toEqual([]);
  expect(told({ cell: { ...cell0, isCell0: false } })).toEqual([]);
});

test('a server without vm_state cannot be counted: unknown', async () => {
  const plan = await planFor([usage(1, 'instances', 3)], [servers(null, 1)]);
  expect(plan.steps).toEqual([]);
  expect(plan.unknown).toMatchObject([{ place: 'database of cell1' }]);
});

test('a database that does not answer is unknown', async () => {
  const down = new LookError('database of cell1', 'connection refused', { code: 'sql-unreachable' });
  const look = fakeReader({ ...TABLE, sql: { [USAGES]: down, [SERVERS]: [] } });
  const found = await quota.find(look, subject({ uuid: SERVER, era: OCATA }));
  expect(found.unknown).toEqual([{ place: 'database of cell1', why: 'connection refused' }]);
});
