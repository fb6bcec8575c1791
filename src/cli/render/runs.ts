/** The runs of a site as text, the newest last. */
import { basename } from 'node:path';
import { isUnfinished, type ListedRun, timeOf, type UnreadableRun } from '../../run/runs.ts';
import type { Screen } from '../io.ts';
import { wrap } from './lines.ts';
import { resumeCommand } from './next.ts';
import { plain } from './plain.ts';
import { sayState, sayTime, sayWhoGaveUp } from './run-state.ts';
import { block, count, LONG } from './survey.ts';

interface RunList {
  readonly folder: string;
  readonly runs: readonly ListedRun[];
  readonly unreadable: readonly UnreadableRun[];
  /** runs on other sites in the same folder */
  readonly elsewhere: number;
}

export function renderRuns(list: RunList, { paint, columns }: Screen, site: string | undefined): string {
  const { folder, runs, unreadable, elsewhere } = list;
  const line = (text: string) => wrap(plain(text, LONG), columns, '  ', '    ');
  const waiting = runs.findLast(isWaiting);
  return block([
    ...unreadable.flatMap((one) => [
      paint.bold(plain(basename(one.folder), LONG)),
      ...line(`cannot be read: ${one.why}`),
    ]),
    ...runs.flatMap((run) => [
      paint.bold(plain(basename(run.record.folder), LONG)),
      ...line(sayWho(run)),
      ...line(sayStanding(run)),
    ]),
    ...wrap(
      plain(
        `${count(runs.length, 'run')} in ${folder}${elsewhere === 0 ? '' : `, and ${elsewhere} on other sites`}.`,
        LONG,
      ),
      columns,
      '',
      '  ',
    ),
    ...(waiting === undefined ? [] : [`Next: ${resumeCommand(waiting.record.folder, site)}`]),
  ]);
}

/** Something of it is left to do, and nobody is doing it. */
function isWaiting(run: ListedRun): boolean {
  return isUnfinished(run) && run.state !== 'running' && run.state !== 'elsewhere';
}

function sayWho({ record }: ListedRun): string {
  const { plan, by } = record;
  const who = by === null ? '' : `, by ${by.user} on ${by.host}`;
  return `${plan.server.name ?? 'no name'}, ${sayTime(timeOf(record))}${who}`;
}

function sayStanding({ record, state, undoneBy, followedBy }: ListedRun): string {
  const { undoes, continues } = record.links;
  const what =
    undoes === undefined
      ? continues === undefined
        ? ''
        : `goes on with ${continues}: `
      : `undo of ${undoes === '' ? 'an earlier run' : undoes}: `;
  const since =
    undoneBy !== null
      ? `; taken back by ${basename(undoneBy.folder)}`
      : followedBy !== null && state !== 'complete'
        ? `; ${followedBy.end === 'complete' ? 'finished' : 'gone on with'} by ${basename(followedBy.folder)}`
        : '';
  return `${what}${sayState(record, state)}${since}${sayAbandoned(record)}`;
}

function sayAbandoned({ abandoned }: ListedRun['record']): string {
  if (abandoned === null) return '';
  const { why } = abandoned;
  return `; given up by ${sayWhoGaveUp(abandoned)}${why === null ? '' : `: ${why}`}`;
}
