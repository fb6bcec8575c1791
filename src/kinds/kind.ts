/** What a kind of remains is: one declaration per folder, found by the registry (`registry.ts`). */
import { isExpungeError, LookError } from '../plan/errors.ts';
import type { Decisions, DraftStep, Kept, Manual, Refusal, Remain, Unknown } from '../plan/types.ts';
import type { Reader } from '../site/reader.ts';
import type { Subject } from './subject/subject.ts';

/** Facts of one kind, and the places where it could not look. A place is in one or the other, never in neither. */
export interface Found<F> {
  readonly facts: F;
  readonly unknown: readonly Omit<Unknown, 'kind'>[];
}

/** What a kind makes of its facts. A clean kind plans no steps; nothing else means clean. */
export interface KindPlan {
  readonly steps: readonly DraftStep[];
  /** what is still there, in an operator's words, for `inspect` */
  readonly remains: readonly Omit<Remain, 'kind'>[];
  readonly refusals: readonly Omit<Refusal, 'kind'>[];
  readonly kept: readonly Omit<Kept, 'kind'>[];
  /** what is there and has to be done by hand: as long as it is there, the server is not gone */
  readonly manual?: readonly Omit<Manual, 'kind'>[];
}

export interface Kind<F> {
  readonly id: string;
  /** heading in a plan: `Interfaces` */
  readonly title: string;
  /** one sentence for operators: where it looks */
  readonly looksAt: string;
  readonly doors: readonly ('sql' | 'http' | 'command' | 'cache' | 'queue')[];
  /** Reads. @throws LookError when it could look nowhere at all */
  find(look: Reader, subject: Subject): Promise<Found<F>>;
  /** Pure: facts and decisions in, steps out. */
  plan(facts: F, subject: Subject, decisions: Decisions): KindPlan;
}

export const NOTHING: KindPlan = { steps: [], remains: [], refusals: [], kept: [] };

/** Looks at several places side by side. Those that cannot be looked at come back as `unknown`, with the reason. */
export async function lookAt<P, T>(
  places: readonly P[],
  look: (place: P) => Promise<T>,
): Promise<{ facts: T[]; unknown: Omit<Unknown, 'kind'>[] }> {
  const answers = await Promise.all(
    places.map(async (place) => {
      try {
        return { ok: true as const, value: await look(place) };
      } catch (error) {
        if (!(error instanceof LookError)) throw error;
        return { ok: false as const, unknown: { place: error.place, why: reason(error) } };
      }
    }),
  );
  return {
    facts: answers.flatMap((a) => (a.ok ? [a.value] : [])),
    unknown: answers.flatMap((a) => (a.ok ? [] : [a.unknown])),
  };
}

/** The reason of an error in one line: sentence, then hint. */
export function reason(error: unknown): string {
  if (!isExpungeError(error)) return String(error);
  return error.hint === undefined ? error.message : `${error.message} (${error.hint})`;
}
