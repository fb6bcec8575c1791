import { describe, expect, test } from 'vitest';
import { volumes } from '../../src/kinds/volumes/index.ts';
import { LookError } from '../../src/plan/errors.ts';
import type { FakeAnswers } from '../support/fake-reader.ts';
import { decisions, instanceRow, volumeMapping } from '../support/subjects.ts';
import {
  ATTACHMENT,
  cinderAnswers,
  HIDDEN,
  SERVER,
  STRANGER,
  VOLUME,
  type VolumeWorld,
} from '../support/volume-answers.ts';
import {
  AS_NOVA,
  type Case,
  CONNECTOR,
  codes,
  DELETE,
  DELETED,
  DOWN,
  find,
  ids,
  KEEP,
  NO_TOKEN,
  OLD_WAY,
  OTHER,
  phases,
  plan,
  TOKEN,
} from './volumes-samples.ts';

describe('what becomes of a volume', () => {
  test('kept, as Nova would: let go of, and named with its size', async () => {
    const made = await plan();
    expect(ids(made)).toEqual(['volumes/V/attachment/A']);
    expect(made.kept).toEqual([
      {
        place: 'Cinder',
        what: `volume ${VOLUME} "data" 20 GiB`,
        why: 'Nova keeps it: delete_on_termination is not set',
      },
    ]);
    expect(made.remains).toEqual([{ place: 'Cinder', what: `volume ${VOLUME} "data" 20 GiB, attached` }]);
    expect(made.refusals).toEqual([]);
  });

  test('deleted, as Nova would: after it was let go of, for good', async () => {
    const made = await plan({ server: DELETED });
    expect(ids(made)).toEqual(['volumes/V/attachment/A', 'volumes/V/delete']);
    expect(made.steps[1]).toMatchObject({
      title: `delete volume ${VOLUME} "data" 20 GiB`,
      act: { method: 'DELETE', path: `/volumes/${VOLUME}` },
      settled: { status: [404] },
      needs: [`volumes/${VOLUME}/attachment/${ATTACHMENT}`],
      patience: 300,
      undo: 'never',
    });
    expect(made.steps[1]?.guards.map(({ must }) => must)).toEqual([
      `nobody holds volume ${VOLUME}`,
      `volume ${VOLUME} has no snapshots`,
    ]);
    expect(made.kept).toEqual([]);
  });

  test('one that Nova would delete and that is to be kept is made safe first', async () => {
    const made = await plan({ server: DELETED, decided: KEEP });
    expect(ids(made)).toEqual(['volumes/cell:c1/secure', 'volumes/V/attachment/A']);
    expect(made.steps[0]).toMatchObject({
      phase: 'secure',
      undo: 'before-image',
      act: {
        database: 'cell:c1',
        writes: [
          {
            table: 'block_device_mapping',
            set: { delete_on_termination: 0 },
            where: [
              { column: 'id', value: [7] },
              { column: 'instance_uuid', value: SERVER },
              { column: 'delete_on_termination', is: '=', value: 1 },
            ],
            rows: 1,
          },
        ],
      },
      settled: { count: 0 },
    });
  });

  test('by name against the rest', async () => {
    const made = await plan({
      server: DELETED,
      decided: { volumes: { rest: 'as-nova', named: { [VOLUME]: 'keep' } } },
    });
    expect(made.kept[0]?.why).toBe('asked for by --volumes');
    expect(ids(made)).not.toContain('volumes/V/delete');
  });

  test('nobody has decided: refused, with what Nova would do', async () => {
    const { facts, of } = await find({ server: DELETED });
    const made = volumes.plan(facts, of, decisions());
    expect(made.refusals).toEqual([
      {
        code: 'volumes-undecided',
        sentence: `Nobody has decided what becomes of 1 volume: volume ${VOLUME} "data" 20 GiB (Nova would delete it).`,
        flag: 'volumes as-nova',
        volumes: [{ id: VOLUME, what: `volume ${VOLUME} "data" 20 GiB`, nova: 'delete', lost: '' }],
      },
    ]);
    expect(made.steps).toEqual([]);
  });

  test('some named, one not: that one is asked about', async () => {
    const { facts, of } = await find({});
    const made = volumes.plan(facts, of, decisions({ volumes: { named: { [STRANGER]: 'keep' } } }));
    expect(codes(made)).toEqual(['volumes-undecided']);
  });

  test('not attached, and not Nova’s to delete: nothing to decide', async () => {
    const { facts, of } = await find({ cinder: { holdings: [], volume: { status: 'available' } } });
    const made = volumes.plan(facts, of, decisions());
    expect(made).toMatchObject({ steps: [], refusals: [], remains: [] });
    expect(made.kept[0]?.why).toBe('it is not attached');
  });

  test('given away meanwhile: kept whatever was decided, and nothing of it is touched', async () => {
    const given = { cinder: { holdings: [OTHER] }, server: DELETED };
    for (const decided of [AS_NOVA, DELETE]) {
      const made = await plan({ ...given, decided });
      expect(ids(made)).toEqual(['volumes/cell:c1/secure']);
      expect(made.kept[0]?.why).toContain('it was given away');
      expect(codes(made)).toEqual([]);
    }
  });

  test('gone from Cinder: nothing to do', async () => {
    const made = await plan({ cinder: { volume: null, holdings: [] }, server: DELETED });
    expect(made).toMatchObject({ steps: [], refusals: [], kept: [], remains: [] });
  });

  test('a name that is not this server’s leaves another to the rest: refused', async () => {
    const made = await plan({ decided: { volumes: { rest: 'delete', named: { [STRANGER]: 'keep' } } } });
    expect(codes(made)).toEqual(['volume-not-its']);
  });

  test('encrypted: its key goes with it, said', async () => {
    const made = await plan({ cinder: { volume: { encrypted: true } }, decided: DELETE });
    expect(made.steps.at(-1)?.title).toContain('and its encryption key');
  });
});

describe('rows that are deleted', () => {
  const gone = (changes: object) => ({
    row: instanceRow({ deleted: 42, deletedAt: '2026-11-03 10:00:00', vmState: 'deleted', taskState: null }),
    volumes: [volumeMapping({ deleted: true, deleteOnTermination: true, ...changes })],
  });
  const alone: VolumeWorld = { holdings: [], volume: { status: 'available' } };

  test('with the server: Nova would still have deleted the volume', async () => {
    const server = gone({ deletedAt: '2026-11-03 10:00:00' });
    expect(ids(await plan({ cinder: alone, server }))).toEqual(['volumes/V/delete']);
    expect(ids(await plan({ cinder: alone, server, decided: KEEP }))).toEqual(['volumes/cell:c1/secure']);
  });

  test('before the server: it was detached, and is its owner’s', async () => {
    const server = gone({ deletedAt: '2026-11-02 10:00:00' });
    expect(await plan({ cinder: alone, server, decided: DELETE })).toMatchObject({ steps: [], kept: [] });
  });

  test('while the server lives, or at no known time: its owner’s', async () => {
    const lives = { volumes: gone({ deletedAt: '2026-11-03 10:00:00' }).volumes };
    expect((await plan({ cinder: alone, server: lives, decided: DELETE })).steps).toEqual([]);
    expect((await plan({ cinder: alone, server: gone({}), decided: DELETE })).steps).toEqual([]);
  });

  test('kept once, it is no leftover any more', async () => {
    const server = gone({ deletedAt: '2026-11-03 10:00:00', deleteOnTermination: false });
    expect(await plan({ cinder: alone, server, decided: DELETE })).toMatchObject({ steps: [], remains: [] });
  });
});

describe('what stands against deleting it', () => {
  const obstacles: [string, VolumeWorld, RegExp][] = [
    ['another holds it', { holdings: [{}, OTHER] }, /1 other still holds it/],
    ['a snapshot', { snapshots: [{ id: 's1' }] }, /it has 1 snapshot \(s1\)/],
    ['a group', { volume: { group_id: 'g1' } }, /it belongs to group g1/],
    ['a consistency group', { volume: { consistencygroup_id: 'g2' } }, /it belongs to group g2/],
    ['a migration', { volume: { migration_status: 'migrating' } }, /it is being migrated \(migrating\)/],
    ['an upload', { volume: { status: 'uploading' } }, /its status is uploading/],
  ];
  test.each(obstacles)('%s: as Nova, it is kept with the reason', async (_, cinder, why) => {
    const made = await plan({ cinder, server: DELETED });
    expect(ids(made)).toEqual(['volumes/cell:c1/secure', 'volumes/V/attachment/A']);
    expect(made.kept[0]?.why).toMatch(why);
    expect(codes(made)).toEqual([]);
  });
  test.each(obstacles)('%s: asked for, it is refused', async (_, cinder, why) => {
    const made = await plan({ cinder, decided: DELETE });
    expect(made.refusals).toMatchObject([
      { code: 'volume-not-deletable', flag: `volumes ${VOLUME}=keep`, sentence: expect.stringMatching(why) },
    ]);
  });
  test('a snapshot of another volume is none', async () => {
    const cinder = { snapshots: [{ id: 's1', volume_id: STRANGER }] };
    expect(codes(await plan({ cinder, decided: DELETE }))).toEqual([]);
  });
});

describe('the ladder', () => {
  const connector = CONNECTOR;
  const legacy = { cinder: { holdings: [{ connection: null }] }, server: OLD_WAY };

  test('the attachment, as a service', async () => {
    const [step] = (await plan()).steps;
    expect(step).toMatchObject({
      phase: 'volumes',
      act: {
        method: 'DELETE',
        path: `/attachments/${ATTACHMENT}`,
        microversion: '3.27',
        serviceToken: true,
        status: [200, 404],
      },
      guards: [{ check: { at: { keys: ['attachment', 'instance'], equals: SERVER } } }],
      settled: { path: `/attachments/${ATTACHMENT}`, status: [404] },
    });
    expect(step?.why).toContain('[service_user]');
  });

  test('without a service token: after Nova’s rows, the deletion too', async () => {
    const made = await plan({ reader: NO_TOKEN, server: DELETED });
    expect(phases(made)).toEqual(['volumes-late', 'volumes-late']);
    expect(made.steps[0]?.act).not.toHaveProperty('serviceToken');
    expect(made.steps[0]?.why).toContain('answers 409 while Nova lists it (nobody is named)');
  });

  test.each<[string, Case]>([
    ['reserved, never connected', { cinder: { holdings: [{ status: 'reserved', connection: null }] } }],
    ['that Nova does not list', { server: { volumes: [] } }],
    ['of a server whose row is deleted', { server: { row: instanceRow({ deleted: 42 }) } }],
    [
      'of which Nova lists another',
      { server: { volumes: [volumeMapping({ attachmentId: OTHER.id })] }, reader: {} },
    ],
  ])('without a service token, one %s: at once', async (_, one) => {
    const http = { ...cinderAnswers(one.cinder), [`volume /attachments/${OTHER.id}`]: { status: 404 } };
    const made = await plan({ ...one, reader: { ...NO_TOKEN, http } });
    expect(phases(made)).toEqual(['volumes']);
  });

  test('several attachments: each by its id, and the others keep it', async () => {
    const second = { id: 'cccccccc-0000-4000-8000-000000000003' };
    const made = await plan({ cinder: { holdings: [{}, second, OTHER] } });
    expect(made.steps.map(({ act }) => (act.door === 'http' ? act.path : ''))).toEqual([
      `/attachments/${ATTACHMENT}`,
      `/attachments/${second.id}`,
    ]);
    expect(made.steps[0]?.why).toContain('1 other keeps it');
  });

  test.each(['attaching', 'detaching', 'error_attaching', 'error_detaching'])(
    'stuck in %s: the first rung works',
    async (status) => {
      const made = await plan({ cinder: { holdings: [{ status }], volume: { status: 'detaching' } } });
      expect(ids(made)).toEqual(['volumes/V/attachment/A']);
    },
  );

  test('attached the old way: forced, with the connector that Nova kept', async () => {
    const made = await plan(legacy);
    expect(ids(made)).toEqual(['volumes/V/force-detach/A']);
    expect(made.steps[0]).toMatchObject({
      phase: 'volumes',
      act: {
        method: 'POST',
        path: `/volumes/${VOLUME}/action`,
        body: { 'os-force_detach': { connector, attachment_id: ATTACHMENT } },
        serviceToken: true,
      },
      settled: { path: `/attachments/${ATTACHMENT}`, status: [404] },
    });
    expect(made.steps[0]?.why).toMatch(/attached the old way.*with the connector that was written down/);
  });

  test('no connector known and nobody else there: none is made up', async () => {
    const made = await plan({ ...legacy, server: { volumes: [volumeMapping({ attachmentId: null })] } });
    expect(made.steps[0]).toMatchObject({
      act: { body: { 'os-force_detach': { connector: null } } },
      guards: [{ must: `volume ${VOLUME} is held by whom the plan was made for` }],
    });
  });

  test('no connector known and another holds it: refused', async () => {
    const made = await plan({
      cinder: { holdings: [{ connection: null }, OTHER] },
      server: { volumes: [volumeMapping({ attachmentId: null })] },
    });
    expect(made.refusals).toMatchObject([{ code: 'volume-cannot-detach', flag: 'surgery' }]);
    expect(made.steps).toEqual([]);
  });

  test('another holds it and no service token: force would be 409, refused', async () => {
    const made = await plan({
      ...legacy,
      cinder: { holdings: [{ connection: null }, OTHER] },
      reader: NO_TOKEN,
    });
    expect(made.refusals).toMatchObject([
      { code: 'volume-cannot-detach', sentence: expect.stringContaining('asks for a service token') },
    ]);
  });

  test('before Ocata: forced, and seen by the volume itself', async () => {
    const http = {
      ...cinderAnswers(),
      [`volume /attachments/detail?all_tenants=1&instance_id=${SERVER}`]: { status: 404 },
    };
    const made = await plan({ server: legacy.server, reader: { http, ...NO_TOKEN } });
    expect(made.steps).toMatchObject([
      {
        act: { body: { 'os-force_detach': { connector, attachment_id: ATTACHMENT } } },
        settled: { path: `/volumes/${VOLUME}`, at: { keys: ['volume', 'attachments'], equals: [] } },
      },
    ]);
  });

  test('--detach force begins there', async () => {
    const made = await plan({ decided: { detach: 'force' } });
    expect(ids(made)).toEqual(['volumes/V/force-detach/A']);
  });

  test('--detach reset: the state alone, and the price is said', async () => {
    const made = await plan({ decided: { detach: 'reset' } });
    expect(made.steps).toMatchObject([
      {
        id: `volumes/${VOLUME}/reset`,
        act: { body: { 'os-reset_status': { status: 'available', attach_status: 'detached' } } },
        why: expect.stringContaining('export and mapping stay on the storage'),
      },
    ]);
  });

  test('--detach reset would end the attachments of others: refused', async () => {
    const made = await plan({ cinder: { holdings: [{}, OTHER] }, decided: { detach: 'reset' } });
    expect(made.refusals).toMatchObject([{ code: 'volume-shared-reset', flag: 'surgery' }]);
    expect(made.steps).toEqual([]);
  });

  test('cinder-volume is down: refused, until the lower rung is chosen', async () => {
    const cinder = { services: DOWN };
    expect((await plan({ cinder })).refusals).toMatchObject([
      {
        code: 'volume-backend-down',
        flag: 'detach reset',
        sentence: expect.stringContaining('cinder-volume controller@lvm is down'),
      },
    ]);
    expect(ids(await plan({ cinder, decided: { detach: 'reset' } }))).toEqual(['volumes/V/reset']);
    expect(codes(await plan({ cinder, decided: { ...DELETE, detach: 'reset' } }))).toEqual([
      'volume-not-deletable',
    ]);
  });

  test('cinder-volume is down: what was only reserved goes without it', async () => {
    const cinder = { services: DOWN, holdings: [{ status: 'reserved', connection: null }] };
    expect(ids(await plan({ cinder }))).toEqual(['volumes/V/attachment/A']);
  });

  test('another of its cluster is up: that one works', async () => {
    const services = [
      { host: 'controller@lvm', state: 'down', cluster: 'c@lvm' },
      { host: 'other@lvm', state: 'up', cluster: 'c@lvm' },
    ];
    expect(codes(await plan({ cinder: { services } }))).toEqual([]);
  });
});

describe('Cinder’s own rows', () => {
  const names = (table: string) => `cinder: select * from ${table}`;
  const rows = (changes: object = {}): FakeAnswers => ({
    ...TOKEN,
    databases: ['cinder'],
    columns: { cinder: { volume_attachment: ['id', 'connector'] } },
    sql: {
      [`cinder: select id, status, attach_status, migration_status from volumes where id = "${VOLUME}"`]: [
        { id: VOLUME, status: 'in-use', attach_status: 'attached', migration_status: null },
      ],
      [`${names('volume_attachment')} where volume_id = "${VOLUME}" order by id`]: [
        {
          id: OTHER.id,
          instance_uuid: STRANGER,
          attach_status: 'reserved',
          deleted: 0,
          connector: JSON.stringify({ host: 'compute9' }),
        },
        {
          id: ATTACHMENT,
          instance_uuid: SERVER,
          attach_status: 'attached',
          deleted: 0,
          connector: JSON.stringify({ host: 'compute1', auth_password: HIDDEN }),
        },
        { id: 'old', instance_uuid: SERVER, attach_status: 'detached', deleted: 1, connector: null },
      ],
      [`cinder: select id, deleted from volume_admin_metadata where volume_id = "${VOLUME}" and key = "attached_mode" order by id`]:
        [{ id: 3, deleted: 0 }],
    },
    ...changes,
  });
  const shared: VolumeWorld = {
    holdings: [{}, OTHER],
    services: [{ host: 'controller@lvm', state: 'down' }],
  };

  test('--surgery changes what Cinder would, and what is left says what the volume is', async () => {
    const made = await plan({ cinder: shared, reader: rows(), decided: { surgery: true } });
    expect(made.steps).toMatchObject([
      {
        id: `volumes/${VOLUME}/rows`,
        act: {
          door: 'sql',
          database: 'cinder',
          writes: [
            {
              table: 'volume_attachment',
              set: { deleted: 1, attach_status: 'detached' },
              where: [{ value: ATTACHMENT }, { value: VOLUME }, { value: SERVER }, { value: 'attached' }],
              rows: 1,
            },
            { table: 'volume_admin_metadata', set: { deleted: 1 }, where: [{ value: [3] }], rows: 1 },
            { table: 'volumes', set: { status: 'reserved', attach_status: 'reserved' } },
          ],
        },
        why: expect.stringContaining('export and mapping stay on the storage'),
        undo: 'before-image',
      },
    ]);
  });

  test('nobody else: the API’s reset comes before it', async () => {
    const cinder = { services: [{ host: 'controller@lvm', state: 'down' }] };
    expect(ids(await plan({ cinder, reader: rows(), decided: { surgery: true } }))).toEqual([
      'volumes/V/reset',
    ]);
  });

  test('the database is not named: refused', async () => {
    const made = await plan({ cinder: shared, decided: { surgery: true } });
    expect(made.refusals).toMatchObject([
      { code: 'volume-cannot-detach', flag: null, sentence: expect.stringContaining('databases.cinder') },
    ]);
  });

  test('the connector that no API shows, without secrets', async () => {
    const made = await plan({ reader: rows(), decided: { detach: 'force' } });
    expect(made.steps[0]?.act).toMatchObject({
      body: { 'os-force_detach': { connector: { host: 'compute1' } } },
    });
    expect(JSON.stringify(made)).not.toContain(HIDDEN);
  });

  test('cannot be read: said where it is needed, and nothing is lost elsewhere', async () => {
    const broken = {
      ...TOKEN,
      databases: ['cinder'],
      columns: { cinder: { volume_attachment: ['id', 'connector'] } },
      sql: Object.fromEntries(
        Object.keys(rows().sql ?? {}).map((q) => [
          q,
          new LookError('database cinder', 'gone', { code: 'x' }),
        ]),
      ),
    };
    expect(codes(await plan({ reader: broken }))).toEqual([]);
    expect(
      (await plan({ cinder: shared, reader: broken, decided: { surgery: true } })).refusals,
    ).toMatchObject([{ sentence: expect.stringContaining("Cinder's database cannot be read: gone") }]);
  });
});

describe('could not look', () => {
  test.each(Object.keys(cinderAnswers()).filter((question) => !question.endsWith(ATTACHMENT)))(
    '%s',
    async (question) => {
      const down = new LookError('Cinder', 'connection refused', { code: 'api-unreachable' });
      const http = { ...cinderAnswers(), [question]: down };
      await expect(find({ reader: { http } })).rejects.toBe(down);
    },
  );
});

test('nothing there', async () => {
  const made = await plan({ cinder: { holdings: [] }, server: { volumes: [] } });
  expect(made).toEqual({ steps: [], remains: [], refusals: [], kept: [] });
});

test('no secret of a connection gets into facts or plan', async () => {
  const one = { server: { volumes: [volumeMapping({ deleteOnTermination: true })] } };
  expect(JSON.stringify([await find(one), await plan(one)])).not.toContain(HIDDEN);
});
