import { describe, expect, test } from 'vitest';
import type { Host, Subject, VolumeMapping } from '../../src/kinds/subject/subject.ts';
import { waitingRequests } from '../../src/kinds/waiting-requests/index.ts';
import { LookError } from '../../src/plan/errors.ts';
import type { Decisions } from '../../src/plan/types.ts';
import type { QueueContents } from '../../src/site/queue/buses.ts';
import type { WaitingRequest } from '../../src/site/queue/request.ts';
import type { Row } from '../../src/site/reader.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { decisions, instanceRow, subject, volumeMapping } from '../support/subjects.ts';

const SERVER = '11111111-2222-4333-8444-555555555555';
const OTHER = '11111111-2222-4333-8444-555555555556';
const VOLUME = '99999999-2222-4333-8444-000000000001';
const PGREP = 'compute1: pgrep -f (^|/)nova-compute( |$)';
const SERVICES =
  'cell:c1: select report_count from services where host = "compute1" and binary = "nova-compute" and deleted = 0';
const OTHERS = `cell:c1: select b.instance_uuid, b.volume_id, b.connection_info, i.display_name from block_device_mapping as b inner join instances as i on i.uuid = b.instance_uuid where (i.host = "compute1" or i.uuid in (select m.instance_uuid from migrations as m where m.dest_compute = "compute1" and m.status in ("preparing", "running", "running (post-copy)", "pre-migrating") and m.deleted = 0)) and i.deleted = 0 and b.deleted = 0 and b.destination_type = "volume" and b.instance_uuid != "${SERVER}" order by b.id`;
const NO_WAY = new LookError('message bus of cell1', 'no answer in 3 s', { code: 'message-bus-unreachable' });

const asked = (method: string | null, server: string | null = SERVER): WaitingRequest => ({
  method,
  server,
  requestId: null,
  askedAt: null,
  mentions: [],
});
const holds = (...requests: WaitingRequest[]): QueueContents => ({ requests, consumers: 0 });
const host = (up: boolean, name = 'compute1'): Host => ({
  name,
  because: ['instances.host'],
  instancesPath: '/var/lib/nova/instances',
  service: { up, lastSeen: '2026-11-02 10:00:00' },
});

interface Answers {
  readonly queue?: QueueContents | LookError | null;
  /** exit code of pgrep */
  readonly process?: number | LookError;
  readonly services?: readonly Row[];
  /** what other servers of the host have connected */
  readonly others?: readonly Row[];
}

async function planFor(
  { queue = null, process = 1, services = [{ report_count: 77 }], others = [] }: Answers,
  changes: Partial<Subject> = {},
  decided: Partial<Decisions> = {},
) {
  const of = subject(changes);
  const reader = fakeReader({
    queue: { 'cell:c1 compute.compute1': queue },
    command: { [PGREP]: process instanceof Error ? process : { exit: process } },
    sql: { [SERVICES]: services, [OTHERS]: others },
  });
  const { facts, unknown } = await waitingRequests.find(reader, of);
  return { unknown, unasked: reader.unasked(), ...waitingRequests.plan(facts, of, decisions(decided)) };
}

const ISCSI = {
  driver_volume_type: 'iscsi',
  data: { target_portal: '10.0.3.1:3260', target_iqn: 'iqn.2010-10.org.openstack:v', target_lun: 1 },
};
/** A row of what another server of the host has connected. */
const theirs = (volumeId: string, connection: object = ISCSI): Row => ({
  instance_uuid: OTHER,
  volume_id: volumeId,
  display_name: 'neighbour',
  connection_info: JSON.stringify(connection),
});

describe('requests that wait', () => {
  test('are taken out, by queue and server, while nova-compute stays silent', async () => {
    const queue = holds(
      asked('reboot_instance'),
      asked('terminate_instance', OTHER),
      asked('terminate_instance'),
    );
    const plan = await planFor({ queue });
    expect(plan.remains.map(({ place, what }) => `${place}: ${what}`)).toEqual([
      'message bus of cell1: request reboot_instance that waits for nova-compute on compute1',
      'message bus of cell1: request terminate_instance that waits for nova-compute on compute1',
    ]);
    const which = { door: 'queue', database: 'cell:c1', queue: 'compute.compute1', server: SERVER };
    expect(plan.steps).toMatchObject([
      {
        phase: 'secure',
        title: 'take 2 requests (reboot_instance, terminate_instance) out of queue compute.compute1',
        act: which,
        settled: { ...which, count: 0 },
        before: [which],
        undo: 'never',
      },
    ]);
    expect(plan.steps[0]?.guards).toEqual([
      {
        must: 'nova-compute on compute1 has not reported since',
        check: {
          door: 'sql',
          database: 'cell:c1',
          table: 'services',
          where: [
            { column: 'host', is: '=', value: 'compute1' },
            { column: 'binary', is: '=', value: 'nova-compute' },
            { column: 'deleted', is: '=', value: 0 },
            { column: 'report_count', is: '=', value: 77 },
          ],
          count: 1,
        },
      },
    ]);
    expect(plan).toMatchObject({ refusals: [], kept: [], unknown: [] });
  });

  test('for a host that Nova has no service of any more', async () => {
    const hosts = [{ ...host(false), service: null }];
    const plan = await planFor({ queue: holds(asked('terminate_instance')), services: [] }, { hosts });
    expect(plan.steps[0]?.guards).toEqual([
      {
        must: 'Nova knows no nova-compute on compute1',
        check: {
          door: 'sql',
          database: 'cell:c1',
          table: 'services',
          where: [
            { column: 'host', is: '=', value: 'compute1' },
            { column: 'binary', is: '=', value: 'nova-compute' },
            { column: 'deleted', is: '=', value: 0 },
          ],
          count: 0,
        },
      },
    ]);
  });

  test('for a service that has not reported once', async () => {
    const plan = await planFor({
      queue: holds(asked('terminate_instance')),
      services: [{ report_count: 0 }],
    });
    expect(plan.steps[0]?.guards).toMatchObject([
      { check: { where: [{}, {}, {}, { column: 'report_count', value: 0 }], count: 1 } },
    ]);
  });

  test('of one sort are named once', async () => {
    const plan = await planFor({ queue: holds(asked('terminate_instance'), asked('terminate_instance')) });
    expect(plan.steps[0]?.title).toBe('take 2 requests (terminate_instance) out of queue compute.compute1');
  });

  test.each<[string, Partial<Subject>]>([
    ['a server that is deleted already', { row: instanceRow({ deleted: 42, taskState: null }) }],
    ['a server whose row is gone', { row: null }],
  ])('also of %s', async (_, changes) => {
    const plan = await planFor({ queue: holds(asked('terminate_instance')) }, { uuid: SERVER, ...changes });
    expect(plan.steps).toHaveLength(1);
    expect(plan.unasked).toEqual([PGREP, OTHERS]);
  });

  test('is said as one, where it is one', async () => {
    const plan = await planFor({ queue: holds(asked('terminate_instance')) });
    expect(plan.steps).toMatchObject([
      {
        id: `waiting-requests/compute1/${SERVER}`,
        title: 'take the request terminate_instance out of queue compute.compute1',
        why: 'nova-compute would take it when it comes back, and a delete request brings its own list of volumes to delete.',
      },
    ]);
  });

  test('of others stay, and so do events that name several', async () => {
    const queue = holds(asked('terminate_instance', OTHER), asked('external_instance_event', null));
    expect(await planFor({ queue })).toMatchObject({ steps: [], remains: [], kept: [], refusals: [] });
  });
});

test.each<[string, Partial<Subject>]>([
  ['its nova-compute is up', { hosts: [host(true)] }],
  ['it is on no host', { hosts: [] }],
  ['it never left cell0', { cell: { uuid: 'c0', name: 'cell0', database: 'cell:c0', isCell0: true } }],
  ['no cell knows it', { cell: null }],
])('nobody is asked when %s', async (_, changes) => {
  const plan = await planFor({}, changes);
  expect(plan).toMatchObject({ steps: [], remains: [], kept: [], refusals: [], unknown: [] });
  expect(plan.unasked).toHaveLength(4);
});

test.each<[string, QueueContents | null]>([
  ['no queue', null],
  ['an empty queue', holds()],
])('%s and no process: nothing to do', async (_, queue) => {
  expect(await planFor({ queue })).toMatchObject({ steps: [], remains: [], kept: [], refusals: [] });
});

describe('a message that is not understood', () => {
  const unclear = (mentions: readonly string[] | null) => ({ ...asked(null, null), mentions });
  test.each([
    ['names this server', unclear([SERVER])],
    ['cannot be read', unclear(null)],
  ])('and %s is left and told', async (_, request) => {
    const plan = await planFor({ queue: holds(request) });
    expect(plan.steps).toEqual([]);
    expect(plan.kept).toMatchObject([
      { place: 'message bus of cell1', what: '1 message in queue compute.compute1' },
    ]);
  });
  test('and another are told as two', async () => {
    const plan = await planFor({ queue: holds(unclear([SERVER]), unclear(null)) });
    expect(plan.kept).toMatchObject([
      {
        what: '2 messages in queue compute.compute1',
        why: 'not understood, and perhaps about this server: nova-compute on compute1 takes it when it comes back',
      },
    ]);
  });
  test('is not one that is understood, whatever it mentions', async () => {
    const other = { ...asked('terminate_instance', OTHER), mentions: [SERVER] };
    expect((await planFor({ queue: holds(other) })).kept).toEqual([]);
  });
  test('and names others is not ours', async () => {
    expect((await planFor({ queue: holds(unclear([OTHER])) })).kept).toEqual([]);
  });
});

describe('a delete that no step takes away', () => {
  const volumes = [volumeMapping({ volumeId: VOLUME, deleteOnTermination: true })];
  const keep = { volumes: { rest: 'keep' as const, named: {} } };
  const silent: Answers = { queue: holds(), process: 0 };
  const unasked: Answers = { queue: NO_WAY };

  test.each<[string, Answers, string]>([
    ['nobody could look', unasked, 'nobody could look (message bus of cell1: no answer in 3 s)'],
    ['a process is there and says nothing', silent, 'nova-compute runs there and says nothing'],
    [
      'it is connected',
      { queue: { requests: [], consumers: 1 } },
      'nova-compute runs there and says nothing',
    ],
  ])('without volumes is only told of: %s', async (_, answers, why) => {
    const plan = await planFor(answers);
    expect(plan.refusals).toEqual([]);
    expect(plan.kept).toMatchObject([{ place: 'host compute1', why: expect.stringContaining(why) }]);
    expect(plan.kept.map(({ unseen }) => unseen)).toEqual([
      answers === unasked ? 'the message bus' : undefined,
    ]);
  });

  test.each([
    ['another task', { taskState: 'shelving' }],
    ['no task', { taskState: null }],
    ['a row that is deleted', { taskState: 'deleting', deleted: 7 }],
  ])('nobody could look, and nothing says that a delete waits: %s', async (_, row) => {
    const plan = await planFor(unasked, { row: instanceRow(row), volumes }, keep);
    expect(plan).toMatchObject({ steps: [], remains: [], refusals: [], unknown: [] });
    expect(plan.kept).toMatchObject([
      {
        place: 'message bus of cell1',
        what: 'what may still wait for nova-compute on compute1',
        why: 'nobody could look (message bus of cell1: no answer in 3 s): verify again when it answers',
        unseen: 'the message bus',
      },
    ]);
  });

  test('a soft delete is a delete', async () => {
    const row = instanceRow({ taskState: 'soft-deleting' });
    expect((await planFor(silent, { row, volumes }, keep)).refusals).toHaveLength(1);
  });

  test.each<[string, Answers, string]>([
    [
      'what its nova-compute has in hand',
      silent,
      'the delete request that its nova-compute may have in hand',
    ],
    ['what may wait', unasked, 'the delete request that may still wait for its nova-compute'],
  ])('is kept by its name: %s', async (_, answers, what) => {
    expect((await planFor(answers)).kept).toMatchObject([{ what }]);
  });

  test('every volume is named, with what would be done to it', async () => {
    const second = '99999999-2222-4333-8444-000000000002';
    const of = [...volumes, volumeMapping({ volumeId: second, deleteOnTermination: true })];
    const { refusals } = await planFor({ ...silent, others: [theirs(VOLUME)] }, { volumes: of }, keep);
    expect(refusals[0]?.sentence).toContain(
      `when it goes on it deletes volumes ${VOLUME}, ${second}, to be kept, and takes volume ${VOLUME} from server ${OTHER}, which has it too. End it first`,
    );
    const alone = await planFor(unasked, { volumes }, keep);
    expect(alone.refusals[0]?.sentence).toBe(
      `A delete request may wait for nova-compute on compute1, and nobody could look (message bus of cell1: no answer in 3 s): when nova-compute comes back it deletes volume ${VOLUME}, to be kept.`,
    );
  });

  test('pgrep that fails has not looked: nothing is said of the process', async () => {
    expect(await planFor({ queue: holds(), process: 2 }, { volumes }, keep)).toMatchObject({
      refusals: [],
      kept: [],
    });
  });

  test('a host that the site file does not name is not asked', async () => {
    const { unasked: left } = await planFor(
      { queue: holds() },
      { hosts: [{ ...host(false), instancesPath: null }] },
    );
    expect(left).toContain(PGREP);
  });

  test.each<[string, Answers]>([
    ['on the way to the bus', { queue: new TypeError('broken') as never }],
    ['on the way to the host', { queue: holds(), process: new TypeError('broken') as never }],
  ])('a fault of expunge %s is no answer', async (_, answers) => {
    await expect(planFor(answers, { volumes })).rejects.toThrow('broken');
  });

  test('late-delete: a volume that is to be kept, and nobody could look', async () => {
    const { refusals } = await planFor(unasked, { volumes }, keep);
    expect(refusals).toMatchObject([{ code: 'late-delete', flag: 'even-late-delete' }]);
    expect(refusals[0]?.sentence).toContain(VOLUME);
    expect(refusals[0]?.sentence).toContain('no answer in 3 s');
  });

  test.each<[string, Answers]>([
    ['a process is there', silent],
    ['it is connected', { queue: { requests: [], consumers: 1 } }],
    ['its copy was given back and is taken out', { queue: holds(asked('terminate_instance')), process: 0 }],
  ])('request-in-hand: a volume that is to be kept, and %s', async (_, answers) => {
    const { refusals } = await planFor(answers, { volumes }, keep);
    expect(refusals).toMatchObject([{ code: 'request-in-hand', flag: 'even-late-delete' }]);
    expect(refusals[0]?.sentence).toContain('End it first');
    expect(refusals[0]?.sentence).toContain(VOLUME);
  });

  test.each<[string, Partial<Subject>, Partial<Decisions>]>([
    ['the volume is to be deleted', { volumes }, { volumes: { rest: 'delete', named: {} } }],
    ['Nova would delete it, and so shall it be', { volumes }, { volumes: { rest: 'as-nova', named: {} } }],
    ['it alone is to be deleted', { volumes }, { volumes: { rest: 'keep', named: { [VOLUME]: 'delete' } } }],
    ['nobody has decided yet', { volumes }, {}],
    [
      'Nova would keep it too',
      { volumes: [volumeMapping({ volumeId: VOLUME, deleteOnTermination: false })] },
      keep,
    ],
    ['its mapping is deleted', { volumes: [{ ...volumes[0], deleted: true } as never] }, keep],
    ['no delete was asked for', { volumes, row: instanceRow({ taskState: 'powering-off' }) }, keep],
    ['the server is deleted', { volumes, row: instanceRow({ deleted: 42, taskState: 'deleting' }) }, keep],
    ['it is on another host', { volumes, row: instanceRow({ host: 'compute2' }) }, keep],
  ])('nothing is at stake when %s', async (_, changes, decided) => {
    for (const answers of [unasked, silent])
      expect((await planFor(answers, changes, decided)).refusals).toEqual([]);
  });

  describe('a volume that another server of the host has too', () => {
    test.each<[string, Answers]>([
      ['late-delete', unasked],
      ['request-in-hand', silent],
    ])('%s, whatever is to become of it', async (code, answers) => {
      for (const decided of [keep, { volumes: { rest: 'delete' as const, named: {} } }, {}]) {
        const shared = { ...answers, others: [theirs(VOLUME)] };
        const { refusals } = await planFor(shared, { volumes }, decided);
        expect(refusals).toMatchObject([{ code, flag: 'even-late-delete' }]);
        expect(refusals[0]?.sentence).toContain(`takes volume ${VOLUME} from server ${OTHER}`);
      }
    });

    test.each<[string, readonly Row[], readonly VolumeMapping[]]>([
      ['it is another volume', [theirs('99999999-2222-4333-8444-000000000002')], volumes],
      [
        'librbd has it',
        [theirs(VOLUME, { driver_volume_type: 'rbd', data: { name: 'volumes/v' } })],
        volumes,
      ],
      ['the server has let go of it', [theirs(VOLUME)], [volumeMapping({ volumeId: VOLUME, deleted: true })]],
    ])('not when %s', async (_, others, own) => {
      expect((await planFor({ ...silent, others }, { volumes: own })).refusals).toEqual([]);
    });

    test('not when the request is in the queue, and nobody has it in hand', async () => {
      const queue = holds(asked('terminate_instance'));
      const plan = await planFor({ queue, others: [theirs(VOLUME)] }, { volumes }, keep);
      expect(plan).toMatchObject({ refusals: [], steps: [{ phase: 'secure' }] });
    });
  });

  test('a host that does not answer is another kind’s to report', async () => {
    const dead = new LookError('host compute1', 'no answer', { code: 'host-unreachable' });
    expect(await planFor({ queue: holds(), process: dead }, { volumes }, keep)).toMatchObject({
      refusals: [],
      kept: [],
      unknown: [],
    });
  });
});
