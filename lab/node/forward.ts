import { rmSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Lab } from '../paths.ts';
import { type Launch, startProcess } from '../process.ts';
import { insideArgv } from './namespace.ts';

/**
 * From where to where: `127.0.0.1:2223` is a TCP address, `/run/x.sock` a socket in the file system. The latter is what
 * two network namespaces have in common, so a connection goes from one into the other through two of these. In
 * `10.77.0.1:3300,10.77.0.2` the second address is the one that the other end shall see, of this machine's own.
 */
export interface Forward {
  readonly from: string;
  readonly to: string;
}

/** Starts a process that forwards connections, in the machine's network or in the node's. */
export function startForward(
  lab: Lab,
  name: string,
  where: 'inside' | 'outside',
  forwards: readonly Forward[],
): void {
  const argv = [
    process.execPath,
    join(import.meta.dirname, '..', 'node.ts'),
    'forward',
    ...forwards.flatMap((forward) => [forward.from, forward.to]),
  ];
  const launch: Launch = { name, argv: where === 'inside' ? insideArgv(lab, argv) : argv };
  startProcess(lab, launch);
}

/** Forwards until the process is ended. Rejects when one of the addresses cannot be listened on. */
export async function forwardAll(forwards: readonly Forward[]): Promise<never> {
  await Promise.all(forwards.map(listen));
  return new Promise<never>(() => undefined);
}

/** `from to from to …`, as `startForward` writes them. */
export function parseForwards(words: readonly string[]): readonly Forward[] {
  if (words.length === 0 || words.length % 2 !== 0)
    throw new Error('forward wants pairs of addresses: FROM TO …');
  return Array.from({ length: words.length / 2 }, (_, at) => {
    const [from = '', to = ''] = words.slice(at * 2, at * 2 + 2);
    return { from, to };
  });
}

function listen(forward: Forward): Promise<void> {
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = createConnection({ ...parseAddress(forward.to), allowHalfOpen: true });
    connect(near, far);
    connect(far, near);
  });
  const from = parseAddress(forward.from);
  // A socket that an ended process left cannot be listened on.
  if (typeof from.path === 'string') rmSync(from.path, { force: true });
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(from, resolve);
  });
}

function connect(from: Socket, to: Socket): void {
  from.pipe(to);
  // Without this a refused or broken end would end the whole process, and leave the other end waiting.
  from.on('error', () => to.destroy());
  from.on('close', () => to.end());
}

type Address =
  | { readonly path: string }
  | { readonly path?: never; readonly host: string; readonly port: number; readonly localAddress?: string };

export function parseAddress(text: string): Address {
  if (text.startsWith('/')) return { path: text };
  const parts = /^(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})(?:,(\d{1,3}(?:\.\d{1,3}){3}))?$/.exec(text);
  const port = Number(parts?.[2]);
  if (parts?.[1] === undefined || port < 1 || port > 65_535)
    throw new Error(`forward: ${text} is neither ADDRESS:PORT nor the path of a socket`);
  const own = parts[3];
  return { host: parts[1], port, ...(own === undefined ? {} : { localAddress: own }) };
}
