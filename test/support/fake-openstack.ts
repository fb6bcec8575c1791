/**
 * Keystone and the services that its catalog names, on loopback. A request that a test did not foresee is answered with 501
 * and noted in `unforeseen`.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { CloudAuth } from '../../src/site/config/clouds.ts';

export const PASSWORD = 'pass-w0rd-do-not-print';

interface Asked {
  readonly method: string;
  /** with the query */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON unless it is text */
  readonly body?: unknown;
}

/** `null` hangs up without an answer. */
type Handler = (asked: Asked) => Answer | null;

export interface FakeOpenstack {
  readonly url: string;
  readonly cloud: CloudAuth;
  readonly asked: Asked[];
  readonly unforeseen: string[];
  readonly logins: Asked[];
  /** tokens given out up to now are good no longer */
  expire(): void;
}

export interface FakeOpenstackOptions {
  /** `'GET /network/v2.0/ports'`, without the query → answer */
  readonly routes?: Readonly<Record<string, Handler | Answer>>;
  /** the catalog's entries; `$URL` is this server's */
  readonly catalog?: readonly unknown[];
  readonly login?: Handler;
  /** what the token says besides the catalog: an administrator's roles unless a test says otherwise */
  readonly token?: object;
  readonly auth?: Partial<CloudAuth['auth']>;
  readonly cloud?: Partial<CloudAuth>;
}

export const endpoint = (url: string, changes: object = {}) => ({
  interface: 'public',
  region_id: 'RegionOne',
  region: 'RegionOne',
  url,
  ...changes,
});

/** The services as devstack publishes them: below one port, some with a version and some without. */
const CATALOG = [
  { type: 'compute', endpoints: [endpoint('$URL/compute/v2.1')] },
  { type: 'network', endpoints: [endpoint('$URL/network')] },
  { type: 'image', endpoints: [endpoint('$URL/image')] },
  { type: 'placement', endpoints: [endpoint('$URL/placement')] },
];

/** As Keystone writes them: with the roles that admin implies. */
const ADMIN = { roles: ['reader', 'member', 'admin'].map((name, i) => ({ id: `r${i}`, name })) };

async function readBody(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text === '' ? null : JSON.parse(text);
}

function send(response: ServerResponse, { status = 200, headers = {}, body }: Answer): void {
  const isText = typeof body === 'string';
  response.writeHead(status, { 'content-type': isText ? 'text/html' : 'application/json', ...headers });
  response.end(isText ? body : body === undefined ? undefined : JSON.stringify(body));
}

export async function startOpenstack(options: FakeOpenstackOptions = {}): Promise<FakeOpenstack> {
  const asked: Asked[] = [];
  const unforeseen: string[] = [];
  const logins: Asked[] = [];
  let token = 1;
  const server: Server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const catalog = JSON.parse(JSON.stringify(options.catalog ?? CATALOG).replaceAll('$URL', url));

  const keystone: Handler = (login) => {
    const given = JSON.stringify(login.body);
    if (!given.includes(PASSWORD))
      return { status: 401, body: { error: { message: 'Unauthorized', code: 401 } } };
    return {
      status: 201,
      headers: { 'x-subject-token': `token-${token}` },
      body: { token: { catalog, ...ADMIN, ...options.token } },
    };
  };

  server.on('request', async (request, response) => {
    const one: Asked = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: await readBody(request),
    };
    if (one.path === '/identity/v3/auth/tokens') {
      logins.push(one);
      const answer = (options.login ?? keystone)(one);
      if (answer === null) response.destroy();
      else send(response, answer);
      return;
    }
    asked.push(one);
    if (one.headers['x-auth-token'] !== `token-${token}`) {
      send(response, { status: 401, body: { error: { message: 'token expired' } } });
      return;
    }
    const route = options.routes?.[`${one.method} ${one.path.split('?', 1)[0]}`];
    if (route === undefined) {
      unforeseen.push(`${one.method} ${one.path}`);
      send(response, { status: 501, body: { message: 'the test did not foresee this' } });
      return;
    }
    const answer = typeof route === 'function' ? route(one) : route;
    if (answer === null) response.destroy();
    else send(response, answer);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url,
    asked,
    unforeseen,
    logins,
    expire() {
      token++;
    },
    cloud: {
      auth: {
        auth_url: `${url}/identity/v3`,
        username: 'admin',
        password: PASSWORD,
        project_name: 'admin',
        user_domain_name: 'Default',
        project_domain_name: 'Default',
        ...options.auth,
      },
      region: undefined,
      interface: 'public',
      tls: { verify: true },
      ...options.cloud,
    },
  };
}
