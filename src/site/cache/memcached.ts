/**
 * memcached's text protocol: `get` and `delete`, nothing else.
 *
 * Own code because the npm clients spread keys over servers by a hash of their own and speak the binary protocol that
 * memcached has given up; here each server is asked by name.
 */
import type { Socket } from 'node:net';
import { ActError, LookError } from '../../plan/errors.ts';
import { net } from '../builtins.ts';

const TIMEOUT_MS = 5_000;
/** memcached holds nothing larger unless it is told to (`-I`, 1 MiB by default), and what is asked for here is small. */
const MAX_BYTES = 2 * 1024 ** 2;

/** @throws LookError when the server does not answer in the protocol */
export async function getKey(server: string, key: string, timeoutMs = TIMEOUT_MS): Promise<Buffer | null> {
  const request = `get ${checkKey(server, key)}\r\n`;
  const answer = await exchange(server, request, timeoutMs, (data) => {
    if (data.subarray(0, 5).equals(Buffer.from('END\r\n'))) return { end: data.length };
    const line = /^VALUE \S+ \d+ (\d+)(?: \d+)?\r\n/.exec(data.toString('latin1'));
    if (line === null) return data.includes('\r\n') ? { end: data.length } : null;
    const end = line[0].length + Number(line[1]) + '\r\nEND\r\n'.length;
    return data.length >= end ? { end } : null;
  });
  if (answer.subarray(0, 3).toString() === 'END') return null;
  const line = /^VALUE \S+ \d+ (\d+)(?: \d+)?\r\n/.exec(answer.toString('latin1'));
  if (line === null)
    throw new LookError(
      `memcached ${server}`,
      `answered ${JSON.stringify(answer.toString('latin1', 0, 60))}`,
      {
        code: 'cache-protocol',
        hint: 'is this memcached, without SASL?',
      },
    );
  return answer.subarray(line[0].length, line[0].length + Number(line[1]));
}

/** Deletes a key; one that is not there counts as deleted. @throws ActError */
export async function deleteKey(server: string, key: string): Promise<void> {
  const request = `delete ${checkKey(server, key)}\r\n`;
  let answer: string;
  try {
    const isLine = (data: Buffer) => (data.includes('\r\n') ? { end: data.length } : null);
    answer = (await exchange(server, request, TIMEOUT_MS, isLine)).toString('latin1');
  } catch (error) {
    if (!(error instanceof LookError)) throw error;
    throw new ActError(`${error.place}: ${error.message}`, { code: error.code, unknown: true });
  }
  if (answer !== 'DELETED\r\n' && answer !== 'NOT_FOUND\r\n')
    throw new ActError(`memcached ${server} answered ${JSON.stringify(answer.slice(0, 60))} to a delete`, {
      code: 'cache-delete',
    });
}

/** A key with a blank or a newline would be read as a second command. */
function checkKey(server: string, key: string): string {
  if (!/^[\x21-\x7e]{1,250}$/.test(key))
    throw new LookError(`memcached ${server}`, 'not a key that memcached can hold', { code: 'cache-key' });
  return key;
}

function exchange(
  server: string,
  request: string,
  timeoutMs: number,
  isWhole: (data: Buffer) => { end: number } | null,
): Promise<Buffer> {
  const at = server.lastIndexOf(':');
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket: Socket = net().connect({
      host: server.slice(0, at).replace(/^\[(.*)\]$/, '$1'),
      port: Number(server.slice(at + 1)),
    });
    const fail = (why: string) => {
      clearTimeout(timer);
      socket.destroy();
      reject(new LookError(`memcached ${server}`, why, { code: 'cache-unreachable' }));
    };
    // Of the whole answer, not of a silence: a server that drips would be waited for without an end.
    const timer = setTimeout(() => {
      fail(
        chunks.length === 0
          ? `no answer in ${timeoutMs / 1000} s`
          : `no whole answer in ${timeoutMs / 1000} s`,
      );
    }, timeoutMs);
    socket.on('error', (error) => fail(error.message));
    socket.on('end', () => fail('closed the connection'));
    socket.on('connect', () => socket.write(request));
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      const data = Buffer.concat(chunks);
      if (data.length > MAX_BYTES) return fail(`its answer is larger than ${MAX_BYTES / 1024 ** 2} MiB`);
      if (isWhole(data) === null) return;
      clearTimeout(timer);
      socket.removeAllListeners('end');
      socket.destroy();
      resolve(data);
    });
  });
}
