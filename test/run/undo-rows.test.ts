/** Rows as they were, as the run left them, as they are: what is nobody's business, what is in the way, and what stands for a row. */
import { describe, expect, test } from 'vitest';
import type { SqlSet, SqlWhere, SqlWrite } from '../../src/plan/types.ts';
import { compareTable } from '../../src/run/undo/compare.ts';
import { replay } from '../../src/run/undo/made.ts';
import type { Row } from '../../src/site/reader.ts';

type Set = Readonly<Record<string, SqlSet>>;

const equals = (column: string, value: string | number): SqlWhere => ({ column, is: '=', value });
const update = (set: Set, where: SqlWhere = equals('id', 7), rows = 1): SqlWrite => ({
  verb: 'update',
  table: 't',
  set,
  where: [where],
  rows,
});
const remove = (where: SqlWhere = equals('id', 7)): SqlWrite => ({
  verb: 'delete',
  table: 't',
  where: [where],
  rows: 1,
});
const insert = (values: Set): SqlWrite => ({ verb: 'insert', table: 't', values });

function compare(
  saved: readonly Row[],
  writes: readonly SqlWrite[],
  rows: readonly Row[],
  counted: readonly (readonly [string, number])[] = [],
) {
  const made = replay(new Map([['t', saved]]), writes);
  if (made === null) throw new Error('the transaction does not fit these rows');
  return compareTable(
    { table: 't', saved, made: made.get('t') ?? [] },
    { rows, archived: new Set(), counted: new Map(counted) },
  );
}

/** What a transaction left in the columns of its rows; null: it does not fit them. */
function madeOf(saved: readonly Row[], ...writes: readonly SqlWrite[]) {
  const rows = replay(new Map([['t', saved]]), writes)?.get('t');
  return rows?.map(({ made, deleted }) => ({ ...Object.fromEntries(made), deleted })) ?? null;
}

describe('a condition', () => {
  const row = { id: 7, a: 1, none: null };
  const meets: readonly (readonly [string, SqlWhere, boolean])[] = [
    ['is null', { column: 'none', is: 'null' }, true],
    ['is null', { column: 'a', is: 'null' }, false],
    ['is null, of a column that was not there', { column: 'b', is: 'null' }, true],
    ['is not null', { column: 'a', is: 'not null' }, true],
    ['is not null', { column: 'none', is: 'not null' }, false],
    ['is one of', { column: 'a', is: 'in', value: [2, '1'] }, true],
    ['is one of', { column: 'a', is: 'in', value: [2, 3] }, false],
    ['is one of, of NULL', { column: 'none', is: 'in', value: ['', 0] }, false],
    ['is', equals('a', 2), false],
    ['is not', { column: 'a', is: '!=', value: 1 }, false],
    ['is not, of NULL', { column: 'none', is: '!=', value: 1 }, false],
  ];
  test.each(meets)('%s: %j', (_, where, does) => {
    expect(madeOf([row], update({ v: 2 }, where)) !== null).toBe(does);
  });
  const NOW = { now: true } as const;
  test.each<[string, SqlWhere, boolean]>([
    ['a time that was just written is not null', { column: 'at', is: 'not null' }, true],
    ['and none that a statement names', equals('at', '2026-11-22 10:00:00'), false],
    ['so it is another than any', { column: 'at', is: '!=', value: '2026-11-22 10:00:00' }, true],
    ['and in no list', { column: 'at', is: 'in', value: ['2026-11-22 10:00:00'] }, false],
  ])('%s', (_, where, does) => {
    expect(madeOf([{ id: 7, at: null }], update({ at: NOW }), update({ v: 2 }, where)) !== null).toBe(does);
  });
});

describe('a statement', () => {
  test('counts on from what the row holds, or what the one before it made', () => {
    const up: Set = { n: { column: 'n', plus: 2 } };
    expect(madeOf([{ id: 7, n: '3' }], update(up))).toEqual([{ n: { value: 5 }, deleted: false }]);
    expect(madeOf([{ id: 7, n: 3 }], update(up), update(up))).toEqual([{ n: { value: 7 }, deleted: false }]);
    // As in SQL.
    expect(madeOf([{ id: 7, n: null }], update(up))).toEqual([{ n: { value: null }, deleted: false }]);
  });
  test('puts text from one column into another as it is', () => {
    expect(madeOf([{ id: 7, a: 'x', b: 'y' }], update({ a: { column: 'b' } }))).toEqual([
      { a: { value: 'y' }, deleted: false },
    ]);
  });
  test('finds a row that the one before it inserted by what that left out, too', () => {
    const where: SqlWhere = { column: 'b', is: 'null' };
    expect(madeOf([], insert({ a: 1 }), update({ v: 2 }, where))).toHaveLength(1);
  });
  test('sets every column from the row as it was before it', () => {
    expect(madeOf([{ id: 7, a: 1, b: 2 }], update({ a: { column: 'b' }, b: { column: 'a' } }))).toEqual([
      { a: { value: 2 }, b: { value: 1 }, deleted: false },
    ]);
  });
  test('does not touch a row that the transaction deleted before', () => {
    expect(madeOf([{ id: 7 }], remove(), update({ v: 1 }))).toBeNull();
    expect(madeOf([{ id: 7 }], remove(), remove())).toBeNull();
  });
  test('leaves rows alone that it does not touch', () => {
    expect(madeOf([{ id: 7 }, { id: 8 }], remove())).toEqual([{ deleted: true }]);
  });
});

describe('a row that the run inserted', () => {
  const made = { id: 9, name: 'x', deleted: 0 };
  const values = { name: 'x', deleted: 0 };
  test('is taken away once, and the same that somebody else made stays', () => {
    const { changes, came } = compare([], [insert(values)], [made, { ...made, id: 10 }]);
    expect(changes).toMatchObject([{ marked: true, to: { where: [equals('id', 9)], count: 0 } }]);
    expect(came).toEqual(['row 10']);
  });
  test.each([
    ['another value', { ...made, name: 'y' }],
    ['one of its values gone', { ...made, name: null }],
  ])('is not the one with %s', (_, there) => {
    expect(compare([], [insert(values)], [there])).toMatchObject({ changes: [], came: ['row 9'] });
  });
  test('is known by what is no text in it, too', () => {
    const [yes, no] = [{ base64: 'AAE=' }, { base64: 'AAI=' }];
    expect(compare([], [insert({ a: yes })], [{ id: 9, a: yes }]).changes).toMatchObject([
      { from: { must: 'row 9 of t is as the run made it' } },
    ]);
    expect(compare([], [insert({ a: yes })], [{ id: 9, a: no }]).changes).toEqual([]);
  });
  test('and gave its own id is known by that', () => {
    const own = [insert(values), update({ deleted: { column: 'id' } }, equals('name', 'x'))];
    expect(compare([], own, [{ ...made, deleted: 9 }]).changes).toHaveLength(1);
    expect(compare([], own, [{ ...made, deleted: 8 }]).changes).toEqual([]);
  });
  test('and at a time is known where it bears one', () => {
    const timed = [insert({ ...values, created_at: { now: true } })];
    expect(compare([], timed, [{ ...made, created_at: '2026-11-22 10:00:00' }]).changes).toHaveLength(1);
    expect(compare([], timed, [{ ...made, created_at: null }]).changes).toEqual([]);
  });
  test('and deleted again was never there: one like it is another', () => {
    expect(compare([], [insert(values), remove(equals('name', 'x'))], [made])).toMatchObject({ changes: [] });
  });
  test('into a table without id is found, and missed, by all that it is', () => {
    const tag = { server: 'u', tag: 'a' };
    const [change] = compare([], [insert(tag)], [tag]).changes;
    const where = [equals('server', 'u'), equals('tag', 'a')];
    expect(change).toMatchObject({ write: { verb: 'delete', where, rows: 1 }, to: { where, count: 0 } });
  });
});

describe('a row that came since', () => {
  test.each([
    ['lives', { id: 9, deleted: 0 }, ['row 9']],
    ['lives, in a table without the mark', { id: 9 }, ['row 9']],
    ['was deleted by now', { id: 9, deleted: 9 }, []],
  ])('is told of when it %s', (_, row, came) => {
    expect(compare([{ id: 7, v: 1 }], [update({ v: 2 })], [{ id: 7, v: 2 }, row]).came).toEqual(came);
  });
});

describe('a row that is gone', () => {
  test('bears the mark of the run', () => {
    expect(compare([{ id: 7 }], [remove()], []).changes).toMatchObject([{ marked: true }]);
    const secret = { id: 7, info: '{"auth_password": "…"}' };
    expect(compare([secret], [remove()], []).hindered).toMatchObject([{ obstacle: 'secret', marked: true }]);
  });
  test('out of a table without id comes again where nothing is as it was', () => {
    const tag = { server: 'u', tag: 'a' };
    const where = [equals('server', 'u'), equals('tag', 'a')];
    expect(compare([tag], [remove(equals('tag', 'a'))], []).changes).toMatchObject([
      { from: { must: 'row u a of t is not there', where, count: 0 }, to: { where, count: 1 } },
    ]);
  });
  test('out of a table without id, of which the run only changed a column, cannot be told', () => {
    const change = update({ tag: 'b' }, equals('tag', 'a'));
    expect(compare([{ server: 'u', tag: 'a' }], [change], []).hindered).toEqual([
      { obstacle: 'no-key', row: 'row u a', columns: [], marked: true },
    ]);
  });
  test('but came again as it was is left, in whatever order its columns are read', () => {
    const none = { changes: [], hindered: [], came: [] };
    expect(compare([{ id: 7, v: 1 }], [remove()], [{ v: 1, id: 7 }])).toEqual(none);
    const tag = remove(equals('tag', 'a'));
    expect(compare([{ server: 'u', tag: 'a' }], [tag], [{ tag: 'a', server: 'u' }])).toEqual(none);
  });
  test('but came again otherwise is in the way, also where it holds what the run wrote before it deleted it', () => {
    const found = compare([{ id: 7, v: 1 }], [update({ v: 2 }), remove()], [{ id: 7, v: 2 }]);
    expect(found).toMatchObject({ changes: [], hindered: [{ obstacle: 'changed', columns: ['v'] }] });
  });
});

describe('a column', () => {
  test('that was a password cannot be put back over another value', () => {
    const info = '{"auth_password": "…"}';
    expect(compare([{ id: 7, info }], [update({ info: '{}' })], [{ id: 7, info: '{}' }])).toEqual({
      changes: [],
      hindered: [{ obstacle: 'secret', row: 'row 7', columns: ['info'], marked: true }],
      came: [],
    });
  });
  test('that the run emptied and somebody filled since is in the way, and so is a time that is gone', () => {
    const was = { id: 7, host: 'a', at: '2026-11-01 00:00:00' };
    const writes = [update({ host: null, at: { now: true } })];
    const now = { id: 7, host: 'b', at: null };
    expect(compare([was], writes, [now]).hindered).toMatchObject([
      { obstacle: 'changed', columns: ['host', 'at'] },
    ]);
    expect(compare([was], writes, [{ ...now, host: null, at: '2026-11-22 10:00:00' }]).changes).toHaveLength(
      1,
    );
  });
  test('that holds a fraction is put back, and not asked for', () => {
    const [change] = compare(
      [{ id: 7, r: 1.5, v: 1 }],
      [update({ r: 2.5, v: 2 })],
      [{ id: 7, r: 2.5, v: 2 }],
    ).changes;
    expect(change).toMatchObject({
      write: { set: { r: 1.5, v: 1 }, where: [equals('id', 7), equals('v', 2)] },
    });
    expect(change?.to.where).toEqual([equals('id', 7), equals('v', 1)]);
  });
  const recount: Set = { n: { count: true, of: 'instances', where: [] }, v: 2 };
  test.each([
    ['nobody knows of', [], { n: 4, v: 2 }, 'recounted'],
    ['others counted anew', [['n', 4]], { n: 6, v: 2 }, 'recounted'],
    ['others counted anew in a row that they changed too', [['n', 4]], { n: 6, v: 3 }, 'changed'],
    ['is still right in a row that others changed', [['n', 4]], { n: 4, v: 3 }, 'changed'],
  ] as const)('whose count %s is in the way', (_, counted, now, obstacle) => {
    const found = compare([{ id: 7, n: 5, v: 1 }], [update(recount)], [{ id: 7, ...now }], counted);
    expect(found).toMatchObject({ changes: [], hindered: [{ obstacle }] });
  });
  test('whose count came out as NULL is not one that nobody knows of', () => {
    const found = compare([{ id: 7, n: 5, v: 1 }], [update(recount)], [{ id: 7, n: null, v: 2 }]);
    expect(found.hindered).toMatchObject([{ obstacle: 'recounted', columns: ['n'] }]);
  });
});
