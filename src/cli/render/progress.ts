/**
 * What a run is doing. On a terminal that can write over a line, one line shows how far it is, below the plan, and only what went
 * otherwise stays; elsewhere each step that has ended is a line.
 */
import type { Plan } from '../../plan/types.ts';
import type { RunEvent, StepResult } from '../../run/apply.ts';
import type { Io, Screen } from '../io.ts';
import { pad, wrap } from './lines.ts';
import { openLiveLine } from './live-line.ts';
import { plain } from './plain.ts';
import { numberOf } from './steps.ts';
import { block, LONG } from './survey.ts';

export const OUTCOMES: Readonly<Record<StepResult['outcome'], string>> = {
  done: 'done',
  already: 'already done',
  refused: 'REFUSED',
  failed: 'FAILED',
  unknown: 'UNKNOWN',
  'not-run': 'not run',
};

/** Where the outcome begins, and after the longest of them the title. */
const OUTCOME_AT = 7;
const TITLE_AT = OUTCOME_AT + 14;
const HANGING = ' '.repeat(OUTCOME_AT + 2);

export interface Progress {
  readonly show: (event: RunEvent) => void;
  /** Something that takes a while and is no step; gone with what is shown next. */
  readonly say: (sentence: string) => void;
  /** Takes the line that is written over away, before something else is printed. */
  readonly clear: () => void;
  /** whether lines stay on the screen */
  readonly listed: () => boolean;
}

export function openProgress(plan: Plan, io: Io): Progress {
  const numbers = new Map(plan.steps.map((step, i) => [step.id, numberOf(i)]));
  const underWay = new Map<string, string>();
  let done = 0;
  let listed = false;
  const { show: say, clear } = openLiveLine(io);
  const showUnderWay = () => {
    const [first] = underWay.values();
    const far = `  ${done} of ${plan.steps.length} done`;
    if (first === undefined) return say(far);
    say(`${far}; now ${first}`, underWay.size > 1 ? ` (and ${underWay.size - 1} more)` : '');
  };
  const show = (event: RunEvent) => {
    if (event.type === 'step-started') {
      const { id, place, title } = event.step;
      underWay.set(id, plain(`${numbers.get(id)?.trim() ?? ''} ${place}: ${title}`, LONG));
      showUnderWay();
      return;
    }
    const { step, outcome } = event.result;
    underWay.delete(step.id);
    const asPlanned = outcome === 'done' || outcome === 'already';
    if (asPlanned) done += 1;
    // What did not even begin is listed at the end, with what it waited for.
    if (outcome !== 'not-run' && !(asPlanned && io.live)) {
      clear();
      listed = true;
      io.out(renderResult(event.result, numbers.get(step.id) ?? '', io));
    }
    showUnderWay();
  };
  return { show, say, clear, listed: () => listed };
}

/** `    8. FAILED        host compute1: remove /x`, and below it the reason. */
export function renderResult({ step, outcome, detail }: StepResult, number: string, screen: Screen): string {
  const { paint, columns } = screen;
  const mark = outcome === 'done' ? paint.good : outcome === 'already' ? paint.dim : paint.bad;
  const title = wrap(plain(`${step.place}: ${step.title}`, LONG), columns, ' '.repeat(TITLE_AT), HANGING);
  const [first = '', ...others] = [
    ...title,
    ...(detail === null ? [] : wrap(plain(detail, LONG), columns, HANGING)),
  ];
  const word = pad(OUTCOMES[outcome], TITLE_AT - OUTCOME_AT);
  const marked = `  ${number} ${mark(word)}${first.slice(TITLE_AT)}`;
  return block([marked, ...others]);
}
