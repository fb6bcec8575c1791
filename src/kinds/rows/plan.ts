import { PlanError } from '../../plan/errors.ts';
import type { BeforeImage, Check, Kept, SqlSet, SqlWhere, SqlWrite } from '../../plan/types.ts';
import { type KindPlan, NOTHING } from '../kind.ts';
import type { InstanceRow, Subject } from '../subject/subject.ts';
import { countOf } from '../words.ts';
import type { ChildRows, PciDevice, RowFacts } from './find.ts';

const NOW: SqlSet = { now: true };
const OWN_ID: SqlSet = { column: 'id' };
/** nova `compute/power_state.py:NOSTATE` */
const NOSTATE = 0;
/** nova's major version that began to clear power_state on delete: 2015.1, Kilo */
const CLEARS_POWER_STATE = 11;

function equals(column: string, value: string | number | null): SqlWhere {
  return value === null ? { column, is: 'null' } : { column, is: '=', value };
}

/** All of the cell's rows in one transaction: either the server is deleted there as Nova would have it, or nothing changed. */
export function planRows(facts: RowFacts | null, subject: Subject): KindPlan {
  if (facts === null) return NOTHING;
  const { row, uuid } = subject;
  const changes = row === null ? {} : instanceChanges(row, subject, facts);
  const attempts = row !== null && needsCleanAttempts(row, subject);
  const writes: SqlWrite[] = [
    // First the server's own row, which says at once if the world moved; then what hangs on it.
    ...(row === null || Object.keys(changes).length === 0 ? [] : [instanceWrite(row, changes)]),
    ...(attempts ? [insertCleanAttempts(uuid)] : []),
    ...facts.children.flatMap((child) => childWrites(child, uuid, attempts)),
    ...pciWrites(facts.pci, uuid),
  ];
  const kept = keepElsewhere(facts, subject);
  if (writes.length === 0) return { ...NOTHING, kept };
  const place = `database of ${facts.cellName}`;
  const counted = facts.children.filter((c) => c.live + c.undated > 0);
  const rowCount = counted.reduce((sum, c) => sum + c.live + c.undated, 0);
  return {
    refusals: [],
    kept,
    remains: [
      ...(Object.keys(changes).length === 0 || row === null
        ? []
        : [{ place, what: describeRow(row, changes) }]),
      ...(rowCount === 0
        ? []
        : [
            {
              place,
              what: `${countOf(rowCount, 'row')} of the server in ${countOf(counted.length, 'other table')}`,
            },
          ]),
      ...facts.pci.map((d) => ({ place, what: `PCI device ${d.address}, ${d.status}` })),
    ],
    steps: [
      {
        id: `rows/${facts.database}/${uuid}`,
        phase: 'rows',
        place,
        title: `delete the server's rows as Nova does (${countOf(writes.length, 'statement')}, one transaction)`,
        why: 'Nova lists, bills and counts a server as long as its row lives; its archive takes only complete sets of rows.',
        act: { door: 'sql', database: facts.database, writes },
        guards: guards(row, facts),
        settled: settledCheck(row, changes, facts, writes),
        before: beforeImages(row, facts, uuid),
        undo: 'before-image',
      },
    ],
  };
}

/**
 * Somebody was at the server's host and cleaned it. Nobody was when it is on none, or when its host is powered off: then its row is to
 * look as after nova-api's local delete, and `cleaned = 0` has the nova-compute that comes back remove the folder (nova 26
 * `compute/manager.py:_run_pending_deletes`).
 */
function isHostCleaned(row: InstanceRow, { hosts }: Subject): boolean {
  if (row.host === null) return false;
  return hosts.find((host) => host.name === row.host)?.fenced === undefined;
}

/**
 * What differs from a row that Nova's compute manager has deleted. A server whose host nobody cleaned keeps power_state and cleaned,
 * as in nova-api's local delete (nova 26 `compute/api.py:_local_delete`, `compute/manager.py:_delete_instance`).
 */
function instanceChanges(row: InstanceRow, subject: Subject, facts: RowFacts): Record<string, SqlSet> {
  const { era } = subject;
  const changes: Record<string, SqlSet> = {};
  if (wasCancelled(row)) return changes;
  const hostCleaned = isHostCleaned(row, subject);
  const has = (column: string) => facts.columns.has(column);
  if (row.vmState !== 'deleted') changes['vm_state'] = 'deleted';
  if (row.taskState !== null) changes['task_state'] = null;
  if (hostCleaned && row.powerState !== NOSTATE && (era?.below ?? 0) > CLEARS_POWER_STATE)
    changes['power_state'] = NOSTATE;
  if (row.terminatedAt === null) changes['terminated_at'] = NOW;
  // A row that lives can have one: of the soft delete that it waits in (nova 26 `compute/api.py:soft_delete`).
  if (row.deleted === 0 || row.deletedAt === null) changes['deleted_at'] = NOW;
  if (row.deleted !== row.id) changes['deleted'] = OWN_ID;
  if (row.deleted === 0 && facts.progress !== 0 && has('progress')) changes['progress'] = 0;
  if (hostCleaned && !row.cleaned && has('cleaned')) changes['cleaned'] = 1;
  if (row.deleted === 0) changes['updated_at'] = NOW;
  return changes;
}

/**
 * Deleted while it was being built and before a host had it: Nova then marks the row as deleted and leaves its state (nova 15 to 33
 * `conductor/manager.py:_delete_build_request`, `compute/api.py:_delete` where `may_have_ports_or_volumes` says no). Nobody is billed for
 * it, as it was never launched.
 */
function wasCancelled({ id, deleted, deletedAt, host, launchedAt, vmState }: InstanceRow): boolean {
  const neverThere = host === null && launchedAt === null && vmState === 'building';
  return neverThere && deleted === id && deletedAt !== null;
}

function instanceWrite(row: InstanceRow, set: Record<string, SqlSet>): SqlWrite {
  return { verb: 'update', table: 'instances', set, where: rowAsSeen(row), rows: 1 };
}

/** The row with the state that the plan was made for: any other row, or this one in another state, is not meant. */
function rowAsSeen(row: InstanceRow): SqlWhere[] {
  return [
    equals('id', row.id),
    equals('uuid', row.uuid),
    equals('deleted', row.deleted),
    equals('host', row.host),
    equals('vm_state', row.vmState),
    equals('task_state', row.taskState),
  ];
}

/**
 * nova 26 `virt/libvirt/driver.py:cleanup` counts its attempts to remove the files in system_metadata, so a server that was
 * on a host has this row when Nova deleted it.
 */
function needsCleanAttempts(row: InstanceRow, subject: Subject): boolean {
  return isHostCleaned(row, subject) && !row.cleaned && !subject.systemMetadata.has('clean_attempts');
}

function insertCleanAttempts(uuid: string): SqlWrite {
  return {
    verb: 'insert',
    table: 'instance_system_metadata',
    values: { created_at: NOW, instance_uuid: uuid, key: 'clean_attempts', value: '1', deleted: 0 },
  };
}

function childWrites(child: ChildRows, uuid: string, attempts: boolean): SqlWrite[] {
  const { table, key, undated } = child;
  const live = child.live + (attempts && table === 'instance_system_metadata' ? 1 : 0);
  const ofServer = equals(key, uuid);
  if (child.how === 'hard')
    return live === 0 ? [] : [{ verb: 'delete', table, where: [ofServer], rows: live }];
  const writes: SqlWrite[] = [];
  if (undated > 0)
    writes.push({
      verb: 'update',
      table,
      set: { deleted_at: NOW },
      where: [ofServer, { column: 'deleted', is: '!=', value: 0 }, { column: 'deleted_at', is: 'null' }],
      rows: undated,
    });
  if (live > 0)
    writes.push({
      verb: 'update',
      table,
      set: {
        deleted: OWN_ID,
        deleted_at: NOW,
        // Nova empties the cache when it has released the network, before the row goes.
        ...(table === 'instance_info_caches' ? { network_info: '[]' } : {}),
      },
      where: [ofServer, equals('deleted', 0)],
      rows: live,
    });
  return writes;
}

function pciWrites(devices: readonly PciDevice[], uuid: string): SqlWrite[] {
  // Two VFs of one PF free it once: a second write would find it free and roll everything back.
  const follows = new Map(devices.flatMap((device) => device.follows.map((other) => [other.id, other])));
  return [
    ...devices.map(
      (device): SqlWrite => ({
        verb: 'update',
        table: 'pci_devices',
        set: { status: 'available', instance_uuid: null, request_id: null, updated_at: NOW },
        where: [equals('id', device.id), equals('instance_uuid', uuid)],
        rows: 1,
      }),
    ),
    ...[...follows.values()].map(
      (other): SqlWrite => ({
        verb: 'update',
        table: 'pci_devices',
        set: { status: 'available', updated_at: NOW },
        where: [equals('id', other.id), equals('status', other.status)],
        rows: 1,
      }),
    ),
  ];
}

function guards(row: InstanceRow | null, facts: RowFacts): { must: string; check: Check }[] {
  if (row === null) return [];
  return [
    {
      must: `row ${row.id} is still this server's, in the state that the plan was made for`,
      check: { door: 'sql', database: facts.database, table: 'instances', where: rowAsSeen(row), count: 1 },
    },
  ];
}

/** The transaction is whole or not there, so one of its marks stands for all of them. */
function settledCheck(
  row: InstanceRow | null,
  changes: Record<string, SqlSet>,
  facts: RowFacts,
  writes: readonly SqlWrite[],
): Check {
  const base = { door: 'sql' as const, database: facts.database };
  if (row !== null && Object.keys(changes).length > 0)
    return {
      ...base,
      table: 'instances',
      count: 1,
      where: [
        equals('id', row.id),
        equals('deleted', row.id),
        equals('vm_state', 'deleted'),
        equals('task_state', null),
        { column: 'deleted_at', is: 'not null' },
        { column: 'terminated_at', is: 'not null' },
        ...('cleaned' in changes ? [equals('cleaned', 1)] : []),
        ...('power_state' in changes ? [equals('power_state', NOSTATE)] : []),
      ],
    };
  const last = writes.findLast((write) => write.verb !== 'insert');
  if (last === undefined) throw new PlanError('a transaction of inserts alone has no settled check');
  return { ...base, table: last.table, where: last.where, count: 0 };
}

function beforeImages(row: InstanceRow | null, facts: RowFacts, uuid: string): BeforeImage[] {
  const images: BeforeImage[] = [];
  const save = (table: string, where: SqlWhere[]) =>
    images.push({ door: 'sql', database: facts.database, table, where });
  if (row !== null) save('instances', [equals('uuid', uuid)]);
  for (const child of facts.children)
    if (child.live + child.undated > 0 || child.table === 'instance_system_metadata')
      save(child.table, [equals(child.key, uuid)]);
  const devices = facts.pci.flatMap((d) => [d.id, ...d.follows.map((f) => f.id)]);
  if (devices.length > 0) save('pci_devices', [{ column: 'id', is: 'in', value: [...new Set(devices)] }]);
  return images;
}

/**
 * What Nova gives back in services that expunge does not ask, as far as its rows name it. The key of the secret goes when Nova has deleted
 * that (nova 22 to 33 `crypto.py:delete_vtpm_secret`); a mapping when its share was unmounted and its access taken away, and what is of a
 * share that fails stays (nova 31 `compute/manager.py:_shutdown_instance`, `deny_share`; `share/manila.py:allow` locks the access).
 */
function keepElsewhere({ shares }: RowFacts, { systemMetadata }: Subject): Omit<Kept, 'kind'>[] {
  const secret = systemMetadata.get('vtpm_secret_uuid');
  return [
    ...(secret === undefined
      ? []
      : [
          {
            place: 'Barbican',
            what: `secret ${secret} of its TPM`,
            why: 'Nova deletes it as the user, whose it is; expunge does not ask Barbican: openstack secret delete',
          },
        ]),
    ...shares.map((id) => ({
      place: 'Manila',
      what: `the access to share ${id}, which Nova has locked, and its mount on the host`,
      why: 'expunge does not ask Manila: take them away by hand when no other server has the share',
    })),
  ];
}

function describeRow(row: InstanceRow, changes: Record<string, SqlSet>): string {
  if (row.deleted === 0)
    return `live row in instances: ${row.vmState ?? 'no state'}${row.taskState === null ? '' : `, ${row.taskState}`}`;
  return `deleted row in instances, not as Nova leaves it: ${Object.keys(changes).join(', ')}`;
}
