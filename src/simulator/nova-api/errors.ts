import type { Answer } from '../http/exchange.ts';

/** What Nova and Cinder call an error by its status (nova 26 and cinder 21 `api/openstack/wsgi.py:Fault._fault_names`). */
const NAMES: Readonly<Record<number, string>> = {
  400: 'badRequest',
  403: 'forbidden',
  404: 'itemNotFound',
  409: 'conflictingRequest',
  501: 'notImplemented',
};

export function fault(code: number, message: string): Answer {
  return { status: code, body: { [NAMES[code] ?? 'computeFault']: { code, message } } };
}
