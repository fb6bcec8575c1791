import { describe, expect, test } from 'vitest';
import { attachmentsIfKnown, readHeld } from '../../src/kinds/volumes/attachments.ts';
import { LookError } from '../../src/plan/errors.ts';
import { type FakeAnswers, fakeReader } from '../support/fake-reader.ts';
import { subject, volumeMapping } from '../support/subjects.ts';
import {
  ATTACHMENT,
  CONNECTION,
  LIST,
  SECOND_ATTACHMENT,
  SECOND_VOLUME,
  SERVER,
  STRANGER,
  VOLUME,
} from '../support/volume-answers.ts';

/** As Cinder of Zed shows one, over iSCSI with CHAP. */
const entry = (changes: object = {}) => ({
  id: ATTACHMENT,
  status: 'attached',
  instance: SERVER,
  volume_id: VOLUME,
  attached_at: '2026-11-01T10:00:05.000000',
  detached_at: '',
  attach_mode: 'rw',
  connection_info: CONNECTION,
  ...changes,
});

const volume = (holders: readonly object[] = [{}], changes: object = {}) => ({
  id: VOLUME,
  name: 'data',
  size: 1,
  status: 'in-use',
  attachments: holders.map((holder) => ({
    id: VOLUME,
    volume_id: VOLUME,
    attachment_id: ATTACHMENT,
    server_id: SERVER,
    host_name: 'cmp-1',
    device: '/dev/vdb',
    attached_at: '2026-11-01T10:00:05.000000',
    ...holder,
  })),
  ...changes,
});

async function read(http: FakeAnswers['http'], volumes = [volumeMapping()], more: FakeAnswers = {}) {
  return (await readHeld(fakeReader({ ...more, http: http ?? {} }), subject({ volumes }))).attachments;
}

const VOLUME_OK = { [`volume /volumes/${VOLUME}`]: { body: { volume: volume() } } };

test('one that both know: its host from the volume, its connection without the secret', async () => {
  const found = await read({ [LIST]: { body: { attachments: [entry()] } }, ...VOLUME_OK });
  expect(found).toMatchObject([
    { id: ATTACHMENT, volumeId: VOLUME, status: 'attached', host: 'cmp-1', connector: null },
  ]);
  expect(found[0]?.connection).toMatchObject({ type: 'iscsi' });
  expect(JSON.stringify(found)).not.toContain('hidden-word');
});

test('one that only Cinder has', async () => {
  const found = await read({ [LIST]: { body: { attachments: [entry()] } }, ...VOLUME_OK }, []);
  expect(found).toMatchObject([{ id: ATTACHMENT }]);
});

test('a reserved one was connected nowhere', async () => {
  const reserved = entry({ status: 'reserved', connection_info: null });
  const body = { volume: volume([], { status: 'reserved' }) };
  const found = await read({
    [LIST]: { body: { attachments: [reserved] } },
    [`volume /volumes/${VOLUME}`]: { body },
  });
  expect(found).toMatchObject([{ status: 'reserved', host: null, connection: null }]);
});

test('one that Nova names and Cinder has given to another server is not this server’s', async () => {
  const http = {
    [LIST]: { body: { attachments: [] } },
    [`volume /attachments/${ATTACHMENT}`]: { body: { attachment: entry({ instance: STRANGER }) } },
    [`volume /volumes/${VOLUME}`]: { body: { volume: volume([{ server_id: STRANGER }]) } },
  };
  expect(await read(http)).toEqual([]);
});

test('one that Nova names and the list leaves out is asked about by its name, once', async () => {
  const http = {
    [LIST]: { body: { attachments: [] } },
    [`volume /attachments/${ATTACHMENT}`]: {
      body: { attachment: entry({ volume_id: SECOND_VOLUME }) },
    },
    [`volume /volumes/${VOLUME}`]: { status: 404 },
    [`volume /volumes/${SECOND_VOLUME}`]: {
      body: { volume: volume([{ attachment_id: STRANGER, host_name: 'cmp-9' }, {}], { id: SECOND_VOLUME }) },
    },
  };
  const found = await read(http, [volumeMapping(), volumeMapping({ rowId: 8 })]);
  expect(found.filter(({ id }) => id === ATTACHMENT)).toMatchObject([
    { volumeId: SECOND_VOLUME, host: 'cmp-1', status: 'attached' },
  ]);
});

test('what the attachment itself says counts more than what its volume says', async () => {
  const http = {
    [LIST]: { body: { attachments: [] } },
    [`volume /attachments/${ATTACHMENT}`]: { body: { attachment: entry({ instance: STRANGER }) } },
    ...VOLUME_OK,
  };
  expect(await read(http)).toEqual([]);
});

test('of a mapping that is deleted only the volume is asked about', async () => {
  const http = { [LIST]: { body: { attachments: [] } }, ...VOLUME_OK };
  const found = await read(http, [volumeMapping({ deleted: true, attachmentId: SECOND_ATTACHMENT })]);
  expect(found).toMatchObject([{ id: ATTACHMENT }]);
});

test('one of no state and no connection is attached, the old way', async () => {
  const { status: _, connection_info: __, ...bare } = entry();
  expect(await read({ [LIST]: { body: { attachments: [bare] } }, ...VOLUME_OK })).toMatchObject([
    { id: ATTACHMENT, status: 'attached', connection: null },
  ]);
});

test('one that is gone, and its volume too', async () => {
  const http = {
    [LIST]: { body: { attachments: [] } },
    [`volume /attachments/${ATTACHMENT}`]: { status: 404 },
    [`volume /volumes/${VOLUME}`]: { status: 404 },
  };
  expect(await read(http)).toEqual([]);
});

describe('a Cinder without attachments', () => {
  const connector = { host: 'cmp-1', initiator: 'iqn.1993-08.org.debian:01:1' };
  test.each([404, 406])('answers %i: the volumes that Nova names are asked instead', async (status) => {
    const found = await read({ [LIST]: { status }, ...VOLUME_OK }, [
      volumeMapping({ attachmentId: null, connector }),
    ]);
    expect(found).toMatchObject([{ id: ATTACHMENT, volumeId: VOLUME, host: 'cmp-1', connector }]);
  });
  test('each with the connector that was noted of itself', async () => {
    const gone = 'bbbbbbbb-0000-4000-8000-000000000009';
    const http = { [LIST]: { status: 404 }, [`volume /volumes/${gone}`]: { status: 404 }, ...VOLUME_OK };
    const found = await read(http, [
      volumeMapping({ rowId: 5, volumeId: gone, attachmentId: null, connector: { host: 'cmp-9' } }),
      volumeMapping({ rowId: 6, attachmentId: null, deleted: true, connector: { host: 'cmp-8' } }),
      volumeMapping({ attachmentId: null, connector }),
    ]);
    expect(found).toMatchObject([{ volumeId: VOLUME, connector }]);
  });
  test('in Juno the volume has no attachment of its own', async () => {
    const juno = { volume: volume([{ attachment_id: undefined }]) };
    const found = await read({ [LIST]: { status: 404 }, [`volume /volumes/${VOLUME}`]: { body: juno } });
    expect(found).toMatchObject([{ id: null, volumeId: VOLUME }]);
  });
});

describe('could not look', () => {
  test.each([
    ['others', { instance: STRANGER }],
    ['those of no server', { instance: null }],
    ['those that say nothing of a server', { instance: undefined }],
  ])('a list that %s are in, for its filter was dropped', async (_, other) => {
    const http = {
      [LIST]: { body: { attachments: [entry(), entry({ ...other, id: STRANGER })] } },
    };
    await expect(read(http)).rejects.toMatchObject({ code: 'filter-dropped' });
  });
  test('Cinder that does not answer', async () => {
    const down = new LookError('Cinder', 'connection refused', { code: 'api-unreachable' });
    await expect(read({ [LIST]: down }, [])).rejects.toBe(down);
  });
  test('an answer of another shape', async () => {
    const http = { [LIST]: { body: { attachments: [{ id: 5 }] } } };
    await expect(read(http)).rejects.toMatchObject({ code: 'answer-not-understood' });
  });
  test('a cloud without Cinder whose servers have volumes', async () => {
    const without = read({}, [volumeMapping()], { without: ['volume'] });
    await expect(without).rejects.toMatchObject({ code: 'no-endpoint' });
  });
});

test('a cloud without Cinder, and a server without volumes', async () => {
  expect(await read({}, [], { without: ['volume'] })).toEqual([]);
});

describe('for a kind that can do without', () => {
  const known = (http: FakeAnswers['http']) =>
    attachmentsIfKnown(fakeReader({ http: http ?? {} }), subject({ volumes: [volumeMapping()] }));
  test('the same, where Cinder answers', async () => {
    expect(await known({ [LIST]: { body: { attachments: [entry()] } }, ...VOLUME_OK })).toHaveLength(1);
  });
  test('none, where it cannot be asked', async () => {
    expect(await known({ [LIST]: new LookError('Cinder', 'gone', { code: 'api-unreachable' }) })).toEqual([]);
  });
  test('but a fault of expunge is none of Cinder’s', async () => {
    await expect(known({})).rejects.toThrow('did not foresee');
  });
});
