import { describe, expect, test } from 'vitest';
import { shelveSnapshot } from '../../src/kinds/shelve-snapshot/index.ts';
import type { InstanceRow } from '../../src/kinds/subject/subject.ts';
import { LookError } from '../../src/plan/errors.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { decisions, instanceRow, subject } from '../support/subjects.ts';

const SERVER = '11111111-2222-4333-8444-555555555555';
const NEIGHBOUR = '11111111-2222-4333-8444-555555555556';
const OURS = 'bbbbbbbb-0000-4000-8000-000000000001';
const USERS = 'bbbbbbbb-0000-4000-8000-000000000002';
const LIST = `image /v2/images?instance_uuid=${SERVER}`;
const GET = `image /v2/images/${OURS}`;

const image = (changes: Record<string, unknown> = {}) => ({
  id: OURS,
  name: 'web-1-shelved',
  status: 'active',
  protected: false,
  instance_uuid: SERVER,
  ...changes,
});
const users = image({ id: USERS, name: 'before upgrade' });

function shelved(row: Partial<InstanceRow> = {}, key: string | null = OURS) {
  return subject({
    uuid: SERVER,
    row: instanceRow({ vmState: 'shelved_offloaded', taskState: null, host: null, ...row }),
    systemMetadata: new Map(key === null ? [] : [['shelved_image_id', key]]),
  });
}

async function planFor(
  of: ReturnType<typeof shelved>,
  named: unknown,
  listed: readonly unknown[],
  lift: readonly string[] = [],
) {
  const look = fakeReader({
    http: {
      [LIST]: { body: { images: listed } },
      [GET]: named === null ? { status: 404 } : { body: named },
    },
  });
  const { facts, unknown } = await shelveSnapshot.find(look, of);
  expect(unknown).toEqual([]);
  return shelveSnapshot.plan(facts, of, decisions({ lift: [...lift] }));
}

const deleted = (plan: { steps: readonly { act: unknown }[] }) =>
  plan.steps.map(({ act }) => (act as { path: string }).path);

describe('the image that the key names', () => {
  test('goes; the user’s own snapshot stays and is named', async () => {
    const plan = await planFor(shelved(), image(), [image(), users]);
    expect(plan.remains).toMatchObject([{ place: 'Glance' }]);
    expect(plan.steps).toMatchObject([
      {
        phase: 'images',
        act: { method: 'DELETE', path: `/v2/images/${OURS}`, status: [204, 404] },
        settled: { path: `/v2/images/${OURS}`, status: [404] },
        undo: 'never',
      },
    ]);
    expect(plan.kept).toMatchObject([{ what: `image ${USERS} "before upgrade"` }]);
  });

  test('is checked again just before: whose it is, protection, status', async () => {
    const plan = await planFor(shelved(), image(), []);
    const read = { door: 'http', service: 'image', path: `/v2/images/${OURS}` };
    expect(plan.steps[0]?.guards.map(({ check }) => check)).toEqual([
      { ...read, status: [200], at: { keys: ['instance_uuid'], equals: SERVER } },
      { ...read, status: [200], at: { keys: ['protected'], equals: false } },
      { ...read, status: [200], at: { keys: ['status'], equals: 'active' } },
    ]);
    expect(plan.steps[0]?.before).toEqual([read]);
  });

  test('is Nova’s under any name while the server is shelved, as Nova deletes by id', async () => {
    for (const vmState of ['shelved', 'shelved_offloaded'])
      expect(deleted(await planFor(shelved({ vmState }), image({ name: 'mine now' }), []))).toHaveLength(1);
  });

  test('of a server without a row it must bear Nova’s name too', async () => {
    const gone = { ...shelved(), row: null };
    expect(deleted(await planFor(gone, image(), []))).toHaveLength(1);
    expect(deleted(await planFor(gone, image({ name: 'mine now' }), []))).toEqual([]);
  });

  test('of a Glance that does not say so is not protected', async () => {
    expect(deleted(await planFor(shelved(), image({ protected: null }), []))).toHaveLength(1);
  });

  test('in another state it must bear Nova’s name, or it is kept', async () => {
    const stuck = shelved({ vmState: 'error', taskState: 'deleting' });
    expect(deleted(await planFor(stuck, image(), []))).toHaveLength(1);
    const renamed = await planFor(stuck, image({ name: 'mine now' }), [image({ name: 'mine now' })]);
    expect(renamed.steps).toEqual([]);
    expect(renamed.kept).toMatchObject([{ what: `image ${OURS} "mine now"` }]);
  });

  test.each([null, image({ status: 'deleted' }), image({ status: 'pending_delete' })])(
    'is gone already: %j',
    async (answer) => {
      expect(await planFor(shelved(), answer, [])).toEqual({
        steps: [],
        remains: [],
        refusals: [],
        kept: [],
      });
    },
  );
});

describe('refusals', () => {
  test.each([NEIGHBOUR, null])('an image of another server (%s) is not touched', async (owner) => {
    const plan = await planFor(shelved(), image({ instance_uuid: owner }), []);
    expect(plan.refusals).toMatchObject([
      { code: 'image-other-server', flag: null, sentence: expect.stringContaining(owner ?? 'no server') },
    ]);
    expect(plan.steps).toEqual([]);
    expect(plan.remains).toEqual([]);
    // Whatever it is called, and though the server is not shelved now: whose it is comes first.
    const stuck = shelved({ vmState: 'error', taskState: 'deleting' });
    const renamed = await planFor(stuck, image({ instance_uuid: owner, name: 'theirs' }), []);
    expect(renamed).toMatchObject({ refusals: [{ code: 'image-other-server' }], kept: [], steps: [] });
  });

  test('nor is a protected one', async () => {
    const plan = await planFor(shelved(), image({ protected: true }), []);
    expect(plan.refusals).toMatchObject([{ code: 'image-protected', flag: 'keep-snapshot' }]);
    expect(plan.steps).toEqual([]);
  });

  describe('a snapshot that is to be kept', () => {
    const keep = ['keep-snapshot'];

    test.each([{}, { protected: true }])('stays, and is told: %j', async (changes) => {
      expect(await planFor(shelved(), image(changes), [users], keep)).toEqual({
        steps: [],
        remains: [],
        refusals: [],
        kept: [
          expect.objectContaining({ what: `image ${USERS} "before upgrade"` }),
          {
            place: 'Glance',
            what: `image ${OURS} "web-1-shelved"`,
            why: 'the snapshot of its shelving, to be kept (--keep-snapshot)',
          },
        ],
      });
    });

    test('one of another server is refused as ever', async () => {
      const plan = await planFor(shelved(), image({ instance_uuid: NEIGHBOUR }), [], keep);
      expect(plan.refusals).toMatchObject([{ code: 'image-other-server', flag: null }]);
    });
  });

  test('none, where nothing speaks against it', async () => {
    expect((await planFor(shelved(), image(), [])).refusals).toEqual([]);
  });
});

describe('stuck in shelving, with no key yet', () => {
  const stuck = (row: Partial<InstanceRow> = {}) =>
    shelved({ vmState: 'active', taskState: 'shelving_image_uploading', ...row }, null);

  test.each(['queued', 'saving'])('the image that Nova began (%s) goes', async (status) => {
    const plan = await planFor(stuck(), null, [image({ status }), users]);
    expect(deleted(plan)).toEqual([`/v2/images/${OURS}`]);
    expect(plan.steps[0]?.guards.at(-1)?.check).toMatchObject({ at: { keys: ['status'], equals: status } });
    expect(plan.kept).toHaveLength(1);
  });

  test('also once a delete was asked, which hides that it was shelving', async () => {
    expect(
      deleted(await planFor(stuck({ taskState: 'deleting' }), null, [image({ status: 'queued' })])),
    ).toHaveLength(1);
  });

  test('also when no task is left', async () => {
    const errored = stuck({ vmState: 'error', taskState: null });
    expect(deleted(await planFor(errored, null, [image({ status: 'queued' })]))).toHaveLength(1);
  });

  test('but not of a server without a row, whose name nobody can tell', async () => {
    const plan = await planFor({ ...stuck(), row: null }, null, [image({ status: 'queued' })]);
    expect(plan).toMatchObject({ steps: [], kept: [{ place: 'Glance' }] });
  });

  test.each([
    ['a finished image', image(), {}],
    ['another name', image({ status: 'queued', name: 'web-1-shelved-2' }), {}],
    ['a user’s snapshot under way', image({ status: 'queued' }), { taskState: 'image_uploading' }],
    ['a server without a name', image({ status: 'queued', name: 'null-shelved' }), { displayName: null }],
  ])('%s is kept', async (_, answer, row) => {
    const plan = await planFor(stuck(row), null, [answer]);
    expect(plan.steps).toEqual([]);
    expect(plan.kept).toHaveLength(1);
  });

  test('a protected one refuses', async () => {
    const plan = await planFor(stuck(), null, [image({ status: 'saving', protected: true })]);
    expect(plan.refusals).toMatchObject([{ code: 'image-protected' }]);
    expect(plan.steps).toEqual([]);
  });
});

test('with a key, an unfinished image of Nova’s name is not Nova’s shelve snapshot', async () => {
  const other = image({ id: USERS, status: 'queued' });
  const plan = await planFor(shelved(), image(), [image(), other]);
  expect(deleted(plan)).toEqual([`/v2/images/${OURS}`]);
  expect(plan.kept).toHaveLength(1);
});

test('an image of a neighbour in the answer is neither kept nor touched', async () => {
  const theirs = image({ id: USERS, instance_uuid: NEIGHBOUR, status: 'queued' });
  const plan = await planFor(shelved({ vmState: 'active', taskState: 'shelving' }, null), null, [theirs]);
  expect(plan).toEqual({ steps: [], remains: [], refusals: [], kept: [] });
});

describe('a Glance that does not answer is unknown, not empty', () => {
  const down = new LookError('Glance', 'connection refused', { code: 'api-unreachable' });
  const why = [{ place: 'Glance', why: 'connection refused' }];

  test('for the image of the key', async () => {
    const look = fakeReader({ http: { [LIST]: { body: { images: [] } }, [GET]: down } });
    expect((await shelveSnapshot.find(look, shelved())).unknown).toEqual(why);
  });

  test('for the list, with what the key names still found', async () => {
    const look = fakeReader({ http: { [LIST]: down, [GET]: { body: image() } } });
    const found = await shelveSnapshot.find(look, shelved());
    expect(found.unknown).toEqual(why);
    expect(found.facts.shelved?.id).toBe(OURS);
  });

  test.each(['../../v2/tasks', `../${OURS}`, `${OURS}/file`])(
    'a key that is no image id is not sent anywhere: %s',
    async (key) => {
      const look = fakeReader({ http: { [LIST]: { body: { images: [] } } } });
      const found = await shelveSnapshot.find(look, shelved({}, key));
      expect(found.unknown).toMatchObject([{ place: 'Glance' }]);
    },
  );
});
