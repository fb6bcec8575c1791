/** Data that nothing brings back, named wherever it matters: in the plan, in the question, and in the outcome. */
import type { Plan, Step } from '../../plan/types.ts';
import type { StepResult } from '../../run/apply.ts';
import type { Screen } from '../io.ts';
import { wrap } from './lines.ts';
import { plain } from './plain.ts';
import { block, LONG } from './survey.ts';

/** A user's volumes. The server's own disks go with it, as everybody expects. */
function isData({ kind, undo }: Step): boolean {
  return kind === 'volumes' && undo === 'never';
}

/** `volume 5c1e… "data" 100 GiB`, out of the title of the step that deletes it. */
function nameOf({ title }: Step): string {
  return plain(title.replace(/^delete /, ''), LONG);
}

export function lostForGood(plan: Plan): string[] {
  return plan.steps.filter(isData).map(nameOf);
}

export function renderLost(plan: Plan, screen: Screen): string {
  return list('Lost for good', lostForGood(plan), screen);
}

/** Of what was done; what may have been done counts too. */
export function renderDeleted(results: readonly StepResult[], screen: Screen): string {
  const gone = results.filter(({ outcome, step }) => isData(step) && outcome !== 'not-run');
  return list(
    'Deleted for good',
    gone
      .filter(({ outcome }) => outcome === 'done' || outcome === 'unknown')
      .map(({ step, outcome }) => `${nameOf(step)}${outcome === 'unknown' ? ' (not known whether)' : ''}`),
    screen,
  );
}

function list(heading: string, things: readonly string[], { paint, columns }: Screen): string {
  if (things.length === 0) return '';
  return block([paint.warn(heading), ...things.flatMap((what) => wrap(what, columns, '  ', '      '))]);
}
