import type { Reader } from '../../site/reader.ts';
import type { Found } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';

export interface BuildRequestFacts {
  /** `build_requests.id`; null when there is none, and before Newton (14), which has no such table */
  readonly id: number | null;
}

/** The survey of the subject has read the row already: a server that was never scheduled is known by nothing else. */
export async function findBuildRequest(_look: Reader, subject: Subject): Promise<Found<BuildRequestFacts>> {
  return { facts: { id: subject.buildRequest?.id ?? null }, unknown: [] };
}
