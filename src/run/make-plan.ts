/** From facts and decisions to a plan: pure, so that the same facts always give the same digest. */
import { reason } from '../kinds/kind.ts';
import type { Subject } from '../kinds/subject/subject.ts';
import { writeTraces } from '../kinds/subject/traces.ts';
import { digestPlan } from '../plan/digest.ts';
import { type ExpungeError, LookError } from '../plan/errors.ts';
import { orderSteps } from '../plan/order.ts';
import type { Decisions, Plan } from '../plan/types.ts';
import type { Survey } from './survey.ts';

export interface PlanOrigin {
  /** version of expunge */
  readonly tool: string;
  readonly site: string;
  /** ISO 8601, UTC */
  readonly madeAt: string;
}

export function makePlan(
  { subject, found, unknown }: Survey,
  decisions: Decisions,
  origin: PlanOrigin,
): Plan {
  const parts = found.map(({ kind, facts }) => ({ id: kind.id, ...kind.plan(facts, subject, decisions) }));
  const manual = parts.flatMap((part) => (part.manual ?? []).map((m) => ({ kind: part.id, ...m })));
  const { known, deferred } = defer(unknown, decisions);
  const refusals = parts.flatMap((part) => part.refusals.map((r) => ({ kind: part.id, ...r })));
  const plan = {
    format: 1 as const,
    ...origin,
    server: {
      uuid: subject.uuid,
      name: subject.name,
      project: subject.projectId,
      cell: subject.cell?.name ?? null,
      state: describeState(subject),
      hosts: subject.hosts.map((host) => host.name),
    },
    decisions,
    remains: parts.flatMap((part) => part.remains.map((r) => ({ kind: part.id, ...r }))),
    kept: parts.flatMap((part) => part.kept.map((k) => ({ kind: part.id, ...k }))),
    unknown: known,
    // A refusal without a flag is about identity: no list of lifted flags touches it.
    refusals: refusals.filter((r) => r.flag === null || !decisions.lift.includes(r.flag)),
    ...(manual.length === 0 ? {} : { manual }),
    ...(deferred.length === 0 ? {} : { deferred }),
    traces: writeTraces(subject),
    steps: orderSteps(parts.flatMap((part) => part.steps.map((step) => ({ kind: part.id, ...step })))),
  };
  return { ...plan, digest: digestPlan(plan) };
}

/** The plan of a server of which nothing can be known: a place without which nobody can say where else to look does not answer. */
export function planUnseen(
  { server, decisions, tool, site }: Plan,
  error: ExpungeError,
  madeAt: string,
): Plan {
  const place = error instanceof LookError ? error.place : 'everywhere';
  const plan = {
    format: 1 as const,
    tool,
    site,
    madeAt,
    server,
    decisions,
    remains: [],
    kept: [],
    unknown: [{ kind: 'everything', place, why: reason(error) }],
    refusals: [],
    steps: [],
  };
  return { ...plan, digest: digestPlan(plan) };
}

/** What could not be looked at on hosts that the operator says are off waits until they are back; all else stays unknown. */
function defer(unknown: Survey['unknown'], { fenced = [] }: Decisions) {
  const isOff = ({ place }: { readonly place: string }) => fenced.some((host) => place === `host ${host}`);
  return { known: unknown.filter((u) => !isOff(u)), deferred: unknown.filter(isOff) };
}

/** Nova's own word for where the server stands, one line. */
function describeState({ row, buildRequest, mapping }: Subject): string {
  if (row === null) {
    if (buildRequest !== null) return 'a build request, not scheduled yet';
    return mapping === null ? 'unknown to Nova' : 'mapped, without a row';
  }
  if (row.archived) return 'deleted and archived';
  if (row.deleted !== 0) return `deleted${row.deletedAt === null ? '' : ` ${row.deletedAt} UTC`}`;
  const task = row.taskState === null ? '' : `, ${row.taskState}`;
  return `${row.vmState ?? 'no state'}${task}${row.updatedAt === null ? '' : `, last changed ${row.updatedAt} UTC`}`;
}

/** Nothing anywhere bears this uuid: a typing error, or a server that was archived and purged long ago. */
export function hasNoTrace(plan: Plan): boolean {
  return plan.server.state === 'unknown to Nova' && plan.remains.length === 0 && plan.kept.length === 0;
}

/** Clean means: everything was looked at, and nothing is there. What may not be touched is not gone either. */
export function isClean(plan: Plan): boolean {
  const { manual = [], deferred = [] } = plan;
  return [plan.steps, plan.remains, plan.refusals, plan.unknown, manual, deferred].every(
    (list) => list.length === 0,
  );
}

/** All is done but for what waits on hosts that are off. */
export function waitsOnly(plan: Plan): boolean {
  const { deferred, ...rest } = plan;
  return deferred !== undefined && isClean(rest);
}

/** The hosts that something waits for. */
export function awaitedHosts({ deferred = [] }: Pick<Plan, 'deferred'>): readonly string[] {
  return [...new Set(deferred.map(({ place }) => place.replace(/^host /, '')))];
}

/** What differs between two plans for one server, in words; empty when they are the same. */
export function describeDrift(before: Plan, now: Plan): string[] {
  const differences: string[] = [];
  const compare = (what: string, a: readonly string[], b: readonly string[]) => {
    for (const gone of a.filter((x) => !b.includes(x))) differences.push(`no longer: ${what} ${gone}`);
    for (const fresh of b.filter((x) => !a.includes(x))) differences.push(`new: ${what} ${fresh}`);
  };
  compare('state', [before.server.state], [now.server.state]);
  compare(
    'remains',
    before.remains.map((r) => `${r.place}: ${r.what}`),
    now.remains.map((r) => `${r.place}: ${r.what}`),
  );
  compare(
    'refusal',
    before.refusals.map((r) => r.code),
    now.refusals.map((r) => r.code),
  );
  compare(
    'unknown',
    before.unknown.map((u) => u.place),
    now.unknown.map((u) => u.place),
  );
  compare(
    'to do by hand',
    (before.manual ?? []).map((m) => `${m.place}: ${m.what}`),
    (now.manual ?? []).map((m) => `${m.place}: ${m.what}`),
  );
  compare(
    'deferred',
    (before.deferred ?? []).map((d) => d.place),
    (now.deferred ?? []).map((d) => d.place),
  );
  compare(
    'step',
    before.steps.map((s) => s.id),
    now.steps.map((s) => s.id),
  );
  compare('host', before.server.hosts, now.server.hosts);
  compare(
    'kept',
    before.kept.map((k) => `${k.place}: ${k.what}`),
    now.kept.map((k) => `${k.place}: ${k.what}`),
  );
  compare('version of expunge', [before.tool], [now.tool]);
  if (differences.length === 0) {
    const steps = new Map(before.steps.map((s) => [s.id, JSON.stringify(s)]));
    for (const step of now.steps)
      if (steps.get(step.id) !== JSON.stringify(step)) differences.push(`changed: step ${step.id}`);
  }
  if (differences.length === 0 && JSON.stringify(before.traces) !== JSON.stringify(now.traces))
    differences.push('changed: what leads to its places');
  if (differences.length === 0 && before.digest !== now.digest) differences.push('the reasons it gives');
  return differences;
}
