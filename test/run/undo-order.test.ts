/** The steps of an undo among each other: which wait for which, and what two transactions on the same rows became together. */
import { describe, expect, test } from 'vitest';
import type { Phase, SqlWhere, SqlWrite, Step } from '../../src/plan/types.ts';
import type { ActedStep, RunRecord } from '../../src/run/read-run.ts';
import { makeUndoPlan } from '../../src/run/undo/make-undo-plan.ts';
import type { Row } from '../../src/site/reader.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { recordOf, step } from '../support/plans.ts';

type Tables = Readonly<Record<string, readonly Row[]>>;

interface Acted {
  readonly phase: Phase;
  readonly writes: readonly SqlWrite[];
  readonly saved: Tables;
  readonly database?: string;
  readonly known?: ActedStep['known'];
}

function acted(id: string, { phase, writes, saved, database = 'cell:1', known = 'done' }: Acted): ActedStep {
  const images = Object.entries(saved).map(([table, image]) => ({
    of: { door: 'sql' as const, database, table, where: [] },
    image,
  }));
  const act: Step['act'] = { door: 'sql', database, writes: [...writes] };
  const before = images.map(({ of }) => of);
  return { step: step(id, { kind: 'rows', phase, act, before, undo: 'before-image' }), known, images };
}

function undo(steps: readonly ActedStep[], there: Tables, links: RunRecord['links'] = {}) {
  const reader = {
    ...fakeReader({}),
    async image(what: Step['before'][number]) {
      return what.door === 'sql'
        ? (there[`${what.database} ${what.table}`] ?? there[what.table] ?? [])
        : null;
    },
    fresh: () => reader,
  };
  return makeUndoPlan(recordOf(steps, { links }), reader, { tool: '0', madeAt: '2026-11-22T11:00:00.000Z' });
}

type Update = Extract<SqlWrite, { verb: 'update' }>;

const update = (table: string, set: Update['set']): Update => ({
  verb: 'update',
  table,
  set,
  where: [{ column: 'id', is: 'not null' }],
  rows: 1,
});

test('ports first, then quota and mapping, the rows of the server last; each waits for all before it', async () => {
  const phases: readonly Phase[] = ['rows', 'quota', 'ports', 'mapping', 'volumes'];
  const steps = phases.map((phase) =>
    acted(phase, {
      phase,
      writes: [update(phase, { v: 2 })],
      saved: { [phase]: [{ id: 1, v: 1 }] },
      database: phase,
    }),
  );
  const there = Object.fromEntries(phases.map((phase) => [phase, [{ id: 1, v: 2 }]]));
  const undone = await undo(steps, there);
  const [first, second] = [
    ['undo/ports', 'undo/volumes'],
    ['undo/quota', 'undo/mapping'],
  ] as const;
  expect(undone.steps.map(({ id, needs }) => [id, needs])).toEqual([
    ...first.map((id) => [id, []]),
    ...second.map((id) => [id, first]),
    ['undo/rows', [...first, ...second]],
  ]);
});

test('an undo is taken back the other way round: no port is taken from a server whose row lives', async () => {
  const [ports, rows] = (['ports', 'rows'] as const).map((phase) =>
    acted(phase, { phase, writes: [update(phase, { v: 2 })], saved: { [phase]: [{ id: 1, v: 1 }] } }),
  ) as [ActedStep, ActedStep];
  const there = { ports: [{ id: 1, v: 2 }], rows: [{ id: 1, v: 2 }] };
  const redone = await undo([ports, rows], there, { undoes: 'a' });
  expect(redone.steps.map(({ id, needs }) => [id, needs])).toEqual([
    ['undo/rows', []],
    ['undo/ports', ['undo/rows']],
  ]);
});

test('rows that came by it go in the order in which others refer to them', async () => {
  const inserted = (table: string) => ({ verb: 'insert' as const, table, values: { id: 1 } });
  const made = acted('made', {
    phase: 'ports',
    writes: [update('quota', { v: 2 }), inserted('parents'), inserted('children')],
    saved: { parents: [], children: [], quota: [{ id: 1, v: 1 }] },
  });
  const { steps } = await undo([made], {
    parents: [{ id: 1 }],
    children: [{ id: 1 }],
    quota: [{ id: 1, v: 2 }],
  });
  expect(steps.flatMap(({ act }) => (act.door === 'sql' ? act.writes : []))).toMatchObject([
    { verb: 'update', table: 'quota' },
    { verb: 'delete', table: 'children' },
    { verb: 'delete', table: 'parents' },
  ]);
});

describe('rows that were secured first and deleted at the end', () => {
  const was = { id: 7, dot: 1, deleted: 0 };
  const secured = { ...was, dot: 0 };
  const deleted = { ...secured, deleted: 7 };
  const live: SqlWhere = { column: 'deleted', is: '=', value: 0 };
  const secure = (changes: Partial<Acted> = {}) =>
    acted('secure', {
      phase: 'secure',
      writes: [{ ...update('bdm', { dot: 0 }), where: [{ column: 'dot', is: '=', value: 1 }] }],
      saved: { bdm: [was] },
      ...changes,
    });
  const rows = (changes: Partial<Acted> = {}) =>
    acted('rows', {
      phase: 'rows',
      writes: [{ ...update('bdm', { deleted: { column: 'id' } }), where: [live] }],
      saved: { bdm: [secured] },
      ...changes,
    });
  const setOf = ({ steps }: Awaited<ReturnType<typeof undo>>) =>
    steps.map(({ id, act }) => [
      id,
      act.door === 'sql' ? act.writes.map((one) => 'set' in one && one.set) : [],
    ]);

  test('are put back by one step, as they were before both', async () => {
    const undone = await undo([secure(), rows()], { bdm: [deleted] });
    expect(setOf(undone)).toEqual([['undo/rows', [{ dot: 1, deleted: 0 }]]]);
    expect(undone.refusals).toEqual([]);
  });
  test('are put back by one step too when nobody knows whether the later one happened, and it did', async () => {
    const undone = await undo([secure(), rows({ known: 'perhaps' })], { bdm: [deleted] });
    expect(setOf(undone)).toEqual([['undo/rows', [{ dot: 1, deleted: 0 }]]]);
    expect(undone.refusals).toEqual([]);
  });
  test('are left when they are as they were before both', async () => {
    expect(await undo([secure(), rows()], { bdm: [was] })).toMatchObject({
      steps: [],
      refusals: [],
      kept: [],
    });
  });
  test('are put back when only the first of both took effect', async () => {
    const undone = await undo([secure(), rows({ known: 'perhaps' })], { bdm: [secured] });
    expect(setOf(undone)).toEqual([['undo/secure', [{ dot: 1 }]]]);
  });
  describe('of which the later transaction was rolled back', () => {
    const t = { ...update('t', { v: 2 }), rows: 2 };
    /** Rows of another table were not those that it was made for. */
    const unfit = (known: ActedStep['known'] = 'perhaps') =>
      rows({ known, writes: [t, ...writesOf(rows())], saved: { t: [{ id: 1, v: 1 }], bdm: [secured] } });
    const there = { t: [{ id: 1, v: 1 }] };
    test('are put back by the step that secured them', async () => {
      const undone = await undo([secure(), unfit()], { ...there, bdm: [secured] });
      expect(setOf(undone)).toEqual([['undo/secure', [{ dot: 1 }]]]);
      expect(undone).toMatchObject({ refusals: [], kept: [], remains: [] });
    });
    test('are left when they are as they were before both', async () => {
      const undone = await undo([secure(), unfit()], { ...there, bdm: [was] });
      expect(undone).toMatchObject({ steps: [], refusals: [], kept: [] });
    });
    test('and that somebody changed since are refused', async () => {
      for (const later of [unfit(), rows({ known: 'perhaps' })]) {
        const changed = { ...was, dot: 5, deleted: 3 };
        const { steps, refusals } = await undo([secure(), later], { ...there, bdm: [changed] });
        expect(steps).toEqual([]);
        expect(refusals).toMatchObject([
          {
            code: 'undo-row-changed',
            sentence: expect.stringContaining('bdm: row 7: changed since the run'),
          },
        ]);
      }
    });
    test('because a row had changed: they are put back, and the row is who changed it’s', async () => {
      const changed = rows({
        known: 'perhaps',
        writes: [update('instances', { v: 2 }), ...writesOf(rows())],
        saved: { instances: [{ id: 9, v: 1 }], bdm: [secured] },
      });
      const undone = await undo([secure(), changed], { instances: [{ id: 9, v: 3 }], bdm: [secured] });
      expect(setOf(undone)).toEqual([['undo/secure', [{ dot: 1 }]]]);
      expect(undone).toMatchObject({ refusals: [], kept: [], remains: [] });
    });
    test('nor was it known whether the first happened: what others did is theirs', async () => {
      const changed = { ...was, dot: 5 };
      const undone = await undo([secure({ known: 'perhaps' }), unfit()], { ...there, bdm: [changed] });
      expect(undone).toMatchObject({ steps: [], refusals: [], kept: [] });
    });
    test('although it is said to be done: the record is damaged', async () => {
      await expect(undo([secure(), unfit('done')], { ...there, bdm: [secured] })).rejects.toMatchObject({
        code: 'run-changed',
        message: 'what step rows saved does not fit what it did',
      });
    });
  });
  test('and do not fit both together are taken back each by itself, or refused', async () => {
    // The row that was secured is not among those that the later step saved.
    const other = { id: 8, dot: 0, deleted: 0 };
    const undone = await undo([secure(), rows({ saved: { bdm: [other] } })], {
      bdm: [
        { ...secured, deleted: 3 },
        { ...other, deleted: 8 },
      ],
    });
    expect(setOf(undone)).toEqual([['undo/rows', [{ deleted: 0 }]]]);
    expect(undone.refusals).toMatchObject([
      { code: 'undo-row-changed', sentence: expect.stringContaining('bdm: row 7') },
    ]);
  });
  test('and are gone come again as they were before both', async () => {
    const removed = rows({
      writes: [{ verb: 'delete', table: 'bdm', where: [{ column: 'dot', is: '=', value: 0 }], rows: 1 }],
    });
    const { steps } = await undo([secure(), removed], { bdm: [] });
    expect(steps).toMatchObject([{ act: { writes: [{ verb: 'insert', values: was }] } }]);
  });
  test('are put back by their own step when the other never went through the gate', async () => {
    const undone = await undo([secure()], { bdm: [secured] });
    expect(setOf(undone)).toEqual([['undo/secure', [{ dot: 1 }]]]);
  });
  test('in another database than the others: each by its own', async () => {
    const other = {
      phase: 'rows',
      writes: [update('r', { v: 2 })],
      saved: { r: [{ id: 7, v: 1 }] },
    } as const;
    const undone = await undo([secure(), acted('api', { ...other, database: 'api' })], {
      bdm: [secured],
      r: [{ id: 7, v: 2 }],
    });
    expect(setOf(undone)).toEqual([
      ['undo/secure', [{ dot: 1 }]],
      ['undo/api', [{ v: 1 }]],
    ]);
  });
  test('of another cell than the rows that were deleted, in a table of the same name: each by its own', async () => {
    const undone = await undo(
      [secure(), rows({ database: 'cell:2', saved: { bdm: [{ ...was, dot: 1 }] } })],
      {
        'cell:1 bdm': [secured],
        'cell:2 bdm': [{ ...was, deleted: 7 }],
      },
    );
    expect(setOf(undone)).toEqual([
      ['undo/secure', [{ dot: 1 }]],
      ['undo/rows', [{ deleted: 0 }]],
    ]);
  });
  test('by two steps are put back as they were before all three', async () => {
    const other = { id: 8, dot: 1, deleted: 0 };
    const second = acted('second', {
      phase: 'secure',
      writes: [{ ...update('bdm', { dot: 0 }), where: [{ column: 'id', is: '=', value: 8 }] }],
      saved: { bdm: [other] },
    });
    const first = secure({
      writes: [{ ...update('bdm', { dot: 0 }), where: [{ column: 'id', is: '=', value: 7 }] }],
    });
    const last = rows({
      writes: [{ ...update('bdm', { deleted: { column: 'id' } }), where: [live], rows: 2 }],
      saved: { bdm: [secured, { ...other, dot: 0 }] },
    });
    const undone = await undo([first, second, last], { bdm: [deleted, { id: 8, dot: 0, deleted: 8 }] });
    const set = { dot: 1, deleted: 0 };
    expect(setOf(undone)).toEqual([['undo/rows', [set, set]]]);
  });
  test('and that the later step had not to delete any more: each by its own', async () => {
    const others = rows({ writes: [update('instances', { v: 2 })], saved: { instances: [{ id: 7, v: 1 }] } });
    const undone = await undo([secure(), others], { bdm: [secured], instances: [{ id: 7, v: 2 }] });
    expect(setOf(undone)).toEqual([
      ['undo/secure', [{ dot: 1 }]],
      ['undo/rows', [{ v: 1 }]],
    ]);
  });
  test('beside rows of other tables that have the same ids', async () => {
    const both = rows({
      writes: [...writesOf(rows()), update('instances', { v: 2 })],
      saved: { instances: [{ id: 7, v: 1 }], bdm: [{ id: 6, dot: 0, deleted: 6 }, secured] },
    });
    const undone = await undo([secure(), both], {
      instances: [{ id: 7, v: 2 }],
      bdm: [{ id: 6, dot: 0, deleted: 6 }, deleted],
    });
    expect(setOf(undone)).toEqual([['undo/rows', [{ v: 1 }, { dot: 1, deleted: 0 }]]]);
  });
  test('and a later step on the same database that is not of the rows stays by itself', async () => {
    const mapping = acted('mapping', {
      phase: 'mapping',
      writes: [update('m', { v: 2 })],
      saved: { m: [{ id: 7, v: 1 }] },
    });
    const undone = await undo([secure(), mapping], { bdm: [secured], m: [{ id: 7, v: 2 }] });
    expect(undone.steps.map(({ id }) => id)).toEqual(['undo/secure', 'undo/mapping']);
  });
  test('what was taken out of a queue first is lost, and changes nothing of it', async () => {
    const which = { door: 'queue' as const, database: 'cell:1', queue: 'compute.h', server: 's' };
    const request = step('request', { phase: 'secure', act: which, before: [which] });
    const undone = await undo(
      [{ step: request, known: 'done', images: [{ of: which, image: [] }] }, rows()],
      {
        bdm: [deleted],
      },
    );
    expect(setOf(undone)).toEqual([['undo/rows', [{ deleted: 0 }]]]);
    expect(undone.kept).toMatchObject([
      { why: 'this version cannot bring it back; what it was is saved in before.jsonl' },
    ]);
  });
});

function writesOf({ step: { act } }: ActedStep): readonly SqlWrite[] {
  return act.door === 'sql' ? act.writes : [];
}

test('rows that are not to be put back are lost, and nobody looks at them', async () => {
  const one = acted('a', {
    phase: 'ports',
    writes: [update('t', { v: 2 })],
    saved: { t: [{ id: 1, v: 1 }] },
  });
  const { steps, kept } = await undo([{ ...one, step: { ...one.step, undo: 'never' } }], {});
  expect(steps).toEqual([]);
  expect(kept).toMatchObject([
    { why: 'its rows are not put back; what they were are saved in before.jsonl' },
  ]);
});
