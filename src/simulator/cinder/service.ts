/** Cinder's API v3 (cinder 21.3, Zed with the fixes for CVE-2023-2088): volumes, attachments, and how they end. */
import { type Answer, type Asked, notTaught } from '../http/exchange.ts';
import { authenticate, serviceRoles, unauthorized } from '../keystone/authenticate.ts';
import type { Caller } from '../keystone/tokens.ts';
import { fault } from '../nova-api/errors.ts';
import type { World } from '../world.ts';
import { answerAttachments } from './attachments.ts';
import type { VolumeRequest } from './request.ts';
import { answerServices } from './services.ts';
import { answerSnapshots } from './snapshots.ts';
import { answerAction } from './volume-actions.ts';
import { answerVolumes } from './volumes.ts';

/** The second number of the newest microversion; the first is 3. */
const NEWEST = 70;

export function answerVolume(world: World, asked: Asked): Answer {
  const number = { 'x-openstack-request-id': asked.requestId };
  const numbers = { ...number, 'x-compute-request-id': asked.requestId };
  const isVersion = asked.method === 'GET' && /^\/(v3\/?)?$/.test(asked.path);
  const caller = authenticate(world, asked);
  if (caller === null && !isVersion) {
    const answer = unauthorized();
    return { ...answer, headers: { ...answer.headers, ...number } };
  }
  const version = readMicroversion(asked.headers);
  if (typeof version === 'string') return { ...fault(400, version), headers: numbers };
  const { major, minor } = version;
  const answer =
    major !== 3 || minor > NEWEST
      ? fault(
          406,
          `Version ${major}.${minor} is not supported by the API. Minimum is 3.0 and maximum is 3.${NEWEST}.`,
        )
      : caller === null || isVersion
        ? { status: asked.path === '/' ? 300 : 200, body: versionsOf(asked) }
        : route(world, asked, caller, minor);
  return {
    ...answer,
    headers: {
      'openstack-api-version': `volume ${major}.${minor}`,
      vary: 'OpenStack-API-Version',
      ...numbers,
      ...answer.headers,
    },
  };
}

/** @returns Cinder's refusal for a version that is none, or for a header that is for another service */
function readMicroversion(
  headers: Readonly<Record<string, string>>,
): { major: number; minor: number } | string {
  const header = headers['openstack-api-version'];
  if (header === undefined) return { major: 3, minor: 0 };
  const asked = /(?:^|,)\s*volume\s+(\S+?)\s*(?:,|$)/i.exec(header)?.[1];
  if (asked === undefined)
    return 'The server could not comply with the request since it is either malformed or otherwise incorrect.';
  if (asked === 'latest') return { major: 3, minor: NEWEST };
  const numbers = /^(\d+)\.(\d+)$/.exec(asked);
  return numbers === null
    ? `API Version String ${asked} is of invalid format. Must be of format MajorNum.MinorNum.`
    : { major: Number(numbers[1]), minor: Number(numbers[2]) };
}

function route(world: World, asked: Asked, caller: Caller, version: number): Answer {
  const [, project, rest = ''] = /^\/v3(?:\/([0-9a-f]{32}))?(\/.*)$/.exec(asked.path) ?? [];
  if (project !== undefined && project !== caller.project) return fault(400, 'Malformed request url');
  const request: VolumeRequest = {
    asked,
    caller,
    version,
    path: rest,
    serviceRoles: serviceRoles(world, asked),
  };
  const [, volume] = /^\/volumes\/([^/]+)\/action$/.exec(rest) ?? [];
  if (volume !== undefined && asked.method === 'POST') return answerAction(world, request, volume);
  if (/^\/volumes(\/[^/]+)?$/.test(rest)) return answerVolumes(world, request);
  if (/^\/attachments(\/[^/]+)?$/.test(rest)) return answerAttachments(world, request);
  if (/^\/snapshots(\/[^/]+)?$/.test(rest)) return answerSnapshots(world, request);
  if (rest === '/os-services') return answerServices(world, request);
  return fault(501, notTaught(asked));
}

function versionsOf({ base }: Asked): unknown {
  return {
    versions: [
      {
        id: 'v3.0',
        status: 'CURRENT',
        version: `3.${NEWEST}`,
        min_version: '3.0',
        updated: '2022-08-31T00:00:00Z',
        links: [
          { rel: 'describedby', type: 'text/html', href: 'https://docs.openstack.org/' },
          { rel: 'self', href: `${base}/v3/` },
        ],
        'media-types': [
          { base: 'application/json', type: 'application/vnd.openstack.volume+json;version=3' },
        ],
      },
    ],
  };
}
