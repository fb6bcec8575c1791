import type { Change } from './diff.ts';
import type { Snapshot } from './snapshot.ts';

const ATTRIBUTES = 'neutron.standardattributes';

/** A delta of Neutron's own deletes, whole. */
export interface Completed {
  readonly changes: readonly Change[];
  /** `standardattributes.id` of each row that Neutron forgot; mostly none */
  readonly forgotten: readonly string[];
}

/**
 * Neutron forgets the `standardattributes` row of a port that it deletes when the agent's report that the interface is gone falls into
 * the delete (src/kinds/ports/README.md). The slower the machine, the more often: it says nothing about who asked for the delete. Such a
 * row, of a port that is gone, is added to the delta as the deletion that Neutron meant; nothing else is.
 */
export function completeNeutronDeletes(changes: readonly Change[], after: Snapshot): Completed {
  const left = after.rows[ATTRIBUTES] ?? {};
  const forgotten = changes
    .filter(({ place, before, after: port }) => place === 'neutron.ports' && before && !port)
    .map(({ before }) => before?.['standard_attr_id'] ?? '')
    .filter((id) => id in left);
  const deletions = forgotten.map((id) => ({
    place: ATTRIBUTES,
    key: id,
    before: left[id],
    after: undefined,
  }));
  const others = changes.filter(({ place, key }) => place !== ATTRIBUTES || !forgotten.includes(key));
  return { changes: [...others, ...deletions], forgotten };
}
