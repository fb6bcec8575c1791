import { UsageError } from '../plan/errors.ts';
import type { Plan } from '../plan/types.ts';
import { hasNoTrace } from '../run/make-plan.ts';

/**
 * A uuid that nothing anywhere knows is a slip of the hand sooner than a clean server.
 *
 * @throws UsageError with where was looked; a place that could not be asked, or waits for its host, leaves it open and does not throw
 */
export function noTrace(plan: Plan): Plan {
  if (!hasNoTrace(plan) || plan.unknown.length > 0 || plan.deferred !== undefined) return plan;
  const hosts = plan.server.hosts.length === 0 ? 'no compute host' : plan.server.hosts.join(', ');
  throw new UsageError(`no server ${plan.server.uuid}: no database, API or host has a trace of it`, {
    code: 'no-such-server',
    hint: `looked at Nova's databases, Neutron, Placement, Glance and ${hosts}`,
  });
}
