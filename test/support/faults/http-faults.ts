/** How an API fails, or a proxy before it. */
import { LookError } from '../../../src/plan/errors.ts';
import type { RawAnswer, RawRequest } from '../../../src/site/http/request.ts';
import type { Call, Fault } from './fault.ts';

export interface HttpCall extends Call {
  readonly request: RawRequest;
}

function cut({ place, what }: HttpCall, why: string): never {
  throw new LookError(place, `${what}: ${why}`, { code: 'api-cut' });
}

function isLogin({ place }: HttpCall): boolean {
  return place === 'Keystone';
}

function answers(status: number, body: unknown, headers: RawAnswer['headers'] = {}) {
  return async (): Promise<RawAnswer> => ({ status, headers, body });
}

const BUSY_PAGE =
  '<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n';

/** Of a proxy that has lost what is behind it. */
export const LOST_PAGE = '<html><body><h1>404 Not Found</h1></body></html>';

export const HTTP_FAULTS: readonly Fault<HttpCall>[] = [
  {
    name: 'refused',
    async strike({ place, what }) {
      throw new LookError(place, `${what}: connection refused`, { code: 'api-unreachable' });
    },
  },
  { name: 'reset before', strike: async (call) => cut(call, 'read ECONNRESET') },
  {
    name: 'reset after',
    async strike(call, really) {
      await really();
      cut(call, 'read ECONNRESET');
    },
  },
  { name: 'timeout before', strike: async (call) => cut(call, 'no answer in 60 s') },
  {
    name: 'timeout after',
    async strike(call, really) {
      await really();
      cut(call, 'no answer in 60 s');
    },
  },
  {
    name: '500',
    strike: answers(
      500,
      { computeFault: { code: 500, message: 'Unexpected API Error. <class DBConnectionError>' } },
      { 'x-openstack-request-id': 'req-7c1c2a8e-0000-4000-8000-000000000500' },
    ),
  },
  {
    name: '504 after',
    async strike(_, really) {
      await really();
      return answers(504, '<html><body><h1>504 Gateway Time-out</h1></body></html>')();
    },
  },
  { name: '503', strike: answers(503, BUSY_PAGE, { 'retry-after': '3600' }) },
  {
    name: '401',
    meets: (call) => !isLogin(call),
    strike: answers(401, {
      error: { code: 401, message: 'The request you have made requires authentication.' },
    }),
  },
  {
    name: '403',
    meets: (call) => !isLogin(call),
    strike: answers(403, { forbidden: { code: 403, message: "Policy doesn't allow it to be performed." } }),
  },
  {
    name: '404 of a proxy',
    strike: answers(404, LOST_PAGE),
  },
  {
    name: '409',
    meets: (call) => call.writes && !isLogin(call),
    strike: answers(409, { conflictingRequest: { code: 409, message: 'The resource is in use.' } }),
  },
  { name: 'garbage', strike: answers(200, '\u0000\u001b]0;owned\u0007<<<not JSON') },
  { name: 'another answer', strike: answers(200, { links: [], versions: null }) },
  {
    name: 'garbage after',
    meets: (call) => call.writes,
    async strike(_, really) {
      await really();
      return answers(200, '\u0000\u001b]0;owned\u0007<<<not JSON')();
    },
  },
];
