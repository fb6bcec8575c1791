import { describe, expect, test } from 'vitest';
import { resolveServer } from '../../src/kinds/subject/resolve.ts';
import { UsageError } from '../../src/plan/errors.ts';
import type { Row } from '../../src/site/reader.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { type Answers, CELLS, DOWN, OTHER, SERVER } from './subject-samples.ts';

describe('from what was typed to one server', () => {
  const named = (n: number, name: string) =>
    `cell:c${n}: select uuid, display_name, vm_state, task_state from instances where display_name = ${JSON.stringify(name)} and deleted = 0`;
  const gone = (n: number, name: string) =>
    `cell:c${n}: select uuid, display_name, deleted_at from instances where display_name = ${JSON.stringify(name)} and deleted != 0 order by id desc limit 20`;
  const REQUESTS = 'api: select * from build_requests';
  const request = (uuid: string, name: string) => ({
    instance_uuid: uuid,
    instance: JSON.stringify({ 'nova_object.data': { display_name: name } }),
  });
  const server = (uuid: string, name: string, changes: Row = {}): Row => ({
    uuid,
    display_name: name,
    vm_state: 'active',
    task_state: null,
    ...changes,
  });

  function resolve(typed: string, sql: Answers = {}, name = typed.trim()): Promise<string> {
    const none = Object.fromEntries(
      CELLS.flatMap((_, n) => [named(n, name), gone(n, name)].map((q) => [q, []])),
    );
    return resolveServer(fakeReader({ sql: { [REQUESTS]: [], ...none, ...sql } }), CELLS, typed);
  }
  const refusal = async (typed: string, sql: Answers = {}, name?: string): Promise<UsageError> => {
    const error = await resolve(typed, sql, name).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UsageError);
    return error as UsageError;
  };

  test('a name that one server bears', async () => {
    expect(await resolve('web', { [named(1, 'web')]: [server(SERVER, 'web')] })).toBe(SERVER);
    expect(await resolve('  web ', { [named(1, 'web')]: [server(SERVER, 'web')] })).toBe(SERVER);
  });
  test('a name that only a build request bears', async () => {
    expect(await resolve('web', { [REQUESTS]: [request(SERVER, 'web'), request(OTHER, 'db')] })).toBe(SERVER);
  });
  test('one server in its cell and in its build request is one server', async () => {
    const sql = { [named(1, 'web')]: [server(SERVER, 'web')], [REQUESTS]: [request(SERVER, 'web')] };
    expect(await resolve('web', sql)).toBe(SERVER);
  });
  test('a server whose row a resize to another cell has twice is one server', async () => {
    const sql = { [named(1, 'web')]: [server(SERVER, 'web')], [named(2, 'web')]: [server(SERVER, 'web')] };
    expect(await resolve('web', sql)).toBe(SERVER);
    const error = await refusal('web', { ...sql, [REQUESTS]: [request(OTHER, 'web')] });
    expect(error.message).toBe(
      `2 servers are called "web": ${SERVER} (cell1, active), ${OTHER} (build request)`,
    );
  });
  test('a build request without a uuid is nobody’s', async () => {
    const left = { ...request(SERVER, 'web'), instance_uuid: null };
    expect(await resolve('web', { [REQUESTS]: [left, request(SERVER, 'web')] })).toBe(SERVER);
    expect(await refusal('web', { [REQUESTS]: [left] })).toMatchObject({ code: 'no-such-server' });
  });
  test('a uuid, in any case of letters, known or not', async () => {
    expect(await resolve(SERVER)).toBe(SERVER);
    const upper = 'AAAAAAAA-2222-4333-8444-555555555555';
    expect(await resolve(upper)).toBe(upper.toLowerCase());
  });
  test('a uuid that is also the name of that same server', async () => {
    expect(await resolve(SERVER, { [named(1, SERVER)]: [server(SERVER, SERVER)] })).toBe(SERVER);
  });
  test('uuid: says what is meant, and nothing is asked', async () => {
    expect(await resolveServer(fakeReader({}), CELLS, `uuid:${SERVER}`)).toBe(SERVER);
  });

  test('a name that two servers bear: both are told', async () => {
    const error = await refusal('web', {
      [named(1, 'web')]: [server(SERVER, 'web', { task_state: 'deleting' })],
      [named(2, 'web')]: [server(OTHER, 'web')],
    });
    expect(error).toMatchObject({ code: 'name-not-unique', exitCode: 2 });
    expect(error.message).toBe(
      `2 servers are called "web": ${SERVER} (cell1, deleting), ${OTHER} (cell2, active)`,
    );
  });
  test('many of them: the first five and how many more', async () => {
    const many = Array.from({ length: 7 }, (_, i) => server(`${i}`, 'web'));
    expect((await refusal('web', { [named(1, 'web')]: many })).message).toMatch(
      /^7 servers .*4 \(cell1, active\), and 2 more$/,
    );
  });
  test('five of them are all told', async () => {
    const five = Array.from({ length: 5 }, (_, i) => server(`${i}`, 'web'));
    expect((await refusal('web', { [named(1, 'web')]: five })).message).toMatch(/ 4 \(cell1, active\)$/);
  });
  test('a server without a state, and one that only a build request bears', async () => {
    const error = await refusal('web', {
      [named(1, 'web')]: [server(SERVER, 'web', { vm_state: null })],
      [REQUESTS]: [request(OTHER, 'web')],
    });
    expect(error.message).toContain(`${SERVER} (cell1, no state), ${OTHER} (build request)`);
  });
  test("a name that is another server's uuid", async () => {
    const error = await refusal(SERVER, { [named(1, SERVER)]: [server(OTHER, SERVER)] });
    expect(error).toMatchObject({ code: 'name-is-a-uuid', hint: expect.stringContaining(`uuid:${SERVER}`) });
    expect(error.message).toContain(OTHER);
  });
  test('a name is meant to the letter, whatever the column’s collation finds', async () => {
    const sql = { [named(1, 'web')]: [server(OTHER, 'Web'), server(OTHER, 'wéb')] };
    expect((await refusal('web', sql)).code).toBe('no-such-server');
    const both = { [named(1, 'web')]: [server(OTHER, 'WEB'), server(SERVER, 'web')] };
    expect(await resolve('web', both)).toBe(SERVER);
  });
  test('nobody: where was looked, and who bore the name', async () => {
    const error = await refusal('web', {
      [gone(1, 'web')]: [
        { uuid: SERVER, display_name: 'web', deleted_at: '2026-01-01 00:00:00' },
        { uuid: OTHER, display_name: 'WEB', deleted_at: null },
      ],
    });
    expect(error.message).toBe(
      'no live server is called "web": looked at build requests and cell0, cell1, cell2',
    );
    expect(error.hint).toBe(
      `deleted servers of that name: ${SERVER} (deleted 2026-01-01 00:00:00); a deleted one is named by its uuid`,
    );
  });
  test('nobody at all: how servers are named', async () => {
    expect((await refusal('web')).hint).toContain('whole uuid');
  });
  test.each([
    ['', 'server-empty'],
    ['   ', 'server-empty'],
    ['uuid:', 'server-empty'],
    ['uuid:web', 'uuid-invalid'],
    ['uuid:11111111-2222-4333-8444-55555555555', 'uuid-invalid'],
    ['11111111222243338444555555555555', 'uuid-invalid'],
    ['11111111-2222-4333-8444-5555555555551', 'uuid-invalid'],
    ['uuid:a11111111-2222-4333-8444-555555555555', 'uuid-invalid'],
    ['uuid:11111111-2222-4333-8444-555555555555a', 'uuid-invalid'],
    ['web-11111111-2222-4333-8444-555555555555', 'no-such-server'],
    ['11111111-2222-4333-8444-555555555555-web', 'no-such-server'],
    ["web' or 1=1 --", 'no-such-server'],
    ['%', 'no-such-server'],
  ])('%j is refused: %s', async (typed, code) => {
    expect((await refusal(typed)).code).toBe(code);
  });
  test('a cell that cannot be asked ends it: the name may be there', async () => {
    await expect(resolve('web', { [named(1, 'web')]: DOWN })).rejects.toBe(DOWN);
  });
});
