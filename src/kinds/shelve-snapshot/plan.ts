import type { Decisions, DraftStep, Kept, Refusal } from '../../plan/types.ts';
import type { KindPlan } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';
import type { Image, SnapshotFacts } from './find.ts';

const PLACE = 'Glance';
/** Nova's delete goes on without a snapshot that Glance does not let go of (nova 26 `compute/api.py:_delete`); here somebody says so. */
const KEEP = 'keep-snapshot';

/** `image 5c1e… "web-1-shelved"` */
function describe({ id, name }: Image): string {
  return `image ${id} ${JSON.stringify(name)}`;
}

/**
 * Whether the image that the key names is Nova's to delete. Nova deletes by key alone, but only while the server is shelved
 * (nova 26 `compute/api.py:_delete`); in any other state a key may be stale, and the name that Nova gave must still be there.
 */
function isNovas(image: Image, { row }: Subject): boolean {
  const shelved = row?.vmState === 'shelved' || row?.vmState === 'shelved_offloaded';
  return shelved || image.name.endsWith('-shelved');
}

/**
 * An image that Nova began when it shelved the server and never finished: the key is not written yet, so the name that nova 26
 * `compute/api.py:shelve` gives tells. Its data can no longer come: the server that it is a copy of is going.
 *
 * Tasks `image_*` belong to a user's own snapshot, which may bear that name.
 */
function isUnfinished(image: Image, subject: Subject): boolean {
  const { row } = subject;
  return (
    row !== null &&
    row.displayName !== null &&
    !subject.systemMetadata.get('shelved_image_id') &&
    !row.taskState?.startsWith('image_') &&
    image.name === `${row.displayName}-shelved` &&
    (image.status === 'queued' || image.status === 'saving')
  );
}

function refuse(image: Image, subject: Subject): Omit<Refusal, 'kind'> | null {
  if (image.server !== subject.uuid)
    return {
      code: 'image-other-server',
      sentence: `${describe(image)} is named as this server's shelve snapshot but says it comes from ${image.server ?? 'no server'}`,
      flag: null,
    };
  if (image.protected)
    return {
      code: 'image-protected',
      sentence: `${describe(image)} is protected: unprotect it in Glance first if it is to go`,
      flag: 'keep-snapshot',
    };
  return null;
}

function makeStep(image: Image, subject: Subject, why: string): DraftStep {
  const path = `/v2/images/${image.id}`;
  const read = { door: 'http' as const, service: 'image' as const, path };
  return {
    id: `shelve-snapshot/${image.id}`,
    phase: 'images',
    place: PLACE,
    title: `delete ${describe(image)}`,
    why,
    act: { ...read, method: 'DELETE', status: [204, 404] },
    guards: [
      {
        must: `image ${image.id} says it comes from this server`,
        check: { ...read, status: [200], at: { keys: ['instance_uuid'], equals: subject.uuid } },
      },
      {
        must: `image ${image.id} is not protected`,
        check: { ...read, status: [200], at: { keys: ['protected'], equals: false } },
      },
      {
        must: `image ${image.id} is ${image.status} as before`,
        check: { ...read, status: [200], at: { keys: ['status'], equals: image.status } },
      },
    ],
    settled: { ...read, status: [404] },
    ifItFails: `where servers or volumes were made from its data, flatten those first (409), or leave it: --${KEEP}`,
    before: [read],
    undo: 'never',
  };
}

function keep(image: Image, why: string): Omit<Kept, 'kind'> {
  return { place: PLACE, what: describe(image), why };
}

/** Nova's own snapshot goes; every other image of this server is the user's and is named as kept. */
export function planShelveSnapshot(
  facts: SnapshotFacts,
  subject: Subject,
  { lift }: Pick<Decisions, 'lift'>,
): KindPlan {
  const kept: Omit<Kept, 'kind'>[] = [];
  const own: { image: Image; why: string }[] = [];
  const { shelved } = facts;
  if (shelved !== null) {
    // Whose image it is comes before what it is called: a refusal, not a thing kept.
    if (shelved.server !== subject.uuid || isNovas(shelved, subject))
      own.push({
        image: shelved,
        why: 'Nova made this snapshot to shelve the server; nothing can unshelve it now.',
      });
    else
      kept.push(
        keep(
          shelved,
          'it was the shelve snapshot, but the server is not shelved now and it has been renamed',
        ),
      );
  }
  for (const image of facts.others) {
    if (isUnfinished(image, subject))
      own.push({
        image,
        why: 'Nova began this snapshot to shelve the server and cannot finish it any more.',
      });
    else
      kept.push(
        keep(
          image,
          "a snapshot or backup of the server that Nova does not list as its own: it is the user's",
        ),
      );
  }
  // Whose it is counts whatever is to become of it: a key that names another's image is to be looked at.
  const spared = own.filter(({ image }) => image.server === subject.uuid && lift.includes(KEEP));
  for (const { image } of spared)
    kept.push(keep(image, `the snapshot of its shelving, to be kept (--${KEEP})`));
  const going = own.filter((one) => !spared.includes(one));
  const judged = going.map((one) => ({ ...one, refusal: refuse(one.image, subject) }));
  return {
    remains: going
      .filter(({ image }) => image.server === subject.uuid)
      .map(({ image }) => ({ place: PLACE, what: `shelve snapshot: ${describe(image)}, ${image.status}` })),
    refusals: judged.flatMap(({ refusal }) => (refusal === null ? [] : [refusal])),
    kept,
    steps: judged.flatMap(({ image, why, refusal }) =>
      refusal === null ? [makeStep(image, subject, why)] : [],
    ),
  };
}
