import { describe, expect, test } from 'vitest';
import type { SqlSet, SqlWrite } from '../../src/plan/types.ts';
import { compareTable } from '../../src/run/undo/compare.ts';
import { isSame, replay, type Value } from '../../src/run/undo/made.ts';
import type { Row } from '../../src/site/reader.ts';

const NOW = { now: true } as const;

/** A transaction on one table `t`, and what is there afterwards. */
function compare(
  saved: readonly Row[],
  writes: readonly SqlWrite[],
  rows: readonly Row[],
  more: { archived?: readonly string[]; counted?: Readonly<Record<string, Value>> } = {},
) {
  const made = replay(new Map([['t', saved]]), writes);
  if (made === null) throw new Error('the transaction does not fit these rows');
  return compareTable(
    { table: 't', saved, made: made.get('t') ?? [] },
    { rows, archived: new Set(more.archived), counted: new Map(Object.entries(more.counted ?? {})) },
  );
}

const live = { id: 7, uuid: 'u', deleted: 0, deleted_at: null, name: 'web' };
const softDelete: SqlWrite = {
  verb: 'update',
  table: 't',
  set: { deleted: { column: 'id' }, deleted_at: NOW },
  where: [
    { column: 'uuid', is: '=', value: 'u' },
    { column: 'deleted', is: '=', value: 0 },
  ],
  rows: 1,
};
const dead = { ...live, deleted: 7, deleted_at: '2026-11-22 10:00:00' };
const hardDelete: SqlWrite = {
  verb: 'delete',
  table: 't',
  where: [{ column: 'uuid', is: '=', value: 'u' }],
  rows: 1,
};

describe('a transaction replayed', () => {
  const rows = (...all: Row[]) => new Map([['t', all]]);
  test('knows which columns of which rows it wrote', () => {
    const made = replay(rows(live, { ...dead, id: 8 }), [softDelete])?.get('t');
    expect(made).toHaveLength(1);
    expect(made?.[0]?.saved).toBe(live);
    expect([...(made?.[0]?.made ?? [])]).toEqual([
      ['deleted', { value: 7 }],
      ['deleted_at', { clock: true }],
    ]);
  });
  test('does not fit rows of which it would have touched another number', () => {
    expect(replay(rows(live, { ...live, id: 9 }), [softDelete])).toBeNull();
    expect(replay(rows(), [softDelete])).toBeNull();
    expect(replay(rows({ ...live, deleted: 3 }), [softDelete])).toBeNull();
  });
  test('does not fit when a table that it writes was not saved', () => {
    expect(replay(new Map(), [softDelete])).toBeNull();
  });
  test('a statement sees what the one before it made', () => {
    const insert: SqlWrite = { verb: 'insert', table: 't', values: { uuid: 'u', deleted: 0, name: 'new' } };
    const made = replay(rows(live), [insert, { ...softDelete, rows: 2 }])?.get('t');
    expect(made).toHaveLength(2);
    // What number the database gave the new row nobody else knows.
    expect(made?.[1]?.made.get('deleted')).toEqual({ own: 'id' });
    expect(replay(rows(live), [softDelete, softDelete])).toBeNull();
  });
  test('conditions mean what they mean in SQL: NULL is neither equal nor unequal', () => {
    const odd = { ...live, deleted: null };
    const update = (is: '=' | '!='): SqlWrite => ({
      verb: 'update',
      table: 't',
      set: { name: 'x' },
      where: [{ column: 'deleted', is, value: 0 }],
      rows: 1,
    });
    expect(replay(rows(odd), [update('=')])).toBeNull();
    expect(replay(rows(odd), [update('!=')])).toBeNull();
    expect(replay(rows(dead), [update('!=')])).not.toBeNull();
  });
  test('values are the same whether a driver gives numbers or text; null is only null', () => {
    expect(isSame(1, '1')).toBe(true);
    expect(isSame(null, '')).toBe(false);
    expect(isSame(null, null)).toBe(true);
    expect(isSame({ base64: 'AAE=' }, { base64: 'AAE=' })).toBe(true);
    expect(isSame({ base64: 'AAE=' }, { base64: 'AAI=' })).toBe(false);
    expect(isSame({ base64: 'AAE=' }, 'AAE=')).toBe(false);
    expect(isSame('AAE=', { base64: 'AAE=' })).toBe(false);
    expect(isSame(null, { base64: 'AAE=' })).toBe(false);
    expect(isSame({ base64: 'AAE=' }, null)).toBe(false);
    expect(isSame('a', 'A')).toBe(false);
  });
});

describe('a row that the run wrote', () => {
  test('is put back in exactly the columns that differ, found by all that it is now', () => {
    const { changes, hindered, came } = compare([live], [softDelete], [dead]);
    expect({ hindered, came }).toEqual({ hindered: [], came: [] });
    expect(changes.map(({ write }) => write)).toEqual([
      {
        verb: 'update',
        table: 't',
        set: { deleted: 0, deleted_at: null },
        where: [
          { column: 'id', is: '=', value: 7 },
          { column: 'uuid', is: '=', value: 'u' },
          { column: 'deleted', is: '=', value: 7 },
          { column: 'deleted_at', is: '=', value: '2026-11-22 10:00:00' },
          { column: 'name', is: '=', value: 'web' },
        ],
        rows: 1,
      },
    ]);
    expect(changes[0]?.to.where).toEqual([
      { column: 'id', is: '=', value: 7 },
      { column: 'deleted', is: '=', value: 0 },
      { column: 'deleted_at', is: 'null' },
    ]);
  });
  test('is left when it is as it was', () => {
    expect(compare([live], [softDelete], [live])).toEqual({ changes: [], hindered: [], came: [] });
  });
  test.each<[string, Row, readonly string[]]>([
    ['a column that it did not write', { ...dead, name: 'other' }, ['name']],
    ['a value that is neither the old nor its own', { ...dead, deleted: 1 }, ['deleted']],
    ['a time that it wrote and that is gone', { ...dead, deleted_at: null, name: 'x' }, ['name']],
    ['a column that came with a newer schema', { ...dead, fresh: 'x' }, ['fresh']],
  ])('that somebody changed is in the way: %s', (_, row, columns) => {
    const { changes, hindered } = compare([live], [softDelete], [row]);
    expect(changes).toEqual([]);
    expect(hindered).toEqual([{ obstacle: 'changed', row: 'row 7', columns, marked: true }]);
  });
  test('a change by others alone does not count as a mark of the run', () => {
    const moved = { ...live, name: 'other' };
    expect(compare([live], [softDelete], [moved]).hindered).toMatchObject([{ marked: false }]);
    const touch: SqlWrite = { ...softDelete, set: { updated_at: NOW, deleted: { column: 'id' } } };
    const then = { ...live, updated_at: '2026-11-01 00:00:00' };
    const later = { ...then, updated_at: '2026-11-02 00:00:00' };
    expect(compare([then], [touch], [later]).changes).toMatchObject([{ marked: false }]);
  });
  test.each<[string, Record<string, SqlSet>, boolean]>([
    ['when it left nothing else in the row', {}, true],
    ['when it left what was there before', { name: 'web' }, true],
    ['when it cleared something else too', { name: null }, true],
    ['when it moved a time', { seen: NOW }, true],
    ['when it had something counted', { n: { count: true, of: 't', where: [] } }, true],
    ['but not when it left something else', { deleted: { column: 'id' } }, false],
    ['but not when it set a time that there was not', { deleted_at: NOW }, false],
  ])('what it cleared, as others do too, is its mark %s', (_, more, marked) => {
    const busy = { ...live, task: 'deleting', seen: '2026-11-01 00:00:00', n: 1 };
    const clear: SqlWrite = { ...softDelete, set: { task: null, ...more } };
    expect(compare([busy], [clear], [{ ...busy, task: null }]).changes).toMatchObject([{ marked }]);
  });
  test('one that the run did not write is none of its business', () => {
    const other = { ...live, id: 8, uuid: 'v' };
    expect(compare([live, other], [softDelete], [dead, { ...other, name: 'x' }])).toMatchObject({
      changes: [{ write: { verb: 'update' } }],
      hindered: [],
      came: [],
    });
  });
});

describe('a row that is gone', () => {
  const odd = { ...live, blob: { base64: 'AAEC' }, ratio: 1.5, deleted_at: null };
  test('is inserted with every column as saved: NULL, binary and fractions too', () => {
    const { changes } = compare([odd], [hardDelete], []);
    expect(changes.map(({ write }) => write)).toEqual([{ verb: 'insert', table: 't', values: odd }]);
    expect(changes[0]?.from).toMatchObject({ where: [{ column: 'id', is: '=', value: 7 }], count: 0 });
    // What cannot be compared is not compared.
    expect(changes[0]?.to.where.map(({ column }) => column)).toEqual([
      'id',
      'uuid',
      'deleted',
      'deleted_at',
      'name',
    ]);
  });
  test('unless the archive has it', () => {
    expect(compare([live], [softDelete], [], { archived: ['7'] }).hindered).toMatchObject([
      { obstacle: 'archived', row: 'row 7' },
    ]);
  });
  test('and came again as another one: in the way', () => {
    expect(compare([live], [hardDelete], [{ ...live, name: 'other' }]).hindered).toMatchObject([
      { obstacle: 'changed', columns: ['name'] },
    ]);
  });
  test('of a table without id, each for itself', () => {
    const tags = [
      { resource_id: 'u', tag: 'a' },
      { resource_id: 'u', tag: 'b' },
    ];
    const write: SqlWrite = {
      verb: 'delete',
      table: 't',
      where: [{ column: 'resource_id', is: '=', value: 'u' }],
      rows: 2,
    };
    const { changes, came } = compare(
      tags,
      [write],
      [
        { resource_id: 'u', tag: 'b' },
        { resource_id: 'u', tag: 'c' },
      ],
    );
    expect(changes.map((change) => change.write)).toEqual([
      { verb: 'insert', table: 't', values: { resource_id: 'u', tag: 'a' } },
    ]);
    expect(came).toEqual(['row u c']);
  });
});

describe('passwords that were not saved', () => {
  const info = '{"auth_password": "…", "target": "t1"}';
  const saved = { ...live, connection_info: info };
  test('stay as they are: neither written nor asked for', () => {
    const { changes } = compare([saved], [softDelete], [{ ...dead, connection_info: info }]);
    expect(JSON.stringify(changes)).not.toContain('connection_info');
    expect(changes).toHaveLength(1);
  });
  test('cannot come back with a row that is gone', () => {
    expect(compare([saved], [softDelete], []).hindered).toMatchObject([
      { obstacle: 'secret', columns: ['connection_info'] },
    ]);
  });
});

describe('a row that the run inserted', () => {
  const insert: SqlWrite = {
    verb: 'insert',
    table: 't',
    values: { uuid: 'u', deleted: 0, name: 'clean', deleted_at: null },
  };
  const writes = [insert, { ...softDelete, rows: 2 }];
  const own = { id: 20, uuid: 'u', deleted: 20, deleted_at: '2026-11-22 10:00:00', name: 'clean' };
  test('is deleted, found by all that it is now', () => {
    const { changes, came } = compare([live], writes, [dead, own]);
    expect(changes.map(({ write }) => write.verb)).toEqual(['update', 'delete']);
    expect(changes[1]?.write).toMatchObject({
      rows: 1,
      where: expect.arrayContaining([{ column: 'id', is: '=', value: 20 }]),
    });
    expect(came).toEqual([]);
  });
  test('is left to whoever changed it', () => {
    expect(compare([live], writes, [dead, { ...own, name: 'other', deleted: 0 }])).toMatchObject({
      changes: [{ write: { verb: 'update' } }],
      came: ['row 20'],
    });
  });
  test('that is gone already is not missed', () => {
    expect(compare([live], writes, [dead]).changes).toHaveLength(1);
  });
});

describe('a recount', () => {
  const usage = { id: 3, in_use: 5, deleted: 0 };
  const write: SqlWrite = {
    verb: 'update',
    table: 't',
    set: { in_use: { count: true, of: 'instances', where: [] } },
    where: [{ column: 'id', is: '=', value: 3 }],
    rows: 1,
  };
  test('is taken back while nobody has counted since', () => {
    expect(
      compare([usage], [write], [{ ...usage, in_use: 4 }], { counted: { in_use: 4 } }).changes,
    ).toHaveLength(1);
  });
  test('else it stays: the number that was saved is wrong by now', () => {
    const found = compare([usage], [write], [{ ...usage, in_use: 6 }], { counted: { in_use: 4 } });
    expect(found).toMatchObject({ changes: [], hindered: [{ obstacle: 'recounted', columns: ['in_use'] }] });
  });
});
