import { expect, test } from 'vitest';
import { buildRequest } from '../../src/kinds/build-request/index.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { decisions, subject } from '../support/subjects.ts';
import { WORDS } from '../support/words.ts';

const SERVER = '11111111-2222-4333-8444-555555555555';

test('a server that was never scheduled loses its build request, and only that row', async () => {
  const waiting = subject({ uuid: SERVER, row: null, cell: null, buildRequest: { id: 9 } });
  const { facts } = await buildRequest.find(fakeReader({}), waiting);
  const plan = buildRequest.plan(facts, waiting, decisions());
  const where = [{ column: 'instance_uuid', is: '=', value: SERVER }];
  const at = { door: 'sql', database: 'api' };
  expect(plan).toEqual({
    refusals: [],
    kept: [],
    remains: [{ place: 'database nova_api', what: 'build request' }],
    steps: [
      {
        id: 'build-request/9',
        phase: 'rows',
        place: 'database nova_api',
        title: WORDS,
        why: WORDS,
        guards: [],
        act: {
          ...at,
          writes: [{ verb: 'delete', table: 'build_requests', where, rows: 1 }],
        },
        settled: { ...at, table: 'build_requests', where, count: 0 },
        before: [{ ...at, table: 'build_requests', where }],
        undo: 'before-image',
      },
    ],
  });
});

test('a server that reached its cell has none, and nothing is asked', async () => {
  const { facts, unknown } = await buildRequest.find(fakeReader({}), subject());
  expect(unknown).toEqual([]);
  expect(buildRequest.plan(facts, subject(), decisions()).steps).toEqual([]);
});
