/** A plan on its way to logs and tickets: what a tenant gave a server to read, and what opens a console, is cut short. Files keep it. */
import type { Check, Plan, SqlSet, SqlWhere, SqlWrite, Step } from '../../plan/types.ts';

/** Columns of Nova's tables that hold user data: of an instance, and of one that was only asked for (`build_requests`). */
const USER_DATA = new Set(['user_data', 'instance']);

export function shorten(plan: Plan): Plan {
  return { ...plan, steps: plan.steps.map(shortenStep) };
}

function shortenStep(step: Step): Step {
  return {
    ...step,
    act: shortenAct(step.act),
    guards: step.guards.map((guard) => ({ ...guard, check: shortenCheck(guard.check) })),
    settled: shortenCheck(step.settled),
  };
}

function shortenAct(act: Step['act']): Step['act'] {
  if (act.door === 'cache') return { ...act, key: cut(act.key) };
  return act.door === 'sql' ? { ...act, writes: act.writes.map(shortenWrite) } : act;
}

function shortenCheck(check: Check): Check {
  if (check.door === 'cache') return { ...check, key: cut(check.key) };
  return check.door === 'sql' ? { ...check, where: check.where.map(shortenWhere) } : check;
}

function shortenWrite(write: SqlWrite): SqlWrite {
  if (write.verb === 'insert') return { ...write, values: shortenValues(write.values) };
  const where = write.where.map(shortenWhere);
  return write.verb === 'update' ? { ...write, set: shortenValues(write.set), where } : { ...write, where };
}

function shortenWhere(where: SqlWhere): SqlWhere {
  if (!USER_DATA.has(where.column) || (where.is !== '=' && where.is !== '!=')) return where;
  return { ...where, value: cutText(where.value) };
}

function shortenValues(values: Readonly<Record<string, SqlSet>>): Record<string, SqlSet> {
  return Object.fromEntries(
    Object.entries(values).map(([column, value]) => [column, USER_DATA.has(column) ? cutText(value) : value]),
  );
}

function cutText<T>(value: T): T | string {
  return typeof value === 'string' ? cut(value) : value;
}

function cut(text: string): string {
  return `${text.slice(0, 8)}…`;
}
