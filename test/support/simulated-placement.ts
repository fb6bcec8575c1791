/** What requests to a simulated Placement need to say. */
import { adminProject, rowsOf, type SimulatedCloud } from './simulated-apis.ts';

/** The compute host's resource provider. */
export function provider({ world }: SimulatedCloud) {
  const [row] = rowsOf(world, 'placement', 'resource_providers');
  return { uuid: String(row?.['uuid']), generation: Number(row?.['generation']) };
}

/** Headers that ask for a microversion. */
export function at(version: string) {
  return { 'OpenStack-API-Version': `placement ${version}` };
}

export function owner({ world }: SimulatedCloud) {
  return {
    project_id: adminProject(world),
    user_id: String(rowsOf(world, 'placement', 'users')[0]?.['external_id']),
  };
}

/** The first error of an answer. */
export function errors(body: unknown): Record<string, unknown> {
  return (body as { errors: Record<string, unknown>[] }).errors[0] ?? {};
}
