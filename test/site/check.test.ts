import { describe, expect, test } from 'vitest';
import { LookError } from '../../src/plan/errors.ts';
import type { Check } from '../../src/plan/types.ts';
import { checkHolds, readImage } from '../../src/site/check.ts';
import type { Row } from '../../src/site/reader.ts';
import type { Databases } from '../../src/site/sql/databases.ts';
import { type FakeAnswers, fakeReader } from '../support/fake-reader.ts';

const DOWN = new LookError('somewhere', 'no answer', { code: 'down' });

/** Databases that answer one select; the statement must be the one that is foreseen. */
function databases(foreseen: string, answer: readonly Row[] | LookError): Databases {
  return {
    async select(database: string, sql: string, parameters: readonly unknown[]) {
      let next = 0;
      const text = sql.replaceAll('`', '').replaceAll('?', () => JSON.stringify(parameters[next++]));
      if (`${database}: ${text}` !== foreseen)
        throw new Error(`the test did not foresee: ${database}: ${text}`);
      if (answer instanceof LookError) throw answer;
      return answer;
    },
  } as unknown as Databases;
}
const NO_DATABASE = databases('none', []);

function holds(check: Check, answers: FakeAnswers, of: Databases = NO_DATABASE): Promise<boolean> {
  return checkHolds(fakeReader(answers), of, check);
}

describe('rows', () => {
  const check: Check = {
    door: 'sql',
    database: 'cell:c1',
    table: 'instances',
    where: [{ column: 'id', is: '=', value: 42 }],
    count: 1,
  };
  const ask = (answer: readonly Row[] | LookError) =>
    holds(check, {}, databases('cell:c1: select count(*) as n from instances where id = 42', answer));

  test('as many as there should be', async () => {
    expect(await ask([{ n: 1 }])).toBe(true);
    expect(await ask([{ n: '1' }])).toBe(true);
  });
  test('fewer or more are no', async () => {
    expect(await ask([{ n: 0 }])).toBe(false);
    expect(await ask([{ n: 2 }])).toBe(false);
  });
  test('no count at all is no', async () => {
    expect(await ask([])).toBe(false);
  });
  test('a database that is down is neither', async () => {
    await expect(ask(DOWN)).rejects.toBe(DOWN);
  });
});

describe('an API', () => {
  const PORT = 'network /v2.0/ports/p1';
  const check = (changes: object = {}): Check => ({
    door: 'http',
    service: 'network',
    path: '/v2.0/ports/p1',
    status: [200],
    ...changes,
  });
  const at = (keys: string[], equals: unknown) => check({ at: { keys, equals } });
  const port = { port: { device_id: 'server', status: 'DOWN', n: 1, tags: ['a'], none: null } };

  test('gone, or there', async () => {
    const gone = check({ status: [404] });
    expect(await holds(gone, { http: { [PORT]: { status: 404 } } })).toBe(true);
    expect(await holds(gone, { http: { [PORT]: { body: port } } })).toBe(false);
    expect(await holds(check(), { http: { [PORT]: { status: 404 } } })).toBe(false);
    expect(await holds(check(), { http: { [PORT]: { body: port } } })).toBe(true);
  });
  test.each<[string, string[], unknown, boolean]>([
    ["it is still this server's", ['port', 'device_id'], 'server', true],
    ["it is another server's", ['port', 'device_id'], 'another', false],
    ['it is not empty', ['port', 'device_id'], '', false],
    ['a number is not its text', ['port', 'n'], '1', false],
    ['a list', ['port', 'tags'], ['a'], true],
    [
      'keys in another order',
      ['port'],
      { none: null, tags: ['a'], n: 1, status: 'DOWN', device_id: 'server' },
      true,
    ],
    ['a key more', ['port'], { device_id: 'server' }, false],
    ['null', ['port', 'none'], null, true],
    ['what is not there is not null', ['port', 'missing'], null, false],
    ['what is not there at any depth', ['nothing', 'device_id'], 'server', false],
    ['a path through a text', ['port', 'device_id', 'length'], 6, false],
  ])('%s', async (_, keys, equals, expected) => {
    expect(await holds(at(keys, equals), { http: { [PORT]: { body: port } } })).toBe(expected);
  });
  test('a page of HTML is no', async () => {
    expect(await holds(at(['port', 'device_id'], 'server'), { http: { [PORT]: { body: '<html>' } } })).toBe(
      false,
    );
  });
  test('any other answer is neither', async () => {
    await expect(holds(check(), { http: { [PORT]: { status: 500 } } })).rejects.toThrow(LookError);
    await expect(holds(check(), { http: { [PORT]: DOWN } })).rejects.toBe(DOWN);
  });
});

describe('a command', () => {
  const check = (changes: object = {}): Check => ({
    door: 'command',
    host: 'compute1',
    argv: ['virsh', 'list'],
    exit: [0],
    ...changes,
  });
  const said = (answer: string | { exit?: number; out?: string; err?: string } | LookError) => ({
    command: { 'compute1: virsh list': answer },
  });

  test('its exit code alone', async () => {
    expect(await holds(check(), said(''))).toBe(true);
    expect(await holds(check({ exit: [0, 3] }), said({ exit: 3 }))).toBe(true);
    expect(await holds(check({ no: [1] }), said({ exit: 1 }))).toBe(false);
  });
  test('an exit code that is neither yes nor no is could not look, with what it said', async () => {
    for (const no of [undefined, [1]])
      await expect(
        holds(check({ no }), said({ exit: 2, err: 'first\nerror: no connection\n' })),
      ).rejects.toMatchObject({
        name: 'LookError',
        code: 'check-failed',
        place: 'host compute1',
        message: 'virsh list ended with 2: error: no connection',
      });
  });
  test('a program that is not there is not an answer', async () => {
    await expect(holds(check({ no: [1] }), said({ exit: 127 }))).rejects.toThrow(LookError);
  });
  test('a host that is not there neither', async () => {
    await expect(holds(check(), said(DOWN))).rejects.toBe(DOWN);
  });

  test.each([
    ['bytes that are no text', 'a\u0000b'],
    ["a terminal's", '\u001b[31ma\n'],
    ['a delete', 'a\u007f\n'],
  ])('that printed %s was not the one that was asked', async (_, out) => {
    for (const wanted of [undefined, { lacksLine: 'b' }, { lacksText: 'x' }, { equals: out.trim() }])
      await expect(holds(check({ out: wanted }), said(out))).rejects.toMatchObject({
        name: 'LookError',
        code: 'answer-not-understood',
        place: 'host compute1',
        message: 'virsh list ended with 0 and printed what it never prints',
      });
  });
  test('lines may end as they like, and have tabs in them', async () => {
    expect(await holds(check({ out: { lacksLine: 'b' } }), said('a\tx\r\nc\n'))).toBe(true);
  });
  test('test prints nothing', async () => {
    const there = check({ argv: ['test', '-e', '/a'], no: [1] });
    const tested = (answer: object) => ({ command: { 'compute1: test -e /a': answer } });
    expect(await holds(there, tested({ exit: 0 }))).toBe(true);
    expect(await holds(there, tested({ exit: 0, err: 'sudo: unable to resolve host\n' }))).toBe(true);
    expect(await holds(there, tested({ exit: 1 }))).toBe(false);
    for (const exit of [0, 1])
      await expect(holds(there, tested({ exit, out: 'Welcome\n' }))).rejects.toMatchObject({
        code: 'answer-not-understood',
      });
  });

  describe('what it printed', () => {
    const out = (wanted: object, printed: string) => holds(check({ out: wanted }), said(printed));
    test.each<[string, object, string, boolean]>([
      ['equals', { equals: 'shut off' }, 'shut off\n\n', true],
      ['equals not', { equals: 'shut off' }, 'running\n', false],
      ['equals nothing', { equals: '' }, '\n', true],
      ['equals, to the blank', { equals: 'a' }, ' a\n', false],
      ['has the line', { hasLine: 'b' }, 'a\n  b  \nc\n', true],
      ['has only part of it', { hasLine: 'b' }, 'ab\nbc\n', false],
      ['lacks the line', { lacksLine: 'b' }, 'a\nbc\n', true],
      ['lacks it in nothing', { lacksLine: 'b' }, '', true],
      ['does not lack it', { lacksLine: 'b' }, 'a\nb\n', false],
      ['lines within', { linesWithin: ['a', 'b'] }, 'b\n\na\n', true],
      ['none is within', { linesWithin: ['a'] }, '', true],
      ['one more line', { linesWithin: ['a', 'b'] }, 'a\nc\n', false],
      ['any line where none may be', { linesWithin: [] }, 'a\n', false],
    ])('%s', async (_, wanted, printed, expected) => {
      expect(await out(wanted, printed)).toBe(expected);
    });
  });
});

describe('memcached', () => {
  const check = (absent: boolean): Check => ({ door: 'cache', server: 'm:1', key: 'k', absent });
  test('there or not', async () => {
    const there = { cache: { 'm:1 k': 'v' } };
    expect(await holds(check(true), there)).toBe(false);
    expect(await holds(check(false), there)).toBe(true);
    expect(await holds(check(true), {})).toBe(true);
    expect(await holds(check(false), {})).toBe(false);
  });
  test('an empty value is there', async () => {
    expect(await holds(check(true), { cache: { 'm:1 k': '' } })).toBe(false);
  });
  test('down is neither', async () => {
    await expect(holds(check(true), { cache: { 'm:1 k': DOWN } })).rejects.toBe(DOWN);
  });
});

const IN_QUEUE = { door: 'queue' as const, database: 'cell:c1', queue: 'compute.h', server: 's1' };
const requestFor = (server: string | null, method = 'reboot_instance') => ({
  method,
  server,
  requestId: 'req-1',
  askedAt: '2026-11-22T03:00:00',
  mentions: [],
});
const queueOf = (...requests: ReturnType<typeof requestFor>[]) => ({
  queue: { 'cell:c1 compute.h': { requests, consumers: 0 } },
});

describe('a queue of the message bus', () => {
  const check = (count: number): Check => ({ ...IN_QUEUE, count });
  test('only what is for this server counts', async () => {
    const answers = queueOf(requestFor('s1'), requestFor('s2'), requestFor(null));
    expect(await holds(check(1), answers)).toBe(true);
    expect(await holds(check(0), answers)).toBe(false);
  });
  test('a queue that is not there has none', async () => {
    expect(await holds(check(0), { queue: { 'cell:c1 compute.h': null } })).toBe(true);
  });
  test('no way to it is neither', async () => {
    await expect(holds(check(0), { queue: { 'cell:c1 compute.h': DOWN } })).rejects.toBe(DOWN);
  });
});

describe('what is saved before an act', () => {
  const image = (what: Parameters<typeof readImage>[2], answers: FakeAnswers, of = NO_DATABASE) =>
    readImage(fakeReader(answers), of, what);

  test('rows, all columns', async () => {
    const rows = [{ id: 1, blob: { base64: 'AAE=' }, none: null }];
    const of = databases('api: select * from build_requests where instance_uuid = "u"', rows);
    const where = [{ column: 'instance_uuid', is: '=' as const, value: 'u' }];
    expect(await image({ door: 'sql', database: 'api', table: 'build_requests', where }, {}, of)).toEqual(
      rows,
    );
  });
  test('no password of a volume', async () => {
    const data = {
      auth_method: 'CHAP',
      auth_username: 'user',
      auth_password: 'chap "\\ secret',
      discovery_auth_password: 'chap2',
      keyring: '[client.cinder]\nkey = rbd-key',
      secret_uuid: 's1',
      serverToken: 'token-of-chap',
      options: '-o username=nova,password=smb-chap',
    };
    const rows = [{ id: 1, connection_info: JSON.stringify({ serial: 'v1', data }) }];
    const of = databases('api: select * from block_device_mapping where id = 1', rows);
    const where = [{ column: 'id', is: '=' as const, value: 1 }];
    const what = { door: 'sql' as const, database: 'api', table: 'block_device_mapping', where };
    const [row] = (await image(what, {}, of)) as { connection_info: string }[];
    expect(row?.connection_info).not.toMatch(/chap|rbd-key/);
    expect(JSON.parse(row?.connection_info ?? '')).toEqual({
      serial: 'v1',
      data: {
        ...data,
        auth_password: '…',
        discovery_auth_password: '…',
        keyring: '…',
        serverToken: '…',
        options: '…',
      },
    });
  });
  test('the options of a mount without a password stay', async () => {
    const rows = [{ id: 1, connection_info: '{"data": {"options": "-o vers=4.1", "auth_password": "x"}}' }];
    const of = databases('api: select * from block_device_mapping where id = 1', rows);
    const where = [{ column: 'id', is: '=' as const, value: 1 }];
    const what = { door: 'sql' as const, database: 'api', table: 'block_device_mapping', where };
    expect(await image(what, {}, of)).toEqual([
      { id: 1, connection_info: '{"data": {"options": "-o vers=4.1", "auth_password": "…"}}' },
    ]);
  });
  test("no password of Cinder's volume either", async () => {
    const rows = [{ id: 'v1', status: 'available', provider_auth: 'CHAP user chap-secret' }];
    const of = databases('cinder: select * from volumes where id = "v1"', rows);
    const where = [{ column: 'id', is: '=' as const, value: 'v1' }];
    const what = { door: 'sql' as const, database: 'cinder', table: 'volumes', where };
    expect(await image(what, {}, of)).toEqual([{ id: 'v1', status: 'available' }]);
  });
  test('what an API says, or that there is nothing', async () => {
    const what = { door: 'http' as const, service: 'network' as const, path: '/v2.0/ports/p1' };
    const http = (answer: object) => ({ http: { 'network /v2.0/ports/p1': answer } });
    expect(await image(what, http({ body: { port: { id: 'p1' } } }))).toEqual({ port: { id: 'p1' } });
    expect(await image(what, http({ status: 404, body: { NeutronError: {} } }))).toBeNull();
    await expect(image(what, http({ status: 500 }))).rejects.toThrow(LookError);
  });
  test('what a command prints, with its exit code', async () => {
    const what = { door: 'command' as const, host: 'compute1', argv: ['virsh', 'dumpxml', 'u'] };
    const command = { 'compute1: virsh dumpxml u': { exit: 1, out: '<domain/>', err: 'x' } };
    expect(await image(what, { command })).toEqual({ exit: 1, out: '<domain/>' });
  });
  test('which requests wait, never what they say', async () => {
    const answers = queueOf(requestFor('s2'), requestFor('s1', 'terminate_instance'));
    expect(await image(IN_QUEUE, answers)).toEqual([
      { method: 'terminate_instance', requestId: 'req-1', askedAt: '2026-11-22T03:00:00' },
    ]);
  });
  test('a value of memcached, whatever its bytes', async () => {
    const what = { door: 'cache' as const, server: 'm:1', key: 'k' };
    expect(await image(what, { cache: { 'm:1 k': Buffer.from([0, 255]) } })).toBe('AP8=');
    expect(await image(what, {})).toBeNull();
  });
});
