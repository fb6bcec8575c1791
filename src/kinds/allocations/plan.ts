import type { KindPlan } from '../kind.ts';
import type { AllocationFacts, Holding } from './find.ts';

/** `1 VCPU, 64 MEMORY_MB` */
function describe({ resources }: Holding): string {
  return Object.entries(resources)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, amount]) => `${amount} ${name}`)
    .join(', ');
}

/** One DELETE per consumer: it drops what the consumer holds at every provider at once. 404 means it held nothing. */
export function planAllocations(facts: AllocationFacts): KindPlan {
  return {
    refusals: [],
    kept: [],
    remains: facts.holdings.map((holding) => ({
      place: 'Placement',
      what: `${describe(holding)} held by the ${holding.of}`,
    })),
    steps: facts.holdings.map((holding) => ({
      id: `allocations/${holding.consumer}`,
      phase: 'allocations' as const,
      place: 'Placement',
      title: `release ${describe(holding)} of the ${holding.of}`,
      why: 'An allocation without a server keeps the host full for the scheduler and the project over quota.',
      act: {
        door: 'http' as const,
        service: 'placement' as const,
        method: 'DELETE' as const,
        path: `/allocations/${holding.consumer}`,
        status: [204, 404],
      },
      guards: [],
      settled: {
        door: 'http' as const,
        service: 'placement' as const,
        path: `/allocations/${holding.consumer}`,
        status: [200],
        at: { keys: ['allocations'], equals: {} },
      },
      before: [
        { door: 'http' as const, service: 'placement' as const, path: `/allocations/${holding.consumer}` },
      ],
      undo: 'recreate' as const,
    })),
  };
}
