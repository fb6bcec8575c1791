import { describe, expect, test } from 'vitest';
import type { Row } from '../../src/site/reader.ts';
import type { FakeAnswers } from '../support/fake-reader.ts';
import { volumeMapping } from '../support/subjects.ts';
import { ATTACHMENT, SERVER, STRANGER, VOLUME, type VolumeWorld } from '../support/volume-answers.ts';
import { CONNECTOR, DOWN, OTHER, plan, SECOND, TOKEN } from './volumes-samples.ts';

const BY_VOLUME = `where volume_id = "${VOLUME}"`;
const VOLUMES = `cinder: select id, status, attach_status, migration_status from volumes where id = "${VOLUME}"`;
const ATTACHMENTS = `cinder: select * from volume_attachment ${BY_VOLUME} order by id`;
const MODES = `cinder: select id, deleted from volume_admin_metadata ${BY_VOLUME} and key = "attached_mode" order by id`;

const shared: VolumeWorld = { holdings: [{}, OTHER], services: DOWN };
const surgery = { surgery: true } as const;

interface Rows {
  readonly volume?: object | null;
  /** states of what others have, and of what this server has */
  readonly others?: readonly (string | null)[];
  readonly own?: readonly (string | null)[];
  readonly modes?: readonly Row[];
  readonly tables?: object;
}

function rows({ volume = {}, others = ['attached'], own = ['attached'], modes, tables }: Rows): FakeAnswers {
  const row = (id: string, instance_uuid: string, attach_status: string | null) => ({
    id,
    instance_uuid,
    attach_status,
    deleted: 0,
    connector: null,
  });
  return {
    ...TOKEN,
    databases: ['cinder'],
    columns: { cinder: { ...(tables ?? { volume_attachment: ['id', 'connector'] }) } },
    sql: {
      [VOLUMES]:
        volume === null
          ? []
          : [{ id: VOLUME, status: 'in-use', attach_status: 'attached', migration_status: null, ...volume }],
      [ATTACHMENTS]: [
        ...own.map((status, at) => row(at === 0 ? ATTACHMENT : SECOND.id, SERVER, status)),
        ...others.map((status, at) => row(`other-${at}`, STRANGER, status)),
        { ...row('gone', SERVER, 'detached'), deleted: 1 },
      ],
      [MODES]: modes ?? [
        { id: 3, deleted: 0 },
        { id: 4, deleted: 1 },
        { id: 5, deleted: 0 },
      ],
    },
  };
}

async function operate(of: Rows) {
  const made = await plan({ cinder: shared, reader: rows(of), decided: surgery });
  const act = made.steps[0]?.act;
  return { made, writes: act?.door === 'sql' ? act.writes : [] };
}

const table = (name: string) => ({ door: 'sql', database: 'cinder', table: name });
const ofVolume = { column: 'volume_id', is: '=', value: VOLUME };
/** Whatever its state: Ocata left rows behind that are deleted and not `detached`. */
const LIVES = { column: 'deleted', is: '=', value: 0 };

test('what Cinder would change, and nothing else, with all of it saved first', async () => {
  const { made } = await operate({});
  expect(made.refusals).toEqual([]);
  expect(made.steps).toEqual([
    {
      id: `volumes/${VOLUME}/rows`,
      phase: 'volumes-late',
      place: 'database cinder',
      title: `let go of volume ${VOLUME} "data" 20 GiB in Cinder's rows (2 statements, one transaction)`,
      why: "Cinder-volume controller@lvm is down, and a request to it would hang; 1 other holds it, so its state is not reset. Cinder's rows are changed as it would do it: export and mapping stay on the storage, to be removed there by hand.",
      act: {
        door: 'sql',
        database: 'cinder',
        writes: [
          {
            verb: 'update',
            table: 'volume_attachment',
            set: {
              deleted: 1,
              deleted_at: { now: true },
              attach_status: 'detached',
              detach_time: { now: true },
            },
            where: [
              { column: 'id', is: '=', value: ATTACHMENT },
              ofVolume,
              { column: 'instance_uuid', is: '=', value: SERVER },
              { column: 'attach_status', is: '=', value: 'attached' },
            ],
            rows: 1,
          },
          {
            verb: 'update',
            table: 'volume_admin_metadata',
            set: { deleted: 1, deleted_at: { now: true } },
            where: [{ column: 'id', is: 'in', value: [3, 5] }],
            rows: 2,
          },
        ],
      },
      guards: [
        {
          must: `volume ${VOLUME} has the attachments that the plan was made for`,
          check: { ...table('volume_attachment'), where: [ofVolume, LIVES], count: 2 },
        },
      ],
      settled: {
        ...table('volume_attachment'),
        where: [
          { column: 'id', is: 'in', value: [ATTACHMENT] },
          { column: 'deleted', is: '=', value: 1 },
          { column: 'attach_status', is: '=', value: 'detached' },
        ],
        count: 1,
      },
      before: [
        { ...table('volumes'), where: [{ column: 'id', is: '=', value: VOLUME }] },
        { ...table('volume_attachment'), where: [ofVolume] },
        { ...table('volume_admin_metadata'), where: [ofVolume] },
      ],
      undo: 'before-image',
    },
  ]);
});

test('attachments of every state must still be there, and none beside', async () => {
  const { made } = await operate({ others: ['attached', 'reserved', 'error_attaching'] });
  expect(made.steps[0]?.guards[0]?.check).toMatchObject({
    where: [ofVolume, LIVES],
    count: 4,
  });
});

test('without a note of how it is attached, none is changed and none saved', async () => {
  const { made, writes } = await operate({ modes: [{ id: 4, deleted: 1 }] });
  expect(writes.map((write) => write.table)).toEqual(['volume_attachment']);
  expect(made.steps[0]?.before).toHaveLength(2);
});

test('all attachments of the server in one step, each as it was found', async () => {
  const { made, writes } = await operate({ own: ['attached', null] });
  expect(made.steps).toHaveLength(1);
  expect(writes.slice(0, 2)).toMatchObject([
    { where: [{ value: ATTACHMENT }, ofVolume, { value: SERVER }, { is: '=', value: 'attached' }] },
    { where: [{ value: SECOND.id }, ofVolume, { value: SERVER }, { column: 'attach_status', is: 'null' }] },
  ]);
  expect(made.steps[0]).toMatchObject({ settled: { count: 2 }, guards: [{ check: { count: 3 } }] });
});

describe('what the volume is afterwards', () => {
  const set = async (of: Rows) => {
    const { writes } = await operate(of);
    const write = writes.find(({ table: name }) => name === 'volumes');
    return write?.verb === 'update' ? write.set : null;
  };

  test.each<[string, readonly (string | null)[], object | null]>([
    [
      'the first by the alphabet says it',
      ['reserved', 'attaching'],
      { attach_status: 'attaching', status: 'attaching' },
    ],
    ['an attached one leaves it in use', ['reserved', 'attached'], null],
    ['a detaching one', ['reserved', 'detaching'], { attach_status: 'detaching', status: 'detaching' }],
    [
      'those in error do not count',
      ['error_attaching', 'reserved'],
      { attach_status: 'reserved', status: 'reserved' },
    ],
    ['nor those in no state', [null, 'reserved'], { attach_status: 'reserved', status: 'reserved' }],
    [
      'only errors are left: nobody has it',
      ['error_detaching'],
      { attach_status: 'detached', status: 'available' },
    ],
  ])('%s', async (_, others, expected) => {
    expect(await set({ others })).toEqual(expected);
  });

  const free = { attach_status: 'detached' };
  const both = { ...free, status: 'available' };
  test.each<[string, object, object]>([
    ['a migration that ended well', { migration_status: 'success' }, both],
    ['a migration that failed', { migration_status: 'error' }, both],
    ['a migration that runs sets the status itself', { migration_status: 'migrating' }, free],
    ['an upload too', { status: 'uploading' }, free],
    ['an upload during a migration that failed', { status: 'uploading', migration_status: 'error' }, both],
    ['what is available already', { status: 'available' }, free],
    ['a migration without a word', { migration_status: '' }, both],
  ])('nobody has it: %s', async (_, volume, expected) => {
    expect(await set({ others: ['error_attaching'], volume })).toEqual(expected);
  });

  test('somebody has it: the status is set even while it is uploaded or migrated', async () => {
    const volume = { status: 'uploading', migration_status: 'migrating' };
    expect(await set({ volume })).toEqual({ status: 'in-use' });
  });

  describe('before Queens, whose rows have no connector: in use while anybody has a row of it', () => {
    const tables = { volume_attachment: ['id'] };
    const uses = { attach_status: 'attached', status: 'in-use' };
    const freed = { attach_status: 'detached', status: 'available' };
    const reserved = { attach_status: 'reserved', status: 'reserved' };

    test.each(['reserved', 'attaching', 'error_attaching', 'error_detaching', null])('%s', async (status) => {
      expect(await set({ others: [status], tables })).toBeNull();
      expect(await set({ others: [status], tables, volume: reserved })).toEqual(uses);
    });
    test('also in the midst of an upload', async () => {
      expect(await set({ tables, volume: { status: 'uploading' } })).toEqual({ status: 'in-use' });
    });
    test('and available when nobody has', async () => {
      expect(await set({ others: [], tables })).toEqual(freed);
    });
    test('the row of the attachment is ended as ever', async () => {
      const { writes } = await operate({ tables });
      expect(writes).toEqual((await operate({})).writes);
    });
  });

  test.each([
    ['as it was found', {}, { is: '=', value: 'in-use' }, { is: '=', value: 'attached' }],
    ['in no state', { status: null, attach_status: null }, { is: 'null' }, { is: 'null' }],
  ])('and only a row %s is changed', async (_, volume, status, attachStatus) => {
    const { writes } = await operate({ others: ['reserved'], volume });
    expect(writes.at(-1)).toEqual({
      verb: 'update',
      table: 'volumes',
      set: { attach_status: 'reserved', status: 'reserved' },
      where: [
        { column: 'id', is: '=', value: VOLUME },
        { column: 'status', ...status },
        { column: 'attach_status', ...attachStatus },
      ],
      rows: 1,
    });
  });
});

describe('cannot be done', () => {
  test.each<[string, Rows, string]>([
    [
      'before Kilo',
      { tables: { volumes: ['id'] } },
      'this Cinder has no table volume_attachment (before Kilo)',
    ],
    ['in another’s database', { volume: null }, `Cinder's database has no volume ${VOLUME}`],
  ])('%s', async (_, of, why) => {
    const { made } = await operate(of);
    expect(made.steps).toEqual([]);
    expect(made.refusals).toEqual([
      {
        code: 'volume-cannot-detach',
        sentence: `volume ${VOLUME} "data" 20 GiB: cinder-volume controller@lvm is down, and a request to it would hang; and --surgery cannot be done: ${why}.`,
        flag: null,
      },
    ]);
  });

  test('a fault of expunge is no answer of the database', async () => {
    const broken = { ...rows({}), sql: {} };
    await expect(plan({ reader: broken })).rejects.toThrow('did not foresee');
  });
});

test('asked for beside a reset that would take it from others, it is done instead', async () => {
  const cinder = { holdings: [{}, OTHER] };
  const made = await plan({ cinder, reader: rows({}), decided: { ...surgery, detach: 'reset' } });
  expect(made.steps).toMatchObject([{ id: `volumes/${VOLUME}/rows` }]);
  expect(made.refusals).toEqual([]);
});

test('of two connectors Nova’s own is sent', async () => {
  const kept = rows({});
  const sql = {
    ...kept.sql,
    [ATTACHMENTS]: [
      {
        id: OTHER.id,
        instance_uuid: STRANGER,
        attach_status: 'attached',
        deleted: 0,
        connector: '{"host":"x"}',
      },
      {
        id: ATTACHMENT,
        instance_uuid: SERVER,
        attach_status: 'attached',
        deleted: 0,
        connector: '{"host":"y"}',
      },
    ],
  };
  const sent = async (connector: typeof CONNECTOR | null) => {
    const server = { volumes: [volumeMapping({ connector })] };
    const made = await plan({ server, reader: { ...kept, sql }, decided: { detach: 'force' } });
    return made.steps[0]?.act;
  };
  expect(await sent(CONNECTOR)).toMatchObject({ body: { 'os-force_detach': { connector: CONNECTOR } } });
  expect(await sent(null)).toMatchObject({ body: { 'os-force_detach': { connector: { host: 'y' } } } });
});

test('nothing of the server is there to be changed: the API told of another database', async () => {
  const { made } = await operate({ own: [] });
  expect(made.steps).toEqual([]);
  expect(made.refusals).toMatchObject([
    {
      code: 'volume-cannot-detach',
      sentence: expect.stringContaining(
        "--surgery cannot be done: Cinder's database has no attachment of this",
      ),
      flag: null,
    },
  ]);
});
