/** The http wire: the APIs of a simulated cloud, answered in this process. */
import { LookError } from '../../plan/errors.ts';
import type { HttpClient, RawAnswer } from '../../site/http/request.ts';
import { answerVolume } from '../cinder/service.ts';
import { answerImage } from '../glance/service.ts';
import { answerIdentity } from '../keystone/service.ts';
import { answerNetwork } from '../neutron/service.ts';
import { answerCompute } from '../nova-api/service.ts';
import { answerPlacement } from '../placement/service.ts';
import type { World } from '../world.ts';
import { type Answer, type Asked, notTaught, parseAsked } from './exchange.ts';

/** The host of every URL in the simulated catalog. */
const HOST = 'demo';

const SERVICES: ReadonlyMap<string, (world: World, asked: Asked) => Answer> = new Map([
  ['identity', answerIdentity],
  ['compute', answerCompute],
  ['network', answerNetwork],
  ['image', answerImage],
  ['placement', answerPlacement],
  ['volume', answerVolume],
]);

/**
 * @param react lets happen what happens by itself; called before each answer and after each change
 */
export function openSimulatedHttp(world: World, react: () => void): HttpClient {
  return {
    async send(place, request, onSent) {
      if (request.url.host !== HOST)
        throw new LookError(
          place,
          `${request.method} ${request.url.host}${request.url.pathname}: no such host name`,
          { code: 'api-unreachable', hint: `the simulated cloud is at http://${HOST}` },
        );
      onSent?.();
      react();
      const { service, asked } = parseAsked(request);
      const answer = SERVICES.get(service)?.(world, asked) ?? noService(asked, service);
      if (asked.method !== 'GET') react();
      return toRaw(answer, world.now());
    },
    close() {},
  };
}

function noService(asked: Asked, service: string): Answer {
  const message = `${notTaught(asked)}: there is no service at /${service}`;
  return { status: 501, body: { error: { code: 501, message, title: 'Not Implemented' } } };
}

/** As it comes out of the real client: names of headers in small letters, JSON parsed, nothing shared with the service. */
function toRaw({ status, headers = {}, body }: Answer, now: Date): RawAnswer {
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  return {
    status,
    headers: {
      date: now.toUTCString(),
      ...type,
      ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    },
    body: body === undefined ? null : JSON.parse(JSON.stringify(body)),
  };
}
