import { describe, expect, test } from 'vitest';
import { subject, volumeMapping } from '../support/subjects.ts';
import {
  ATTACHMENT,
  answersBeforeOcata,
  cinderAnswers,
  type Holding,
  SECOND_VOLUME,
  SERVER,
  STRANGER,
  VOLUME,
} from '../support/volume-answers.ts';
import {
  CONNECTOR,
  DELETED,
  ids,
  KEEP,
  NO_TOKEN,
  OLD_WAY,
  OTHER,
  plan,
  SECOND,
  TOKEN,
} from './volumes-samples.ts';

const api = { door: 'http', service: 'volume' };
const AT_3_27 = { ...api, microversion: '3.27' };
const LISTED = { ...AT_3_27, path: `/attachments?all_tenants=1&volume_id=${VOLUME}` };
const SHOWN = { ...api, path: `/volumes/${VOLUME}` };
const ONE = { ...AT_3_27, path: `/attachments/${ATTACHMENT}` };
const STILL_OURS = {
  must: `attachment ${ATTACHMENT} is still this server's`,
  check: { ...ONE, status: [200], at: { keys: ['attachment', 'instance'], equals: SERVER } },
};
const AS_SEEN = `volume ${VOLUME} is held by whom the plan was made for`;
const ACTION = { ...api, method: 'POST', path: `/volumes/${VOLUME}/action`, status: [202] };
const UNCONNECTED: Holding = { connection: null };

/** As Cinder lists it: a guard compares it key by key. */
const seen = (id: string, instance: string | null = SERVER) => ({
  id,
  status: 'attached',
  instance,
  volume_id: VOLUME,
});
const listedAs = (...equals: readonly object[]) => ({
  must: AS_SEEN,
  check: { ...LISTED, status: [200], at: { keys: ['attachments'], equals } },
});

test('an attachment is deleted while it is still the server’s, with the list of all saved first', async () => {
  const made = await plan();
  expect(made.steps).toEqual([
    {
      id: `volumes/${VOLUME}/attachment/${ATTACHMENT}`,
      phase: 'volumes',
      place: 'Cinder',
      title: `let go of volume ${VOLUME} "data" 20 GiB: delete attachment ${ATTACHMENT}`,
      why: expect.any(String),
      act: { ...ONE, method: 'DELETE', serviceToken: true, status: [200, 404] },
      guards: [STILL_OURS],
      settled: { ...ONE, status: [404] },
      patience: 180,
      before: [LISTED],
      undo: 'recreate',
    },
  ]);
});

describe('forced', () => {
  const forced = {
    id: `volumes/${VOLUME}/force-detach/${ATTACHMENT}`,
    phase: 'volumes',
    place: 'Cinder',
    title: `let go of volume ${VOLUME} "data" 20 GiB: force-detach it`,
    why: expect.any(String),
    patience: 180,
    undo: 'recreate',
  };
  const body = (connector: object | null, id: string | null = ATTACHMENT) => ({
    'os-force_detach': { connector, ...(id === null ? {} : { attachment_id: id }) },
  });

  test('with a connector: only that one mapping goes, whoever else came meanwhile', async () => {
    const cinder = { holdings: [UNCONNECTED, OTHER] };
    expect((await plan({ cinder, server: OLD_WAY })).steps).toEqual([
      {
        ...forced,
        act: { ...ACTION, body: body(CONNECTOR), serviceToken: true },
        guards: [STILL_OURS],
        settled: { ...ONE, status: [404] },
        before: [LISTED],
      },
    ]);
  });

  test('without one: every mapping goes, so nobody else may have come', async () => {
    const server = { volumes: [volumeMapping({ attachmentId: null })] };
    const made = await plan({ cinder: { holdings: [UNCONNECTED] }, server, reader: NO_TOKEN });
    expect(made.steps).toEqual([
      {
        ...forced,
        act: { ...ACTION, body: body(null) },
        guards: [listedAs(seen(ATTACHMENT))],
        settled: { ...ONE, status: [404] },
        before: [LISTED],
      },
    ]);
  });

  test.each([
    ['with a connector', CONNECTOR],
    ['without one', null],
  ])('before Ocata, %s: seen by the volume alone', async (_, connector) => {
    const server = { volumes: [volumeMapping({ attachmentId: null, connector })] };
    const made = await plan({ server, reader: { ...TOKEN, http: answersBeforeOcata() } });
    expect(made.steps).toEqual([
      {
        ...forced,
        act: { ...ACTION, body: body(connector) },
        guards: [
          {
            must: AS_SEEN,
            check: {
              ...SHOWN,
              status: [200],
              at: { keys: ['volume', 'attachments', '0', 'server_id'], equals: SERVER },
            },
          },
        ],
        settled: { ...SHOWN, status: [200], at: { keys: ['volume', 'attachments'], equals: [] } },
        before: [SHOWN],
      },
    ]);
  });

  test('where the attachment has no name of its own, none is sent', async () => {
    const volume = { attachments: [{ id: VOLUME, volume_id: VOLUME, server_id: SERVER, host_name: null }] };
    const http = answersBeforeOcata({ volume });
    const made = await plan({ server: OLD_WAY, reader: { ...TOKEN, http } });
    expect(ids(made)).toEqual(['volumes/V/force-detach/it']);
    expect(made.steps[0]?.act).toEqual({ ...ACTION, body: body(CONNECTOR, null) });
    expect(made.steps[0]).toMatchObject({
      guards: [{ must: AS_SEEN }],
      settled: SHOWN,
    });
  });
});

test('a state is reset while the volume is held as the plan saw it', async () => {
  const made = await plan({ cinder: { holdings: [{}, SECOND] }, decided: { detach: 'reset' } });
  expect(made.steps).toEqual([
    {
      id: `volumes/${VOLUME}/reset`,
      phase: 'volumes',
      place: 'Cinder',
      title: `let go of volume ${VOLUME} "data" 20 GiB: reset its state to available`,
      why: '--detach reset begins lower. Its state is reset in Cinder alone: export and mapping stay on the storage, to be removed there by hand.',
      act: {
        ...ACTION,
        body: { 'os-reset_status': { status: 'available', attach_status: 'detached' } },
      },
      guards: [listedAs(seen(ATTACHMENT), seen(SECOND.id))],
      settled: { ...AT_3_27, path: `/attachments/${SECOND.id}`, status: [404] },
      before: [LISTED],
      undo: 'recreate',
    },
  ]);
});

test('a volume is deleted when nobody holds it and no snapshot hangs on it', async () => {
  const [, deletion] = (await plan({ server: DELETED })).steps;
  expect(deletion).toEqual({
    id: `volumes/${VOLUME}/delete`,
    phase: 'volumes',
    place: 'Cinder',
    title: `delete volume ${VOLUME} "data" 20 GiB`,
    why: 'Nova deletes it with the server (delete_on_termination). Its data are gone for good.',
    act: { ...SHOWN, method: 'DELETE', status: [202, 404] },
    guards: [
      {
        must: `nobody holds volume ${VOLUME}`,
        check: { ...LISTED, status: [200], at: { keys: ['attachments'], equals: [] } },
      },
      {
        must: `volume ${VOLUME} has no snapshots`,
        check: {
          ...api,
          path: `/snapshots?all_tenants=1&volume_id=${VOLUME}`,
          status: [200],
          at: { keys: ['snapshots'], equals: [] },
        },
      },
    ],
    settled: { ...SHOWN, status: [404] },
    patience: 300,
    before: [SHOWN],
    needs: [`volumes/${VOLUME}/attachment/${ATTACHMENT}`],
    undo: 'never',
  });
});

test('with an encrypted one its key goes', async () => {
  const made = await plan({ cinder: { volume: { encrypted: true } }, server: DELETED });
  expect(made.steps[1]?.why).toMatch(/gone for good\. It is encrypted, and its key is deleted with it\.$/);
});

describe('kept from a late Nova', () => {
  const secured = (rowIds: readonly number[], words: { count: string; them: string; ofVolumes: string }) => {
    const table = { door: 'sql', database: 'cell:c1', table: 'block_device_mapping' };
    const where = [
      { column: 'id', is: 'in', value: rowIds },
      { column: 'instance_uuid', is: '=', value: SERVER },
      { column: 'delete_on_termination', is: '=', value: 1 },
    ];
    return {
      id: 'volumes/cell:c1/secure',
      phase: 'secure',
      place: 'database of cell1',
      title: `keep Nova from deleting ${words.count} later (delete_on_termination = 0)`,
      why: `A delete request that still waits, or a nova-compute that comes back, would delete ${words.them}: ${words.ofVolumes}.`,
      act: {
        door: 'sql',
        database: 'cell:c1',
        writes: [
          {
            verb: 'update',
            table: 'block_device_mapping',
            set: { delete_on_termination: 0, updated_at: { now: true } },
            where,
            rows: rowIds.length,
          },
        ],
      },
      guards: [
        { must: expect.stringContaining('still say so'), check: { ...table, where, count: rowIds.length } },
      ],
      settled: { ...table, where, count: 0 },
      before: [{ ...table, where: [{ column: 'id', is: 'in', value: rowIds }] }],
      undo: 'before-image',
    };
  };

  test('one row', async () => {
    const made = await plan({ server: DELETED, decided: KEEP });
    expect(made.steps[0]).toEqual(secured([7], { count: '1 volume', them: 'it', ofVolumes: VOLUME }));
  });

  test('two rows, and not those that say nothing of a deletion', async () => {
    const volumes = [
      ...DELETED.volumes,
      volumeMapping({ rowId: 8, deleteOnTermination: true }),
      volumeMapping({ rowId: 9 }),
    ];
    const made = await plan({ server: { volumes }, decided: KEEP });
    expect(made.steps[0]).toEqual(
      secured([7, 8], { count: '2 volumes', them: 'them', ofVolumes: `${VOLUME}, ${VOLUME}` }),
    );
  });

  test('a row of an earlier attachment too, but none that is in the table no more', async () => {
    const volumes = [
      volumeMapping({ rowId: 9 }),
      volumeMapping({ rowId: 8, deleteOnTermination: true, deleted: true }),
      volumeMapping({ rowId: 7, deleteOnTermination: true, deleted: true, rowGone: true }),
    ];
    const made = await plan({ server: { volumes }, decided: KEEP });
    expect(made.steps[0]).toEqual(secured([8], { count: '1 volume', them: 'it', ofVolumes: VOLUME }));
  });

  test('of a volume that was let go of long ago only while a host is off, whose domain may come back', async () => {
    const earlier = volumeMapping({
      rowId: 8,
      volumeId: SECOND_VOLUME,
      deleteOnTermination: true,
      deleted: true,
    });
    const server = { volumes: [volumeMapping(), earlier] };
    const free = { volume: { id: SECOND_VOLUME, status: 'available', attachments: [] } };
    const reader = { http: { ...cinderAnswers(), [`volume /volumes/${SECOND_VOLUME}`]: { body: free } } };
    expect((await plan({ server, reader, decided: KEEP })).steps[0]?.phase).not.toBe('secure');
    const hosts = subject().hosts.map((host) => ({ ...host, fenced: { answers: null } }));
    const made = await plan({ server: { ...server, hosts }, reader, decided: KEEP });
    expect(made.steps[0]).toEqual(secured([8], { count: '1 volume', them: 'it', ofVolumes: SECOND_VOLUME }));
  });

  test('not what another volume’s row says', async () => {
    const volumes = [volumeMapping(), volumeMapping({ volumeId: SECOND_VOLUME, deleteOnTermination: true })];
    const http = {
      ...answersBeforeOcata({ holdings: [{}, { id: OTHER.id, server: STRANGER }] }),
      [`volume /volumes/${SECOND_VOLUME}`]: { status: 404 },
    };
    expect((await plan({ server: { volumes }, reader: { http }, decided: KEEP })).steps).toEqual([]);
  });
});
