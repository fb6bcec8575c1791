/** Going on with a run as text: how it stands, which hosts are back, and what its process did not get to say. */
import { basename } from 'node:path';
import type { RunRecord } from '../../run/read-run.ts';
import type { Announced, Resumption } from '../../run/resume.ts';
import { type RunState, timeOf } from '../../run/runs.ts';
import type { Screen } from '../io.ts';
import { wrap } from './lines.ts';
import { commandFor, resumeCommand } from './next.ts';
import { nameRun } from './outcome.ts';
import { plain } from './plain.ts';
import { sayState, sayTime } from './run-state.ts';
import { block, LONG } from './survey.ts';

export function renderResumed(run: RunRecord, { back, off, announced }: Resumption, screen: Screen): string {
  const { columns } = screen;
  // A run that is gone on with here has ended: its process was looked for.
  const state = run.end ?? (run.begunAt === null ? 'not-begun' : 'cut');
  const lines = [
    `begun ${sayTime(timeOf(run))}, ${sayState(run, state)}`,
    ...back.map((host) => `${host} answers again`),
    ...off.map((host) => `${host} still does not answer`),
    ...(announced.length === 0 ? [] : ['begun without a word of its end, and looked at now:']),
  ];
  return block([
    ...nameRun('Run to resume', run.folder, columns),
    ...lines.flatMap((line) => wrap(plain(line, LONG), columns, '  ', '    ')),
    ...announced.flatMap((one) => wrap(plain(sayAnnounced(one), LONG), columns, '    ', '      ')),
  ]);
}

/** A run that ended in order and could not do all: the one that begins here goes on with it. */
export function renderEarlier(run: RunRecord, { columns }: Screen): string {
  return block(
    wrap(
      plain(`Goes on with run ${basename(run.folder)}: ${sayState(run, run.end ?? 'incomplete')}.`, LONG),
      columns,
      '',
      '  ',
    ),
  );
}

/** What is said when a run was given up: its deeds stand, and its record does. */
export function renderAbandoned(
  run: RunRecord,
  state: RunState,
  { columns }: Screen,
  site: string | undefined,
): string {
  const elsewhere =
    state === 'elsewhere' ? ` Whether its process still lives can only be seen on ${run.by?.host}.` : '';
  const sentence = `Given up; it was ${sayState(run, state)}. What it did stays done, and its record stays for undo.${elsewhere}`;
  return block([
    ...nameRun('Run', run.folder, columns),
    ...wrap(plain(sentence, LONG), columns, '', '  '),
    `Next: ${commandFor('purge', run.plan, site)}`,
  ]);
}

function sayAnnounced({ step, settled, why }: Announced): string {
  const now = settled === null ? `UNKNOWN: ${why}` : settled ? 'done' : 'not done';
  return `${step.place}: ${step.title}: ${now}`;
}

/** Instead of a run, when nothing can be done yet. */
export function renderStillOff(
  run: RunRecord,
  { off }: Resumption,
  { paint, columns }: Screen,
  site: string | undefined,
): string {
  const hosts = off.join(' and ');
  const [first = '', ...others] = wrap(
    plain(`Open: nothing can be done before ${hosts} ${off.length === 1 ? 'is' : 'are'} back.`, LONG),
    columns,
    '',
    '  ',
  );
  return block([
    `${paint.warn('Open')}${first.slice('Open'.length)}`,
    ...others,
    `Next: ${resumeCommand(run.folder, site)}`,
  ]);
}
