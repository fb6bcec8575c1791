/** The requests on ports that Neutron answers here. */

import { isRecord } from '../../site/parse.ts';
import { type Answer, type Asked, type DatabaseRow, notTaught, readJson } from '../http/exchange.ts';
import { type Caller, isAdmin } from '../keystone/tokens.ts';
import type { World } from '../world.ts';
import { neutronError, notImplemented, portNotFound } from './errors.ts';
import { hasExtension } from './extensions.ts';
import { type Collection, listCollection, UNTAUGHT_FILTERS } from './list.ts';
import { activeBinding, findPort, portBody } from './port-body.ts';
import { deletePort, type PortChange, updatePort } from './ports.ts';

const PORTS: Collection = {
  name: 'ports',
  from: 'ports',
  filters: new Map([
    ['id', 'id'],
    ['name', 'name'],
    ['network_id', 'network_id'],
    ['device_id', 'device_id'],
    ['device_owner', 'device_owner'],
    ['mac_address', 'mac_address'],
    ['status', 'status'],
    ['admin_state_up', 'admin_state_up'],
    ['project_id', 'project_id'],
    ['tenant_id', 'project_id'],
    [
      'binding:host_id',
      "(SELECT b.host FROM ml2_port_bindings b WHERE b.port_id = ports.id AND b.status = 'ACTIVE')",
    ],
  ]),
  flags: new Set(['admin_state_up']),
  untaught: new Set([...UNTAUGHT_FILTERS, 'fixed_ips', 'ip_allocation', 'description', 'security_groups']),
  notFound: portNotFound,
};

/** Attributes that a PUT may carry (neutron-lib 3.1 `api/definitions`, `allow_put`), taught and not taught. */
const TAUGHT = ['device_id', 'device_owner', 'binding:host_id', 'binding:profile'];
const UNTAUGHT = [
  'name',
  'admin_state_up',
  'mac_address',
  'fixed_ips',
  'description',
  'allowed_address_pairs',
  'extra_dhcp_opts',
  'security_groups',
  'port_security_enabled',
  'binding:vnic_type',
];
const READ_ONLY = [
  'id',
  'network_id',
  'tenant_id',
  'project_id',
  'status',
  'binding:vif_type',
  'binding:vif_details',
  'created_at',
  'updated_at',
  'revision_number',
  'tags',
];

export function listPorts(world: World, asked: Asked, caller: Caller): Answer {
  return listCollection(world, asked, PORTS, isAdmin(caller) ? null : caller.project, ({ id }) => {
    const port = findPort(world, String(id));
    return port === null ? {} : portBody(world, port, caller);
  });
}

/** The port, as far as the caller may know of it: one of another project is not found. */
function findFor(world: World, id: string, caller: Caller): DatabaseRow | null {
  const port = findPort(world, id);
  return port !== null && (isAdmin(caller) || port['project_id'] === caller.project) ? port : null;
}

export function onePort(world: World, asked: Asked, id: string, caller: Caller): Answer {
  if (asked.query.size > 0)
    return notImplemented(notTaught(asked, `the query ${[...asked.query.keys()].join(', ')}`));
  const port = findFor(world, id, caller);
  if (port === null) return portNotFound(id);
  if (asked.method === 'GET') return { status: 200, body: { port: portBody(world, port, caller) } };
  if (!isAdmin(caller))
    return notImplemented(notTaught(asked, 'what a user without the role admin may change'));
  if (asked.method === 'PUT') return putPort(world, asked, port, caller);
  if (asked.method === 'DELETE') return removePort(world, asked, port);
  return notImplemented(notTaught(asked));
}

function putPort(world: World, asked: Asked, port: DatabaseRow, caller: Caller): Answer {
  const id = String(port['id']);
  const attributes = isRecord(asked.body) ? asked.body['port'] : undefined;
  if (!isRecord(asked.body) || !isRecord(attributes))
    return neutronError(400, 'HTTPBadRequest', "Unable to find 'port' in request body");
  const refusal = refuseAttributes(world, asked, asked.body, attributes);
  if (refusal !== null) return refusal;
  const change = readChange(attributes);
  if (typeof change === 'string') return notImplemented(notTaught(asked, change));
  const binding = activeBinding(world, id);
  // neutron 21 plugins/ml2/plugin.py:update_port says so of a port whose binding is lost.
  if (binding === null) return portNotFound(id);
  const isBound = binding['host'] !== '' && change.unbind !== true;
  if (isBound && change.profile !== undefined)
    if (JSON.stringify(change.profile) !== JSON.stringify(readJson(binding['profile']) ?? {}))
      return notImplemented(notTaught(asked, 'binding:profile of a port that stays bound'));
  updatePort(world, id, change);
  const changed = findPort(world, id);
  return changed === null
    ? portNotFound(id)
    : { status: 200, body: { port: portBody(world, changed, caller) } };
}

/** neutron 21 `api/v2/base.py:prepare_request_body`: unknown attributes first, then those that nobody may set. */
function refuseAttributes(
  world: World,
  asked: Asked,
  body: Readonly<Record<string, unknown>>,
  attributes: Readonly<Record<string, unknown>>,
): Answer | null {
  const dns = hasExtension(world, 'dns-integration') ? ['dns_name'] : [];
  const qos = hasExtension(world, 'qos') ? ['qos_policy_id'] : [];
  const taught = [...TAUGHT, ...dns];
  const others = Object.keys(attributes).filter((key) => !taught.includes(key));
  const untaught = [...UNTAUGHT, ...qos];
  const unknown = others.filter((key) => !untaught.includes(key) && !READ_ONLY.includes(key));
  if (unknown.length > 0)
    return neutronError(400, 'HTTPBadRequest', `Unrecognized attribute(s) '${unknown.join(', ')}'`);
  const [fixed] = others.filter((key) => READ_ONLY.includes(key));
  if (fixed !== undefined)
    return neutronError(400, 'HTTPBadRequest', `Cannot update read-only attribute ${fixed}`);
  const beside = Object.keys(body).filter((key) => key !== 'port');
  const names = [...others, ...beside];
  return names.length === 0 ? null : notImplemented(notTaught(asked, `the body key ${names.join(', ')}`));
}

/** @returns the change, or what of it was not taught */
function readChange(attributes: Readonly<Record<string, unknown>>): PortChange | string {
  const {
    device_id,
    device_owner,
    dns_name,
    'binding:host_id': host,
    'binding:profile': profile,
  } = attributes;
  for (const [key, value] of Object.entries({ device_id, device_owner, dns_name }))
    if (value !== undefined && typeof value !== 'string') return `${key} that is no text`;
  if (host !== undefined && host !== null && typeof host !== 'string')
    return 'binding:host_id that is no text';
  if (profile !== undefined && profile !== null && !isRecord(profile))
    return 'binding:profile that is no object';
  return {
    ...(typeof device_id === 'string' ? { device_id } : {}),
    ...(typeof device_owner === 'string' ? { device_owner } : {}),
    ...(typeof dns_name === 'string' ? { dns_name } : {}),
    ...(typeof host === 'string' && host !== '' ? { host } : {}),
    ...(host === null || host === '' ? { unbind: true } : {}),
    ...(profile === undefined ? {} : { profile: isRecord(profile) ? profile : {} }),
  };
}

function removePort(world: World, asked: Asked, port: DatabaseRow): Answer {
  const id = String(port['id']);
  if (asked.body !== undefined)
    return neutronError(400, 'HTTPBadRequest', 'Request body is not supported in DELETE.');
  const refusal = refuseDelete(world, port);
  if (refusal !== null) return refusal;
  if (activeBinding(world, id) === null)
    // The port stays: neutron 21.0 plugins/ml2/plugin.py:delete_port finds no binding to delete.
    return neutronError(404, 'PortBindingNotFound', `Binding for port ${id} for host  could not be found.`);
  deletePort(world, id);
  return { status: 204 };
}

/** Owners whose ports go with what they belong to (neutron 21 `db/l3_db.py:router_device_owners`, `prevent_l3_port_deletion`). */
const ROUTERS_OWNERS = [
  'network:ha_router_replicated_interface',
  'network:router_interface',
  'network:router_gateway',
];

/** Who subscribes to the deletion of a port and forbids it: the trunk plugin (neutron 21 `services/trunk/rules.py`) and L3. */
function refuseDelete(world: World, port: DatabaseRow): Answer | null {
  const db = world.db('neutron');
  const id = String(port['id']);
  const sub = db.prepare('SELECT trunk_id FROM subports WHERE port_id = ?').get(id);
  if (sub !== undefined)
    return neutronError(
      409,
      'PortInUseAsSubPort',
      `Port ${id} is currently a subport for trunk ${sub['trunk_id']}.`,
    );
  const trunk = db.prepare('SELECT id FROM trunks WHERE port_id = ?').get(id);
  if (trunk !== undefined)
    return neutronError(
      409,
      'PortInUseAsTrunkParent',
      `Port ${id} is currently a parent port for trunk ${trunk['id']}.`,
    );
  const owner = String(port['device_owner']);
  const table =
    owner === 'network:floatingip' ? 'floatingips' : ROUTERS_OWNERS.includes(owner) ? 'routers' : null;
  if (table === null) return null;
  // A stale port, without an address or of a router that is gone, may go.
  const hasAddress =
    db.prepare('SELECT 1 FROM ipallocations WHERE port_id = ? LIMIT 1').get(id) !== undefined;
  const hasOwner =
    db.prepare(`SELECT 1 FROM "${table}" WHERE id = ?`).get(port['device_id'] ?? null) !== undefined;
  return hasAddress && hasOwner
    ? neutronError(
        409,
        'ServicePortInUse',
        `Port ${id} cannot be deleted directly via the port API: has device owner ${owner}.`,
      )
    : null;
}
