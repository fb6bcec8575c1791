/** A server and what is left of it, as text. */
import { KINDS } from '../../kinds/registry.ts';
import type { Plan } from '../../plan/types.ts';
import { isClean } from '../../run/make-plan.ts';
import { RUNS } from '../../run/survey.ts';
import type { Screen } from '../io.ts';
import { fill, measure, wrap } from './lines.ts';
import { plain } from './plain.ts';
import { drawTree } from './tree.ts';

/** Long enough for a name, an id and a path together: what may be copied is not cut. */
export const LONG = 600;

/** Name and uuid; below them its state and since when, and where Nova thinks it is. */
export function renderHeading({ server }: Plan, { paint, columns }: Screen): string {
  const name = server.name === null ? 'no name' : plain(server.name, 60);
  const places = [
    nameHosts(server.hosts),
    server.cell === null ? 'in no cell' : plain(server.cell, 60),
    ...(server.project === null ? [] : [`project ${plain(server.project, 40)}`]),
  ];
  const [first = '', ...others] = fill([name, plain(server.uuid)], measure(columns), {
    first: '',
    others: '  ',
    glue: '  ',
  });
  return block([
    `${paint.bold(name)}${first.slice(name.length)}`,
    ...others,
    ...wrap(plain(server.state), columns, '  '),
    ...wrap(places.join(', '), columns, '  '),
  ]);
}

function nameHosts(hosts: readonly string[]): string {
  const [first] = hosts;
  if (first === undefined) return 'no host';
  const shown = hosts.slice(0, 4).map((host) => plain(host, 60));
  const more = hosts.length - shown.length;
  return `host${hosts.length === 1 ? '' : 's'} ${shown.join(', ')}${more === 0 ? '' : ` and ${more} more`}`;
}

/** The places that nobody could ask and that yet keep nothing from being clean, as a sentence names them; null: none. */
export function nameUnseen(kept: Plan['kept']): string | null {
  const unseen = new Set(kept.flatMap((each) => each.unseen ?? []));
  return unseen.size === 0 ? null : [...unseen].join(' and ');
}

/** Clean, but never more than was looked at. */
function sayNothing({ kept }: Plan, { paint }: Screen): string {
  const unseen = nameUnseen(kept);
  if (unseen === null) return paint.good('Nothing is left.');
  return `${paint.good('Nothing is left')}; ${unseen} could not be asked, see Kept.`;
}

/** Places, and below each what is still there, in the order of the kinds. */
export function renderRemains(plan: Plan, screen: Screen): string {
  if (plan.remains.length === 0) return isClean(plan) ? `${sayNothing(plan, screen)}\n` : '';
  const places = Map.groupBy(plan.remains, (remain) => remain.place);
  const branches = [...places].map(([place, remains]) => ({
    name: plain(place),
    leaves: remains.map(({ what }) => plain(what, LONG)),
  }));
  const things = count(plan.remains.length, 'thing');
  const heading = `${screen.paint.bold('Still there')}: ${things} in ${count(places.size, 'place')}`;
  return block([heading, ...drawTree(branches, screen)]);
}

/** The same in a sentence, above steps that name each thing. */
export function renderWhere(plan: Plan, screen: Screen): string {
  if (plan.remains.length === 0) return renderRemains(plan, screen);
  const places = [...new Set(plan.remains.map(({ place }) => plain(place)))];
  const [first = '', ...others] = fill(
    places.map((place, i) => `${place}${i === places.length - 1 ? ')' : ','}`),
    measure(screen.columns),
    { first: `Still there: ${count(plan.remains.length, 'thing')} (`, others: '  ' },
  );
  return block([`${screen.paint.bold('Still there')}${first.slice('Still there'.length)}`, ...others]);
}

/** What is not touched, what waits for its host, and what expunge has no command for. */
export function renderKept({ kept, deferred = [], manual = [] }: Plan, screen: Screen): string {
  return joinParts([
    listWithReasons(
      'Kept',
      kept.map(({ place, what, why }) => [`${place}: ${what}`, why]),
      screen,
    ),
    listWithReasons(
      'When its host is back',
      [...Map.groupBy(deferred, (d) => `${d.place}: ${d.why}`)].map(([what, kinds]) => [
        what,
        `to be looked at there: ${titlesOf(kinds)}`,
      ]),
      screen,
    ),
    listWithReasons(
      'To do by hand',
      manual.map(({ place, what, how }) => [`${place}: ${what}`, how]),
      screen,
    ),
  ]);
}

function listWithReasons(
  heading: string,
  entries: readonly (readonly [what: string, reason: string])[],
  { paint, columns }: Screen,
): string {
  if (entries.length === 0) return '';
  return block([
    paint.bold(heading),
    ...entries.flatMap(([what, reason]) => [
      ...wrap(plain(what, LONG), columns, '  ', '      '),
      ...wrap(plain(reason, LONG), columns, '    '),
    ]),
  ]);
}

/** What is looked at, and is no kind of remains. */
const OTHERS: Readonly<Record<string, string>> = {
  hosts: 'Hosts',
  [RUNS]: 'where an earlier run looked',
};

function titlesOf(entries: readonly { readonly kind: string }[]): string {
  const titles = entries.map(
    (e) => KINDS.find((kind) => kind.id === e.kind)?.title ?? OTHERS[e.kind] ?? e.kind,
  );
  return [...new Set(titles)].join(', ');
}

function renderUnknown({ unknown }: Plan, { paint, columns }: Screen): string {
  if (unknown.length === 0) return '';
  // One place that cannot be asked is unknown to several kinds at once; the operator needs to read it once.
  const places = Map.groupBy(unknown, (u) => `${u.place}: ${u.why}`);
  return block([
    paint.warn('Could not look'),
    ...[...places].flatMap(([what, kinds]) => [
      ...wrap(plain(what, LONG), columns, '  ', '      '),
      ...wrap(plain(`not known there: ${titlesOf(kinds)}`, LONG), columns, '    '),
    ]),
  ]);
}

function renderRefusals({ refusals }: Plan, { paint, columns }: Screen): string {
  if (refusals.length === 0) return '';
  return block([
    paint.bad('Refused'),
    ...refusals.flatMap(({ sentence, code, flag }) => [
      ...wrap(plain(sentence, LONG), columns, '  '),
      plain(`    ${code}: ${flag === null ? 'nothing lifts this' : `--${flag} lifts this`}`),
    ]),
  ]);
}

/** What stands in the way, last: that is what is read first on a terminal. */
export function renderObstacles(plan: Plan, screen: Screen): string {
  return joinParts([renderRefusals(plan, screen), renderUnknown(plan, screen)]);
}

/** `1 step`, `2 steps` */
export function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

/** The parts that are not empty, parted by blank lines. */
export function joinParts(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n');
}

export function block(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
