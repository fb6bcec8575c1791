import * as z from '../../plan/zod.ts';
import { parseAnswer } from '../../site/parse.ts';
import type { Reader } from '../../site/reader.ts';
import { type Found, lookAt } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';

/** What one consumer holds: resource class → amount, summed over providers. */
export interface Holding {
  readonly consumer: string;
  /** `server`, or `migration 3` for the share that a resize or migration holds */
  readonly of: string;
  readonly resources: Readonly<Record<string, number>>;
  readonly providers: readonly string[];
}

export interface AllocationFacts {
  readonly holdings: readonly Holding[];
}

const answer = z.object({
  allocations: z.record(z.string(), z.object({ resources: z.record(z.string(), z.number()) })),
});

/**
 * The server's own consumer and, since Queens, one consumer per migration: while a server is moved or resized, its share on
 * the source host is held by `migrations.uuid` (nova 17+ `conductor/tasks/migrate.py:replace_allocation_with_migration`).
 */
export async function findAllocations(look: Reader, subject: Subject): Promise<Found<AllocationFacts>> {
  const consumers = [
    { consumer: subject.uuid, of: 'server' },
    ...subject.migrations.flatMap((m) =>
      m.uuid === null ? [] : [{ consumer: m.uuid, of: `migration ${m.id}` }],
    ),
  ];
  const { facts, unknown } = await lookAt(consumers, async ({ consumer, of }): Promise<Holding> => {
    const { body } = await look.http.get('placement', `/allocations/${consumer}`);
    const { allocations } = parseAnswer('Placement', answer, body);
    const resources: Record<string, number> = {};
    for (const { resources: share } of Object.values(allocations))
      for (const [name, amount] of Object.entries(share)) resources[name] = (resources[name] ?? 0) + amount;
    return { consumer, of, resources, providers: Object.keys(allocations).sort() };
  });
  return { facts: { holdings: facts.filter((h) => h.providers.length > 0) }, unknown };
}
