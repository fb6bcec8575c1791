/** What a run is doing: a line for each step that has ended, and on a terminal one that shows what is under way. */
import type { RunEvent, StepResult } from '../../run/apply.ts';
import type { Io } from '../io.ts';
import { cut, wrap } from './lines.ts';
import { plain } from './plain.ts';
import { LONG } from './survey.ts';

export const OUTCOMES: Readonly<Record<StepResult['outcome'], string>> = {
  done: 'done',
  already: 'already done',
  refused: 'REFUSED',
  failed: 'FAILED',
  unknown: 'UNKNOWN',
  'not-run': 'not run',
};

/** The terminal's own line clearing: what is under way is shown on a line that the next result writes over. */
const CLEAR_LINE = '\r\x1b[2K';

/** Where the titles begin: after the longest outcome. */
const MARGIN = 15;

/** Lines that have ended stay; the line of what is under way never scrolls them away. */
export function openProgress(io: Io): (event: RunEvent) => void {
  const underWay = new Map<string, string>();
  const showUnderWay = () => {
    if (!io.live) return;
    const [first] = underWay.values();
    if (first === undefined) return io.out(CLEAR_LINE);
    const others = underWay.size > 1 ? ` (and ${underWay.size - 1} more)` : '';
    const room = io.columns - 1 - MARGIN - others.length;
    io.out(`${CLEAR_LINE}  ${'…'.padEnd(MARGIN - 2)}${cut(plain(first), room)}${others}`);
  };
  return (event) => {
    if (event.type === 'step-started') {
      underWay.set(event.step.id, event.step.title);
      showUnderWay();
      return;
    }
    const { step, outcome, detail } = event.result;
    underWay.delete(step.id);
    const paint = outcome === 'done' ? io.paint.good : outcome === 'already' ? io.paint.dim : io.paint.bad;
    const blank = ' '.repeat(MARGIN);
    const [first = '', ...others] = [
      ...wrap(plain(`${step.place}: ${step.title}`, LONG), io.columns, blank, `${blank}  `),
      ...(detail === null ? [] : wrap(plain(detail, LONG), io.columns, `${blank}  `)),
    ];
    const marked = `  ${paint(OUTCOMES[outcome].padEnd(MARGIN - 2))}${first.slice(MARGIN)}`;
    io.out(`${io.live ? CLEAR_LINE : ''}${[marked, ...others].join('\n')}\n`);
    showUnderWay();
  };
}
