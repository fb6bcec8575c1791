/** What of an answer is the service's own word, and what it says when it is an error. */

import { LookError } from '../../plan/errors.ts';
import type { Service } from '../../plan/types.ts';
import { isRecord } from '../parse.ts';
import type { HttpAnswer } from '../reader.ts';
import { SERVICE_NAMES } from './catalog.ts';
import { requestId } from './keystone.ts';
import type { RawAnswer } from './request.ts';

/** Statuses of 200–299 and those in `also` are answers. @throws LookError for any other, with the request id */
export function acceptAnswer(
  service: Service,
  path: string,
  answer: RawAnswer,
  also: readonly number[] = [],
): HttpAnswer {
  const isForeign = isOfAProxy(answer);
  if ((answer.status >= 200 && answer.status < 300) || (also.includes(answer.status) && !isForeign))
    return { status: answer.status, body: answer.body };
  throw new LookError(SERVICE_NAMES[service], describeFailure('GET', path, answer), {
    // Not `api-404`: that is the word of a release that does not have the path.
    code: isForeign ? 'api-not-the-service' : `api-${answer.status}`,
    hint: isForeign ? NOT_THE_SERVICE : HINTS[answer.status],
  });
}

const NOT_THE_SERVICE = 'the service itself did not say so: is there a proxy before it that has lost it?';

/** A token goes to no address that the catalog does not have. */
const ELSEWHERE = 'redirects are not followed: is its URL in the catalog http where it is https?';

const HINTS: Readonly<Record<number, string>> = {
  403: 'this user lacks the role: docs/reference.md lists what is needed',
  ...Object.fromEntries([301, 302, 303, 307, 308].map((status) => [status, ELSEWHERE])),
};

/**
 * A 404 is taken for "gone", so it must be the service's own word. All of them number their requests in a header
 * (`oslo_middleware/request_id.py`; Nova and Cinder in `x-compute-request-id` before) or answer in JSON; a proxy that lost its backend
 * sends a page.
 */
export function isOfAProxy({ status, headers, body }: RawAnswer): boolean {
  return status === 404 && requestId(headers) === '' && !isRecord(body);
}

export function describeFailure(method: string, path: string, answer: RawAnswer): string {
  const message = findMessage(answer.body);
  return `${method} ${path.split('?', 1)[0]} answered ${answer.status}${message === null ? '' : `: ${message}`}${requestId(answer.headers)}`;
}

/** One line, at most 200 characters: it may quote what a tenant wrote. Some services (Glance) answer in HTML. */
function oneLine(text: string): string {
  return text
    .replaceAll(/<\/?[a-z][^<>]*>/gi, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, 200);
}

/** The message in an OpenStack error body. */
function findMessage(body: unknown): string | null {
  if (!isRecord(body)) return null;
  for (const value of [body['message'], ...Object.values(body)]) {
    const text = typeof value === 'string' ? value : isRecord(value) ? value['message'] : undefined;
    if (typeof text === 'string') return oneLine(text);
  }
  const errors = body['errors'];
  const [first] = Array.isArray(errors) ? errors : [];
  if (isRecord(first) && typeof first['detail'] === 'string') return oneLine(first['detail']);
  return null;
}
