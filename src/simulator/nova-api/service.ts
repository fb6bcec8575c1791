/** Nova's API 2.1 (nova 26, Zed): its version and its services. Servers are looked at in its databases. */
import { type Answer, type Asked, notTaught } from '../http/exchange.ts';
import { authenticate, unauthorized } from '../keystone/authenticate.ts';
import { type Caller, isAdmin } from '../keystone/tokens.ts';
import type { World } from '../world.ts';
import { fault } from './errors.ts';
import { listServices } from './services.ts';

/** The second number of the newest microversion; the first is 2. */
const NEWEST = 93;

export function answerCompute(world: World, asked: Asked): Answer {
  const numbers = {
    'x-openstack-request-id': asked.requestId,
    'x-compute-request-id': asked.requestId,
  };
  const isVersion = asked.method === 'GET' && /^\/v2\.1\/?$/.test(asked.path);
  const caller = authenticate(world, asked);
  if (caller === null && !isVersion) {
    const answer = unauthorized();
    return { ...answer, headers: { ...answer.headers, ...numbers } };
  }
  const version = readMicroversion(asked.headers);
  if (version === null)
    return {
      ...fault(
        400,
        `API Version String ${askedVersion(asked.headers)} is of invalid format. Must be of format MajorNum.MinorNum.`,
      ),
      headers: numbers,
    };
  const answer =
    version.major !== 2 || version.minor < 1 || version.minor > NEWEST
      ? fault(
          406,
          `Version ${version.major}.${version.minor} is not supported by the API. Minimum is 2.1 and maximum is 2.${NEWEST}.`,
        )
      : caller === null || isVersion
        ? { status: 200, body: versionOf(asked) }
        : route(world, asked, caller, version.minor);
  const number = `${version.major}.${version.minor}`;
  return {
    ...answer,
    headers: {
      'openstack-api-version': `compute ${number}`,
      'x-openstack-nova-api-version': number,
      vary: 'X-OpenStack-Nova-API-Version',
      ...numbers,
      ...answer.headers,
    },
  };
}

function askedVersion(headers: Readonly<Record<string, string>>): string | undefined {
  const both = /(?:^|,)\s*compute\s+(\S+?)\s*(?:,|$)/i.exec(headers['openstack-api-version'] ?? '');
  return both?.[1] ?? headers['x-openstack-nova-api-version'];
}

/** @returns null for a version that is none */
function readMicroversion(
  headers: Readonly<Record<string, string>>,
): { major: number; minor: number } | null {
  const asked = askedVersion(headers);
  if (asked === undefined) return { major: 2, minor: 1 };
  if (asked === 'latest') return { major: 2, minor: NEWEST };
  const numbers = /^(\d+)\.(\d+)$/.exec(asked);
  return numbers === null ? null : { major: Number(numbers[1]), minor: Number(numbers[2]) };
}

function route(world: World, asked: Asked, caller: Caller, version: number): Answer {
  if (asked.method !== 'GET' || asked.path !== '/v2.1/os-services') return fault(501, notTaught(asked));
  if (!isAdmin(caller))
    return fault(403, "Policy doesn't allow os_compute_api:os-services:list to be performed.");
  return listServices(world, asked, version);
}

function versionOf({ base }: Asked): unknown {
  return {
    version: {
      id: 'v2.1',
      status: 'CURRENT',
      version: `2.${NEWEST}`,
      min_version: '2.1',
      updated: '2013-07-23T11:33:21Z',
      links: [
        { rel: 'self', href: `${base}/v2.1/` },
        { rel: 'describedby', type: 'text/html', href: 'http://docs.openstack.org/' },
      ],
      'media-types': [
        { base: 'application/json', type: 'application/vnd.openstack.compute+json;version=2.1' },
      ],
    },
  };
}
