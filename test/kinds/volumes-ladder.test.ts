import { describe, expect, test } from 'vitest';
import type { Decisions } from '../../src/plan/types.ts';
import type { FakeAnswers } from '../support/fake-reader.ts';
import { volumeMapping } from '../support/subjects.ts';
import {
  ATTACHMENT,
  answersBeforeOcata,
  cinderAnswers,
  type Holding,
  SECOND_ATTACHMENT,
  SECOND_VOLUME,
  SERVICES,
  twoVolumes,
  VOLUME,
} from '../support/volume-answers.ts';
import {
  CONNECTOR,
  codes,
  DELETE,
  DOWN,
  ids,
  NO_TOKEN,
  OLD_WAY,
  OTHER,
  phases,
  plan,
  SECOND,
  TOKEN,
} from './volumes-samples.ts';

const UNCONNECTED = { connection: null };
const FORCE = { detach: 'force' } as const;
const DATA = `volume ${VOLUME} "data" 20 GiB`;

const whys = ({ steps }: { steps: readonly { why: string }[] }) => steps.map(({ why }) => why);
const sentences = ({ refusals }: { refusals: readonly { sentence: string }[] }) =>
  refusals.map(({ sentence }) => sentence);

describe('before or after Nova’s rows', () => {
  test('as a service, of one that nobody else has: before', async () => {
    const made = await plan();
    expect(phases(made)).toEqual(['volumes']);
    expect(whys(made)).toEqual([
      'As Nova does it: Cinder takes the mapping from the storage, for a service (the account of [service_user]).',
    ]);
  });

  test('as a service, of one that others have: after, and so the neighbour’s stays connected', async () => {
    const made = await plan({ cinder: { holdings: [{}, OTHER] } });
    expect(phases(made)).toEqual(['volumes-late']);
    expect(whys(made)).toEqual([
      'As Nova does it: Cinder takes the mapping from the storage, for a service (the account of [service_user]). After Nova’s rows: a nova-compute that starts before would count who has the volume, find only the other, and disconnect it. 1 other keeps it.',
    ]);
  });

  test('as a service, of one that others have and Nova does not list: before', async () => {
    const made = await plan({ cinder: { holdings: [{}, OTHER] }, server: { volumes: [] } });
    expect(phases(made)).toEqual(['volumes']);
  });

  test('for no service, of one that Nova does not list: before, with the reason', async () => {
    const made = await plan({ server: { volumes: [] }, reader: NO_TOKEN });
    expect(phases(made)).toEqual(['volumes']);
    expect(whys(made)).toEqual([
      'As Nova does it; Nova does not list it as connected, so Cinder asks for no service token.',
    ]);
  });

  test.each([
    ['whose row is gone', { row: null }],
    ['whose mapping is deleted', { volumes: [volumeMapping({ deleted: true })] }],
  ])('for no service, of a server %s: before', async (_, server) => {
    expect(phases(await plan({ server, reader: NO_TOKEN }))).toEqual(['volumes']);
  });

  test('forced for no service, while Nova lists it: after', async () => {
    const server = { volumes: [volumeMapping({ connector: CONNECTOR })] };
    const made = await plan({ server, reader: NO_TOKEN, decided: FORCE });
    expect(phases(made)).toEqual(['volumes-late']);
    expect(made.steps[0]?.act).not.toHaveProperty('serviceToken');
  });

  test('a deletion waits for the last of those that let go of it', async () => {
    const cinder = { holdings: [{ status: 'reserved', connection: null }, SECOND] };
    const volumes = [volumeMapping(), volumeMapping({ rowId: 8, attachmentId: SECOND.id })];
    const made = await plan({ cinder, server: { volumes }, reader: NO_TOKEN, decided: DELETE });
    expect(phases(made)).toEqual(['volumes', 'volumes-late', 'volumes-late']);
    expect(made.steps[2]?.needs).toEqual(made.steps.slice(0, 2).map(({ id }) => id));
  });
});

describe('attached the old way or never connected', () => {
  test.each<[string, string]>([
    ['attached', 'force-detach'],
    ['detaching', 'force-detach'],
    ['error_detaching', 'force-detach'],
    ['attaching', 'attachment'],
    ['error_attaching', 'attachment'],
    ['reserved', 'attachment'],
  ])('%s without a connection: %s', async (status, rung) => {
    const made = await plan({ cinder: { holdings: [{ status, ...UNCONNECTED }] }, server: OLD_WAY });
    expect(ids(made)).toEqual([`volumes/V/${rung}/A`]);
  });
});

describe('forced', () => {
  test('with what Nova noted, and why the rung above cannot', async () => {
    const made = await plan({ cinder: { holdings: [UNCONNECTED] }, server: OLD_WAY });
    expect(whys(made)).toEqual([
      'The attachment cannot be deleted: it was attached the old way, and Cinder would not tell the storage. Force-detach with the connector that was written down when it was connected.',
    ]);
  });

  test('with none, and where it was begun', async () => {
    expect(whys(await plan({ decided: FORCE }))).toEqual([
      '--detach force begins lower. Force-detach without a connector, which nobody wrote down: the storage drops every mapping of the volume, and only this server holds it.',
    ]);
  });

  test('while another keeps it', async () => {
    const made = await plan({ cinder: { holdings: [{}, OTHER] }, server: OLD_WAY, decided: FORCE });
    expect(whys(made)[0]).toMatch(/when it was connected; 1 other keeps? it\.$/);
  });

  const several: readonly Holding[] = [UNCONNECTED, { ...SECOND, ...UNCONNECTED }];
  test('several attachments of the server, each with the connector', async () => {
    const made = await plan({ cinder: { holdings: several }, server: OLD_WAY });
    expect(ids(made)).toEqual(['volumes/V/force-detach/A', `volumes/V/force-detach/${SECOND.id}`]);
  });

  test.each<[string, FakeAnswers, readonly ReturnType<typeof volumeMapping>[], string]>([
    [
      'whose connectors nobody wrote down',
      TOKEN,
      [volumeMapping({ attachmentId: null })],
      'the server has several attachments of it, and nobody wrote down their connectors',
    ],
    [
      'for no service',
      NO_TOKEN,
      OLD_WAY.volumes,
      'it has several attachments, so Cinder asks for a service token (nobody is named)',
    ],
  ])('not several attachments of the server %s', async (_, reader, volumes, why) => {
    const made = await plan({ cinder: { holdings: several }, server: { volumes }, reader });
    expect(made.refusals).toEqual([
      {
        code: 'volume-cannot-detach',
        sentence: `${DATA}: the attachment cannot be deleted: it was attached the old way, and Cinder would not tell the storage; it cannot be force-detached: ${why}.`,
        flag: 'detach reset',
      },
    ]);
  });
});

describe('while its cinder-volume is down', () => {
  test('every request to it would hang: said once for all attachments', async () => {
    const made = await plan({ cinder: { services: DOWN, holdings: [{}, SECOND] } });
    expect(made.steps).toEqual([]);
    expect(sentences(made)).toEqual([
      `${DATA}: cinder-volume controller@lvm is down, and a request to it would hang. Start it, or let go of the volume in Cinder alone, with its export left on the storage.`,
    ]);
  });

  test('reset once for all attachments of the server', async () => {
    const cinder = { services: DOWN, holdings: [{}, SECOND] };
    expect(ids(await plan({ cinder, decided: { detach: 'reset' } }))).toEqual(['volumes/V/reset']);
  });

  test.each<[string, Partial<Decisions>]>([
    ['begun at the top', {}],
    ['begun with force', FORCE],
  ])('and others have it: only surgery is left, %s', async (_, decided) => {
    const made = await plan({ cinder: { services: DOWN, holdings: [{}, OTHER] }, decided });
    expect(made.refusals).toMatchObject([{ code: 'volume-backend-down', flag: 'surgery' }]);
  });

  test('what is only reserved goes by itself; forced, it would wait for cinder-volume too', async () => {
    const cinder = { services: DOWN, holdings: [{ status: 'reserved', ...UNCONNECTED }] };
    expect(ids(await plan({ cinder }))).toEqual(['volumes/V/attachment/A']);
    expect(codes(await plan({ cinder, decided: FORCE }))).toEqual(['volume-backend-down']);
  });

  test('another host’s of another cluster, or of none, is no help', async () => {
    const services = [
      { host: 'controller@lvm', state: 'down' },
      { host: 'other@lvm', state: 'up' },
      { host: 'third@lvm', state: 'up', cluster: 'c@lvm' },
    ];
    expect(codes(await plan({ cinder: { services } }))).toEqual(['volume-backend-down']);
  });

  test('one that Cinder does not know any more counts as down', async () => {
    expect(codes(await plan({ cinder: { services: [] } }))).toEqual(['volume-backend-down']);
  });

  test('a volume of another backend goes its way', async () => {
    const volumes = [
      volumeMapping(),
      volumeMapping({ volumeId: SECOND_VOLUME, attachmentId: SECOND_ATTACHMENT }),
    ];
    const http = twoVolumes({ volume: { 'os-vol-host-attr:host': 'other@lvm#pool' }, services: DOWN });
    const made = await plan({ server: { volumes }, reader: { http } });
    expect(sentences(made)[0]).toContain('cinder-volume other@lvm is down');
    expect(sentences(made)).toHaveLength(2);
    const services = [...DOWN, { host: 'other@lvm', state: 'up' }];
    const second = { http: { ...http, [SERVICES]: { body: { services } } } };
    expect(ids(await plan({ server: { volumes }, reader: second }))).toEqual(['volumes/V/attachment/A']);
  });

  test('a volume beside one that was never scheduled is asked about all the same', async () => {
    const volumes = [
      volumeMapping(),
      volumeMapping({ volumeId: SECOND_VOLUME, attachmentId: SECOND_ATTACHMENT }),
    ];
    const http = twoVolumes({ services: DOWN }, { volume: { 'os-vol-host-attr:host': null } });
    const made = await plan({ server: { volumes }, reader: { http } });
    expect(codes(made)).toEqual(['volume-backend-down']);
    expect(ids(made)).toEqual([`volumes/${SECOND_VOLUME}/attachment/${SECOND_ATTACHMENT}`]);
    const up = twoVolumes({}, { volume: { 'os-vol-host-attr:host': null } });
    expect(codes(await plan({ server: { volumes }, reader: { http: up } }))).toEqual([]);
  });

  test('attached the old way: that it is down is all there is to say', async () => {
    const made = await plan({ cinder: { services: DOWN, holdings: [UNCONNECTED] }, server: OLD_WAY });
    expect(sentences(made)).toEqual([
      expect.stringContaining(`${DATA}: cinder-volume controller@lvm is down`),
    ]);
  });
});

test('a volume of no backend is let go of without asking for one', async () => {
  const { [SERVICES]: _, ...http } = cinderAnswers({ volume: { 'os-vol-host-attr:host': null } });
  expect(ids(await plan({ reader: { http } }))).toEqual(['volumes/V/attachment/A']);
});

describe('others are counted as Cinder lists them', () => {
  test('one that has only reserved it too', async () => {
    const cinder = { holdings: [{}, { ...OTHER, status: 'reserved', connection: null }] };
    expect(codes(await plan({ cinder, decided: { detach: 'reset' } }))).toEqual(['volume-shared-reset']);
  });

  test('those of another volume do not count, should a filter have been dropped', async () => {
    const answers = cinderAnswers();
    const key = `volume /attachments?all_tenants=1&volume_id=${VOLUME}`;
    const others = { id: OTHER.id, status: 'attached', instance: OTHER.server, volume_id: SECOND_VOLUME };
    const mine = { ...others, id: ATTACHMENT, instance: null, volume_id: VOLUME };
    const http = { ...answers, [key]: { body: { attachments: [others] } } };
    expect(codes(await plan({ reader: { http }, decided: { detach: 'reset' } }))).toEqual([]);
    const shared = { ...answers, [key]: { body: { attachments: [others, mine] } } };
    expect(codes(await plan({ reader: { http: shared }, decided: { detach: 'reset' } }))).toEqual([
      'volume-shared-reset',
    ]);
  });
});

describe('before Pike', () => {
  const reader = { ...TOKEN, http: answersBeforeOcata() };

  test('forced at once and for no service: such a Cinder asks Nova nothing', async () => {
    const made = await plan({ reader, server: OLD_WAY });
    expect(phases(made)).toEqual(['volumes']);
    expect(made.steps[0]?.act).not.toHaveProperty('serviceToken');
    expect(whys(made)[0]).toMatch(
      /^The attachment cannot be deleted: this Cinder does not tell a server’s attachments \(before Pike, 3\.28\)\./,
    );
  });

  test('while another has it: not forced, for nobody could see that theirs stays', async () => {
    const http = answersBeforeOcata({ holdings: [{}, OTHER] });
    const made = await plan({ reader: { ...TOKEN, http }, server: OLD_WAY });
    expect(made.refusals).toMatchObject([
      {
        flag: 'surgery',
        sentence: expect.stringMatching(/1 other holds? it, and this Cinder cannot show that theirs stays/),
      },
    ]);
  });

  test('deleted when nobody holds it by the volume itself', async () => {
    const made = await plan({ reader, server: OLD_WAY, decided: DELETE });
    expect(made.steps[1]?.guards[0]?.check).toEqual({
      door: 'http',
      service: 'volume',
      path: `/volumes/${VOLUME}`,
      status: [200],
      at: { keys: ['volume', 'attachments'], equals: [] },
    });
  });
});
