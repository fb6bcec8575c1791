/** Placement (placement 8, Zed): allocations of consumers. */
import { type Answer, type Asked, notTaught } from '../http/exchange.ts';
import { authenticate, unauthorized } from '../keystone/authenticate.ts';
import { isAdmin } from '../keystone/tokens.ts';
import type { World } from '../world.ts';
import { answerAllocations } from './allocation-requests.ts';
import { type Fault, placementError } from './errors.ts';
import { readMicroversion } from './microversion.ts';

/** Names of the policies by method (placement 8 `policies/allocation.py`); all of them want the role admin. */
const POLICIES: Readonly<Record<string, string>> = { GET: 'list', PUT: 'update', DELETE: 'delete' };

/** From 1.23 on an error has a code. */
const WITH_CODE = 23;

export function answerPlacement(world: World, asked: Asked): Answer {
  const number = { 'x-openstack-request-id': asked.requestId };
  const isRoot = asked.method === 'GET' && /^\/?$/.test(asked.path);
  if (!isRoot && authenticate(world, asked) === null) {
    const answer = unauthorized();
    return { ...answer, headers: { ...answer.headers, ...number } };
  }
  const version = readMicroversion(asked.headers);
  // A version that is none has no header of its own in the answer.
  if (typeof version !== 'number')
    return { ...placementError(version, asked.requestId, false), headers: number };
  const result = isRoot ? versions() : route(world, asked, version);
  const answer = isFault(result) ? placementError(result, asked.requestId, version >= WITH_CODE) : result;
  return {
    ...answer,
    headers: {
      'openstack-api-version': `placement 1.${version}`,
      vary: 'openstack-api-version',
      ...number,
      ...answer.headers,
    },
  };
}

function isFault(result: Answer | Fault): result is Fault {
  return 'detail' in result;
}

function route(world: World, asked: Asked, version: number): Answer | Fault {
  const consumer = /^\/allocations\/([^/]+)$/.exec(asked.path)?.[1];
  const policy = POLICIES[asked.method];
  if (consumer === undefined || policy === undefined) return { status: 501, detail: notTaught(asked) };
  const caller = authenticate(world, asked);
  if (caller === null || !isAdmin(caller))
    return {
      status: 403,
      detail: `Policy does not allow placement:allocations:${policy} to be performed.`,
    };
  return answerAllocations(world, asked, consumer, version);
}

function versions(): Answer {
  return {
    status: 200,
    body: {
      versions: [
        {
          id: 'v1.0',
          max_version: '1.39',
          min_version: '1.0',
          status: 'CURRENT',
          links: [{ rel: 'self', href: '' }],
        },
      ],
    },
  };
}
