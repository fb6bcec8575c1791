/** The types of a plan, inferred from the plan file's schema. */

import type * as schema from './schema.ts';
import type * as z from './zod.ts';

export type SqlWhere = z.infer<typeof schema.sqlWhere>;
export type SqlSet = z.infer<typeof schema.sqlSet>;
export type Check = z.infer<typeof schema.check>;
export type Act = z.infer<typeof schema.act>;
export type BeforeImage = z.infer<typeof schema.beforeImage>;
export type Phase = z.infer<typeof schema.phase>;
export type Step = z.infer<typeof schema.step>;
export type Refusal = z.infer<typeof schema.refusal>;
export type Kept = z.infer<typeof schema.kept>;
export type Unknown = z.infer<typeof schema.unknown>;
export type Remain = z.infer<typeof schema.remain>;
export type Manual = z.infer<typeof schema.manual>;
export type Decisions = z.infer<typeof schema.decisions>;

export type Plan = z.infer<typeof schema.plan>;

export type SqlAct = Extract<Act, { door: 'sql' }>;
export type CommandAct = Extract<Act, { door: 'command' }>;
export type HttpAct = Extract<Act, { door: 'http' }>;

export type SqlWrite = SqlAct['writes'][number];
export type Service = HttpAct['service'];

/** A step as its kind declares it: the order of work (`order.ts`) adds what it needs. */
export type DraftStep = Omit<Step, 'kind' | 'needs'> & { readonly needs?: readonly string[] };
