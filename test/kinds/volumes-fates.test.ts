import { describe, expect, test } from 'vitest';
import { deletedVolume } from '../../src/kinds/volumes/steps.ts';
import type { FakeAnswers } from '../support/fake-reader.ts';
import { instanceRow, volumeMapping } from '../support/subjects.ts';
import {
  cinderAnswers,
  SECOND_ATTACHMENT,
  SECOND_VOLUME,
  SERVER,
  STRANGER,
  twoVolumes,
  VOLUME,
  type VolumeWorld,
} from '../support/volume-answers.ts';
import { codes, DELETE, DELETED, ids, KEEP, OTHER, plan, planUndecided, SECOND } from './volumes-samples.ts';

const DELETES = `volumes/${VOLUME}/delete`;
const ALONE: VolumeWorld = { holdings: [] };
const alone = (status: string): VolumeWorld => ({ ...ALONE, volume: { status } });

describe('what Cinder lets go for good', () => {
  test.each(['available', 'error', 'error_restoring', 'error_extending', 'error_managing'])(
    '%s and not attached: deleted',
    async (status) => {
      expect(ids(await plan({ cinder: alone(status), server: DELETED }))).toEqual(['volumes/V/delete']);
    },
  );

  test.each([
    'in-use',
    'attaching',
    'detaching',
    'reserved',
    'error_deleting',
    'deleting',
    'creating',
    'retyping',
  ])('%s and not attached: no detaching will change that', async (status) => {
    const made = await plan({ cinder: alone(status), decided: DELETE });
    expect(made.refusals).toMatchObject([
      {
        sentence: `volume ${VOLUME} "data" 20 GiB is to be deleted, and Cinder will refuse: its status is ${status}. Settle that first, or keep it.`,
      },
    ]);
    expect(made.remains).toEqual([
      { place: 'Cinder', what: `volume ${VOLUME} "data" 20 GiB, not attached, not deleted` },
    ]);
    expect(made.kept).toEqual([]);
  });

  test.each(['in-use', 'attaching', 'detaching', 'reserved', 'error'])(
    '%s and attached: deleted after it was let go of',
    async (status) => {
      const made = await plan({ cinder: { volume: { status } }, decided: DELETE });
      expect(ids(made)).toEqual(['volumes/V/attachment/A', 'volumes/V/delete']);
    },
  );

  test.each(['deleting', 'error', 'success', 'none', null])(
    'a migration that ended is no obstacle: %s',
    async (migration_status) => {
      expect(codes(await plan({ cinder: { volume: { migration_status } }, decided: DELETE }))).toEqual([]);
    },
  );

  test.each(['migrating', 'starting', 'completing', 'target:1'])(
    'one that goes on is: %s',
    async (running) => {
      const volume = { migration_status: undefined, 'os-vol-mig-status-attr:migstat': running };
      const made = await plan({ cinder: { volume }, decided: DELETE });
      expect(made.refusals[0]?.sentence).toContain(`it is being migrated (${running})`);
    },
  );

  test('a volume that never came to a cinder-volume needs none', async () => {
    const cinder = { volume: { status: 'error', 'os-vol-host-attr:host': null }, holdings: [], services: [] };
    expect(ids(await plan({ cinder, decided: DELETE }))).toEqual(['volumes/V/delete']);
  });

  test('one that only a host has, for no server, is another’s', async () => {
    const cinder = { holdings: [{}, { ...OTHER, server: null }] };
    const made = await plan({ cinder, decided: DELETE });
    expect(made.refusals[0]?.sentence).toContain('1 other still holds it');
  });

  test('two others and two snapshots are counted', async () => {
    const others = { holdings: [{}, OTHER, { ...SECOND, server: null }] };
    expect((await plan({ cinder: others, decided: DELETE })).refusals[0]?.sentence).toContain(
      '2 others still hold it',
    );
    const snapshots = { snapshots: [{ id: 's1' }, { id: 's2' }] };
    expect((await plan({ cinder: snapshots, decided: DELETE })).refusals[0]?.sentence).toContain(
      'it has 2 snapshots (s1, s2)',
    );
  });
});

describe('while nobody has decided', () => {
  test('one that is not attached, and that Nova would delete, is asked about too', async () => {
    const made = await planUndecided({ cinder: alone('available'), server: DELETED });
    expect(made).toMatchObject({
      steps: [],
      kept: [],
      refusals: [{ code: 'volumes-undecided', volumes: [{ id: VOLUME, nova: 'delete' }] }],
      remains: [{ what: `volume ${VOLUME} "data" 20 GiB, not attached, not deleted` }],
    });
  });

  test.each<[string, VolumeWorld, string]>([
    ['its key', { volume: { encrypted: true } }, 'encrypted: its key goes with it'],
    ['a snapshot that keeps it', { snapshots: [{ id: 's1' }] }, '1 snapshot: cannot be deleted'],
    ['another that keeps it', { holdings: [{}, OTHER] }, 'held by 1 other: cannot be deleted'],
    [
      'all of them',
      { volume: { encrypted: true }, snapshots: [{ id: 's1' }, { id: 's2' }], holdings: [{}, OTHER] },
      'encrypted: its key goes with it; 2 snapshots: cannot be deleted; held by 1 other: cannot be deleted',
    ],
  ])('what would be lost is told: %s', async (_, cinder, lost) => {
    const made = await planUndecided({ cinder });
    expect(made.refusals[0]?.volumes).toMatchObject([{ lost, nova: 'keep' }]);
    expect(made.kept).toEqual([]);
  });

  test('Nova deletes one of which any row says so', async () => {
    const volumes = [volumeMapping({ rowId: 6 }), volumeMapping({ deleteOnTermination: true })];
    expect((await planUndecided({ server: { volumes } })).refusals[0]?.volumes).toMatchObject([
      { nova: 'delete' },
    ]);
  });
});

describe('a volume that is kept', () => {
  test.each(['attaching', 'detaching', 'reserved', 'in-use'])(
    'and %s although nobody holds it: how to free it is told',
    async (status) => {
      const made = await plan({ cinder: alone(status), decided: KEEP });
      expect(made.kept[0]?.why).toBe(
        `asked for by --volumes; its status is ${status} although nobody holds it: openstack volume set --state available ${VOLUME}`,
      );
      expect(made.remains).toEqual([]);
    },
  );

  test.each<[string, VolumeWorld]>([
    ['it is available', alone('available')],
    ['it is attached', {}],
    ['another has it too', { holdings: [{}, OTHER] }],
  ])('and %s: nothing more is told', async (_, cinder) => {
    expect((await plan({ cinder, decided: KEEP })).kept[0]?.why).toBe('asked for by --volumes');
  });

  test('and another’s by now: it is no stuck one', async () => {
    const made = await plan({ cinder: { holdings: [OTHER] }, decided: KEEP });
    expect(made.kept[0]?.why).toBe(
      'Cinder has it attached to 1 other and not to this server: it was given away',
    );
  });

  test('named, though the rest is as Nova does it, is kept by that word', async () => {
    const named = { [VOLUME]: 'keep' as const };
    const made = await plan({ decided: { volumes: { rest: 'as-nova', named } } });
    expect(made.kept[0]?.why).toBe('asked for by --volumes');
  });

  test('and attached in two ways: each is told once', async () => {
    const cinder = { holdings: [{}, SECOND, { id: OTHER.id, status: 'reserved' }] };
    expect((await plan({ cinder })).remains[0]?.what).toBe(
      `volume ${VOLUME} "data" 20 GiB, attached and reserved`,
    );
  });

  test('and without name and size', async () => {
    const cinder = { volume: { name: null, size: null, encrypted: null } };
    expect((await plan({ cinder })).kept[0]?.what).toBe(`volume ${VOLUME} 0 GiB`);
    expect((await plan({ cinder, decided: DELETE })).steps.at(-1)?.title).toBe(
      `delete volume ${VOLUME} 0 GiB`,
    );
  });
});

describe('volumes by name', () => {
  const rest = { rest: 'delete' as const, named: { [STRANGER]: 'keep' as const } };
  test.each([
    [
      'whose row is deleted',
      { volumes: [volumeMapping(), volumeMapping({ volumeId: STRANGER, deleted: true })] },
    ],
    [
      'whose row lives',
      { volumes: [volumeMapping(), volumeMapping({ volumeId: STRANGER, attachmentId: null })] },
    ],
  ])('one %s is no stranger', async (_, server) => {
    const http = { ...cinderAnswers(), [`volume /volumes/${STRANGER}`]: { status: 404 } };
    expect(codes(await plan({ server, reader: { http }, decided: { volumes: rest } }))).toEqual([]);
  });

  test('one that only Cinder gives to it is no stranger', async () => {
    const named = { [VOLUME]: 'keep' as const };
    const made = await plan({ server: { volumes: [] }, decided: { volumes: { rest: 'delete', named } } });
    expect(codes(made)).toEqual([]);
    expect(ids(made)).not.toContain('volumes/V/delete');
  });

  test('of a server that has none: nothing can be left to the rest', async () => {
    const gone = { cinder: { volume: null, holdings: [] } };
    expect(codes(await plan({ ...gone, decided: { volumes: rest } }))).toEqual([]);
  });

  test('each of two goes its own way', async () => {
    const second = volumeMapping({
      rowId: 8,
      volumeId: SECOND_VOLUME,
      attachmentId: SECOND_ATTACHMENT,
      deleteOnTermination: true,
    });
    const made = await plan({
      server: { volumes: [volumeMapping(), second] },
      reader: { http: twoVolumes() },
    });
    expect(ids(made)).toEqual([
      'volumes/V/attachment/A',
      `volumes/${SECOND_VOLUME}/attachment/${SECOND_ATTACHMENT}`,
      `volumes/${SECOND_VOLUME}/delete`,
    ]);
    expect(made.steps[2]?.needs).toEqual([`volumes/${SECOND_VOLUME}/attachment/${SECOND_ATTACHMENT}`]);
  });
});

describe('rows that were deleted beside the server’s own', () => {
  const at = (deletedAt: string, row = {}) => ({
    row: instanceRow({
      deleted: 42,
      deletedAt: '2026-11-03 10:00:00',
      vmState: 'deleted',
      taskState: null,
      ...row,
    }),
    volumes: [volumeMapping({ deleted: true, deleteOnTermination: true, deletedAt })],
  });
  test.each([
    ['5 seconds before: together', '2026-11-03 09:59:55', [DELETES]],
    ['6 seconds before: detached by its owner', '2026-11-03 09:59:54', []],
    ['ten minutes after: by a nova-compute that was slow', '2026-11-03 10:10:00', [DELETES]],
  ])('%s', async (_, deletedAt, steps) => {
    const made = await plan({ cinder: alone('available'), server: at(deletedAt) });
    expect(made.steps.map(({ id }) => id)).toEqual(steps);
  });

  test('of a server that is only soft-deleted, and may come back: its owner’s', async () => {
    const server = at('2026-11-03 10:00:00', { deleted: 0, vmState: 'soft-delete' });
    expect(await plan({ cinder: alone('available'), server })).toMatchObject({ steps: [], kept: [] });
  });
});

describe('a volume that an earlier run was to delete', () => {
  const empty: VolumeWorld = { holdings: [] };
  const told = (state: string) => [
    {
      place: 'Cinder',
      what: `volume ${VOLUME} "data" 20 GiB`,
      why: `an earlier run was to delete it, and Nova let go of it before; ${state}`,
    },
  ];
  const doomed = { volumes: [], doomed: [VOLUME] };
  test.each([
    ['available', `if it is still to go: openstack volume delete ${VOLUME}`],
    ['in-use', 'it is in-use now'],
    ['deleting', 'it is deleting now'],
  ])('is told of and not touched: %s', async (status, state) => {
    const made = await plan({ cinder: { ...empty, volume: { status } }, server: doomed, decided: DELETE });
    expect(made).toEqual({ steps: [], remains: [], refusals: [], kept: told(state) });
  });

  test('is told of beside one that the server has', async () => {
    const server = { volumes: [volumeMapping()], doomed: [SECOND_VOLUME] };
    const made = await plan({ server, reader: { http: twoVolumes({}, { ...alone('available') }) } });
    expect(made.kept.map(({ what }) => what)).toEqual([
      `volume ${VOLUME} "data" 20 GiB`,
      `volume ${SECOND_VOLUME} "data" 20 GiB`,
    ]);
  });

  test('and that its owner detached before: is told of too', async () => {
    const server = { ...doomed, volumes: [volumeMapping({ deleted: true })] };
    const made = await plan({ cinder: alone('available'), server });
    expect(made.kept).toEqual(told(`if it is still to go: openstack volume delete ${VOLUME}`));
  });

  test.each([
    ['still the server’s: planned anew, once', {}, { doomed: [VOLUME] }, ['volumes/V/attachment/A']],
    ['gone: nothing', { volume: null, holdings: [] }, doomed, []],
  ])('%s', async (_, cinder, server, steps) => {
    const made = await plan({ cinder, server });
    expect(ids(made)).toEqual(steps);
    expect(made.kept).toHaveLength(steps.length);
  });

  test('whatever it is called, its path is a volume’s', async () => {
    const http: FakeAnswers['http'] = {
      ...cinderAnswers(ALONE),
      'volume /volumes/..%2Fservers%3Fx': { status: 404 },
    };
    const made = await plan({ server: { volumes: [], doomed: ['../servers?x'] }, reader: { http } });
    expect(made.kept).toEqual([]);
  });

  test('is known by the step of the plan that was cut', () => {
    expect(deletedVolume({ id: DELETES })).toBe(VOLUME);
    for (const id of [
      `${DELETES}/rows`,
      `x${DELETES}`,
      `volumes/${VOLUME}/reset`,
      'volumes/../delete',
      SERVER,
    ])
      expect(deletedVolume({ id })).toBe(null);
  });
});
