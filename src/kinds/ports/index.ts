import type { Kind } from '../kind.ts';
import { findPorts, type PortFacts } from './find.ts';
import { planPorts } from './plan.ts';

export const ports: Kind<PortFacts> = {
  id: 'ports',
  title: 'Ports',
  looksAt: 'Neutron: ports that name the server as their device; for --port-surgery its database',
  doors: ['http', 'sql'],
  find: findPorts,
  plan: planPorts,
};
