/** What a message on Nova's bus asks for, as far as expunge needs to know. Arguments and context are not taken over: they hold secrets. */

import { parseJson } from '../../plan/parse-json.ts';
import * as z from '../../plan/zod.ts';

/** A message as it comes from a queue. */
export interface BusMessage {
  readonly body: Buffer;
  /** the sender has packed the body in some way that is not looked into */
  readonly packed: boolean;
}

export interface WaitingRequest {
  /** nova-compute's method, such as `terminate_instance`; null: the message could not be understood */
  readonly method: string | null;
  /** the one server that is to be worked on; null: none, or it cannot be told */
  readonly server: string | null;
  /** `req-…`, as in the logs of Nova */
  readonly requestId: string | null;
  /** ISO 8601, UTC: when the user asked */
  readonly askedAt: string | null;
  /** of a message that could not be understood: every uuid that stands in it; null: it cannot even be read */
  readonly mentions: readonly string[] | null;
}

/** oslo.messaging 14 `_drivers/common.py:serialize_msg`: the request is a text inside the envelope. */
const envelope = z.looseObject({ 'oslo.version': z.literal('2.0'), 'oslo.message': z.string() });

const uuid = z.uuid();

/**
 * The argument `instance` of nearly every method (nova 26 `compute/rpcapi.py`): an object that nova has serialised, or a plain one as
 * in Kilo and older. `instances`, the list of `external_instance_event`, is no such argument.
 */
const instance = z.union([
  z
    .looseObject({
      'nova_object.name': z.literal('Instance'),
      'nova_object.data': z.looseObject({ uuid }),
    })
    .transform((object) => object['nova_object.data'].uuid),
  z.looseObject({ 'nova_object.name': z.undefined().optional(), uuid }).transform((object) => object.uuid),
]);

const request = z.looseObject({
  method: z.string().regex(/^\w+$/),
  args: z.looseObject({ instance: instance.optional() }),
  _context_request_id: z
    .string()
    .regex(/^req-[0-9a-f-]+$/)
    .nullish()
    .catch(null),
  _context_timestamp: z
    .string()
    .regex(/^[0-9T:.+-]+$/)
    .nullish()
    .catch(null),
});

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** Never throws: a message that is not understood is a request that somebody else has to judge. */
export function readRequest({ body, packed }: BusMessage): WaitingRequest {
  const nothing = { method: null, server: null, requestId: null, askedAt: null };
  if (packed) return { ...nothing, mentions: null };
  const text = body.toString('utf8');
  const outer = envelope.safeParse(parseJson(text));
  const inner = request.safeParse(outer.success ? parseJson(outer.data['oslo.message']) : undefined);
  if (!inner.success) return { ...nothing, mentions: [...new Set(text.match(UUID))] };
  const { method, args, _context_request_id, _context_timestamp } = inner.data;
  return {
    method,
    server: args.instance ?? null,
    requestId: _context_request_id ?? null,
    askedAt: _context_timestamp ?? null,
    mentions: [],
  };
}
