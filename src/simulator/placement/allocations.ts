/** What consumers hold at resource providers (placement 8 `objects/allocation.py`, `objects/consumer.py`). */
import type { DatabaseRow } from '../http/exchange.ts';
import { inTransaction, sqlTime, type World } from '../world.ts';
import { CONCURRENT_UPDATE, type Fault } from './errors.ts';

/** Provider to resource class to amount. */
export type Shares = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface WantedAllocations {
  readonly shares: Shares;
  readonly project: string;
  readonly user: string;
  /** what the caller knows of the consumer, null for a new one; undefined before 1.28, where nobody is asked */
  readonly generation: number | null | undefined;
  /** from 1.38 on */
  readonly type: string | undefined;
}

/** Rows of the consumer's allocations with provider and consumer. One without a row in `consumers` holds nothing to see. */
export function allocationsOf(world: World, consumer: string): readonly DatabaseRow[] {
  return world
    .db('placement')
    .prepare(
      `SELECT a.id, a.used, a.created_at, a.updated_at, rc.name AS resource, rp.uuid AS provider, rp.generation,
         c.generation AS consumer_generation, p.external_id AS project, u.external_id AS user, t.name AS type
       FROM allocations a
       JOIN resource_providers rp ON rp.id = a.resource_provider_id
       JOIN resource_classes rc ON rc.id = a.resource_class_id
       JOIN consumers c ON c.uuid = a.consumer_id
       JOIN projects p ON p.id = c.project_id
       JOIN users u ON u.id = c.user_id
       LEFT JOIN consumer_types t ON t.id = c.consumer_type_id
       WHERE a.consumer_id = ? ORDER BY a.id`,
    )
    .all(consumer);
}

/**
 * What a DELETE does (`delete_all`): the allocations go and the consumer with them. Generations of providers stay as they are;
 * only writing allocations raises them.
 */
export function removeAllocations(world: World, consumer: string): void {
  const db = world.db('placement');
  inTransaction(db, () => {
    db.prepare('DELETE FROM allocations WHERE consumer_id = ?').run(consumer);
    db.prepare('DELETE FROM consumers WHERE uuid = ?').run(consumer);
  });
}

/** Undoes the transaction that it is thrown in, and says why. */
class Refused extends Error {
  readonly fault: Fault;
  constructor(fault: Fault) {
    super(fault.detail);
    this.fault = fault;
  }
}

/**
 * What a PUT does (`handlers/allocation.py:_set_allocations_for_consumer`): all of the consumer's allocations are replaced, if
 * its generation is the expected one and the providers have room.
 *
 * @returns null when it is done, or why nothing was
 */
export function replaceAllocations(world: World, consumer: string, wanted: WantedAllocations): Fault | null {
  try {
    inTransaction(world.db('placement'), () => write(world, consumer, wanted));
    return null;
  } catch (error) {
    if (error instanceof Refused) return error.fault;
    throw error;
  }
}

function write(world: World, consumer: string, wanted: WantedAllocations): void {
  const db = world.db('placement');
  const now = sqlTime(world.now());
  const held = db
    .prepare('SELECT DISTINCT resource_provider_id AS id FROM allocations WHERE consumer_id = ?')
    .all(consumer);
  const id = ensureConsumer(world, consumer, wanted);
  db.prepare('DELETE FROM allocations WHERE consumer_id = ?').run(consumer);
  const providers = Object.entries(wanted.shares).map(([uuid, resources]) => {
    const row = db.prepare('SELECT id FROM resource_providers WHERE uuid = ?').get(uuid);
    if (row === undefined)
      throw new Refused({
        status: 400,
        detail: `Allocation for resource provider '${uuid}' that does not exist.`,
      });
    return { uuid, id: Number(row['id']), resources };
  });
  for (const provider of providers)
    for (const [resource, amount] of Object.entries(provider.resources)) {
      const resourceId = checkRoom(world, consumer, provider, resource, amount);
      db.prepare(
        `INSERT INTO allocations (created_at, resource_provider_id, consumer_id, resource_class_id, used)
         VALUES (?, ?, ?, ?, ?)`,
      ).run(now, provider.id, consumer, resourceId, amount);
    }
  // Emptied: the providers that are let go of count. Otherwise those that are named do.
  const touched =
    providers.length === 0 ? held.map((row) => Number(row['id'])) : providers.map((one) => one.id);
  for (const provider of touched)
    db.prepare('UPDATE resource_providers SET generation = generation + 1, updated_at = ? WHERE id = ?').run(
      now,
      provider,
    );
  // A consumer that held nothing and gets nothing is not looked at again, so its row stays.
  if (touched.length === 0) return;
  if (providers.length === 0) db.prepare('DELETE FROM consumers WHERE id = ?').run(id);
  else
    db.prepare('UPDATE consumers SET generation = generation + 1, updated_at = ? WHERE id = ?').run(now, id);
}

/** placement 8 `handlers/util.py:ensure_consumer`, `update_consumers`. @returns the consumer's number */
function ensureConsumer(world: World, consumer: string, wanted: WantedAllocations): number {
  const db = world.db('placement');
  const now = sqlTime(world.now());
  const numberOf = (table: string, column: string, text: string): number => {
    const row = db.prepare(`SELECT id FROM ${table} WHERE ${column} = ?`).get(text);
    if (row !== undefined) return Number(row['id']);
    return Number(
      db.prepare(`INSERT INTO ${table} (created_at, ${column}) VALUES (?, ?)`).run(now, text).lastInsertRowid,
    );
  };
  const row = db.prepare('SELECT id, generation FROM consumers WHERE uuid = ?').get(consumer);
  const known = row === undefined ? null : Number(row['generation']);
  if (wanted.generation !== undefined && wanted.generation !== known)
    throw new Refused({
      status: 409,
      detail: `consumer generation conflict - expected ${known ?? 'null'} but got ${wanted.generation ?? 'None'}`,
      code: CONCURRENT_UPDATE,
    });
  const project = numberOf('projects', 'external_id', wanted.project);
  const user = numberOf('users', 'external_id', wanted.user);
  const type = wanted.type === undefined ? null : numberOf('consumer_types', 'name', wanted.type);
  if (row === undefined)
    return Number(
      db
        .prepare(
          'INSERT INTO consumers (created_at, uuid, project_id, user_id, generation, consumer_type_id) VALUES (?, ?, ?, ?, 0, ?)',
        )
        .run(now, consumer, project, user, type).lastInsertRowid,
    );
  db.prepare(
    `UPDATE consumers SET project_id = ?, user_id = ?, consumer_type_id = coalesce(?, consumer_type_id)
     WHERE id = ?`,
  ).run(project, user, type, row['id'] ?? null);
  return Number(row['id']);
}

/** placement 8 `objects/allocation.py:_check_capacity_exceeded`. @returns the number of the resource class */
function checkRoom(
  world: World,
  consumer: string,
  provider: { readonly uuid: string; readonly id: number },
  resource: string,
  amount: number,
): number {
  const db = world.db('placement');
  const resourceClass = db.prepare('SELECT id FROM resource_classes WHERE name = ?').get(resource);
  if (resourceClass === undefined)
    throw new Refused({
      status: 400,
      detail: `Unable to allocate inventory for consumer ${consumer}: No such resource class ${resource}.`,
    });
  const id = Number(resourceClass['id']);
  const refuse = (why: string) =>
    new Refused({ status: 409, detail: `Unable to allocate inventory: ${why}` });
  const inventory = db
    .prepare('SELECT * FROM inventories WHERE resource_provider_id = ? AND resource_class_id = ?')
    .get(provider.id, id);
  if (inventory === undefined)
    throw refuse(`Inventory for '${resource}' on resource provider '${provider.uuid}' invalid.`);
  const number = (column: string) => Number(inventory[column]);
  const cannot = `Unable to create allocation for '${resource}' on resource provider '${provider.uuid}'. The requested amount would`;
  if (amount < number('min_unit') || amount > number('max_unit') || amount % number('step_size') !== 0)
    throw refuse(`${cannot} violate inventory constraints.`);
  const used = db
    .prepare(
      'SELECT coalesce(sum(used), 0) AS used FROM allocations WHERE resource_provider_id = ? AND resource_class_id = ?',
    )
    .get(provider.id, id);
  const capacity = (number('total') - number('reserved')) * number('allocation_ratio');
  if (capacity < Number(used?.['used']) + amount) throw refuse(`${cannot} exceed the capacity.`);
  return id;
}
