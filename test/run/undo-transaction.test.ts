/** One transaction taken back, out of what was saved before it and what is there now. */
import { describe, expect, test } from 'vitest';
import { LookError } from '../../src/plan/errors.ts';
import type { SqlWhere, SqlWrite, Step } from '../../src/plan/types.ts';
import type { ActedStep } from '../../src/run/read-run.ts';
import { makeUndoPlan } from '../../src/run/undo/make-undo-plan.ts';
import type { Row } from '../../src/site/reader.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { recordOf, step } from '../support/plans.ts';

const DB = 'cell:1';
type Tables = Readonly<Record<string, readonly Row[]>>;

const id = (value: number): SqlWhere => ({ column: 'id', is: '=', value });
/** Deletes as Nova does: one row, or, of 0, all that live. */
const softDelete = (table: string, of: number, rows = 1): SqlWrite => ({
  verb: 'update',
  table,
  set: { deleted: { column: 'id' } },
  where: [...(of === 0 ? [] : [id(of)]), { column: 'deleted', is: '=', value: 0 }],
  rows,
});
const live = (of: number): Row => ({ id: of, deleted: 0, name: 'n' });
const gone = (of: number): Row => ({ ...live(of), deleted: of });

interface Acted {
  readonly changes?: Partial<Step>;
  readonly writes: readonly SqlWrite[];
  /** what was saved of each table */
  readonly saved: Tables;
  readonly known?: ActedStep['known'];
  readonly database?: string;
}

function acted(name: string, { changes, writes, saved, known = 'done', database = DB }: Acted): ActedStep {
  const images = Object.entries(saved).map(([table, image]) => ({
    of: { door: 'sql' as const, database, table, where: [] },
    image,
  }));
  const of = step(name, {
    kind: 'rows',
    phase: 'rows',
    place: `database ${database}`,
    act: { door: 'sql', database, writes: [...writes] },
    settled: { door: 'sql', database, table: 't', where: [id(1)], count: 1 },
    before: images.map((image) => image.of),
    undo: 'before-image',
    ...changes,
  });
  return { step: of, known, images };
}

interface There {
  readonly rows: Tables;
  /** by ids that are looked for: which of them `shadow_t` holds; undefined: there is no such table */
  readonly archived?: Readonly<Record<string, readonly Row[]>>;
  readonly error?: Error;
}

function undo(steps: readonly ActedStep[], { rows, archived, error }: There) {
  const inArchive = Object.entries(archived ?? {}).map(
    ([ids, found]) => [`${DB}: select id from shadow_t where id in (${ids})`, found] as const,
  );
  const reader = {
    ...fakeReader({
      columns: archived === undefined ? {} : { [DB]: { shadow_t: ['id'] } },
      sql: Object.fromEntries(inArchive),
    }),
    async image(what: Step['before'][number]) {
      if (error !== undefined) throw error;
      if (what.door !== 'sql') throw new Error('the test did not foresee another door');
      const [first] = what.where;
      const all = rows[what.table] ?? [];
      return first?.is === '=' ? all.filter((row) => row['id'] === first.value) : all;
    },
    fresh: () => reader,
  };
  return makeUndoPlan(recordOf(steps), reader, { tool: '0', madeAt: '2026-11-22T11:00:00.000Z' });
}

const NOTHING = { steps: [], kept: [], refusals: [], remains: [], unknown: [] };

describe('a transaction', () => {
  const one = acted('a', { writes: [softDelete('t', 0)], saved: { t: [live(1)] } });
  test('is taken back as one: guarded by its first row as it is, settled by that row as it was', async () => {
    const both = acted('a', {
      writes: [softDelete('t', 0), softDelete('u', 2)],
      saved: { t: [live(1)], u: [live(2), live(3)] },
    });
    const { steps, ...others } = await undo([both], { rows: { t: [gone(1)], u: [gone(2), live(3)] } });
    expect(others).toMatchObject({ kept: [], refusals: [], remains: [], unknown: [] });
    const at = { door: 'sql', database: DB, table: 't' };
    const name = { column: 'name', is: '=', value: 'n' };
    const deleted = (value: number) => ({ column: 'deleted', is: '=', value });
    expect(steps).toEqual([
      {
        id: 'undo/a',
        kind: 'rows',
        phase: 'rows',
        place: `database ${DB}`,
        title: 'put rows back as they were: t (1), u (1)',
        why: 'Nova then knows of the server what it knew before the run.',
        act: {
          door: 'sql',
          database: DB,
          writes: [
            { verb: 'update', table: 't', set: { deleted: 0 }, where: [id(1), deleted(1), name], rows: 1 },
            { verb: 'update', table: 'u', set: { deleted: 0 }, where: [id(2), deleted(2), name], rows: 1 },
          ],
        },
        guards: [
          {
            must: 'row 1 of t is as the run left it',
            check: { ...at, where: [id(1), deleted(1), name], count: 1 },
          },
        ],
        settled: { ...at, where: [id(1), deleted(0)], count: 1 },
        before: both.step.before,
        needs: [],
        undo: 'before-image',
      },
    ]);
  });
  test.each([
    ['cinder', 'Cinder'],
    ['neutron', 'Neutron'],
    ['api', 'Nova'],
  ])('of the database %s is that of %s', async (database, owner) => {
    const { steps } = await undo(
      [acted('a', { writes: [softDelete('t', 0)], saved: { t: [live(1)] }, database })],
      {
        rows: { t: [gone(1)] },
      },
    );
    expect(steps[0]?.why).toMatch(new RegExp(`^${owner} then knows`));
  });
  test('whose database does not answer is not known', async () => {
    const error = new LookError('database', 'no answer', { code: 'x' });
    expect(await undo([one], { rows: {}, error })).toMatchObject({
      ...NOTHING,
      unknown: [{ kind: 'rows', place: 'database', why: 'no answer' }],
    });
    const fault = new TypeError('a fault');
    await expect(undo([one], { rows: {}, error: fault })).rejects.toBe(fault);
  });
  test('is taken back beside rows that came since, which stay and are told of', async () => {
    const { steps, remains } = await undo([one], { rows: { t: [gone(1), live(9)] }, archived: {} });
    expect(steps).toHaveLength(1);
    expect(remains).toEqual([{ kind: 'rows', place: `database ${DB}`, what: 'row 9 of t' }]);
  });
  test('of whose tables one is as it was already names the others', async () => {
    const two = acted('a', {
      writes: [softDelete('t', 0), softDelete('u', 0)],
      saved: { t: [live(1)], u: [live(2)] },
    });
    const { steps } = await undo([two], { rows: { t: [gone(1)], u: [live(2)] } });
    expect(steps).toMatchObject([{ title: 'put rows back as they were: t (1)' }]);
  });
  test('of which binary values were saved puts them back as they were', async () => {
    const data = { base64: 'AAE=' };
    const binary = acted('a', {
      writes: [{ verb: 'delete', table: 't', where: [id(1)], rows: 1 }],
      saved: { t: [{ id: 1, data }] },
    });
    const { steps } = await undo([binary], { rows: {} });
    expect(steps[0]?.act).toMatchObject({ writes: [{ verb: 'insert', values: { id: 1, data } }] });
  });
  test('of which one table was only looked at leaves that as it is', async () => {
    const looked = acted('a', { writes: [softDelete('t', 0)], saved: { t: [live(1)], u: [live(2)] } });
    const { steps, remains, refusals } = await undo([looked], { rows: { t: [gone(1)], u: [live(9)] } });
    expect({ remains, refusals }).toEqual({ remains: [], refusals: [] });
    expect(steps[0]?.before).toHaveLength(1);
  });
});

describe('rows in the way', () => {
  const three = acted('a', { writes: [softDelete('t', 0, 3)], saved: { t: [live(1), live(2), live(3)] } });
  test('of the same table and columns are one sentence, others another, and nothing is put back', async () => {
    const rows = [
      { ...gone(1), name: 'x' },
      { ...gone(2), name: 'x' },
      { ...gone(3), more: 1 },
    ];
    const { steps, refusals, remains } = await undo([three], { rows: { t: [...rows, live(9)] } });
    expect(steps).toEqual([]);
    expect(refusals.map(({ code, flag, sentence }) => [code, flag, sentence])).toEqual([
      ['undo-row-changed', null, `database ${DB}, t: row 1, row 2: changed since the run (name)`],
      ['undo-row-changed', null, `database ${DB}, t: row 3: changed since the run (more)`],
    ]);
    expect(remains).toEqual([{ kind: 'rows', place: `database ${DB}`, what: 'row 9 of t' }]);
  });
  test('beside one that could be put back: all or nothing', async () => {
    const rows = [gone(1), gone(2), { ...gone(3), name: 'x' }];
    expect(await undo([three], { rows: { t: rows } })).toMatchObject({
      steps: [],
      refusals: [{ code: 'undo-row-changed' }],
    });
  });
  test('that the archive holds; a row that is only gone comes again', async () => {
    const there = { rows: { t: [gone(1)] }, archived: { '2, 3': [{ id: 3 }] } };
    expect((await undo([three], there)).refusals.map(({ code, sentence }) => [code, sentence])).toEqual([
      ['undo-row-archived', expect.stringContaining('t: row 3: archived by Nova')],
    ]);
    const { steps } = await undo([three], { ...there, archived: { '2, 3': [] } });
    expect(steps[0]?.act).toMatchObject({
      writes: [{ verb: 'update' }, { verb: 'insert' }, { verb: 'insert' }],
    });
    expect((await undo([three], { rows: there.rows })).steps).toHaveLength(1);
  });
  test('are told with the place that cannot name them: no id, or a password that was not saved', async () => {
    const noKey = acted('a', {
      writes: [
        {
          verb: 'update',
          table: 't',
          set: { tag: 'b' },
          where: [{ column: 'tag', is: '=', value: 'a' }],
          rows: 1,
        },
      ],
      saved: { t: [{ tag: 'a' }] },
    });
    expect((await undo([noKey], { rows: { t: [{ tag: 'b' }] } })).refusals).toMatchObject([
      { code: 'undo-no-key', sentence: `database ${DB}, t: row a: not to be found: the table has no id` },
    ]);
    const secret = acted('a', {
      writes: [softDelete('t', 0)],
      saved: { t: [{ ...live(1), info: '{"auth_password": "…"}' }] },
    });
    expect((await undo([secret], { rows: {} })).refusals).toMatchObject([
      {
        code: 'undo-secret-not-saved',
        sentence: `database ${DB}, t: row 1: gone, and the passwords in it were not saved (info)`,
      },
    ]);
  });
  test('that were counted anew are lost, and refuse nothing', async () => {
    const recount: SqlWrite = {
      verb: 'update',
      table: 't',
      set: { in_use: { count: true, of: 'instances', where: [] } },
      where: [id(1)],
      rows: 1,
    };
    const where: SqlWhere[] = [id(1), { column: 'in_use', is: '=', value: 4 }];
    const settled = { door: 'sql' as const, database: DB, table: 't', where, count: 1 };
    const quota = (known: ActedStep['known']) =>
      acted('a', { writes: [recount], saved: { t: [{ id: 1, in_use: 5 }] }, changes: { settled }, known });
    expect(await undo([quota('done')], { rows: { t: [{ id: 1, in_use: 6 }] } })).toMatchObject({
      ...NOTHING,
      kept: [{ what: 'in_use in row 1 of t', why: expect.stringMatching(/^it was counted anew by others/) }],
    });
    expect((await undo([quota('perhaps')], { rows: { t: [{ id: 1, in_use: 4 }] } })).steps).toHaveLength(1);
    expect(await undo([quota('perhaps')], { rows: { t: [{ id: 1, in_use: 6 }] } })).toMatchObject(NOTHING);
  });
});

describe('a transaction of which nobody knows whether it happened', () => {
  const perhaps = (saved: Tables) => acted('a', { writes: [softDelete('t', 0)], saved, known: 'perhaps' });
  test('is taken back where the rows bear its mark, and refused where somebody changed them since', async () => {
    expect((await undo([perhaps({ t: [live(1)] })], { rows: { t: [gone(1)] } })).steps).toHaveLength(1);
    const changed = { ...gone(1), name: 'x' };
    expect((await undo([perhaps({ t: [live(1)] })], { rows: { t: [changed] } })).refusals).toHaveLength(1);
  });
  test('is taken back where any row of any table bears its mark', async () => {
    const two = { t: [live(1), live(2)], u: [live(3)] };
    const writes = [softDelete('t', 0, 2), softDelete('u', 0)];
    const both = acted('a', { writes, saved: two, known: 'perhaps' });
    const others = { ...live(2), name: 'x' };
    const { refusals } = await undo([both], { rows: { t: [gone(1), others], u: [live(3)] } });
    expect(refusals).toMatchObject([
      { code: 'undo-row-changed', sentence: expect.stringContaining('row 2') },
    ]);
  });
  test('did not happen where they do not: what others did is theirs', async () => {
    const rows = { t: [{ ...live(1), name: 'x' }, live(2)] };
    expect(await undo([perhaps({ t: [live(1)] })], { rows })).toMatchObject(NOTHING);
  });
  test('cannot have happened on other rows than it was made for; one that was done cannot either', async () => {
    const two = { t: [live(1), live(2)] };
    expect(await undo([perhaps(two)], { rows: { t: [gone(1), gone(2)] } })).toMatchObject(NOTHING);
    const done = acted('a', { writes: [softDelete('t', 0)], saved: two });
    await expect(undo([done], { rows: {} })).rejects.toMatchObject({
      code: 'run-changed',
      message: 'what step a saved does not fit what it did',
    });
  });
  test('and of which something else than rows was saved: the record is damaged', async () => {
    const one = acted('a', { writes: [softDelete('t', 0)], saved: { t: [live(1)] } });
    const cache = { of: { door: 'cache' as const, server: 'm:11211', key: 'k' }, image: [] };
    for (const images of [[cache], one.images.map((image) => ({ ...image, image: null }))])
      await expect(undo([{ ...one, images }], { rows: {} })).rejects.toMatchObject({
        code: 'run-changed',
        message: 'what step a saved is no list of rows',
      });
  });
  test('what was saved of one table in two parts is put back in both', async () => {
    const parts = acted('a', { writes: [softDelete('t', 1), softDelete('t', 2)], saved: { t: [live(1)] } });
    const of = (row: number) => ({ door: 'sql' as const, database: DB, table: 't', where: [id(row)] });
    const images = [1, 2].map((row) => ({ of: of(row), image: [live(row)] }));
    const { steps } = await undo([{ ...parts, images }], { rows: { t: [gone(1), gone(2)] } });
    expect(steps[0]?.act).toMatchObject({ writes: [{ verb: 'update' }, { verb: 'update' }] });
    expect(steps[0]?.before).toEqual([of(1), of(2)]);
  });
});
