import type { z } from 'zod';
import { type Lab, ports } from './paths.ts';

export type ApiName = 'identity' | 'compute' | 'network' | 'image' | 'placement' | 'volume';

const bases: Readonly<Record<ApiName, string>> = {
  identity: `http://127.0.0.1:${ports.keystone}/v3`,
  compute: `http://127.0.0.1:${ports.nova}/v2.1`,
  network: `http://127.0.0.1:${ports.neutron}/v2.0`,
  image: `http://127.0.0.1:${ports.glance}/v2`,
  placement: `http://127.0.0.1:${ports.placement}`,
  volume: `http://127.0.0.1:${ports.cinder}/v3`,
};

const microversions: Readonly<Partial<Record<ApiName, string>>> = {
  compute: 'compute 2.90',
  placement: 'placement 1.36',
};

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

interface Call {
  readonly body?: unknown;
  /** Statuses of 400 and above that are an answer to the caller, not a failure. */
  readonly allow?: readonly number[];
}

const tokens = new Map<string, Promise<string>>();

/** One call to an OpenStack API as the lab's admin. */
export async function call(
  lab: Lab,
  api: ApiName,
  method: Method,
  path: string,
  options: Call = {},
): Promise<ApiAnswer> {
  const headers: Record<string, string> = {
    Accept: 'application/json',
    'X-Auth-Token': await readToken(lab),
  };
  const version = microversions[api];
  if (version !== undefined) headers['OpenStack-API-Version'] = version;
  const body = options.body instanceof Blob ? options.body : JSON.stringify(options.body);
  if (options.body !== undefined) {
    headers['Content-Type'] = options.body instanceof Blob ? 'application/octet-stream' : 'application/json';
  }
  const answer = await fetch(`${bases[api]}${path}`, {
    method,
    headers,
    signal: AbortSignal.timeout(120_000),
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  if (answer.status === 401) tokens.delete(lab.dir);
  if (answer.status >= 400 && !(options.allow ?? []).includes(answer.status)) {
    throw new Error(`${api} ${method} ${path} answered ${answer.status}: ${text.slice(0, 500)}`);
  }
  return { status: answer.status, body: parse(text) };
}

/** A call whose answer has a known shape. */
export async function ask<T>(
  lab: Lab,
  api: ApiName,
  method: Method,
  path: string,
  shape: z.ZodType<T>,
  body?: unknown,
): Promise<T> {
  const answer = await call(lab, api, method, path, body === undefined ? {} : { body });
  return shape.parse(answer.body);
}

function readToken(lab: Lab): Promise<string> {
  const known = tokens.get(lab.dir);
  if (known !== undefined) return known;
  const token = signIn(lab);
  tokens.set(lab.dir, token);
  token.catch(() => tokens.delete(lab.dir));
  return token;
}

async function signIn(lab: Lab): Promise<string> {
  const domain = { id: 'default' };
  const answer = await fetch(`${bases.identity}/auth/tokens`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: 'admin', domain, password: lab.secrets.admin } },
        },
        scope: { project: { name: 'admin', domain } },
      },
    }),
  });
  const token = answer.headers.get('X-Subject-Token');
  if (token === null)
    throw new Error(`keystone gave no token: ${answer.status} ${(await answer.text()).slice(0, 300)}`);
  await answer.arrayBuffer();
  return token;
}

function parse(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}
