/** The end of a run: what became of the steps, where the record is, and whether the server is gone. */
import { basename, dirname } from 'node:path';
import type { Plan } from '../../plan/types.ts';
import type { StepResult } from '../../run/apply.ts';
import { awaitedHosts, isClean, waitsOnly } from '../../run/make-plan.ts';
import type { Screen } from '../io.ts';
import { fill, widthOf, wrap } from './lines.ts';
import { renderDeleted } from './lost.ts';
import { commandFor, resumeCommand, siteWords } from './next.ts';
import { plain } from './plain.ts';
import { OUTCOMES, renderResult } from './progress.ts';
import { numberOf } from './steps.ts';
import {
  block,
  count,
  joinParts,
  LONG,
  nameUnseen,
  renderKept,
  renderObstacles,
  renderRemains,
} from './survey.ts';

interface Ended {
  readonly results: readonly StepResult[];
  readonly verified: Plan;
  /** folder of the record */
  readonly run: string;
  /** lines about steps stand right above */
  readonly listed: boolean;
}

interface Shown {
  /** the kept things, above the question for the name */
  readonly kept: boolean;
  /** as it was given with `--site` */
  readonly site: string | undefined;
}

/** What was done, what was so already, what was kept (unless it was shown before), and what the second look found. */
export function renderOutcome(
  plan: Plan,
  { results, verified, run, listed }: Ended,
  screen: Screen,
  shown: Shown,
): string {
  const kept =
    shown.kept && plan.kept.length > 0 ? `; kept, as listed above: ${count(plan.kept.length, 'thing')}` : '';
  const notRun = renderNotRun(plan, results, screen);
  const parts = joinParts([
    block([
      ...wrap(`${countOutcomes(results)}${kept}`, screen.columns, '', '  '),
      ...nameRun('Record of this run', run, screen.columns),
    ]),
    renderDeleted(results, screen),
    shown.kept ? '' : renderKept(plan, screen),
    isClean(verified) ? '' : joinParts([renderRemains(verified, screen), renderObstacles(verified, screen)]),
    renderVerdict(verified, screen, shown.site, { run, finished: isFinished(results), kept: plan.kept }),
  ]);
  // What did not begin goes on with the list of steps that ended. Whoever typed the name has that line right above.
  const above = listed || notRun !== '' || shown.kept;
  return `${notRun}${above ? '\n' : ''}${parts}`;
}

/** The folder's name bears the server's uuid: where the whole path does not fit, it stands apart, so that no line ends inside it. */
export function nameRun(title: string, run: string, columns: number, indent = ''): string[] {
  const path = plain(run, LONG);
  const whole = `${indent}${title}: ${path}`;
  if (widthOf(whole) <= columns) return [whole];
  return [
    ...fill([`${title}:`, basename(path)], columns, { first: indent, others: `${indent}  ` }),
    `${indent}  in ${dirname(path)}`,
  ];
}

/** `13 done, 1 already done (step 12), 1 FAILED (step 14)`: what was as planned needs no number. */
export function countOutcomes(results: readonly StepResult[]): string {
  const all = (['done', 'already', 'refused', 'failed', 'unknown', 'not-run'] as const).flatMap((outcome) => {
    const numbers = results.flatMap((result, i) => (result.outcome === outcome ? [i + 1] : []));
    if (numbers.length === 0) return [];
    const which = outcome === 'done' ? '' : ` (step${numbers.length === 1 ? '' : 's'} ${numbers.join(', ')})`;
    return [`${numbers.length} ${OUTCOMES[outcome]}${which}`];
  });
  return all.length === 0 ? 'nothing to do' : all.join(', ');
}

/** A line for each step that did not begin; empty when all did. */
export function renderNotRun(plan: Plan, results: readonly StepResult[], screen: Screen): string {
  return results
    .map((result, i) =>
      result.outcome === 'not-run'
        ? renderResult({ ...result, detail: nameBlocker(plan, result.detail) }, numberOf(i), screen)
        : '',
    )
    .join('');
}

/** `waits for <id of a step>`, with the step's number in the plan. */
function nameBlocker({ steps }: Plan, detail: string | null): string | null {
  const blocker = steps.findIndex(({ id }) => detail === `waits for ${id}`);
  return blocker < 0 ? detail : `waits for step ${blocker + 1}`;
}

function isFinished(results: readonly StepResult[]): boolean {
  return results.every(({ outcome }) => outcome === 'done' || outcome === 'already');
}

/** @param before what was kept when the run began: that a delete may come late is only weighed while the row lives */
function sayClean({ kept: now }: Plan, before: Plan['kept']): string {
  const unseen = nameUnseen([...before, ...now]);
  return unseen === null
    ? 'looked everywhere again, nothing is left.'
    : `looked again everywhere but at ${unseen}, see Kept: nothing else is left.`;
}

/** `Verified: …`, the word in its colour, and what to do next where there is something. */
export function sayVerdict(
  word: string,
  style: 'good' | 'warn' | 'bad',
  sentence: string,
  { paint, columns }: Screen,
  next: string | null = null,
): string {
  const [first = '', ...others] = wrap(`${word}: ${sentence}`, columns, '', '  ');
  return block([
    `${paint[style](word)}${first.slice(word.length)}`,
    ...others,
    ...(next === null ? [] : [`Next: ${next}`]),
  ]);
}

/**
 * The last words of all: is it gone?
 *
 * @param ended the run that was to remove it, where there was one: its folder, whether it did all that it was to do, and what it kept
 */
export function renderVerdict(
  verified: Plan,
  screen: Screen,
  site: string | undefined,
  ended?: { readonly run: string; readonly finished: boolean; readonly kept: Plan['kept'] },
): string {
  const { remains, unknown, refusals } = verified;
  if (isClean(verified)) return sayVerdict('Verified', 'good', sayClean(verified, ended?.kept ?? []), screen);
  const say = (verdict: string, sentence: string, command: string | null) =>
    sayVerdict(verdict, 'bad', sentence, screen, command);
  if (unknown.length > 0)
    return say(
      'Not verified',
      'could not look everywhere. When every place can be reached, look again.',
      commandFor('verify', verified, site),
    );
  if (waitsOnly(verified)) {
    const hosts = awaitedHosts(verified).join(' and ');
    const which = ended === undefined ? 'the run that waits for it' : 'this run';
    const command =
      ended === undefined
        ? ['expunge', 'runs', ...siteWords(site)].join(' ')
        : resumeCommand(ended.run, site);
    const sentence = `nothing is left but what may be on ${hosts}. When it is back, finish ${which}.`;
    return sayVerdict('Open', 'warn', plain(sentence, LONG), screen, command);
  }
  const left = remains.length === 0 ? 'steps left' : `${count(remains.length, 'thing')} left, see above`;
  if (refusals.length === 0) {
    const goesOn = ended !== undefined && !ended.finished;
    const command = goesOn ? resumeCommand(ended.run, site) : commandFor('purge', verified, site);
    return say('Not clean', `${left}.`, command);
  }
  // A host that answers after all is looked at when the run is gone on with: nothing else takes it out of what was said of it.
  const command = ended !== undefined && isBack(refusals) ? resumeCommand(ended.run, site) : null;
  return say('Not clean', remains.length === 0 ? 'refused, see above.' : `${left}; refused.`, command);
}

/** Nothing is refused but that a host of `--fenced` is there. */
function isBack(refusals: Plan['refusals']): boolean {
  return (
    refusals.some(({ code }) => code === 'fenced-but-answers') &&
    refusals.every(({ code }) => code.startsWith('fenced-'))
  );
}
