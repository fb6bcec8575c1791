/**
 * The plan as data: what goes through which door, what must hold just before, how to see that it is already done.
 *
 * These schemas are the one declaration of the plan file. The types of the program are inferred from them (`types.ts`),
 * so that a plan that was saved, reviewed and read back is the same thing as one that was just made.
 */
import * as z from './zod.ts';

/** A value of a row. Binary is base64; dates are text as the database writes them, UTC, whole seconds. */
const sqlValue = z.union([z.string(), z.number(), z.null(), z.strictObject({ base64: z.string() })]);

export const sqlWhere = z.discriminatedUnion('is', [
  z.strictObject({ column: z.string(), is: z.enum(['=', '!=']), value: z.union([z.string(), z.number()]) }),
  z.strictObject({
    column: z.string(),
    is: z.literal('in'),
    value: z.array(z.union([z.string(), z.number()])),
  }),
  z.strictObject({ column: z.string(), is: z.enum(['null', 'not null']) }),
]);

/** What a column is set to: a value, the database's own UTC clock, a column of the row (and so much more), or a recount. */
export const sqlSet = z.union([
  ...sqlValue.options,
  z.strictObject({ now: z.literal(true) }),
  z.strictObject({ column: z.string(), plus: z.int().optional() }),
  z.strictObject({ sum: z.string(), of: z.string(), where: z.array(sqlWhere) }),
  z.strictObject({ count: z.literal(true), of: z.string(), where: z.array(sqlWhere) }),
]);

/** One statement, with the number of rows it must touch: any other number rolls the whole transaction back. */
const sqlWrite = z.discriminatedUnion('verb', [
  z.strictObject({
    verb: z.literal('update'),
    table: z.string(),
    set: z.record(z.string(), sqlSet),
    where: z.array(sqlWhere).min(1),
    rows: z.int().min(1),
  }),
  z.strictObject({
    verb: z.literal('delete'),
    table: z.string(),
    where: z.array(sqlWhere).min(1),
    rows: z.int().min(1),
  }),
  z.strictObject({ verb: z.literal('insert'), table: z.string(), values: z.record(z.string(), sqlSet) }),
]);

const service = z.enum(['compute', 'network', 'image', 'placement', 'volume']);
const argv = z.array(z.string()).min(1);
const database = z.string();

/** Requests that wait for a service on the message bus of a cell, and speak of one server. */
const inQueue = { door: z.literal('queue'), database, queue: z.string(), server: z.string() };

/** A reading that answers yes or no. "Could not look" is neither: the step then fails without acting. */
export const check = z.discriminatedUnion('door', [
  z.strictObject({
    door: z.literal('sql'),
    database,
    table: z.string(),
    where: z.array(sqlWhere),
    count: z.int().min(0),
  }),
  z.strictObject({
    door: z.literal('command'),
    host: z.string(),
    argv,
    /** exit codes under which the answer may be yes */
    exit: z.array(z.int()),
    /** exit codes under which the answer is plainly no (all others: could not look) */
    no: z.array(z.int()).optional(),
    /** what standard output must look like besides, without the newline at its end */
    out: z
      .union([
        z.strictObject({ equals: z.string() }),
        z.strictObject({ hasLine: z.string() }),
        z.strictObject({ lacksLine: z.string() }),
        z.strictObject({ linesWithin: z.array(z.string()) }),
        z.strictObject({ lacksText: z.string().min(1) }),
      ])
      .optional(),
  }),
  z.strictObject({
    door: z.literal('http'),
    service,
    path: z.string(),
    microversion: z.string().optional(),
    status: z.array(z.int()),
    /** a value inside the JSON body: path of keys and what must be there */
    at: z.strictObject({ keys: z.array(z.string()), equals: z.anyJson }).optional(),
  }),
  z.strictObject({ door: z.literal('cache'), server: z.string(), key: z.string(), absent: z.boolean() }),
  /** how many requests that speak of this server wait in a queue of the message bus; a queue that is not there has none */
  z.strictObject({ ...inQueue, count: z.int().min(0) }),
]);

/** What is done: exactly what goes through one door. */
export const act = z.discriminatedUnion('door', [
  z.strictObject({ door: z.literal('sql'), database, writes: z.array(sqlWrite).min(1) }),
  z.strictObject({
    door: z.literal('command'),
    host: z.string(),
    /** what runs just before, one after the other: when one ends otherwise than with its exit codes, the act is not done */
    first: z.array(z.strictObject({ argv, exit: z.array(z.int()) })).optional(),
    argv,
    /** what the program reads from its standard input; nothing when it is not there */
    input: z.string().optional(),
    /** longest that it may take, where that is more than usual */
    seconds: z.int().min(1).optional(),
    /** exit codes that mean done */
    exit: z.array(z.int()),
    /** tried in turn when the one before ended otherwise: the same act for older programs */
    otherwise: z.array(argv).optional(),
  }),
  z.strictObject({
    door: z.literal('http'),
    service,
    method: z.enum(['POST', 'PUT', 'DELETE']),
    path: z.string(),
    body: z.anyJson.optional(),
    microversion: z.string().optional(),
    /** sent with the token of a service besides the operator's own: `X-Service-Token` */
    serviceToken: z.literal(true).optional(),
    status: z.array(z.int()),
  }),
  z.strictObject({ door: z.literal('cache'), server: z.string(), key: z.string() }),
  /** takes these requests out; all others stay, in their order */
  z.strictObject(inQueue),
]);

/** What is read and saved before the act, so that it can be brought back or at least be known. */
export const beforeImage = z.discriminatedUnion('door', [
  z.strictObject({ door: z.literal('sql'), database, table: z.string(), where: z.array(sqlWhere) }),
  z.strictObject({ door: z.literal('command'), host: z.string(), argv }),
  z.strictObject({
    door: z.literal('http'),
    service,
    path: z.string(),
    microversion: z.string().optional(),
  }),
  z.strictObject({ door: z.literal('cache'), server: z.string(), key: z.string() }),
  /** which requests these are, never what they say: they hold tokens and the passwords of storage */
  z.strictObject(inQueue),
]);

/** The order of work. A step waits for the phases that `order.ts` names for its phase. */
export const phase = z.enum([
  'secure',
  'tokens',
  'stop',
  'unplug',
  'disconnect',
  'files',
  'undefine',
  'volumes',
  'ports',
  'images',
  'allocations',
  'rows',
  'volumes-late',
  'quota',
  'mapping',
]);

const guard = z.strictObject({
  /** a plain sentence that must be true, shown in the plan and when it is not */
  must: z.string(),
  check,
});

/** A lull before a step: something else is under way, and the step is better done after it. Nothing depends on it. */
const lull = z.strictObject({
  /** what is waited for, and why, in one sentence */
  why: z.string(),
  /** holds as long as it is under way. "Could not look" ends the lull, as "no" does: guards are asked after it */
  while: check,
  /** then the step goes on, whatever holds */
  seconds: z.int().min(1),
});

export const step = z.strictObject({
  /** unique in the plan and the same each time: kind, place, thing */
  id: z.string(),
  kind: z.string(),
  phase,
  /** where: `host compute1`, `cell cell1`, `Neutron`, … */
  place: z.string(),
  /** what is done, in a few words: `stop domain instance-00000001` */
  title: z.string(),
  /** why, in one sentence */
  why: z.string(),
  act,
  lull: lull.optional(),
  guards: z.array(guard),
  settled: check,
  /** what an operator may try when the step fails, in a few words */
  ifItFails: z.string().optional(),
  /** seconds to go on looking whether the act took effect; without it, what `apply` takes for all */
  patience: z.int().min(1).optional(),
  before: z.array(beforeImage),
  needs: z.array(z.string()),
  /** whether what this removes can be brought back, and from what */
  undo: z.enum(['before-image', 'recreate', 'never']),
});

export const refusal = z.strictObject({
  code: z.string(),
  kind: z.string(),
  sentence: z.string(),
  /** the one flag that lifts it; null for identity, which nothing lifts */
  flag: z.string().nullable(),
  /** volumes of which each is to be decided about: `purge` asks on a terminal */
  volumes: z
    .array(
      z.strictObject({
        id: z.string(),
        /** with name and size */
        what: z.string(),
        nova: z.enum(['keep', 'delete']),
        /** what goes with it, or stands against deleting it; may be empty */
        lost: z.string(),
      }),
    )
    .min(1)
    .optional(),
});

export const kept = z.strictObject({
  kind: z.string(),
  place: z.string(),
  what: z.string(),
  why: z.string(),
  /** it may not be there at all: this is the place, in a few words, where nobody could look, and no purge waits for that */
  unseen: z.string().exactOptional(),
});
export const unknown = z.strictObject({ kind: z.string(), place: z.string(), why: z.string() });
export const remain = z.strictObject({ kind: z.string(), place: z.string(), what: z.string() });

/** What expunge found and has no command for: the operator does it, and says so. */
export const manual = z.strictObject({
  kind: z.string(),
  place: z.string(),
  what: z.string(),
  /** what to do, in a sentence */
  how: z.string(),
});

/** A place that is to be looked at, and cleaned, when its host is back. The operator has said that the host is off. */
const deferred = z.strictObject({ kind: z.string(), place: z.string(), why: z.string() });

const volumeFate = z.enum(['keep', 'delete']);

export const decisions = z.strictObject({
  ports: z.enum(['as-nova', 'delete', 'keep']),
  /** every compute host was looked at, not only those that a trace led to */
  allHosts: z.boolean(),
  /** flags given that lift a refusal, such as `even-healthy` */
  lift: z.array(z.string()),
  /** what becomes of volumes; not there: nobody has decided yet */
  volumes: z
    .strictObject({
      /** those that are not named; not there: each has to be named */
      rest: z.enum(['as-nova', 'keep', 'delete']).optional(),
      /** by volume id */
      named: z.record(z.string(), volumeFate),
    })
    .optional(),
  /** how volumes are let go of: the ladder's rung to begin with; not there: the first that can work */
  detach: z.enum(['attachment', 'force', 'reset']).optional(),
  /** rows of Cinder's and Neutron's databases may be changed where their APIs cannot do it */
  surgery: z.literal(true).optional(),
  /** ports whose rows are changed in Neutron's database instead of asking its API, by id */
  portSurgery: z.array(z.string()).min(1).optional(),
  /** hosts that the operator says are powered off */
  fenced: z.array(z.string()).min(1).optional(),
});

const server = z.strictObject({
  uuid: z.string(),
  name: z.string().nullable(),
  project: z.string().nullable(),
  cell: z.string().nullable(),
  state: z.string(),
  hosts: z.array(z.string()),
});

export const plan = z.strictObject({
  format: z.literal(1),
  tool: z.string(),
  site: z.string(),
  madeAt: z.iso.datetime(),
  server,
  decisions,
  remains: z.array(remain),
  kept: z.array(kept),
  unknown: z.array(unknown),
  refusals: z.array(refusal),
  manual: z.array(manual).min(1).optional(),
  deferred: z.array(deferred).min(1).optional(),
  /** what led to the server's places, as `kinds/subject/traces.ts` writes it: Nova's rows lose it. Earlier versions gave it with `deferred` only */
  traces: z.anyJson.optional(),
  steps: z.array(step),
  /** sha256 over everything above but `madeAt`: the facts and the steps */
  digest: z.string(),
});
