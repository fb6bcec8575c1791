import type { Reader } from '../../site/reader.ts';
import type { Found } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';

export interface MappingFacts {
  /** there is a mapping, its table can be marked, and it is not */
  readonly unmarked: boolean;
}

/**
 * The survey of the subject has read the row already. `queued_for_delete` came with Rocky (18); before, there is nothing to mark.
 * A NULL that no online migration has filled yet counts as not marked, as for Nova (nova 26 `objects/instance_mapping.py:populate_queued_for_delete`).
 */
export async function findMapping(_look: Reader, subject: Subject): Promise<Found<MappingFacts>> {
  return { facts: { unmarked: subject.mapping?.queuedForDelete === false }, unknown: [] };
}
