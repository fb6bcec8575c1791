/** Undoing a run as text: what comes back, what does not, and at the end whether it did. */
import type { Plan } from '../../plan/types.ts';
import type { StepResult } from '../../run/apply.ts';
import { awaitedHosts } from '../../run/make-plan.ts';
import type { RunRecord } from '../../run/read-run.ts';
import type { Screen } from '../io.ts';
import { wrap } from './lines.ts';
import { countOutcomes, nameRun, renderNotRun, sayVerdict } from './outcome.ts';
import { plain } from './plain.ts';
import { numberOf } from './steps.ts';
import { block, count, joinParts, LONG, renderHeading, renderObstacles } from './survey.ts';

/** The server, the run, what comes back place by place, what does not and why. */
export function renderUndo(plan: Plan, run: RunRecord, screen: Screen): string {
  return joinParts([
    `${renderHeading(plan, screen)}${renderRun(run, screen)}`,
    renderBack(plan, screen),
    renderLost(plan, screen),
    renderStays(plan, screen),
  ]);
}

function renderRun({ folder, begunAt, end, plan }: RunRecord, { columns }: Screen): string {
  const ended =
    begunAt === null
      ? 'It ended before its first step.'
      : end === null
        ? 'Its record has no end: it was cut, or is still going.'
        : end === 'complete'
          ? ''
          : end === 'open'
            ? `It waits for ${awaitedHosts(plan).join(' and ')}.`
            : `It ended ${end}.`;
  return block([
    ...nameRun('Run to undo', folder, columns, '  '),
    ...(ended === '' ? [] : wrap(ended, columns, '  ')),
  ]);
}

function renderBack({ steps }: Plan, { paint, columns }: Screen): string {
  if (steps.length === 0) return '';
  const lines = [
    `${paint.bold('Comes back')}: ${count(steps.length, 'step')}${steps.length === 1 ? '' : ', each after those it needs'}`,
  ];
  let place = '';
  steps.forEach((step, i) => {
    if (step.place !== place) lines.push(...wrap(plain(step.place), columns, '  ', '      '));
    place = step.place;
    lines.push(...wrap(plain(step.title, LONG), columns, `  ${numberOf(i)} `, '         '));
  });
  return block(lines);
}

function renderLost({ kept, steps }: Plan, { paint, columns }: Screen): string {
  if (kept.length === 0) return '';
  return block([
    `${paint.warn('Does not come back')}: ${count(kept.length, 'thing')}`,
    // The parts of an interface are many, and the reason is one.
    ...[...Map.groupBy(kept, ({ place, why }) => `${place} ${why}`).values()].flatMap((group) => [
      ...group.flatMap(({ place, what }) => wrap(plain(`${place}: ${what}`, LONG), columns, '  ', '      ')),
      ...group.slice(0, 1).flatMap(({ why }) => wrap(plain(why, LONG), columns, '    ')),
    ]),
    ...(steps.some(({ kind }) => kind === 'rows') &&
    kept.some(({ kind }) => ['files', 'domain'].includes(kind))
      ? wrap('So Nova knows of the server again, but the server does not run.', columns, '  ')
      : []),
  ]);
}

function renderStays({ remains }: Plan, { paint, columns }: Screen): string {
  if (remains.length === 0) return '';
  return block([
    paint.bold('Came after the run, and stays'),
    ...remains.flatMap(({ place, what }) => wrap(plain(`${place}: ${what}`, LONG), columns, '  ', '      ')),
  ]);
}

/** Instead of steps, when there are none. */
export function renderNothing(plan: Plan, run: RunRecord, { paint, columns }: Screen): string {
  if (run.acted.length === 0) return 'The run did nothing, so there is nothing to bring back.\n';
  const back = run.acted.length > plan.kept.length;
  return block(
    back
      ? wrap('All that can come back is as it was before the run.', columns, '')
      : wrap(
          `${paint.bad('Nothing of it can be brought back')}: the run did nothing but what is listed above.`,
          columns,
          '',
        ),
  );
}

interface Ended {
  readonly results: readonly StepResult[];
  readonly verified: Plan;
  /** folder of the undo's own record */
  readonly run: string;
  /** lines about steps stand right above */
  readonly listed: boolean;
}

/**
 * What became of the steps, where the record is, and whether all is as it was.
 *
 * @param asked the line on which the name was typed stands right above
 */
export function renderUndone(
  plan: Plan,
  { results, verified, run, listed }: Ended,
  screen: Screen,
  asked: boolean,
): string {
  const notRun = renderNotRun(plan, results, screen);
  const parts = joinParts([
    block([
      ...wrap(countOutcomes(results), screen.columns, '', '  '),
      ...nameRun('Record of this run', run, screen.columns),
    ]),
    renderObstacles(verified, screen),
    renderVerdict(plan, verified, screen),
  ]);
  return `${notRun}${listed || asked || notRun !== '' ? '\n' : ''}${parts}`;
}

function renderVerdict(plan: Plan, verified: Plan, screen: Screen): string {
  if (verified.unknown.length > 0)
    return sayVerdict('Not verified', 'bad', 'could not look at all that was put back.', screen);
  const differs = [...new Set(verified.steps.map(({ place }) => plain(place)))];
  if (differs.length > 0 || verified.refusals.length > 0)
    return sayVerdict(
      'Not brought back',
      'bad',
      differs.length === 0 ? 'see above.' : `not as it was before the run: ${differs.join(', ')}.`,
      screen,
    );
  const lost =
    plan.kept.length === 0 ? '' : `; not brought back, as listed above: ${count(plan.kept.length, 'thing')}`;
  return sayVerdict('Brought back', 'good', `looked again, it is as it was before the run${lost}.`, screen);
}
