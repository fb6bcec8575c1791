/**
 * `secure` changes rows that the run deletes at its end: what became of them is told by both steps together, and only together are they
 * taken back. Where the later one did not happen, there is no such together, and each is taken back by itself.
 */
import { isRecord } from '../../site/parse.ts';
import type { ActedStep } from '../read-run.ts';
import { canHaveRun } from './transaction.ts';

/** Steps in the run's order, of which the last deleted what the others had changed; most are alone. */
export type Group = readonly [ActedStep, ...ActedStep[]];

/** The steps of a group as one, and the last of them as it was. */
interface Folded {
  readonly together: ActedStep;
  readonly last: ActedStep;
}

export function groupSecured(acted: readonly ActedStep[]): Group[] {
  const secured = acted.filter(({ step }) => step.phase === 'secure' && step.act.door === 'sql');
  return acted.flatMap((one): Group[] => {
    if (secured.includes(one)) return acted.some((later) => isLater(later, one)) ? [] : [[one]];
    const [first, ...others] = secured.filter((earlier) => isLater(one, earlier));
    return [first === undefined ? [one] : [first, ...others, one]];
  });
}

/**
 * The later transaction, taken for one that began with the writes of the earlier ones, on the rows that were saved before those.
 *
 * @returns null for a step that is alone, and where that transaction cannot have run on these rows
 * @throws UsageError when what was saved is no rows
 */
export function foldGroup(group: Group): Folded | null {
  const before = group.slice(0, -1);
  const last = group.at(-1);
  if (before.length === 0 || last?.step.act.door !== 'sql') return null;
  const writes = before.flatMap(({ step: { act } }) => (act.door === 'sql' ? act.writes : []));
  const act = { ...last.step.act, writes: [...writes, ...last.step.act.writes] };
  const folded = {
    ...last,
    step: { ...last.step, act },
    images: last.images.map((image) => before.reduce(withEarlier, image)),
  };
  return canHaveRun(folded, act) ? { together: folded, last } : null;
}

/** The later one deletes what the earlier one changed: its own rows of those tables were saved. */
function isLater({ step: later }: ActedStep, { step: earlier }: ActedStep): boolean {
  return (
    later.phase === 'rows' &&
    later.act.door === 'sql' &&
    earlier.act.door === 'sql' &&
    later.act.database === earlier.act.database &&
    earlier.act.writes.every(({ table }) =>
      later.before.some((image) => image.door === 'sql' && image.table === table),
    )
  );
}

type Image = ActedStep['images'][number];

/** The same rows, those that an earlier step saved as it saved them. */
function withEarlier(image: Image, earlier: ActedStep): Image {
  const { of } = image;
  if (of.door !== 'sql' || !Array.isArray(image.image)) return image;
  const saved = earlier.images.flatMap((each) =>
    each.of.door === 'sql' && each.of.table === of.table && Array.isArray(each.image) ? each.image : [],
  );
  const byId = new Map(saved.filter(isRecord).map((row) => [row['id'], row]));
  return { ...image, image: image.image.map((row) => (isRecord(row) ? (byId.get(row['id']) ?? row) : row)) };
}
