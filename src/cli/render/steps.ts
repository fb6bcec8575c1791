/** The steps of a plan, by chapter. */
import { KINDS } from '../../kinds/registry.ts';
import type { Plan, Step } from '../../plan/types.ts';
import type { Screen } from '../io.ts';
import { FIELD, labelled } from './field.ts';
import { wrap } from './lines.ts';
import { plain } from './plain.ts';
import { block, count, LONG } from './survey.ts';

const UNDO: Readonly<Record<Step['undo'], string>> = {
  'before-image': 'expunge undo, from what is saved first',
  recreate: 'only as a new one, made by hand',
  never: 'none, it is gone for good',
};

/** Renders what goes through the doors; loaded only when asked for. */
export type RenderAct = (act: Step['act'], columns: number) => readonly string[];

/**
 * A chapter is one kind at one place, in the order of work: a kind that begins early and ends late has two. With `renderAct`
 * each step is shown word for word.
 */
export function renderSteps(plan: Plan, screen: Screen, renderAct: RenderAct | null): string {
  if (plan.steps.length === 0) return '';
  const { paint, columns } = screen;
  const all = count(plan.steps.length, 'step');
  const lines: string[] = [
    plan.steps.length === 1 ? paint.bold(all) : `${paint.bold(all)}, each after those it needs`,
  ];
  let chapter = '';
  plan.steps.forEach((step, i) => {
    const heading = nameChapter(step);
    // Between steps of many lines each, the eye needs a gap.
    if (renderAct !== null && i > 0) lines.push('');
    if (heading !== chapter) lines.push(...wrap(heading, columns, '  ', '      '));
    chapter = heading;
    lines.push(...wrap(plain(step.title, LONG), columns, `  ${numberOf(i)} `, '         '));
    if (renderAct === null) return;
    lines.push(...field('why', step.why, columns));
    if (step.lull !== undefined)
      lines.push(...field('wait', `at most ${step.lull.seconds} s. ${step.lull.why}`, columns));
    for (const guard of step.guards) lines.push(...field('only if', guard.must, columns));
    lines.push(...renderAct(step.act, columns));
    lines.push(...field('undo', UNDO[step.undo], columns).map(paint.dim));
  });
  return block(lines);
}

function nameChapter({ kind, place }: Step): string {
  const title = KINDS.find(({ id }) => id === kind)?.title ?? kind;
  return plain(title === place ? title : `${title}, ${place}`, LONG);
}

/** ` 12.`, as the plan and the progress of a run call the step at this place of the list. */
export function numberOf(index: number): string {
  return `${String(index + 1).padStart(3)}.`;
}

function field(label: string, text: string, columns: number): string[] {
  return wrap(plain(text, LONG), columns, labelled(label), ' '.repeat(FIELD));
}
