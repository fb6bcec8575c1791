/** Trunks, as the trunk plugin of neutron 21 shows and deletes them. */
import { type Answer, type Asked, type DatabaseRow, isoTime, notTaught } from '../http/exchange.ts';
import { type Caller, isAdmin } from '../keystone/tokens.ts';
import { inTransaction, type World } from '../world.ts';
import { neutronError, noSuchResource, notImplemented } from './errors.ts';
import { hasExtension } from './extensions.ts';
import { activeBinding } from './port-body.ts';

/** `GET` and `DELETE /v2.0/trunks/<id>`. */
export function oneTrunk(world: World, asked: Asked, id: string, caller: Caller): Answer {
  if (!hasExtension(world, 'trunk')) return noSuchResource();
  if (!isAdmin(caller))
    return notImplemented(notTaught(asked, 'what a user without the role admin may see of a trunk'));
  if (asked.query.size > 0)
    return notImplemented(notTaught(asked, `the query ${[...asked.query.keys()].join(', ')}`));
  const trunk = findTrunk(world, id);
  // neutron 21 services/trunk/exceptions.py:TrunkNotFound
  if (trunk === null) return neutronError(404, 'TrunkNotFound', `Trunk ${id} could not be found.`);
  if (asked.method === 'GET') return { status: 200, body: { trunk: trunkBody(world, trunk) } };
  if (asked.method === 'DELETE') return removeTrunk(world, trunk);
  return notImplemented(notTaught(asked));
}

function findTrunk(world: World, id: string): DatabaseRow | null {
  return (
    world
      .db('neutron')
      .prepare(
        `SELECT t.*, s.description, s.created_at, s.updated_at, s.revision_number
         FROM trunks t JOIN standardattributes s ON s.id = t.standard_attr_id WHERE t.id = ?`,
      )
      .get(id) ?? null
  );
}

/** neutron-lib 3.1 `api/definitions/trunk.py`, with the standard attributes. */
function trunkBody(world: World, trunk: DatabaseRow): Readonly<Record<string, unknown>> {
  const rows = (sql: string, value: unknown) =>
    world
      .db('neutron')
      .prepare(sql)
      .all(value as string | number);
  return {
    admin_state_up: trunk['admin_state_up'] === 1,
    id: trunk['id'],
    name: trunk['name'],
    tenant_id: trunk['project_id'],
    port_id: trunk['port_id'],
    status: trunk['status'],
    sub_ports: rows(
      'SELECT port_id, segmentation_type, segmentation_id FROM subports WHERE trunk_id = ? ORDER BY port_id',
      trunk['id'],
    ),
    description: trunk['description'] ?? '',
    tags: rows('SELECT tag FROM tags WHERE standard_attr_id = ?', trunk['standard_attr_id']).flatMap(
      Object.values,
    ),
    created_at: isoTime(trunk['created_at']),
    updated_at: isoTime(trunk['updated_at']),
    revision_number: trunk['revision_number'],
    project_id: trunk['project_id'],
  };
}

/**
 * neutron 21 `services/trunk/plugin.py:delete_trunk`: not while it is locked, and not while its parent is bound, unless its driver
 * can do that; the one for Open vSwitch cannot (`services/trunk/rules.py:can_be_trunked_or_untrunked`, `drivers/base.py`).
 */
function removeTrunk(world: World, trunk: DatabaseRow): Answer {
  const id = String(trunk['id']);
  if (trunk['admin_state_up'] !== 1)
    return neutronError(
      409,
      'TrunkDisabled',
      `Trunk ${id} is currently disabled. This prevents this operation. Please enable it and try again.`,
    );
  const binding = activeBinding(world, String(trunk['port_id']));
  if (binding !== null && binding['host'] !== '')
    return neutronError(409, 'TrunkInUse', `Trunk ${id} is currently in use.`);
  const db = world.db('neutron');
  inTransaction(db, () => {
    db.prepare('DELETE FROM subports WHERE trunk_id = ?').run(id);
    db.prepare('DELETE FROM standardattributes WHERE id = ?').run(trunk['standard_attr_id'] ?? null);
  });
  return { status: 204 };
}
