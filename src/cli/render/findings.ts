/** What doctor found, as a table for each kind of door. What fails stands last, above the verdict: that is read first. */
import type { Finding } from '../../run/diagnose.ts';
import type { Screen } from '../io.ts';
import { pad, widthOf, wrap } from './lines.ts';
import { plain } from './plain.ts';
import { block, joinParts, LONG } from './survey.ts';

/** A finding, with what can be tried parted from what is wrong. */
export interface Told extends Finding {
  readonly hint: string | null;
}

/** Where the place begins, after the longest mark. */
const PLACE_AT = 7;

/** Left of this, a column of sentences beside the places would be too narrow to read. */
const SENTENCE = 36;

export function renderFindings(findings: readonly Told[], screen: Screen): string {
  const fails = findings.filter(({ ok }) => !ok);
  // `API …`, `database …`, `memcached …`, `host …`: the first word tells the kind of door.
  const doors = Map.groupBy(
    findings.filter(({ ok }) => ok),
    ({ place }) => place.split(' ')[0],
  );
  return joinParts([
    ...[...doors.values()].map((group) => renderTable(group, screen)),
    renderTable(fails, screen),
    block(wrap(verdictOf(findings.length, fails.length), screen.columns, '')),
  ]);
}

function verdictOf(all: number, fails: number): string {
  if (fails === 0) return `All ${all} answer.`;
  return `${fails} of ${all} fail${fails === 1 ? 's' : ''}: a purge that needs what fails does not begin.`;
}

function renderTable(findings: readonly Told[], screen: Screen): string {
  if (findings.length === 0) return '';
  const width = Math.max(...findings.map(({ place }) => widthOf(plain(place))));
  const beside = PLACE_AT + width + 2;
  const room = screen.columns - beside >= SENTENCE;
  const at = ' '.repeat(room ? beside : PLACE_AT + 2);
  return block(
    findings.flatMap(({ ok, place, says, hint }) => {
      const mark = ok ? screen.paint.good('ok') : screen.paint.bad('FAILS');
      const start = `${mark}${' '.repeat(PLACE_AT - (ok ? 2 : 5))}`;
      const told = [
        ...wrap(plain(says, LONG), screen.columns, at),
        ...(hint === null ? [] : wrap(plain(hint, LONG), screen.columns, `${at}  `)),
      ];
      if (!room) return [`${start}${plain(place)}`, ...told];
      const [first = '', ...others] = told;
      return [`${start}${pad(plain(place), width)}${first.slice(PLACE_AT + width)}`, ...others];
    }),
  );
}
