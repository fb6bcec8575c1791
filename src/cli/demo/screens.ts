/** What the demo says between the commands that it shows. */
import type { DemoEntry } from '../../simulator/demo/create.ts';
import type { Io } from '../io.ts';
import { clip, pad, wrap } from '../render/lines.ts';
import { plain } from '../render/plain.ts';

const NAME_COLUMNS = 12;
const UUID_COLUMNS = 36;

export function renderWelcome(folder: string, io: Io): string {
  return paragraphs(io, [
    'This is an embedded OpenStack: APIs, databases, compute hosts. Nova could not delete some of its servers. expunge is the real program: only the cloud is made up.',
    `It lives in ${folder}; nothing else is touched.`,
  ]);
}

/** One line for each server: name, whole uuid, what happened to it. */
export function renderServers(entries: readonly DemoEntry[], io: Io): string {
  const lines = entries.map(({ name, uuid, story }) => {
    const shown = clip(plain(name, 60), NAME_COLUMNS) || `${plain(name, 60).slice(0, NAME_COLUMNS - 3)}...`;
    return `  ${pad(shown, NAME_COLUMNS)}  ${uuid}  ${story}`;
  });
  const head = `  ${pad('SERVER', NAME_COLUMNS)}  ${pad('UUID', UUID_COLUMNS)}  WHAT HAPPENED`;
  return `${io.paint.dim(head)}\n${lines.join('\n')}\n`;
}

/** A sentence or two before a command, then the command as it would be typed. */
export function renderStage(io: Io, why: string, command: string): string {
  return `\n${paragraphs(io, [why])}\n${io.paint.bold(`$ ${command}`)}\n`;
}

/** @param run the run that is to be undone, where there is one */
export function renderTryNext(program: string, run: string | undefined): string {
  const tries: readonly (readonly [command: string, what: string])[] = [
    ['purge ci-runner-7', 'a server cleaned by hand, and only half'],
    ['plan --commands wiki', 'each step word for word'],
    ['inspect web', 'two servers of one name: it asks which'],
    ['purge billing-db', 'refused: it has volumes'],
    ['purge cache-3', 'its host does not answer: nothing is half done'],
    ['purge cache-3 --fenced cmp-4', 'its host is off: what is on it waits for resume'],
    ['doctor', 'every API, database and host'],
  ];
  // What it is above, not beside: both together are wider than a terminal.
  const entry = (what: string, command: string) => [`  ${what}`, `    ${program} ${command}`];
  return `${[
    '',
    'To try next:',
    ...tries.flatMap(([command, what]) => entry(what, `--site demo ${command}`)),
    // The beginning of its name, which is a time, is enough.
    ...(run === undefined
      ? []
      : entry('bring back what that purge saved first', `--site demo undo ${run.split('-', 1)[0]}`)),
    ...entry('that host is on again; then: expunge resume', 'demo --power-on cmp-4'),
    ...entry('every server, also those that are refused', 'demo --list'),
    ...entry('start over', 'demo --reset'),
  ].join('\n')}\n`;
}

function paragraphs(io: Io, texts: readonly string[]): string {
  return `${texts.flatMap((text) => wrap(text, io.columns, '')).join('\n')}\n`;
}
