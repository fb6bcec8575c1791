import type { Kind } from '../kind.ts';
import { type AllocationFacts, findAllocations } from './find.ts';
import { planAllocations } from './plan.ts';

export const allocations: Kind<AllocationFacts> = {
  id: 'allocations',
  title: 'Placement',
  looksAt: 'Placement: allocations held by the server and by its migrations',
  doors: ['http'],
  find: findAllocations,
  plan: planAllocations,
};
