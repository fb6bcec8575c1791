/** A plan that is not begun. The errors carry it, so that output for programs can say why. */
import { LookError, RefusedError } from '../plan/errors.ts';
import type { Plan } from '../plan/types.ts';
import { silentHosts } from '../run/fenced.ts';

/** Exit 4: places could not be looked at. */
export class NotKnown extends LookError {
  readonly plan: Plan;

  constructor(plan: Plan) {
    super('plan', 'could not look everywhere, so nothing was touched', {
      code: 'knowledge-incomplete',
      hint: sayFenced(plan),
    });
    this.plan = plan;
  }
}

/** Exit 3: something forbids it. */
export class NotLet extends RefusedError {
  readonly plan: Plan;

  constructor(plan: Plan) {
    super('refused; nothing was touched', { code: 'refused' });
    this.plan = plan;
  }
}

/** What may be said of hosts from which nothing came; undefined: there are none. */
export function sayFenced(plan: Plan): string | undefined {
  const hosts = silentHosts(plan);
  if (hosts.length === 0) return undefined;
  const flags = hosts.map((host) => `--fenced ${host}`).join(' ');
  const [they, wait] = hosts.length === 1 ? ['is', 'it waits'] : ['are', 'them waits'];
  return `when ${hosts.join(' and ')} ${they} powered off, say so with ${flags}: then the rest is purged, and what is on ${wait} for resume`;
}
