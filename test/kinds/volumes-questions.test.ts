import { describe, expect, test } from 'vitest';
import { volumes } from '../../src/kinds/volumes/index.ts';
import { readVolume } from '../../src/kinds/volumes/volume.ts';
import type { Reader } from '../../src/site/reader.ts';
import { type FakeAnswers, fakeReader } from '../support/fake-reader.ts';
import { subject, volumeMapping } from '../support/subjects.ts';
import {
  ATTACHMENT,
  answersBeforeOcata,
  cinderAnswers,
  LIST,
  OF_VOLUME,
  SERVER,
  SERVICES,
  SNAPSHOTS,
  VOLUME,
} from '../support/volume-answers.ts';
import { OTHER, TOKEN } from './volumes-samples.ts';

const SHOWN = `volume /volumes/${VOLUME}`;
const ONE = `volume /attachments/${ATTACHMENT}`;

/** What is asked, and at which microversion; `any` for none. */
async function versions(http: FakeAnswers['http']) {
  const asked: Record<string, string> = {};
  const reader = fakeReader({ ...TOKEN, http: http ?? {} });
  const look: Reader = {
    ...reader,
    http: {
      ...reader.http,
      get(service, path, options) {
        asked[`${service} ${path}`] = options?.microversion ?? 'any';
        return reader.http.get(service, path, options);
      },
      list(service, path, key, options) {
        asked[`${service} ${path}`] = options?.microversion ?? 'any';
        return reader.http.list(service, path, key, options);
      },
    },
  };
  await volumes.find(look, subject({ volumes: [volumeMapping()] }));
  return asked;
}

describe('what Cinder is asked', () => {
  test('at the version that can tell a server’s attachments, and what is older at its own', async () => {
    const http = { ...cinderAnswers({ holdings: [OTHER] }), [ONE]: { status: 404 } };
    expect(await versions(http)).toEqual({
      [LIST]: '3.28',
      [ONE]: '3.27',
      [SHOWN]: '3.27',
      [OF_VOLUME]: '3.27',
      [SERVICES]: '3.27',
      [SNAPSHOTS]: 'any',
    });
  });

  test('at no version, when it has none that can', async () => {
    expect(await versions(answersBeforeOcata())).toEqual({
      [LIST]: '3.28',
      [SHOWN]: 'any',
      [SERVICES]: 'any',
      [SNAPSHOTS]: 'any',
    });
  });
});

describe('a volume as an old Cinder shows it', () => {
  const shown = (changes: object) => ({
    volume: { id: VOLUME, status: 'in-use', attachments: [], ...changes },
  });
  const read = (changes: object) =>
    readVolume(fakeReader({ http: { [SHOWN]: { body: shown(changes) } } }), VOLUME, null);

  test('with nothing but what every release has', async () => {
    expect(await read({})).toEqual({
      id: VOLUME,
      name: '',
      size: 0,
      status: 'in-use',
      encrypted: false,
      migration: null,
      group: null,
      backend: null,
      holders: [],
    });
  });

  test('on a host, for no server', async () => {
    const attachments = [{ server_id: null, host_name: null, device: '/dev/vdb' }];
    expect(await read({ attachments })).toMatchObject({
      holders: [{ attachmentId: null, server: null, host: null }],
    });
  });

  test('that is of a group of either sort', async () => {
    expect(await read({ consistencygroup_id: 'c1' })).toMatchObject({ group: 'c1' });
    expect(await read({ consistencygroup_id: 'c1', group_id: 'g1' })).toMatchObject({ group: 'g1' });
  });
});

test('what a server of another release has is not made up', async () => {
  const juno = { attachments: [{ server_id: SERVER, host_name: 'compute1', device: '/dev/vdb' }] };
  const reader = fakeReader({ ...TOKEN, http: answersBeforeOcata({ volume: juno }) });
  const { facts } = await volumes.find(reader, subject({ volumes: [volumeMapping({ attachmentId: null })] }));
  expect(facts.volumes).toMatchObject([
    {
      attachments: [{ id: null, host: 'compute1', status: 'attached' }],
      others: 0,
      listed: null,
    },
  ]);
});
