import { describe, expect, test } from 'vitest';
import { plan as schema } from '../../src/plan/schema.ts';
import type { Act, Check, Plan, Step } from '../../src/plan/types.ts';
import { gone, PHASES, plan, SERVER, step } from '../support/plans.ts';

const ACTS: readonly Act[] = [
  {
    door: 'sql',
    database: 'cell:c1',
    writes: [
      {
        verb: 'update',
        table: 'quota_usages',
        set: {
          a: 'text',
          b: 1,
          c: null,
          d: { base64: 'AAE=' },
          e: { now: true },
          f: { column: 'id' },
          g: { sum: 'vcpus', of: 'instances', where: [{ column: 'deleted', is: '=', value: 0 }] },
          h: { count: true, of: 'instances', where: [] },
        },
        where: [
          { column: 'id', is: 'in', value: [1, 'two'] },
          { column: 'host', is: 'null' },
          { column: 'node', is: 'not null' },
        ],
        rows: 2,
      },
      { verb: 'delete', table: 'tags', where: [{ column: 'id', is: '!=', value: 1 }], rows: 1 },
      { verb: 'insert', table: 'instance_system_metadata', values: { key: 'clean_attempts' } },
    ],
  },
  {
    door: 'command',
    host: 'compute1',
    first: [{ argv: ['sync'], exit: [0, 1] }],
    argv: ['true'],
    input: 'yes',
    seconds: 90,
    exit: [0],
    otherwise: [['false']],
  },
  ...(['POST', 'PUT', 'DELETE'] as const).map(
    (method): Act => ({
      door: 'http',
      service: 'network',
      method,
      path: '/v2.0/ports/p',
      body: { port: { device_id: '' } },
      microversion: '2.1',
      serviceToken: true,
      status: [200],
    }),
  ),
  { door: 'cache', server: 'm:11211', key: 'k' },
  { door: 'queue', database: 'cell:c1', queue: 'compute.h', server: SERVER },
];

const CHECKS: readonly Check[] = [
  ...[0, 7].map(
    (count): Check => ({ door: 'sql', database: 'api', table: 'build_requests', where: [], count }),
  ),
  ...[
    { equals: 'running' },
    { hasLine: 'a' },
    { lacksLine: 'a' },
    { linesWithin: ['a'] },
    { lacksText: 'two words' },
  ].map(
    (out): Check => ({
      door: 'command',
      host: 'compute1',
      argv: ['test', '-e', '/x'],
      exit: [0],
      no: [1],
      out,
    }),
  ),
  ...(['compute', 'network', 'image', 'placement', 'volume'] as const).map(
    (service): Check => ({
      door: 'http',
      service,
      path: '/v2/images/i',
      status: [200],
      at: { keys: ['status'], equals: 'queued' },
    }),
  ),
  { door: 'cache', server: 'm:11211', key: 'k', absent: true },
  ...[0, 7].map(
    (count): Check => ({ door: 'queue', database: 'cell:c1', queue: 'compute.h', server: SERVER, count }),
  ),
];

const DECISIONS: readonly Partial<Plan['decisions']>[] = [
  ...(['as-nova', 'delete', 'keep'] as const).map((ports) => ({ ports })),
  ...(['as-nova', 'delete', 'keep'] as const).map((rest) => ({ volumes: { rest, named: {} } })),
  { volumes: { named: { v: 'keep', w: 'delete' } } },
  ...(['attachment', 'force', 'reset'] as const).map((detach) => ({ detach })),
  { surgery: true, portSurgery: ['p', 'q'], fenced: ['compute1', 'compute2'], lift: ['even-healthy'] },
];

test('a plan with every form that a step may have is read back as it was', () => {
  const full = plan({
    remains: [{ kind: 'rows', place: 'database of cell1', what: 'a row' }],
    kept: [{ kind: 'ports', place: 'Neutron', what: 'port p', why: 'it is the user’s' }],
    unknown: [{ kind: 'files', place: 'host compute2', why: 'no answer' }],
    manual: ['one', 'two'].map((what) => ({ kind: 'files', place: 'host compute1', what, how: 'By hand.' })),
    deferred: ['h1', 'h2'].map((place) => ({ kind: 'files', place, why: 'it is off' })),
    traces: { name: null },
    refusals: [
      { code: 'domain-other', kind: 'domain', sentence: 'It is not its own.', flag: null },
      {
        code: 'volumes-undecided',
        kind: 'volumes',
        sentence: 'Nobody has decided.',
        flag: 'volumes as-nova',
        volumes: (['keep', 'delete'] as const).map((nova) => ({ id: nova, what: 'volume', nova, lost: '' })),
      },
    ],
    steps: ACTS.flatMap((act, i) =>
      CHECKS.map((check, j) =>
        step(`${i}.${j}`, {
          act,
          settled: check,
          guards: [{ must: 'it is so', check }],
          before: [
            { door: 'sql', database: 'api', table: 't', where: [] },
            { door: 'command', host: 'h', argv: ['true'] },
            { door: 'http', service: 'network', path: '/v2.0/ports/p' },
            { door: 'cache', server: 'm:11211', key: 'k' },
            { door: 'queue', database: 'cell:c1', queue: 'compute.h', server: SERVER },
          ],
        }),
      ),
    ),
  });
  expect(schema.parse(JSON.parse(JSON.stringify(full)))).toEqual(full);
});

test('so is one with every word that a step may say', () => {
  const lull: Step['lull'] = { why: 'Something is under way.', while: step('a').settled, seconds: 30 };
  const undo = ['before-image', 'recreate', 'never'] as const;
  const full = plan({
    steps: [
      ...PHASES.map((phase) => step(phase, { phase })),
      ...undo.map((word) => step(word, { undo: word, lull, patience: 60, ifItFails: 'try again' })),
    ],
  });
  expect(schema.parse(JSON.parse(JSON.stringify(full)))).toEqual(full);
});

test.each(DECISIONS)('so are the decisions %j', (decided) => {
  const made = plan();
  const full = plan({ decisions: { ...made.decisions, ...decided } });
  expect(schema.parse(JSON.parse(JSON.stringify(full)))).toEqual(full);
});

describe('what is no plan is not taken for one', () => {
  const good = plan({ steps: [step('a')] });
  const sql = (write: unknown) => ({
    ...good,
    steps: [{ ...step('a'), act: { door: 'sql', database: 'api', writes: [write] } }],
  });
  test('the one that the others are made from is good', () => {
    expect(schema.safeParse(good).success).toBe(true);
  });
  test.each<[string, unknown]>([
    ['nothing', null],
    ['another format', { ...good, format: 2 }],
    ['a key that nobody knows', { ...good, sudo: true }],
    ['a time that is none', { ...good, madeAt: 'yesterday' }],
    ['an unknown door', { ...good, steps: [{ ...step('a'), act: { door: 'exec', argv: ['true'] } }] }],
    ['an unknown phase', { ...good, steps: [{ ...step('a'), phase: 'first' }] }],
    [
      'a GET as an act',
      {
        ...good,
        steps: [
          {
            ...step('a'),
            act: { door: 'http', service: 'network', method: 'GET', path: '/', status: [200] },
          },
        ],
      },
    ],
    ['an update of every row', sql({ verb: 'update', table: 't', set: {}, where: [], rows: 1 })],
    ['a delete of every row', sql({ verb: 'delete', table: 't', where: [], rows: 1 })],
    [
      'a write that may touch no row',
      sql({ verb: 'delete', table: 't', where: [{ column: 'a', is: 'null' }], rows: 0 }),
    ],
    [
      'SQL as text',
      sql({
        verb: 'update',
        table: 't',
        set: { a: { raw: '1; drop table t' } },
        where: [{ column: 'a', is: 'null' }],
        rows: 1,
      }),
    ],
    [
      'an empty argv',
      { ...good, steps: [{ ...step('a'), act: { door: 'command', host: 'h', argv: [], exit: [0] } }] },
    ],
    [
      'a value that is compared with nothing',
      {
        ...good,
        steps: [
          step('a', {
            settled: JSON.parse(
              '{"door":"http","service":"image","path":"/","status":[200],"at":{"keys":["a"]}}',
            ),
          }),
        ],
      },
    ],
    ...[{ is: '=' }, { is: 'in', value: 1 }, { is: 'null', value: 1 }, { is: 'like', value: 'a' }].map(
      (where): [string, unknown] => [
        `a condition ${JSON.stringify(where)}`,
        sql({ verb: 'delete', table: 't', where: [{ column: 'a', ...where }], rows: 1 }),
      ],
    ),
    ['a decision that nobody knows', { ...good, decisions: { ...good.decisions, volumes: 'delete' } }],
    ['a manual step that is none', { ...good, manual: [] }],
    [
      'a lull without an end',
      { ...good, steps: [step('a', { lull: { why: '', while: gone('a'), seconds: 0 } })] },
    ],
    ['no patience at all', { ...good, steps: [step('a', { patience: 0 })] }],
    ['a server without uuid', { ...good, server: { ...good.server, uuid: undefined } }],
  ])('%s', (_, data) => {
    expect(schema.safeParse(data).success).toBe(false);
  });
});

test('the server of a plan may have no name, project or cell', () => {
  const bare = plan({
    server: { uuid: SERVER, name: null, project: null, cell: null, state: 'unknown to Nova', hosts: [] },
  });
  expect(schema.parse(bare)).toEqual(bare);
});
