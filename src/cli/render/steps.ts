/** The steps of a plan, by chapter. */
import { KINDS } from '../../kinds/registry.ts';
import type { Plan, Step } from '../../plan/types.ts';
import type { Screen } from '../io.ts';
import { FIELD, labelled } from './field.ts';
import { wrap } from './lines.ts';
import { plain } from './plain.ts';
import { block, count, LONG } from './survey.ts';

const UNDO: Readonly<Record<Step['undo'], string>> = {
  'before-image': 'by hand, from what is saved first',
  recreate: 'only as a new one, made by hand',
  never: 'none, it is gone for good',
};

/** Renders what goes through the doors; loaded only when asked for. */
export type RenderAct = (act: Step['act'], columns: number) => readonly string[];

/** With `renderAct` each step is shown word for word. */
export function renderSteps(plan: Plan, screen: Screen, renderAct: RenderAct | null): string {
  if (plan.steps.length === 0) return '';
  const { paint, columns } = screen;
  const lines: string[] = [
    paint.bold(
      plan.steps.length === 1 ? '1 step' : `${count(plan.steps.length, 'step')}, each after those it needs`,
    ),
  ];
  let chapter = '';
  plan.steps.forEach((step, i) => {
    const title = KINDS.find((kind) => kind.id === step.kind)?.title ?? step.kind;
    const heading = plain(title === step.place ? title : `${title} · ${step.place}`, LONG);
    if (heading !== chapter) lines.push(`  ${heading}`);
    chapter = heading;
    lines.push(...wrap(plain(step.title, LONG), columns, `  ${String(i + 1).padStart(3)}. `, '         '));
    if (renderAct === null) return;
    lines.push(...field('why', step.why, columns));
    for (const guard of step.guards) lines.push(...field('only if', guard.must, columns));
    lines.push(...renderAct(step.act, columns));
    lines.push(...field('undo', UNDO[step.undo], columns).map(paint.dim));
  });
  return block(lines);
}

function field(label: string, text: string, columns: number): string[] {
  return wrap(plain(text, LONG), columns, labelled(label), ' '.repeat(FIELD));
}
