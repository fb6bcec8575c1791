import { describe, expect, test } from 'vitest';
import { fence } from '../../src/kinds/fence/index.ts';
import type {
  ComputeService,
  Host,
  InstanceRow,
  Migration,
  Subject,
} from '../../src/kinds/subject/subject.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { decisions, instanceRow, subject } from '../support/subjects.ts';

const SERVER = '11111111-2222-4333-8444-555555555555';
const QUIET = 3_600;

function host(service: Partial<ComputeService> | null, name = 'compute1'): Host {
  return {
    name,
    because: ['instances.host'],
    instancesPath: '/var/lib/nova/instances',
    service: service === null ? null : { up: true, lastSeen: null, ...service },
  };
}

const UP = { hosts: [host({ up: true })] };
const DOWN = { hosts: [host({ up: false })] };

function refusals(changes: Partial<Subject>, quietSeconds: number | null = QUIET) {
  return fence.plan({ quietSeconds }, subject(changes), decisions()).refusals;
}
const codes = (changes: Partial<Subject>, quietSeconds?: number | null) =>
  refusals(changes, quietSeconds).map(({ code }) => code);
const row = (changes: Partial<InstanceRow>) => ({ row: instanceRow(changes) });

test('a server that is stuck on a dead host is let through', () => {
  expect(fence.plan({ quietSeconds: QUIET }, subject(DOWN), decisions())).toMatchObject({
    steps: [],
    remains: [],
    refusals: [],
  });
});

describe('server-healthy', () => {
  const healthy = (changes: Partial<InstanceRow> = {}) =>
    row({ vmState: 'active', taskState: null, ...changes });

  test.each([
    'active',
    'paused',
    'suspended',
    'stopped',
    'rescued',
    'resized',
    'shelved',
    'shelved_offloaded',
    'soft-delete',
  ])('%s with no task, its nova-compute up', (vmState) => {
    expect(refusals({ ...healthy({ vmState }), ...UP })).toMatchObject([
      { code: 'server-healthy', flag: 'even-healthy' },
    ]);
  });
  test('on no host at all: nova-api deletes it', () => {
    expect(codes({ ...healthy({ vmState: 'shelved_offloaded', host: null }), hosts: [] })).toEqual([
      'server-healthy',
    ]);
  });
  test('says why Nova could do it', () => {
    expect(refusals({ ...healthy(), ...UP })[0]?.sentence).toBe(
      'It is active with no task and nova-compute on compute1 is up: Nova can delete it (openstack server delete).',
    );
    const nowhere = { ...healthy({ vmState: 'shelved_offloaded', host: null }), hosts: [] };
    expect(refusals(nowhere)[0]?.sentence).toContain('It is shelved_offloaded with no task: Nova can');
  });
  test.each<[string, Partial<Subject>]>([
    ['it is in error', { ...healthy({ vmState: 'error' }), ...UP }],
    ['it is building', { ...healthy({ vmState: 'building' }), ...UP }],
    ['it has a task', { ...healthy({ taskState: 'deleting' }), ...UP }],
    ['its nova-compute is down', { ...healthy(), ...DOWN }],
    ['its host has no nova-compute', { ...healthy(), hosts: [host(null)] }],
    ['another host is up', { ...healthy(), hosts: [host({ up: true }, 'compute2'), host({ up: false })] }],
    ['its row is deleted', { ...healthy({ deleted: 42 }), ...UP }],
    ['it has no row', { row: null, ...UP }],
  ])('not when %s', (_, changes) => {
    expect(codes(changes)).not.toContain('server-healthy');
  });
});

describe('compute-working', () => {
  const busy = { ...row({ taskState: 'deleting' }), ...UP };

  test.each<[string, number | null, readonly string[]]>([
    ['just now', 0, ['compute-working']],
    ['299 s ago', 299, ['compute-working']],
    ['300 s ago', 300, []],
    ['301 s ago', 301, []],
    ['in the future, by a clock that is wrong', -50, ['compute-working']],
    ['at no known time', null, ['compute-working']],
  ])('changed %s', (_, quiet, expected) => {
    expect(codes(busy, quiet)).toEqual(expected);
  });
  test.each([
    ...['image_uploading', 'shelving_image_uploading', 'spawning', 'resize_migrating'],
    ...['migrating', 'suspending', 'rescuing'],
  ])('%s copies disks or memory: under way for an hour, as long as its nova-compute is up', (taskState) => {
    expect(codes({ ...busy, ...row({ taskState }) }, 3_599)).toEqual(['compute-working']);
    expect(codes({ ...busy, ...row({ taskState }) }, 3_600)).toEqual([]);
    expect(codes({ ...row({ taskState }), ...DOWN }, 0)).toEqual([]);
  });
  test.each<[number | null, string]>([
    [119, 'changed 119 s ago: its'],
    [120, 'changed 2 min ago: its'],
    [null, 'changed at no known time: its'],
  ])('after %s s', (quiet, says) => {
    expect(refusals(busy, quiet)[0]?.sentence).toContain(says);
  });
  test('names its flag and when', () => {
    expect(refusals(busy, 125)).toEqual([
      {
        code: 'compute-working',
        flag: 'even-working',
        sentence:
          'nova-compute on compute1 is up and the server changed 2 min ago: its task deleting may be under way.',
      },
    ]);
  });
  test.each<[string, Partial<Subject>]>([
    ['its nova-compute is down', { ...busy, ...DOWN }],
    ['its host has no nova-compute', { ...busy, hosts: [host(null)] }],
    ['another host is up', { ...busy, hosts: [host({ up: true }, 'compute2'), host({ up: false })] }],
    ['it has no task', { ...busy, ...row({ vmState: 'error', taskState: null }) }],
    ['its row is deleted', { ...busy, ...row({ deleted: 42 }) }],
  ])('not when %s', (_, changes) => {
    expect(codes(changes, 0)).toEqual([]);
  });
});

describe('being-built', () => {
  const asked = { row: null, buildRequest: { id: 7 }, conductorUp: true };

  test.each<[string, number | null, readonly string[]]>([
    ['299 s ago', 299, ['being-built']],
    ['300 s ago', 300, []],
    ['301 s ago', 301, []],
    ['at no known time', null, ['being-built']],
  ])('asked for %s', (_, quiet, expected) => {
    expect(codes(asked, quiet)).toEqual(expected);
    if (expected.length > 0) expect(refusals(asked, quiet)[0]?.flag).toBe('even-working');
  });
  test.each<[string, Partial<Subject>]>([
    ['no conductor is alive', { ...asked, conductorUp: false }],
    ['there is no build request', { ...asked, buildRequest: null }],
    ['it has a row', { ...asked, ...row({}), ...DOWN }],
  ])('not when %s', (_, changes) => {
    expect(codes(changes, 0)).toEqual([]);
  });
});

describe('on no host yet, and perhaps on its way to one', () => {
  const unplaced = (changes: Partial<InstanceRow> = {}): Partial<Subject> => ({
    ...row({ host: null, vmState: 'building', taskState: 'scheduling', ...changes }),
    hosts: [],
  });

  test.each<[string, Partial<Subject>]>([
    ['its host was chosen, not yet claimed', unplaced()],
    ['the same without a task', unplaced({ taskState: null })],
    ['it is being unshelved', unplaced({ vmState: 'shelved_offloaded', taskState: 'unshelving' })],
  ])('%s', (_, changes) => {
    expect(refusals(changes, 299)).toMatchObject([{ code: 'being-built', flag: 'even-working' }]);
    expect(codes(changes, null)).toEqual(['being-built']);
    expect(codes(changes, 300)).toEqual([]);
    expect(codes({ ...changes, conductorUp: false }, 0)).toEqual([]);
  });
  test('says what it is', () => {
    expect(refusals(unplaced(), 30)[0]?.sentence).toBe(
      'It is building with task scheduling, changed 30 s ago, and a nova-conductor is alive: a host may be taking it.',
    );
    expect(refusals(unplaced({ taskState: null }), 30)[0]?.sentence).toContain('It is building, changed');
  });
  test.each<[string, Partial<Subject>]>([
    ['it failed and nobody works on it', unplaced({ vmState: 'error', taskState: null })],
    ['nova-api deletes it', unplaced({ vmState: 'shelved_offloaded', taskState: 'deleting' })],
    ['nova-api deletes it softly', unplaced({ vmState: 'shelved_offloaded', taskState: 'soft-deleting' })],
    ['its row is deleted', unplaced({ deleted: 42 })],
    ['it has a host', { ...unplaced({ host: 'compute1' }), ...DOWN }],
  ])('not when %s', (_, changes) => {
    expect(codes(changes, 0)).toEqual([]);
  });
});

test('building without a task, on a host whose nova-compute is up', () => {
  const building = { ...row({ vmState: 'building', taskState: null }), ...UP };
  expect(refusals(building, 10)).toMatchObject([{ code: 'compute-working', flag: 'even-working' }]);
  expect(refusals(building, 10)[0]?.sentence).toContain('10 s ago: it may be building.');
  expect(codes(building, 300)).toEqual([]);
});

describe('locked, protected, hidden', () => {
  test.each<[string, Partial<InstanceRow>, string]>([
    ['server-locked', { locked: true }, 'even-locked'],
    ['terminate-disabled', { disableTerminate: true }, 'even-protected'],
    ['server-hidden', { hidden: true }, 'even-hidden'],
  ])('%s', (code, changes, flag) => {
    expect(refusals({ ...row(changes), ...DOWN })).toMatchObject([{ code, flag }]);
    expect(codes({ ...row({ ...changes, deleted: 42 }), ...DOWN })).toEqual([]);
  });
  test('all of them are told at once', () => {
    expect(
      codes({ ...row({ locked: true, disableTerminate: true, hidden: true }), ...UP }, 0).sort(),
    ).toEqual(['compute-working', 'server-hidden', 'server-locked', 'terminate-disabled']);
  });
});

describe('migration-running', () => {
  const migration = (changes: Partial<Migration>): Partial<Subject> => ({
    ...DOWN,
    migrations: [
      {
        id: 3,
        uuid: null,
        status: 'migrating',
        sourceCompute: 'compute1',
        destCompute: null,
        deleted: false,
        ...changes,
      },
    ],
  });

  test.each([
    'queued',
    'accepted',
    'pre-migrating',
    'preparing',
    'running',
    'running (post-copy)',
    'migrating',
    'post-migrating',
  ])('%s', (status) => {
    expect(refusals(migration({ status }))).toEqual([
      {
        code: 'migration-running',
        flag: 'even-migrating',
        sentence: `Migration 3 from compute1 to nowhere is ${status}: its domain may be on both.`,
      },
    ]);
  });
  describe.each(['confirming', 'reverting'])('%s', (status) => {
    const between = (source: Partial<ComputeService> | null, dest: Partial<ComputeService> | null) => ({
      ...migration({ status, destCompute: 'compute2' }),
      hosts: [host(source), host(dest, 'compute2')],
    });
    test('while a nova-compute of either side is up', () => {
      expect(codes(between({ up: true }, { up: false }))).toEqual(['migration-running']);
      expect(codes(between({ up: false }, { up: true }))).toEqual(['migration-running']);
    });
    test('while one side is not named', () => {
      expect(codes(migration({ status, destCompute: null }))).toEqual(['migration-running']);
    });
    test('not when nobody is there who could settle it', () => {
      expect(codes(between({ up: false }, { up: false }))).toEqual([]);
      expect(codes(between({ up: false }, null))).toEqual([]);
      expect(codes({ ...migration({ status, destCompute: 'compute1' }), ...DOWN })).toEqual([]);
      const third = host({ up: true }, 'compute3');
      expect(
        codes({ ...migration({ status, destCompute: 'gone' }), hosts: [host({ up: false }), third] }),
      ).toEqual([]);
    });
  });
  test.each([
    'running (post-copy) of another',
    'finished',
    'confirmed',
    'reverted',
    'error',
    'failed',
    'completed',
    'cancelled',
    'done',
    null,
  ])('not %s', (status) => {
    expect(codes(migration({ status }))).toEqual([]);
  });
  test('not one whose row is deleted, nor one of a deleted server', () => {
    expect(codes(migration({ deleted: true }))).toEqual([]);
    expect(codes({ ...migration({}), ...row({ deleted: 42 }) })).toEqual([]);
  });
});

describe('when the server last moved', () => {
  const ACTION = `cell:c1: select start_time, updated_at from instance_actions where instance_uuid = "${SERVER}" order by id desc limit 1`;
  const quiet = async (changes: Partial<Subject>, actions: Record<string, string | null>[] = []) => {
    const look = fakeReader({ sql: { [ACTION]: actions } });
    const { facts, unknown } = await fence.find(look, subject({ now: '2026-11-22 10:00:00', ...changes }));
    expect(unknown).toEqual([]);
    return facts.quietSeconds;
  };

  test('its row', async () => {
    expect(await quiet(row({ updatedAt: '2026-11-22 09:59:00' }))).toBe(60);
  });
  test('its latest action, when that is younger', async () => {
    const changes = row({ updatedAt: '2026-11-22 09:00:00' });
    expect(await quiet(changes, [{ start_time: '2026-11-22 09:50:00', updated_at: null }])).toBe(600);
    expect(
      await quiet(changes, [{ start_time: '2026-11-22 09:50:00', updated_at: '2026-11-22 09:58:20' }]),
    ).toBe(100);
  });
  test('its making, when it was never changed', async () => {
    expect(await quiet(row({ updatedAt: null, createdAt: '2026-11-22 09:55:00' }))).toBe(300);
  });
  test('nothing says when: not known', async () => {
    expect(await quiet(row({ updatedAt: null, createdAt: null }))).toBeNull();
  });
  test("MySQL's zero date is no time: not known, so it counts as young", async () => {
    const zero = await quiet(row({ updatedAt: '0000-00-00 00:00:00' }));
    expect(zero).toBeNull();
    expect(codes({ ...row({ taskState: 'deleting' }), ...UP }, zero)).toEqual(['compute-working']);
  });
  test('a deleted row is not asked about', async () => {
    const found = await fence.find(fakeReader({}), subject(row({ deleted: 42 })));
    expect(found).toEqual({ facts: { quietSeconds: null }, unknown: [] });
  });
  test('nor a server that is only mapped', async () => {
    const found = await fence.find(fakeReader({}), subject({ row: null }));
    expect(found).toEqual({ facts: { quietSeconds: null }, unknown: [] });
  });
  test('a row counts before a build request that was left behind', async () => {
    const changes = { ...row({ updatedAt: '2026-11-22 09:59:00' }), buildRequest: { id: 7 } };
    expect(await quiet(changes)).toBe(60);
  });

  test('before it has a row, its build request', async () => {
    const question = `api: select created_at, updated_at, utc_timestamp() as now from build_requests where instance_uuid = "${SERVER}"`;
    const look = fakeReader({
      sql: {
        [question]: [
          {
            created_at: '2026-11-22 09:00:00',
            updated_at: '2026-11-22 09:59:30',
            now: '2026-11-22 10:00:00',
          },
        ],
      },
    });
    const asked = subject({ row: null, buildRequest: { id: 7 } });
    expect((await fence.find(look, asked)).facts).toEqual({ quietSeconds: 30 });
    const gone = fakeReader({ sql: { [question]: [] } });
    expect((await fence.find(gone, asked)).facts).toEqual({ quietSeconds: null });
  });
});

describe('a nova-compute of which nobody knows whether it is up', () => {
  const unclear = { hosts: [host({ up: null })] };
  const why = 'may be up (its signs of life are not in Nova’s database)';
  test('counts as one that is, and the sentence says which it is', () => {
    expect(refusals({ ...unclear, ...row({ vmState: 'active', taskState: null }) })).toMatchObject([
      { code: 'server-healthy', flag: 'even-healthy', sentence: expect.stringContaining(why) },
    ]);
    expect(refusals({ ...unclear, ...row({ taskState: 'deleting' }) }, 20)).toMatchObject([
      { code: 'compute-working', flag: 'even-working', sentence: expect.stringContaining(why) },
    ]);
    expect(codes({ ...unclear, ...row({ taskState: 'deleting' }) })).toEqual([]);
  });
  test('nor a nova-conductor: it may build', () => {
    const unplaced = { ...row({ host: null, vmState: 'building', taskState: 'scheduling' }), hosts: [] };
    for (const server of [{ row: null, buildRequest: { id: 7 } }, unplaced])
      expect(refusals({ ...server, conductorUp: null }, 30)).toMatchObject([
        { code: 'being-built', sentence: expect.stringContaining(`a nova-conductor ${why}: `) },
      ]);
  });
  test('may settle a migration', () => {
    const between = { sourceCompute: 'compute1', destCompute: 'compute1' };
    const settling = { id: 3, uuid: null, status: 'confirming', deleted: false, ...between };
    expect(codes({ ...unclear, ...row({ taskState: 'deleting' }), migrations: [settling] })).toEqual([
      'migration-running',
    ]);
  });
  test('is not said to be powered off until Nova is told', () => {
    const off = { hosts: [{ ...host({ up: null }), fenced: { answers: null } }] };
    expect(refusals({ ...off, ...row({ taskState: 'deleting' }) })).toMatchObject([
      {
        code: 'fenced-but-up',
        flag: null,
        sentence: expect.stringMatching(/openstack compute service set --down says so there\.$/),
      },
    ]);
  });
});

describe('a host that is said to be powered off', () => {
  const off = (answers: string | null, service: Partial<ComputeService> = { up: false }) => ({
    ...row({ host: 'compute1' }),
    hosts: [{ ...host(service), fenced: { answers } }],
  });

  test('and is silent: nothing speaks against it, and what its nova-compute may do later is told', () => {
    expect(codes(off(null))).toEqual([]);
    const { kept } = fence.plan({ quietSeconds: QUIET }, subject(off(null)), decisions());
    expect(kept.map(({ what }) => what)).toContain(
      'what its nova-compute does by itself when the host is back',
    );
    expect(kept.at(-1)?.why).toContain('remove the folder within five minutes');
  });
  test('of no other host anything is told, nor of the folder where there is no row', () => {
    const hosts = [...off(null).hosts, host({ up: true }, 'compute2')];
    const { kept } = fence.plan({ quietSeconds: QUIET }, subject({ row: null, hosts }), decisions());
    expect(kept).toMatchObject([{ place: 'host compute1', why: expect.not.stringContaining('folder') }]);
    const lost = [{ ...host(null), fenced: { answers: null } }];
    expect(codes({ ...row({ host: 'compute1' }), hosts: lost })).toEqual([]);
  });
  test('of another host than the row names only the domain is destroyed there', () => {
    const elsewhere = { ...off(null), ...row({ host: 'compute2' }) };
    const { kept } = fence.plan({ quietSeconds: QUIET }, subject(elsewhere), decisions());
    expect(kept.at(-1)?.why).not.toContain('folder');
  });
  test('but answers: refused, whatever it answers, and nothing lifts it', () => {
    expect(refusals(off('Permission denied'))).toMatchObject([
      { code: 'fenced-but-answers', flag: null, sentence: expect.stringContaining('Permission denied') },
    ]);
  });
  test('but Nova hears of it: refused, and nothing lifts it', () => {
    expect(refusals(off(null, { up: true, lastSeen: '2026-11-22 10:00:00' }))).toMatchObject([
      { code: 'fenced-but-up', flag: null, sentence: expect.stringContaining('2026-11-22 10:00:00') },
    ]);
  });
});
