/** The requests on `/allocations/{consumer}` (placement 8 `handlers/allocation.py`, `schemas/allocation.py`). */
import * as z from '../../plan/zod.ts';
import { type Answer, type Asked, type DatabaseRow, notTaught } from '../http/exchange.ts';
import type { World } from '../world.ts';
import {
  allocationsOf,
  removeAllocations,
  replaceAllocations,
  type WantedAllocations,
} from './allocations.ts';
import type { Fault } from './errors.ts';

/** From this version on allocations are an object by provider, as a GET shows them. */
const BY_PROVIDER = 12;
const WITH_GENERATION = 28;
const WITH_MAPPINGS = 34;
const WITH_TYPE = 38;

export function answerAllocations(
  world: World,
  asked: Asked,
  consumer: string,
  version: number,
): Answer | Fault {
  if (asked.query.size > 0)
    return { status: 501, detail: notTaught(asked, `the query ${[...asked.query.keys()].join(', ')}`) };
  if (asked.method === 'GET') return show(world, allocationsOf(world, consumer), version);
  if (asked.method === 'PUT') return put(world, asked, consumer, version);
  if (asked.method === 'DELETE') {
    if (allocationsOf(world, consumer).length === 0)
      return { status: 404, detail: `No allocations for consumer '${consumer}'` };
    removeAllocations(world, consumer);
    return { status: 204 };
  }
  return { status: 501, detail: notTaught(asked) };
}

/** There is no consumer that is not found: one that is unknown holds nothing. */
function show(world: World, rows: readonly DatabaseRow[], version: number): Answer {
  const allocations: Record<string, { resources: Record<string, unknown>; generation: unknown }> = {};
  for (const row of rows) {
    const provider = String(row['provider']);
    const one = allocations[provider] ?? { resources: {}, generation: row['generation'] };
    one.resources[String(row['resource'])] = row['used'];
    allocations[provider] = one;
  }
  const [first] = rows;
  const body = {
    allocations,
    ...(first !== undefined && version >= BY_PROVIDER
      ? { project_id: first['project'], user_id: first['user'] }
      : {}),
    ...(first !== undefined && version >= WITH_GENERATION
      ? { consumer_generation: first['consumer_generation'] }
      : {}),
    ...(first !== undefined && version >= WITH_TYPE ? { consumer_type: first['type'] ?? 'unknown' } : {}),
  };
  return {
    status: 200,
    body,
    headers:
      version < 15
        ? {}
        : { 'last-modified': lastModified(rows, world.now()).toUTCString(), 'cache-control': 'no-cache' },
  };
}

function lastModified(rows: readonly DatabaseRow[], now: Date): Date {
  const times = rows
    .map((row) => row['updated_at'] ?? row['created_at'])
    .filter((time) => typeof time === 'string')
    .sort();
  const last = times.at(-1);
  return last === undefined ? now : new Date(`${last.replace(' ', 'T')}Z`);
}

function put(world: World, asked: Asked, consumer: string, version: number): Answer | Fault {
  if (version < BY_PROVIDER)
    return { status: 501, detail: notTaught(asked, `allocations as a list, before 1.${BY_PROVIDER}`) };
  if (!/^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i.test(consumer))
    return { status: 400, detail: `Malformed consumer_uuid: ${consumer}` };
  const body = bodySchema(version).safeParse(asked.body);
  if (!body.success) return { status: 400, detail: `JSON does not validate: ${describe(body.error)}` };
  const { allocations, project_id, user_id, consumer_generation, consumer_type } = body.data;
  const wanted: WantedAllocations = {
    shares: Object.fromEntries(
      Object.entries(allocations).map(([provider, { resources }]) => [provider, resources]),
    ),
    project: project_id,
    user: user_id,
    generation: consumer_generation,
    type: consumer_type,
  };
  return replaceAllocations(world, consumer.toLowerCase(), wanted) ?? { status: 204 };
}

const amounts = z
  .record(z.string().regex(/^[A-Z0-9_]+$/), z.int().min(1))
  .refine((resources) => Object.keys(resources).length > 0, '{} does not have enough properties');
const shares = z.record(
  z.string().regex(/^[0-9a-f-]{36}$/i),
  z.strictObject({ generation: z.int().optional(), resources: amounts }),
);
const external = z.string().min(1).max(255);

/** Each version's keys; one of a newer version is refused like any other that is unknown. */
function bodySchema(version: number) {
  const none = z.never().optional();
  // An empty object cannot be told from a mistake before there are generations.
  const filled = shares.refine((all) => Object.keys(all).length > 0, '{} does not have enough properties');
  return z.strictObject({
    allocations: version < WITH_GENERATION ? filled : shares,
    project_id: external,
    user_id: external,
    consumer_generation: version < WITH_GENERATION ? none : z.int().nullable(),
    mappings: version < WITH_MAPPINGS ? none : z.record(z.string(), z.unknown()).optional(),
    consumer_type: version < WITH_TYPE ? none : external.regex(/^[A-Z0-9_]+$/),
  });
}

/** Placement quotes the first key that is wrong with its whole schema; here all such keys stand, without the schema. */
function describe(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`).join('; ');
}
