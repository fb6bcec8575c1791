import { expect, test } from 'vitest';
import { allocations } from '../../src/kinds/allocations/index.ts';
import { LookError } from '../../src/plan/errors.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { decisions, subject } from '../support/subjects.ts';
import { WORDS } from '../support/words.ts';

const SERVER = '11111111-2222-4333-8444-555555555555';
const MIGRATION = '99999999-2222-4333-8444-555555555555';
const moved = subject({
  uuid: SERVER,
  migrations: [
    {
      id: 3,
      uuid: MIGRATION,
      status: 'finished',
      sourceCompute: 'a',
      destCompute: 'a',
      deleted: false,
    },
  ],
});

test('what the server and its migration hold is found and released, each as one consumer', async () => {
  const look = fakeReader({
    http: {
      [`placement /allocations/${SERVER}`]: {
        body: {
          allocations: { rp2: { resources: { VGPU: 1 } }, rp1: { resources: { VCPU: 1, MEMORY_MB: 64 } } },
        },
      },
      [`placement /allocations/${MIGRATION}`]: { body: { allocations: { rp1: { resources: { VCPU: 2 } } } } },
    },
  });
  const { facts, unknown } = await allocations.find(look, moved);
  const plan = allocations.plan(facts, moved, decisions());

  expect(unknown).toEqual([]);
  expect(plan.remains.map((r) => r.what)).toEqual([
    '64 MEMORY_MB, 1 VCPU, 1 VGPU held by the server',
    '2 VCPU held by the migration 3',
  ]);
  expect(facts.holdings.map(({ providers }) => providers)).toEqual([['rp1', 'rp2'], ['rp1']]);
  const path = (consumer: string) => `/allocations/${consumer}`;
  const at = { door: 'http', service: 'placement' };
  expect(plan).toMatchObject({ refusals: [], kept: [] });
  expect(plan.steps).toEqual(
    [SERVER, MIGRATION].map((consumer) => ({
      id: `allocations/${consumer}`,
      phase: 'allocations',
      place: 'Placement',
      title: WORDS,
      why: WORDS,
      act: { ...at, method: 'DELETE', path: path(consumer), status: [204, 404] },
      guards: [],
      settled: { ...at, path: path(consumer), status: [200], at: { keys: ['allocations'], equals: {} } },
      before: [{ ...at, path: path(consumer) }],
      undo: 'recreate',
    })),
  );
});

test('a migration without a uuid is no consumer', async () => {
  const old = subject({
    uuid: SERVER,
    migrations: moved.migrations.map((migration) => ({ ...migration, uuid: null })),
  });
  const look = fakeReader({ http: { [`placement /allocations/${SERVER}`]: { body: { allocations: {} } } } });
  expect(await allocations.find(look, old)).toEqual({ facts: { holdings: [] }, unknown: [] });
});

test('a consumer that holds nothing plans nothing', async () => {
  const one = subject({ uuid: SERVER });
  const look = fakeReader({ http: { [`placement /allocations/${SERVER}`]: { body: { allocations: {} } } } });
  const { facts } = await allocations.find(look, one);
  expect(allocations.plan(facts, one, decisions()).steps).toEqual([]);
});

test('a Placement that does not answer is unknown, not empty', async () => {
  const one = subject({ uuid: SERVER });
  const down = new LookError('Placement', 'connection refused', { code: 'api-unreachable' });
  const { unknown } = await allocations.find(
    fakeReader({ http: { [`placement /allocations/${SERVER}`]: down } }),
    one,
  );
  expect(unknown).toEqual([{ place: 'Placement', why: 'connection refused' }]);
});
