import type { Answer } from '../http/exchange.ts';

/** webob's title and first sentence for each status that Placement answers with. */
const STATUSES = {
  400: [
    'Bad Request',
    'The server could not comply with the request since it is either malformed or otherwise incorrect.',
  ],
  403: ['Forbidden', 'Access was denied to this resource.'],
  404: ['Not Found', 'The resource could not be found.'],
  406: [
    'Not Acceptable',
    'The resource could not be generated that was acceptable to your browser (content of type application/json. ',
  ],
  409: ['Conflict', 'There was a conflict when trying to complete your request.'],
  501: ['Not Implemented', 'The simulator was not taught this.'],
} as const;

export interface Fault {
  readonly status: keyof typeof STATUSES;
  readonly detail: string;
  /** from 1.23 on: `placement.undefined_code` unless Placement has a code for it */
  readonly code?: string;
  /** beside the others in the one error of the list */
  readonly also?: Readonly<Record<string, string>>;
}

export const CONCURRENT_UPDATE = 'placement.concurrent_update';

/** placement 8 `util.py:json_error_formatter`: webob's text with its blank ends, as a list of one error. */
export function placementError(fault: Fault, requestId: string, withCode: boolean): Answer {
  const { status, detail, code = 'placement.undefined_code', also = {} } = fault;
  const [title, first] = STATUSES[status];
  // webob's text for 406 ends without the blanks that the others have.
  const text = `${first}\n\n ${detail}${status === 406 ? '' : '  '}`;
  const error = { status, title, detail: text, ...(withCode ? { code } : {}), request_id: requestId };
  return { status, body: { errors: [{ ...error, ...also }] } };
}
