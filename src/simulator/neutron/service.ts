/** Neutron's API v2.0 (neutron 21, Zed): ports, networks, trunks, floating addresses. */
import { type Answer, type Asked, notTaught } from '../http/exchange.ts';
import { authenticate, unauthorized } from '../keystone/authenticate.ts';
import type { Caller } from '../keystone/tokens.ts';
import type { World } from '../world.ts';
import { notImplemented } from './errors.ts';
import { listFloatingIps } from './floating-ips.ts';
import { listNetworks, showNetwork } from './networks.ts';
import { listPorts, onePort } from './port-requests.ts';
import { oneTrunk } from './trunks.ts';

export function answerNetwork(world: World, asked: Asked): Answer {
  // The list of versions is open to all, and nothing is before it that would number the request.
  if (asked.method === 'GET' && /^\/?$/.test(asked.path)) return { status: 200, body: versions(asked) };
  const caller = authenticate(world, asked);
  const answer = caller === null ? unauthorized() : route(world, asked, caller);
  return { ...answer, headers: { 'x-openstack-request-id': asked.requestId, ...answer.headers } };
}

function route(world: World, asked: Asked, caller: Caller): Answer {
  const [, resource, id] =
    /^\/v2\.0\/(ports|networks|trunks|floatingips)(?:\/([^/]+))?$/.exec(asked.path) ?? [];
  if (resource === 'ports' && id !== undefined) return onePort(world, asked, id, caller);
  if (resource === 'trunks' && id !== undefined) return oneTrunk(world, asked, id, caller);
  if (asked.method !== 'GET') return notImplemented(notTaught(asked));
  if (resource === 'ports') return listPorts(world, asked, caller);
  if (resource === 'floatingips' && id === undefined) return listFloatingIps(world, asked, caller);
  if (resource === 'networks')
    return id === undefined ? listNetworks(world, asked, caller) : showNetwork(world, asked, id, caller);
  return notImplemented(notTaught(asked));
}

function versions({ base }: Asked): unknown {
  return {
    versions: [{ id: 'v2.0', status: 'CURRENT', links: [{ rel: 'self', href: `${base}/v2.0/` }] }],
  };
}
