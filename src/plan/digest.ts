import { createHash } from 'node:crypto';
import type { Plan } from './types.ts';

/** Keys sorted at every depth, so that one plan has one text whatever order its parts were made in. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, canonical(v)]),
  );
}

/** sha256 (hex) over all of a plan but the moment it was made: equal digests mean equal facts and equal steps. */
export function digestPlan(plan: Omit<Plan, 'digest'>): string {
  const { madeAt: _, ...bound } = plan;
  return createHash('sha256')
    .update(JSON.stringify(canonical(bound)))
    .digest('hex');
}
