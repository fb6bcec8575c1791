import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { deleteKey, getKey } from '../../src/site/cache/memcached.ts';

/** A memcached that answers as a test says. `null` hangs up, `undefined` says nothing. */
async function start(answer: (request: string, socket: Socket) => Buffer | string | null | undefined) {
  const asked: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      asked.push(data.toString('latin1'));
      const said = answer(data.toString('latin1'), socket);
      if (said === null) socket.end();
      else if (said !== undefined) socket.write(said);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    server.close();
  });
  return { at: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** One with these values in it. */
const holding = (values: Readonly<Record<string, Buffer>>) =>
  start((request) => {
    const [verb, key = ''] = request.trim().split(' ');
    const value = values[key];
    if (verb === 'delete') return value === undefined ? 'NOT_FOUND\r\n' : 'DELETED\r\n';
    if (value === undefined) return 'END\r\n';
    return Buffer.concat([
      Buffer.from(`VALUE ${key} 1 ${value.length}\r\n`),
      value,
      Buffer.from('\r\nEND\r\n'),
    ]);
  });

describe('get', () => {
  test('a key that is there', async () => {
    const { at, asked } = await holding({ token: Buffer.from('{"a": 1}') });
    expect((await getKey(at, 'token'))?.toString()).toBe('{"a": 1}');
    expect(asked).toEqual(['get token\r\n']);
  });

  test('a key that is not there is null', async () => {
    const { at } = await holding({});
    expect(await getKey(at, 'token')).toBeNull();
  });

  test.each([
    ['bytes that are no text', Buffer.from([0, 255, 128, 13, 10])],
    ['what looks like the end', Buffer.from('x\r\nEND\r\nVALUE y 0 1\r\n')],
    ['nothing', Buffer.alloc(0)],
  ])('%s', async (_, value) => {
    const { at } = await holding({ k: value });
    expect(await getKey(at, 'k')).toEqual(value);
  });

  test('an answer that comes byte by byte', async () => {
    const { at } = await start((_, socket) => {
      const whole = Buffer.from('VALUE k 0 5\r\nab\r\nc\r\nEND\r\n');
      let i = 0;
      const next = () => {
        if (i >= whole.length) return;
        socket.write(whole.subarray(i, ++i));
        setTimeout(next, 1);
      };
      socket.setNoDelay();
      next();
      return undefined;
    });
    expect((await getKey(at, 'k'))?.toString()).toBe('ab\r\nc');
  });

  test.each([
    ['ERROR\r\n', 'cache-protocol'],
    ['SERVER_ERROR out of memory\r\n', 'cache-protocol'],
    ['HTTP/1.1 400 Bad Request\r\n\r\n', 'cache-protocol'],
  ])('an answer that is none: %j', async (said, code) => {
    const { at } = await start(() => said);
    await expect(getKey(at, 'k')).rejects.toMatchObject({ code, place: `memcached ${at}`, exitCode: 4 });
  });

  test('a connection that closes is not an empty answer', async () => {
    const { at } = await start(() => null);
    await expect(getKey(at, 'k')).rejects.toMatchObject({ code: 'cache-unreachable' });
  });

  test('one that closes in the middle of a value neither', async () => {
    const { at } = await start((_, socket) => {
      socket.end('VALUE k 0 100\r\nhalf');
      return undefined;
    });
    await expect(getKey(at, 'k')).rejects.toMatchObject({ code: 'cache-unreachable' });
  });

  test('one that drips, and one that says too much, end too', async () => {
    const { at } = await start((_, socket) => {
      const drip = setInterval(() => socket.write('V'), 10);
      socket.on('close', () => clearInterval(drip));
      return undefined;
    });
    await expect(getKey(at, 'k', 100)).rejects.toMatchObject({
      code: 'cache-unreachable',
      message: 'no whole answer in 0.1 s',
    });
    const { at: loud } = await start(() => Buffer.alloc(3 * 1024 ** 2, 'x'));
    await expect(getKey(loud, 'k', 10_000)).rejects.toMatchObject({
      message: 'its answer is larger than 2 MiB',
    });
  });

  test('silence ends, and says so', async () => {
    const { at } = await start(() => undefined);
    await expect(getKey(at, 'k', 40)).rejects.toMatchObject({
      code: 'cache-unreachable',
      message: 'no answer in 0.04 s',
    });
  });

  test('nobody there', async () => {
    await expect(getKey('127.0.0.1:1', 'k')).rejects.toMatchObject({ code: 'cache-unreachable' });
  });
});

describe('delete', () => {
  test.each(['DELETED\r\n', 'NOT_FOUND\r\n'])('%j is done', async (said) => {
    const { at, asked } = await start(() => said);
    await deleteKey(at, 'token');
    expect(asked).toEqual(['delete token\r\n']);
  });

  test.each(['ERROR\r\n', 'SERVER_ERROR x\r\n', 'STORED\r\n'])('%j is not', async (said) => {
    const { at } = await start(() => said);
    await expect(deleteKey(at, 'k')).rejects.toMatchObject({ code: 'cache-delete', unknown: false });
  });

  test('a line that is cut leaves it open whether it was done', async () => {
    const { at } = await start(() => null);
    await expect(deleteKey(at, 'k')).rejects.toMatchObject({
      name: 'ActError',
      code: 'cache-unreachable',
      unknown: true,
    });
  });
});

describe('a key that would be read as more than a key is not sent', () => {
  test.each(['', 'a b', 'a\r\nflush_all', 'a\tb', 'ü', 'x'.repeat(251), 'a\0b'])('%j', async (key) => {
    const { at, asked } = await holding({});
    await expect(getKey(at, key)).rejects.toMatchObject({ code: 'cache-key' });
    await expect(deleteKey(at, key)).rejects.toMatchObject({ code: 'cache-key' });
    expect(asked).toEqual([]);
  });

  test('one of 250 characters is', async () => {
    const { at } = await holding({});
    expect(await getKey(at, 'x'.repeat(250))).toBeNull();
  });
});
