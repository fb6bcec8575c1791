import { describe, expect, test } from 'vitest';
import { plan as schema } from '../../src/plan/schema.ts';
import type { Act, Check } from '../../src/plan/types.ts';
import { plan, SERVER, step } from '../support/plans.ts';

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
        ],
        rows: 2,
      },
      { verb: 'delete', table: 'tags', where: [{ column: 'id', is: '!=', value: 1 }], rows: 1 },
      { verb: 'insert', table: 'instance_system_metadata', values: { key: 'clean_attempts' } },
    ],
  },
  { door: 'command', host: 'compute1', argv: ['true'], exit: [0], otherwise: [['false']] },
  {
    door: 'http',
    service: 'network',
    method: 'PUT',
    path: '/v2.0/ports/p',
    body: { port: { device_id: '' } },
    microversion: '2.1',
    status: [200],
  },
  { door: 'cache', server: 'm:11211', key: 'k' },
  { door: 'queue', database: 'cell:c1', queue: 'compute.h', server: SERVER },
];

const CHECKS: readonly Check[] = [
  { door: 'sql', database: 'api', table: 'build_requests', where: [], count: 0 },
  {
    door: 'command',
    host: 'compute1',
    argv: ['test', '-e', '/x'],
    exit: [0],
    no: [1],
    out: { linesWithin: ['a'] },
  },
  {
    door: 'http',
    service: 'image',
    path: '/v2/images/i',
    status: [200],
    at: { keys: ['status'], equals: 'queued' },
  },
  { door: 'cache', server: 'm:11211', key: 'k', absent: true },
  { door: 'queue', database: 'cell:c1', queue: 'compute.h', server: SERVER, count: 0 },
];

test('a plan with every form that a step may have is read back as it was', () => {
  const full = plan({
    remains: [{ kind: 'rows', place: 'database of cell1', what: 'a row' }],
    kept: [{ kind: 'ports', place: 'Neutron', what: 'port p', why: 'it is the user’s' }],
    unknown: [{ kind: 'files', place: 'host compute2', why: 'no answer' }],
    refusals: [{ code: 'domain-other', kind: 'domain', sentence: 'It is not its own.', flag: null }],
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
    ['a decision that nobody knows', { ...good, decisions: { ...good.decisions, volumes: 'delete' } }],
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
