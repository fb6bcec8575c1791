/** Floating addresses: only that of which ports they lead to is asked. */
import { type Answer, type Asked, isoTime, notTaught } from '../http/exchange.ts';
import { type Caller, isAdmin } from '../keystone/tokens.ts';
import type { World } from '../world.ts';
import { noSuchResource, notImplemented } from './errors.ts';
import { hasExtension } from './extensions.ts';

/** `GET /v2.0/floatingips?port_id=<id>` (neutron 21 `db/l3_db.py:_make_floatingip_dict`). Without the router plugin there is no such resource. */
export function listFloatingIps(world: World, asked: Asked, caller: Caller): Answer {
  if (!hasExtension(world, 'router')) return noSuchResource();
  if (!isAdmin(caller))
    return notImplemented(notTaught(asked, 'which addresses a user without the role admin sees'));
  const others = [...asked.query.keys()].filter((key) => key !== 'port_id');
  const ports = asked.query.getAll('port_id');
  if (others.length > 0 || ports.length === 0)
    return notImplemented(notTaught(asked, `the query ${others.join(', ') || 'without port_id'}`));
  const rows = world
    .db('neutron')
    .prepare(
      `SELECT f.*, s.description, s.created_at, s.updated_at, s.revision_number
       FROM floatingips f JOIN standardattributes s ON s.id = f.standard_attr_id
       WHERE f.fixed_port_id IN (${ports.map(() => '?').join(', ')}) ORDER BY f.id`,
    )
    .all(...ports);
  return {
    status: 200,
    body: {
      floatingips: rows.map((row) => ({
        id: row['id'],
        tenant_id: row['project_id'],
        floating_ip_address: row['floating_ip_address'],
        floating_network_id: row['floating_network_id'],
        router_id: row['router_id'],
        port_id: row['fixed_port_id'],
        fixed_ip_address: row['fixed_ip_address'],
        status: row['status'],
        description: row['description'] ?? '',
        created_at: isoTime(row['created_at']),
        updated_at: isoTime(row['updated_at']),
        revision_number: row['revision_number'],
        project_id: row['project_id'],
      })),
    },
  };
}
