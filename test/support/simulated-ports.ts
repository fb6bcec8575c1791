/** A simulated cloud whose server has two ports, and what expunge sends for one of them. */
import type { HttpAct } from '../../src/plan/types.ts';
import { portsOf } from '../../src/simulator/neutron/ports.ts';
import { type SimulatedCloud, simulatedCloud } from './simulated-apis.ts';

export async function cloudWithPort(): Promise<SimulatedCloud & { id: string; twin: string }> {
  const cloud = await simulatedCloud();
  const [first, second] = portsOf(cloud.world, cloud.server.uuid);
  if (first === undefined || second === undefined) throw new Error('the server has not two ports');
  return { ...cloud, id: first.id, twin: second.id };
}

/** Without what only a plan needs. */
export function portAct(method: 'PUT' | 'DELETE', id: string, body?: HttpAct['body']): HttpAct {
  return {
    door: 'http',
    service: 'network',
    method,
    path: `/v2.0/ports/${id}`,
    status: method === 'PUT' ? [200] : [204],
    ...(body === undefined ? {} : { body }),
  };
}
