import type { Decisions, DraftStep, Kept, Refusal, SqlWhere } from '../../plan/types.ts';
import type { KindPlan } from '../kind.ts';
import type { Subject, VolumeMapping } from '../subject/subject.ts';
import { type HostQueue, isLate, type WaitingRequestFacts } from './find.ts';

/** As the last line of a purge and of `verify` names the place that was not looked at. */
const UNSEEN = 'the message bus';

/**
 * Takes out what waits for a silent nova-compute. What cannot be taken out, because nobody can ask the bus or because a nova-compute has
 * it in hand, does little harm to a server that is gone, but deletes the volumes that the request names, and disconnects those that
 * others on its host have too.
 */
export function planWaitingRequests(
  { queues }: WaitingRequestFacts,
  subject: Subject,
  decisions: Decisions,
): KindPlan {
  const { cell, uuid } = subject;
  if (cell === null) return { steps: [], remains: [], refusals: [], kept: [] };
  const place = `message bus of ${cell.name}`;
  const full = queues.filter(({ requests }) => requests.length > 0);
  const late = queues.filter((queue) => isLate(queue, subject));
  const atStake = findAtStake(subject, decisions);
  return {
    steps: full.map((queue) => takeOut(queue, cell.database, place, uuid)),
    remains: full.flatMap(({ host, requests }) =>
      requests.map(({ method }) => ({
        place,
        what: `request ${method} that waits for nova-compute on ${host}`,
      })),
    ),
    refusals: late.flatMap((queue) => refuseLate(queue, atStake)),
    kept: [
      ...late.map((queue) => keepLate(queue)),
      ...queues.flatMap((queue) => (late.includes(queue) ? [] : keepUnasked(queue, place))),
      ...queues.flatMap((queue) => keepUnclear(queue, place)),
    ],
  };
}

function takeOut(queue: HostQueue, database: string, place: string, server: string): DraftStep {
  const { host, requests } = queue;
  const methods = [...new Set(requests.map(({ method }) => method))].join(', ');
  const what = requests.length === 1 ? `the request ${methods}` : `${requests.length} requests (${methods})`;
  const which = { door: 'queue' as const, database, queue: queue.queue, server };
  return {
    id: `waiting-requests/${host}/${server}`,
    phase: 'secure',
    place,
    title: `take ${what} out of queue ${queue.queue}`,
    why: 'nova-compute would take it when it comes back, and a delete request brings its own list of volumes to delete.',
    act: which,
    guards: [stillSilent(queue, database)],
    settled: { ...which, count: 0 },
    before: [which],
    undo: 'never',
  };
}

/** One that reports again takes its requests itself, and may be at work on this one. */
function stillSilent({ host, reports }: HostQueue, database: string): DraftStep['guards'][number] {
  const ofHost: SqlWhere[] = [
    { column: 'host', is: '=', value: host },
    { column: 'binary', is: '=', value: 'nova-compute' },
    { column: 'deleted', is: '=', value: 0 },
  ];
  const base = { door: 'sql' as const, database, table: 'services' };
  return reports === null
    ? { must: `Nova knows no nova-compute on ${host}`, check: { ...base, where: ofHost, count: 0 } }
    : {
        must: `nova-compute on ${host} has not reported since`,
        check: { ...base, where: [...ofHost, { column: 'report_count', is: '=', value: reports }], count: 1 },
      };
}

/**
 * Volumes that are to be kept and that a late delete would not spare: the request names what was to be deleted when it was sent (nova 26
 * `compute/manager.py:_cleanup_volumes`), so a mark that is changed now is not seen.
 */
function findAtStake({ volumes }: Subject, { volumes: decided }: Decisions): readonly VolumeMapping[] {
  return volumes.filter(
    ({ volumeId, deleted, deleteOnTermination }) =>
      !deleted && deleteOnTermination && (decided?.named[volumeId] ?? decided?.rest) === 'keep',
  );
}

/**
 * What a late delete does to volumes, in words; null: nothing that matters. nova-compute leaves a volume connected only while two living
 * servers of its host have it by Cinder's list; when this one's attachment is gone it takes the volume from the other (nova 26
 * `virt/libvirt/driver.py:_should_disconnect_target`).
 */
function describeHarm({ sharing }: HostQueue, atStake: readonly VolumeMapping[]): string | null {
  const deletes = atStake.map(({ volumeId }) => volumeId).join(', ');
  const parts = [
    ...(atStake.length === 0
      ? []
      : [`deletes volume${atStake.length === 1 ? '' : 's'} ${deletes}, to be kept`]),
    ...sharing.map(
      ({ server, volumeId }) => `takes volume ${volumeId} from server ${server}, which has it too`,
    ),
  ];
  return parts.length === 0 ? null : parts.join(', and ');
}

function refuseLate(queue: HostQueue, atStake: readonly VolumeMapping[]): Omit<Refusal, 'kind'>[] {
  const harm = describeHarm(queue, atStake);
  if (harm === null) return [];
  const { host, unasked } = queue;
  return unasked === null
    ? [
        {
          code: 'request-in-hand',
          sentence: `nova-compute on ${host} runs, says nothing, and may have the delete request in hand: when it goes on it ${harm}. End it first (systemctl kill -s KILL nova-compute there; when the host is off, wait three minutes): what it has in hand goes back to its queue.`,
          flag: 'even-late-delete',
        },
      ]
    : [
        {
          code: 'late-delete',
          sentence: `A delete request may wait for nova-compute on ${host}, and nobody could look (${unasked}): when nova-compute comes back it ${harm}.`,
          flag: 'even-late-delete',
        },
      ];
}

function keepLate({ host, unasked }: HostQueue): Omit<Kept, 'kind'> {
  return unasked === null
    ? {
        place: `host ${host}`,
        what: 'the delete request that its nova-compute may have in hand',
        why: 'nova-compute runs there and says nothing: when it goes on it may write one empty row: verify again then',
      }
    : {
        place: `host ${host}`,
        what: 'the delete request that may still wait for its nova-compute',
        why: `nobody could look (${unasked}): when nova-compute comes back it may take it and write one empty row: verify again then`,
        unseen: UNSEEN,
      };
}

/** No delete was asked for, or it was done: something else may wait, and nobody has looked. */
function keepUnasked({ host, unasked }: HostQueue, place: string): Omit<Kept, 'kind'>[] {
  if (unasked === null) return [];
  return [
    {
      place,
      what: `what may still wait for nova-compute on ${host}`,
      why: `nobody could look (${unasked}): verify again when it answers`,
      unseen: UNSEEN,
    },
  ];
}

function keepUnclear({ host, queue, unclear }: HostQueue, place: string): Omit<Kept, 'kind'>[] {
  if (unclear === 0) return [];
  return [
    {
      place,
      what: `${unclear} message${unclear === 1 ? '' : 's'} in queue ${queue}`,
      why: `not understood, and perhaps about this server: nova-compute on ${host} takes it when it comes back`,
    },
  ];
}
