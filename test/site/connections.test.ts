/** Connections that a server has given up without saying so. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openHttpClient } from '../../src/site/http/request.ts';

/** Answers the first request of each connection and hangs up at the second, as uWSGI does. */
async function startForgetful(): Promise<{ url: URL; requests: string[] }> {
  const seen = new WeakSet<Socket>();
  const requests: string[] = [];
  const server: Server = createServer((request, response) => {
    const again = seen.has(request.socket);
    seen.add(request.socket);
    requests.push(`${request.method} ${again ? 'on a kept connection' : 'on a new connection'}`);
    if (again) request.socket.destroy();
    else response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`), requests };
}

function open() {
  const client = openHttpClient({ verify: true });
  onTestFinished(() => client.close());
  return client;
}

test('a read on a connection that was just given up is asked again on a new one', async () => {
  const { url, requests } = await startForgetful();
  const client = open();
  for (let i = 0; i < 2; i++)
    expect(await client.send('Neutron', { method: 'GET', url, headers: {} })).toMatchObject({ status: 200 });
  expect(requests).toEqual([
    'GET on a new connection',
    'GET on a kept connection',
    'GET on a new connection',
  ]);
});

test('a write never goes over a kept connection', async () => {
  const { url, requests } = await startForgetful();
  const client = open();
  await client.send('Neutron', { method: 'GET', url, headers: {} });
  for (let i = 0; i < 2; i++) await client.send('Neutron', { method: 'DELETE', url, headers: {} });
  expect(requests).toEqual([
    'GET on a new connection',
    'DELETE on a new connection',
    'DELETE on a new connection',
  ]);
});
