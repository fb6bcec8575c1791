import type { Refusal } from '../../plan/types.ts';
import type { KindPlan } from '../kind.ts';
import { type Host, type InstanceRow, type Migration, mayBeUp, type Subject } from '../subject/subject.ts';
import { keepForReturn, refuseFenced } from './fenced.ts';
import type { FenceFacts } from './find.ts';

/** A task that Nova has not moved for this long is stuck; a younger one may be under way. */
const WORKING_SECONDS = 300;

/**
 * Tasks that copy whole disks or a server's memory: Nova writes nothing down for as long as that takes (nova `compute/task_states.py`). Of a
 * live migration there is a row that says so from Liberty on only (nova 2015.1 `conductor/manager.py:_live_migrate` makes none).
 */
const LONG_TASKS = new Set([
  'block_device_mapping',
  'spawning',
  'rebuild_spawning',
  'rebuild_block_device_mapping',
  'image_snapshot',
  'image_snapshot_pending',
  'image_pending_upload',
  'image_uploading',
  'image_backup',
  'shelving',
  'shelving_image_pending_upload',
  'shelving_image_uploading',
  'unshelving',
  'resize_prep',
  'resize_migrating',
  'migrating',
  'suspending',
  'rescuing',
]);
const LONG_SECONDS = 3_600;

/** nova `objects/migration.py` and `conductor/tasks`: states in which a host is moving the server right now. */
const MOVING = new Set([
  'queued',
  'accepted',
  'pre-migrating',
  'preparing',
  'running',
  'migrating',
  'post-migrating',
]);

/**
 * States in which a nova-compute, and nothing else, settles a migration (nova 26 `compute/api.py:confirm_resize`, `revert_resize` cast
 * to it). With both of its hosts down nobody does, and no guest moves by itself as in a live migration.
 */
const SETTLING = new Set(['confirming', 'reverting']);

/** vm_states that a server which works is in; `error`, `building` and `deleted` are not among them. */
const HEALTHY = new Set([
  'active',
  'paused',
  'suspended',
  'stopped',
  'rescued',
  'resized',
  'shelved',
  'shelved_offloaded',
  'soft-delete',
]);

type Refused = Omit<Refusal, 'kind'>;

/** Everything about the server itself that forbids to touch it. Worked out all at once, before any step. */
export function planFence(facts: FenceFacts, subject: Subject): KindPlan {
  const refusals = [
    ...refuseBuilding(facts, subject),
    ...refuseUnplaced(facts, subject),
    ...refuseHealthy(subject),
    ...refuseWorking(facts, subject),
    ...refuseProtected(subject),
    ...refuseMoving(subject),
    ...refuseFenced(subject),
  ];
  return { steps: [], remains: [], kept: keepForReturn(subject), refusals };
}

/** Undatable is young: better to ask once more than to cut in. */
function isYoung({ quietSeconds }: FenceFacts, task: string | null = null): boolean {
  const limit = LONG_TASKS.has(task ?? '') ? LONG_SECONDS : WORKING_SECONDS;
  return quietSeconds === null || quietSeconds < limit;
}

function ago(seconds: number | null): string {
  if (seconds === null) return 'at no known time';
  return seconds < 120 ? `${Math.round(seconds)} s ago` : `${Math.round(seconds / 60)} min ago`;
}

function refuseBuilding(facts: FenceFacts, subject: Subject): Refused[] {
  if (
    subject.row !== null ||
    subject.buildRequest === null ||
    subject.conductorUp === false ||
    !isYoung(facts)
  )
    return [];
  return [
    {
      code: 'being-built',
      sentence: `It was asked for ${ago(facts.quietSeconds)} and ${describeConductor(subject)}: it may still be built.`,
      flag: 'even-working',
    },
  ];
}

/**
 * Between the scheduler and the claim of a host a row names none (nova 26 `conductor/manager.py:schedule_and_build_instances`,
 * `unshelve_instance`, `compute/resource_tracker.py:instance_claim`): no nova-compute can be asked, but one may have it in hand. A
 * delete is none of that: without a host nova-api does it alone (`compute/api.py:_local_delete`).
 */
function refuseUnplaced(facts: FenceFacts, { row, conductorUp }: Subject): Refused[] {
  if (row === null || row.deleted !== 0 || row.host !== null) return [];
  if (!isBusy(row) || row.taskState?.endsWith('deleting') || conductorUp === false || !isYoung(facts))
    return [];
  return [
    {
      code: 'being-built',
      sentence: `It is ${describeWork(row)}, changed ${ago(facts.quietSeconds)}, and ${describeConductor({ conductorUp })}: a host may be taking it.`,
      flag: 'even-working',
    },
  ];
}

/** Has a task, or builds: there a server has none for a while (nova 26 `compute/manager.py:_do_build_and_run_instance`). */
function isBusy({ taskState, vmState }: InstanceRow): boolean {
  return taskState !== null || vmState === 'building';
}

function describeWork({ taskState, vmState }: InstanceRow): string {
  return taskState === null ? `${vmState}` : `${vmState ?? 'in no state'} with task ${taskState}`;
}

type Service = Host['service'] | undefined;

const PERHAPS = 'may be up (its signs of life are not in Nova’s database)';

function describeLife(service: Service): string {
  return service?.up === null ? PERHAPS : 'is up';
}

function describeConductor({ conductorUp }: Pick<Subject, 'conductorUp'>): string {
  return `a nova-conductor ${conductorUp === null ? PERHAPS : 'is alive'}`;
}

function refuseHealthy({ row, hosts }: Subject): Refused[] {
  if (row === null || row.deleted !== 0 || row.taskState !== null || !HEALTHY.has(row.vmState ?? ''))
    return [];
  const service = hosts.find((host) => host.name === row.host)?.service;
  if (row.host !== null && !mayBeUp(service)) return [];
  const where = row.host === null ? '' : ` and nova-compute on ${row.host} ${describeLife(service)}`;
  return [
    {
      code: 'server-healthy',
      sentence: `It is ${row.vmState} with no task${where}: Nova can delete it (openstack server delete).`,
      flag: 'even-healthy',
    },
  ];
}

function refuseWorking(facts: FenceFacts, { row, hosts }: Subject): Refused[] {
  if (row === null || row.deleted !== 0 || !isBusy(row) || !isYoung(facts, row.taskState)) return [];
  const service = hosts.find((host) => host.name === row.host)?.service;
  if (!mayBeUp(service)) return [];
  return [
    {
      code: 'compute-working',
      sentence: `nova-compute on ${row.host} ${describeLife(service)} and the server changed ${ago(facts.quietSeconds)}: ${row.taskState === null ? 'it may be building' : `its task ${row.taskState} may be under way`}.`,
      flag: 'even-working',
    },
  ];
}

function refuseProtected({ row }: Subject): Refused[] {
  if (row === null || row.deleted !== 0) return [];
  return [
    ...(row.locked
      ? [{ code: 'server-locked', sentence: 'Its owner or an admin has locked it.', flag: 'even-locked' }]
      : []),
    ...(row.disableTerminate
      ? [
          {
            code: 'terminate-disabled',
            sentence: 'Its termination is disabled (instances.disable_terminate).',
            flag: 'even-protected',
          },
        ]
      : []),
    ...(row.hidden
      ? [
          {
            code: 'server-hidden',
            sentence: 'Its row is hidden: a cross-cell resize keeps a second copy in another cell.',
            flag: 'even-hidden',
          },
        ]
      : []),
  ];
}

function refuseMoving({ row, migrations, hosts }: Subject): Refused[] {
  if (row === null || row.deleted !== 0) return [];
  return migrations
    .filter((m) => !m.deleted && isMoving(m, hosts))
    .map((m) => ({
      code: 'migration-running',
      sentence: `Migration ${m.id} from ${m.sourceCompute ?? 'nowhere'} to ${m.destCompute ?? 'nowhere'} is ${m.status}: its domain may be on both.`,
      flag: 'even-migrating',
    }));
}

function isMoving({ status, sourceCompute, destCompute }: Migration, hosts: readonly Host[]): boolean {
  // `running (post-copy)` is a live migration that cannot turn back (nova 26 `compute/manager.py:handle_lifecycle_event`).
  const word = status?.replace(/ \(post-copy\)$/, '') ?? '';
  if (!SETTLING.has(word)) return MOVING.has(word);
  return [sourceCompute, destCompute].some(
    (name) => name === null || mayBeUp(hosts.find((host) => host.name === name)?.service),
  );
}
