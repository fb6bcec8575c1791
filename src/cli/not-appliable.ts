/** A plan that is not begun. The errors carry it, so that output for programs can say why. */
import { LookError, RefusedError } from '../plan/errors.ts';
import type { Plan } from '../plan/types.ts';
import { silentHosts } from '../run/fenced.ts';

/** Exit 4: places could not be looked at. */
export class NotKnown extends LookError {
  readonly plan: Plan;

  constructor(plan: Plan, hint: string | undefined) {
    super('plan', 'could not look everywhere, so nothing was touched', {
      code: 'knowledge-incomplete',
      hint,
    });
    this.plan = plan;
  }
}

/** Exit 3: something forbids it. */
export class NotLet extends RefusedError {
  readonly plan: Plan;

  constructor(plan: Plan, hint: string | undefined) {
    super('refused; nothing was touched', { code: 'refused', hint });
    this.plan = plan;
  }
}

/**
 * What may be said of hosts from which nothing came; undefined: there are none.
 *
 * @param how in what it is said with the flag
 */
export function sayFenced(plan: Plan, how = 'say so'): string | undefined {
  const hosts = silentHosts(plan);
  if (hosts.length === 0) return undefined;
  const flags = hosts.map((host) => `--fenced ${host}`).join(' ');
  const [they, wait] = hosts.length === 1 ? ['is', 'it waits'] : ['are', 'them waits'];
  return `when ${hosts.join(' and ')} ${they} powered off, ${how} with ${flags}: then the rest is purged, and what is on ${wait} for resume`;
}

/**
 * The same of a command that takes no flags because its plan has them already; and what is refused, where flags lift all of it.
 *
 * @param how a plan with other flags comes about: `plan again`
 */
export function sayOtherwise(plan: Plan, how: string): string | undefined {
  if (plan.unknown.length > 0) return sayFenced(plan, how);
  return plan.refusals.every(({ flag }) => flag !== null)
    ? `flags are part of a plan: ${how} with what lifts this`
    : undefined;
}
