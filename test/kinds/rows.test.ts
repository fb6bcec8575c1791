import { describe, expect, test } from 'vitest';
import type { RowFacts } from '../../src/kinds/rows/find.ts';
import type { Era, InstanceRow } from '../../src/kinds/subject/subject.ts';
import { PlanError } from '../../src/plan/errors.ts';
import { instanceRow, subject } from '../support/subjects.ts';
import { asSeen, facts, NOW, onlyStep, planFor, SERVER, sent, ZED } from './rows-samples.ts';

const place = 'database of cell1';

/** All of the server's rows in a table, as they are saved before. */
function saved(table: string, key = 'instance_uuid') {
  return { door: 'sql', database: 'cell:c1', table, where: [{ column: key, is: '=', value: SERVER }] };
}

describe('a live row, stuck in deleting on its host, with Zed columns', () => {
  const found = facts(
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
  );
  const step = onlyStep(found);

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
    expect(step.before).toEqual([
      saved('instances', 'uuid'),
      saved('instance_info_caches'),
      saved('instance_extra'),
      saved('instance_system_metadata'),
      saved('block_device_mapping'),
      saved('virtual_interfaces'),
      saved('instance_id_mappings', 'uuid'),
      saved('tags', 'resource_id'),
      saved('console_auth_tokens'),
    ]);
    expect(step).toMatchObject({ phase: 'rows', undo: 'before-image', place });
  });

  test('a table that gets a row is saved too, though it has none yet', () => {
    expect(onlyStep(facts()).before).toEqual([saved('instances', 'uuid'), saved('instance_system_metadata')]);
  });

  test('what remains is the row, and how many others in how many tables', () => {
    const { remains, refusals, kept } = planFor(found);
    expect(remains).toEqual([
      { place, what: 'live row in instances: active, deleting' },
      { place, what: '14 rows of the server in 8 other tables' },
    ]);
    expect({ refusals, kept }).toEqual({ refusals: [], kept: [] });
  });

  test.each([
    ['a task', { vmState: 'error', taskState: 'spawning' }, 'error, spawning'],
    ['no task', { vmState: 'error', taskState: null }, 'error'],
    ['neither state nor task', { vmState: null, taskState: null }, 'no state'],
  ])('of a row with %s it says so', (_, changes, words) => {
    expect(planFor(facts(), { row: instanceRow(changes) }).remains).toEqual([
      { place, what: `live row in instances: ${words}` },
    ]);
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
  test('in soft delete: the day of that is not the day on which it is deleted', () => {
    const asked = { vmState: 'soft-delete', taskState: null, deletedAt: '2026-11-03 10:00:00' };
    expect(set(asked)).toMatchObject({ deleted: { column: 'id' }, deleted_at: { now: true } });
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

  const found = facts({ instance_faults: [0, 2], instance_metadata: [1, 3] }, { progress: 50 });

  test('gets them; updated_at and progress stay as they were when it was deleted', () => {
    const step = onlyStep(found, { row: byHand });
    expect(sent(step.writes)).toEqual([
      `1: update instances set terminated_at = ${NOW}, deleted_at = ${NOW} where ${asSeen(byHand)}`,
      `3: update instance_metadata set deleted_at = ${NOW} where instance_uuid = "${SERVER}" and deleted <> 0 and deleted_at is null`,
      `1: update instance_metadata set deleted = id, deleted_at = ${NOW} where instance_uuid = "${SERVER}" and deleted = 0`,
      `2: update instance_faults set deleted_at = ${NOW} where instance_uuid = "${SERVER}" and deleted <> 0 and deleted_at is null`,
    ]);
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
      ],
    });
  });

  test('is saved with the children that only lack their date', () => {
    expect(onlyStep(found, { row: byHand }).before).toEqual([
      saved('instances', 'uuid'),
      saved('instance_metadata'),
      saved('instance_faults'),
      saved('instance_system_metadata'),
    ]);
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

  test('says what it lacks; children without a date remain as well', () => {
    expect(planFor(found, { row: byHand }).remains).toEqual([
      { place, what: 'deleted row in instances, not as Nova leaves it: terminated_at, deleted_at' },
      { place, what: '6 rows of the server in 2 other tables' },
    ]);
  });
});

describe('what is in services that nobody asks is named as kept', () => {
  const systemMetadata = new Map([['vtpm_secret_uuid', '5ec7e7']]);
  const secret = { place: 'Barbican', what: 'secret 5ec7e7 of its TPM', why: expect.any(String) };

  test('the secret of its TPM, as long as Nova has not deleted it: after a purge too', () => {
    expect(planFor(facts(), { systemMetadata }).kept).toEqual([secret]);
    const purged = instanceRow({
      ...{ vmState: 'deleted', taskState: null, powerState: 0, cleaned: true, deleted: 42 },
      ...{ deletedAt: '2026-11-03 10:00:00', terminatedAt: '2026-11-03 10:00:00' },
    });
    expect(planFor(facts(), { row: purged, systemMetadata })).toMatchObject({ steps: [], kept: [secret] });
  });

  test('its shares', () => {
    const { kept } = planFor(facts({}, { shares: ['s-1', 's-2'] }));
    expect(kept.map(({ place, what }) => `${place}: ${what}`)).toEqual([
      'Manila: the access to share s-1, which Nova has locked, and its mount on the host',
      'Manila: the access to share s-2, which Nova has locked, and its mount on the host',
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
  describe('while it was being built, before a host had it', () => {
    const cancelled = instanceRow({
      ...{ vmState: 'building', taskState: 'scheduling', powerState: null, host: null, launchedAt: null },
      ...{ deleted: 42, deletedAt: '2026-11-03 10:00:00' },
    });
    const lacks = (changes: Partial<InstanceRow>) =>
      planFor(facts(), { row: { ...cancelled, ...changes } }).remains.map(({ what }) =>
        what.replace(/.*: /, ''),
      );

    test('Nova leaves its state as it was', () => {
      expect(planFor(facts(), { row: cancelled })).toEqual({
        steps: [],
        remains: [],
        refusals: [],
        kept: [],
      });
    });

    test.each([
      ['without a date', { deletedAt: null }, 'vm_state, task_state, terminated_at, deleted_at'],
      ['with another id', { deleted: 1 }, 'vm_state, task_state, terminated_at, deleted'],
      ['after it was launched', { launchedAt: '2026-11-01 10:00:00' }, 'vm_state, task_state, terminated_at'],
      ['in error, of which there may be more', { vmState: 'error' }, 'vm_state, task_state, terminated_at'],
      ['on a host', { host: 'compute1' }, 'vm_state, task_state, power_state, terminated_at, cleaned'],
    ])('not %s', (_, changes, columns) => {
      expect(lacks(changes)[0]).toBe(columns);
    });
  });

  test('children that live on are deleted; done when none is left', () => {
    const found = facts({ block_device_mapping: [2] });
    const step = onlyStep(found, { row: done });
    expect(planFor(found, { row: done }).remains).toEqual([
      { place, what: '2 rows of the server in 1 other table' },
    ]);
    expect(sent(step.writes)).toEqual([
      `2: update block_device_mapping set deleted = id, deleted_at = ${NOW} where instance_uuid = "${SERVER}" and deleted = 0`,
    ]);
    expect(step.settled).toMatchObject({ table: 'block_device_mapping', count: 0 });
    expect(step.guards[0]?.check).toMatchObject({ table: 'instances', count: 1 });
  });
  test('a row to put in, and nothing that could tell whether it was, is no plan', () => {
    const found = facts({}, { columns: new Set(['id', 'uuid']), children: [] });
    expect(() => planFor(found, { row: { ...done, cleaned: false } })).toThrow(PlanError);
  });
});

test('children without any row of the server', () => {
  const found = facts({ tags: [1] });
  const step = onlyStep(found, { row: null });
  expect(sent(step.writes)).toEqual([`1: delete from tags where resource_id = "${SERVER}"`]);
  expect(step.guards).toEqual([]);
  expect(step.before).toEqual([saved('instance_system_metadata'), saved('tags', 'resource_id')]);
  expect(planFor(found, { row: null }).remains).toEqual([
    { place, what: '1 row of the server in 1 other table' },
  ]);
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
    const other = { ...at, name: 'compute2', fenced: { answers: null } };
    for (const hosts of [
      [at, other],
      [other, at],
    ])
      expect(sent(onlyStep(facts(), { hosts }).writes).join('\n')).toMatch(/cleaned = 1/);
  });
});
