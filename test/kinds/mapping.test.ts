import { expect, test } from 'vitest';
import { mapping } from '../../src/kinds/mapping/index.ts';
import type { Subject } from '../../src/kinds/subject/subject.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { decisions, subject } from '../support/subjects.ts';
import { WORDS } from '../support/words.ts';

const SERVER = '11111111-2222-4333-8444-555555555555';

async function planFor(of: Subject) {
  const { facts, unknown } = await mapping.find(fakeReader({}), of);
  expect(unknown).toEqual([]);
  return mapping.plan(facts, of, decisions());
}

const unmarked = (queuedForDelete: boolean | null) =>
  subject({ uuid: SERVER, mapping: { cellUuid: 'c1', queuedForDelete } });

test('a mapping that is not marked is marked as Nova marks it, after the rows', async () => {
  const plan = await planFor(unmarked(false));
  const where = [{ column: 'instance_uuid', is: '=', value: SERVER }];
  const at = { door: 'sql', database: 'api' };
  expect(plan).toEqual({
    refusals: [],
    kept: [],
    remains: [{ place: 'database nova_api', what: 'mapping to its cell, not marked as deleted' }],
    steps: [
      {
        id: 'mapping/queued-for-delete',
        phase: 'mapping',
        place: 'database nova_api',
        title: WORDS,
        why: WORDS,
        guards: [],
        undo: 'before-image',
        act: {
          ...at,
          writes: [
            {
              verb: 'update',
              table: 'instance_mappings',
              set: { queued_for_delete: 1, updated_at: { now: true } },
              where,
              rows: 1,
            },
          ],
        },
        settled: {
          ...at,
          table: 'instance_mappings',
          where: [...where, { column: 'queued_for_delete', is: '=', value: 1 }],
          count: 1,
        },
        before: [{ ...at, table: 'instance_mappings', where }],
      },
    ],
  });
});

test('a mapping without a cell is marked too: its server was never scheduled', async () => {
  const waiting = subject({ uuid: SERVER, row: null, mapping: { cellUuid: null, queuedForDelete: false } });
  expect((await planFor(waiting)).steps).toHaveLength(1);
});

test('marked, or no mapping at all: nothing', async () => {
  expect((await planFor(unmarked(true))).steps).toEqual([]);
  expect((await planFor(subject({ uuid: SERVER, mapping: null }))).steps).toEqual([]);
});

test('Queens and older have no such mark', async () => {
  expect((await planFor(unmarked(null))).steps).toEqual([]);
});
