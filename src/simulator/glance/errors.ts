import type { Answer } from '../http/exchange.ts';
import { AUTH_HEADER } from '../keystone/authenticate.ts';

const TITLES = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  501: 'Not Implemented',
} as const;

/** webob's error for a client that takes JSON, with the HTML that it leaves in the message. */
export function glanceError(status: keyof typeof TITLES, message: string): Answer {
  const title = TITLES[status];
  return {
    status,
    body: { message: `${message}<br /><br />\n\n\n`, code: `${status} ${title}`, title },
  };
}

/** Glance's own 401: its pipeline has a middleware that writes errors again (glance 25 `etc/glance-api-paste.ini`). */
export function glanceUnauthorized(): Answer {
  return {
    status: 401,
    headers: AUTH_HEADER,
    body: {
      message:
        'This server could not verify that you are authorized to access the document you requested. Either you supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials required.<br /><br />\n\n\n',
      code: '401 Unauthorized',
      title: 'Unauthorized',
    },
  };
}
