/** A server's rows in its cell, as Nova 26 writes them. */
import type { SQLInputValue } from 'node:sqlite';
import { seededRandom } from '../random.ts';
import { sqlTime, type World } from '../world.ts';

export type Cell = 'nova' | 'nova_cell0';

/** nova 26 `db/main/api.py:instance_destroy`: soft-deleted with the server, by the column that names it. */
const SOFT_DELETED: readonly (readonly [table: string, key: string])[] = [
  ['security_group_instance_association', 'instance_uuid'],
  ['instance_info_caches', 'instance_uuid'],
  ['instance_metadata', 'instance_uuid'],
  ['instance_faults', 'instance_uuid'],
  ['instance_extra', 'instance_uuid'],
  ['instance_system_metadata', 'instance_uuid'],
  ['block_device_mapping', 'instance_uuid'],
  ['migrations', 'instance_uuid'],
  ['virtual_interfaces', 'instance_uuid'],
  ['instance_id_mappings', 'uuid'],
];

/** The same function: tables without a mark for deleted rows. */
const REMOVED: readonly (readonly [table: string, key: string])[] = [
  ['tags', 'resource_id'],
  ['console_auth_tokens', 'instance_uuid'],
];

export interface ServerRow {
  readonly id: number;
  readonly uuid: string;
  readonly host: string | null;
  readonly vmState: string | null;
  readonly taskState: string | null;
  /** 0, or what it was marked deleted with: Nova takes the row's own id */
  readonly deleted: number;
  /** UTC, without saying so */
  readonly deletedAt: string | null;
  readonly disableTerminate: boolean;
  readonly userId: string | null;
  readonly projectId: string | null;
}

/** Also a row that is marked deleted; null when there is none. */
export function readServer(world: World, cell: Cell, uuid: string): ServerRow | null {
  const row = world.db(cell).prepare('SELECT * FROM instances WHERE uuid = ?').get(uuid);
  if (row === undefined) return null;
  const text = (column: string) => {
    const value = row[column];
    return typeof value === 'string' ? value : null;
  };
  return {
    id: Number(row['id']),
    uuid,
    host: text('host'),
    vmState: text('vm_state'),
    taskState: text('task_state'),
    deleted: Number(row['deleted'] ?? 0),
    deletedAt: text('deleted_at'),
    disableTerminate: row['disable_terminate'] === 1,
    userId: text('user_id'),
    projectId: text('project_id'),
  };
}

/** nova 26 `objects/instance.py:Instance.save`: what changed, and when. */
export function saveServer(
  world: World,
  cell: Cell,
  uuid: string,
  columns: Readonly<Record<string, SQLInputValue>>,
): void {
  const changes = { ...columns, updated_at: sqlTime(world.now()) };
  const sets = Object.keys(changes).map((column) => `${column} = ?`);
  run(world, cell, `UPDATE instances SET ${sets.join(', ')} WHERE uuid = ?`, ...Object.values(changes), uuid);
}

/** `Instance.destroy`: the server's row first, then what hangs on it. instance_actions stay, so that they can be read later. */
export function destroyServer(world: World, cell: Cell, uuid: string): void {
  softDelete(world, cell, 'instances', 'uuid', uuid);
  for (const [table, key] of SOFT_DELETED) softDelete(world, cell, table, key, uuid);
  for (const [table, key] of REMOVED) run(world, cell, `DELETE FROM ${table} WHERE ${key} = ?`, uuid);
}

/** oslo.db `sqlalchemy/orm.py:Query.soft_delete`: with the row's own id, and `updated_at` as it was. */
export function softDelete(world: World, cell: Cell, table: string, key: string, uuid: string): void {
  const now = sqlTime(world.now());
  run(
    world,
    cell,
    `UPDATE ${table} SET deleted = id, deleted_at = ? WHERE ${key} = ? AND deleted = 0`,
    now,
    uuid,
  );
}

/**
 * nova 26 `virt/libvirt/driver.py:_cleanup` counts in system_metadata how often it tried to remove the files. The row of a server
 * that was deleted already stays without the mark: `db/main/api.py:_instance_metadata_update_in_place` adds it as any other.
 */
export function countCleanAttempt(world: World, cell: Cell, uuid: string): void {
  const now = sqlTime(world.now());
  const known = world
    .db(cell)
    .prepare(
      "SELECT id, value FROM instance_system_metadata WHERE instance_uuid = ? AND key = 'clean_attempts'",
    )
    .get(uuid);
  if (known === undefined)
    run(
      world,
      cell,
      "INSERT INTO instance_system_metadata (created_at, instance_uuid, key, value, deleted) VALUES (?, ?, 'clean_attempts', '1', 0)",
      now,
      uuid,
    );
  else
    run(
      world,
      cell,
      'UPDATE instance_system_metadata SET value = ?, updated_at = ? WHERE id = ?',
      String(Number(known['value']) + 1),
      now,
      Number(known['id']),
    );
}

/**
 * What a save on a deleted server leaves (nova 26 `objects/instance.py:Instance.save`): it writes instance_extra before it notices,
 * and `db/main/api.py:instance_extra_update_by_uuid` makes the row that it does not find. Tried on Zed: the row holds nothing.
 */
export function saveExtraOfDeleted(world: World, uuid: string): void {
  const now = sqlTime(world.now());
  const found = run(
    world,
    'nova',
    'UPDATE instance_extra SET updated_at = ? WHERE instance_uuid = ? AND deleted = 0',
    now,
    uuid,
  );
  // A delete saves more than once: the next save finds the row of the first.
  if (found === 0)
    run(
      world,
      'nova',
      'INSERT INTO instance_extra (created_at, deleted, instance_uuid) VALUES (?, 0, ?)',
      now,
      uuid,
    );
}

/** A request of a user on a server: nova 26 `objects/instance_action.py:InstanceAction.action_start`. */
export function startAction(world: World, cell: Cell, server: ServerRow, action: string): void {
  const last = world.db(cell).prepare('SELECT coalesce(max(id), 0) AS id FROM instance_actions').get();
  const now = sqlTime(world.now());
  run(
    world,
    cell,
    `INSERT INTO instance_actions (created_at, updated_at, action, instance_uuid, request_id, user_id, project_id, start_time, deleted)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)`,
    now,
    now,
    action,
    server.uuid,
    `req-${seededRandom(Number(last?.['id'])).uuid()}`,
    server.userId,
    server.projectId,
    now,
  );
}

/**
 * A step of the last such request, begun and ended (nova 26 `db/main/api.py:action_event_start`, `action_event_finish`). Without a
 * request nothing is written: Nova has nowhere to hang it either.
 */
export function recordEvent(
  world: World,
  uuid: string,
  step: { readonly action: string; readonly event: string; readonly host: string; readonly error?: string },
): void {
  const row = world
    .db('nova')
    .prepare('SELECT id FROM instance_actions WHERE instance_uuid = ? AND action = ? ORDER BY id DESC')
    .get(uuid, step.action);
  if (row === undefined) return;
  const action = Number(row['id']);
  const now = sqlTime(world.now());
  run(
    world,
    'nova',
    `INSERT INTO instance_actions_events
     (created_at, updated_at, event, action_id, start_time, finish_time, result, host, details, deleted)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
    now,
    now,
    step.event,
    action,
    now,
    now,
    step.error === undefined ? 'Success' : 'Error',
    step.host,
    step.error ?? null,
  );
  run(
    world,
    'nova',
    'UPDATE instance_actions SET updated_at = ?, message = coalesce(?, message) WHERE id = ?',
    now,
    step.error === undefined ? null : 'Error',
    action,
  );
}

/** nova 26 `compute/utils.py:add_instance_fault_from_exc` and `compute/manager.py:_set_instance_obj_error_state`. */
export function failServer(world: World, uuid: string, host: string, message: string): void {
  saveServer(world, 'nova', uuid, { vm_state: 'error', task_state: null });
  run(
    world,
    'nova',
    'INSERT INTO instance_faults (created_at, instance_uuid, code, message, details, host, deleted) VALUES (?, ?, 500, ?, ?, ?, 0)',
    sqlTime(world.now()),
    uuid,
    message.slice(0, 255),
    message,
    host,
  );
}

/** nova 26 `compute/api.py:_update_queued_for_deletion`. */
export function markMapping(world: World, uuid: string): void {
  world
    .db('nova_api')
    .prepare('UPDATE instance_mappings SET queued_for_delete = 1, updated_at = ? WHERE instance_uuid = ?')
    .run(sqlTime(world.now()), uuid);
}

function run(world: World, cell: Cell, sql: string, ...values: SQLInputValue[]): number {
  const { changes } = world
    .db(cell)
    .prepare(sql)
    .run(...values);
  return Number(changes);
}
