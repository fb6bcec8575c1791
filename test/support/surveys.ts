/** Surveys made by hand: one kind whose plan is given. */
import type { Kind, KindPlan } from '../../src/kinds/kind.ts';
import { NOTHING } from '../../src/kinds/kind.ts';
import type { Subject } from '../../src/kinds/subject/subject.ts';
import type { Unknown } from '../../src/plan/types.ts';
import type { Survey } from '../../src/run/survey.ts';
import { subject } from './subjects.ts';

export function kindThatPlans(id: string, parts: Partial<KindPlan>): Kind<unknown> {
  return {
    id,
    title: id,
    looksAt: 'nothing',
    doors: [],
    find: async () => ({ facts: null, unknown: [] }),
    plan: () => ({ ...NOTHING, ...parts }),
  };
}

export function surveyOf(
  kinds: readonly Kind<unknown>[],
  changes: { subject?: Partial<Subject>; unknown?: readonly Unknown[] } = {},
): Survey {
  return {
    subject: subject(changes.subject),
    found: kinds.map((kind) => ({ kind, facts: null })),
    unknown: changes.unknown ?? [],
  };
}
