/** What a run is doing: a line for each step that has ended, and on a terminal one that shows what is under way. */
import type { RunEvent, StepResult } from '../../run/apply.ts';
import type { Io } from '../io.ts';
import { plain } from './plain.ts';

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

/** Lines that have ended stay; the line of what is under way never scrolls them away. */
export function openProgress(io: Io): (event: RunEvent) => void {
  const underWay = new Map<string, string>();
  const showUnderWay = () => {
    if (!io.live) return;
    const [first] = underWay.values();
    const others = underWay.size > 1 ? ` (and ${underWay.size - 1} more)` : '';
    io.out(
      first === undefined ? CLEAR_LINE : `${CLEAR_LINE}  ${'…'.padEnd(12)} ${plain(first, 50)}${others}`,
    );
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
    io.out(
      `${io.live ? CLEAR_LINE : ''}  ${paint(OUTCOMES[outcome].padEnd(12))} ${plain(`${step.place}: ${step.title}`)}\n`,
    );
    if (detail !== null) io.out(`               ${plain(detail, 400)}\n`);
    showUnderWay();
  };
}
