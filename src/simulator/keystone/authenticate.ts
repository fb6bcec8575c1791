/** What stands before every service: the middleware `auth_token` (keystonemiddleware 10), which knows a token or refuses. */
import type { Answer, Asked } from '../http/exchange.ts';
import type { World } from '../world.ts';
import { type Caller, readToken } from './tokens.ts';

export const AUTH_HEADER = { 'www-authenticate': 'Keystone uri="http://demo/identity"' } as const;

/** @returns null for a request without a token, or with one that is unknown or ran out */
export function authenticate(world: World, { headers }: Asked): Caller | null {
  return readToken(world, headers['x-auth-token']);
}

/** The roles of `X-Service-Token`: the service that asks beside the user; none without a good one. */
export function serviceRoles(world: World, { headers }: Asked): readonly string[] {
  return readToken(world, headers['x-service-token'])?.roles ?? [];
}

/** The middleware's own body, which Nova, Neutron, Placement and Cinder leave as it is. Glance writes one itself. */
export function unauthorized(): Answer {
  return {
    status: 401,
    headers: AUTH_HEADER,
    body: {
      error: {
        code: 401,
        title: 'Unauthorized',
        message: 'The request you have made requires authentication.',
      },
    },
  };
}
