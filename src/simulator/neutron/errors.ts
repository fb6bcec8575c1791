import type { Answer } from '../http/exchange.ts';

/** How Neutron writes an error (neutron 21 `api/api_common.py:convert_exception_to_http_exc`). */
export function neutronError(status: number, type: string, message: string): Answer {
  return { status, body: { NeutronError: { type, message, detail: '' } } };
}

export function portNotFound(id: string): Answer {
  return neutronError(404, 'PortNotFound', `Port ${id} could not be found.`);
}

export function networkNotFound(id: string): Answer {
  return neutronError(404, 'NetworkNotFound', `Network ${id} could not be found.`);
}

/** A resource of a plugin that this Neutron has not (tried on neutron 21). */
export function noSuchResource(): Answer {
  return neutronError(404, 'HTTPNotFound', 'The resource could not be found.');
}

/** What the simulator does not know, in Neutron's form. */
export function notImplemented(message: string): Answer {
  return neutronError(501, 'HTTPNotImplemented', message);
}
