/** A port as Neutron shows it, put together from its tables. */

import { isRecord } from '../../site/parse.ts';
import { type DatabaseRow, isoTime, readJson } from '../http/exchange.ts';
import { type Caller, isAdmin } from '../keystone/tokens.ts';
import type { World } from '../world.ts';
import { hasExtension } from './extensions.ts';

export type PortBody = Readonly<Record<string, unknown>>;

const DVR_INTERFACE = 'network:router_interface_distributed';

/** What the policies show to an administrator only (neutron 21 `conf/policies/port.py`, `get_port:…`). */
const ADMINS_KEYS = [
  'binding:vif_type',
  'binding:vif_details',
  'binding:host_id',
  'binding:profile',
  'resource_request',
] as const;

export function findPort(world: World, id: string): DatabaseRow | null {
  return (
    world
      .db('neutron')
      .prepare(
        `SELECT p.*, s.description, s.created_at, s.updated_at, s.revision_number
         FROM ports p JOIN standardattributes s ON s.id = p.standard_attr_id WHERE p.id = ?`,
      )
      .get(id) ?? null
  );
}

/** The one binding that counts. A port has others only while a server is moved. */
export function activeBinding(world: World, portId: string): DatabaseRow | null {
  return (
    world
      .db('neutron')
      .prepare("SELECT * FROM ml2_port_bindings WHERE port_id = ? AND status = 'ACTIVE'")
      .get(portId) ?? null
  );
}

/**
 * The keys and their order are those of neutron 21 (Zed) with ml2 and `port_security`; the keys of extensions that the recorded
 * cloud has not come from their sources and stand before the standard attributes.
 *
 * @param port a row of `findPort`
 */
export function portBody(world: World, port: DatabaseRow, caller: Caller): PortBody {
  const id = String(port['id']);
  const body: Record<string, unknown> = {
    id,
    name: port['name'],
    network_id: port['network_id'],
    tenant_id: port['project_id'],
    mac_address: port['mac_address'],
    admin_state_up: port['admin_state_up'] === 1,
    status: port['status'],
    device_id: port['device_id'],
    device_owner: port['device_owner'],
    fixed_ips: all(
      world,
      'SELECT subnet_id, ip_address FROM ipallocations WHERE port_id = ? ORDER BY ip_address, subnet_id',
      id,
    ),
    allowed_address_pairs: all(
      world,
      'SELECT ip_address, mac_address FROM allowedaddresspairs WHERE port_id = ?',
      id,
    ),
    extra_dhcp_opts: all(
      world,
      'SELECT opt_name, opt_value, ip_version FROM extradhcpopts WHERE port_id = ?',
      id,
    ),
    security_groups: column(
      world,
      'SELECT security_group_id FROM securitygroupportbindings WHERE port_id = ?',
      id,
    ),
    description: port['description'] ?? '',
    ...bindingKeys(world, port),
    ...optional(
      world,
      'SELECT port_security_enabled FROM portsecuritybindings WHERE port_id = ?',
      id,
      (row) => ({
        port_security_enabled: row['port_security_enabled'] === 1,
      }),
    ),
    ...dnsKeys(world, id),
    ...qosKeys(world, port),
    ...trunkKeys(world, id),
    ...optional(world, 'SELECT * FROM portdataplanestatuses WHERE port_id = ?', id, (row) => ({
      data_plane_status: row['data_plane_status'],
    })),
    ...optional(world, 'SELECT * FROM portuplinkstatuspropagation WHERE port_id = ?', id, (row) => ({
      propagate_uplink_status: row['propagate_uplink_status'] === 1,
    })),
    ...optional(world, 'SELECT * FROM portnumaaffinitypolicies WHERE port_id = ?', id, (row) => ({
      numa_affinity_policy: row['numa_affinity_policy'],
    })),
    ...optional(world, 'SELECT * FROM portdeviceprofiles WHERE port_id = ?', id, (row) => ({
      device_profile: row['device_profile'],
    })),
    tags: column(world, 'SELECT tag FROM tags WHERE standard_attr_id = ?', Number(port['standard_attr_id'])),
    created_at: isoTime(port['created_at']),
    updated_at: isoTime(port['updated_at']),
    revision_number: port['revision_number'],
    project_id: port['project_id'],
  };
  if (!isAdmin(caller)) for (const key of ADMINS_KEYS) delete body[key];
  return body;
}

/** neutron 21 `plugins/ml2/plugin.py:_ml2_extend_port_dict_binding`: no keys at all for a port whose active binding is lost. */
function bindingKeys(world: World, port: DatabaseRow): PortBody {
  const id = String(port['id']);
  const binding = activeBinding(world, id);
  if (binding === null) return {};
  const isDistributed = port['device_owner'] === DVR_INTERFACE;
  const details = readJson(binding['vif_details']);
  const drivers = world
    .db('neutron')
    .prepare('SELECT level, driver FROM ml2_port_binding_levels WHERE port_id = ? ORDER BY level')
    .all(id)
    .map((level) => [String(level['level']), level['driver']] as const);
  return {
    'binding:vnic_type': binding['vnic_type'],
    'binding:profile': readJson(binding['profile']) ?? {},
    'binding:host_id': isDistributed ? '' : binding['host'],
    'binding:vif_type': isDistributed ? 'distributed' : binding['vif_type'],
    'binding:vif_details': {
      ...(isRecord(details) && !isDistributed ? details : {}),
      ...(drivers.length === 0 ? {} : { bound_drivers: Object.fromEntries(drivers) }),
    },
  };
}

/**
 * neutron 21 `plugins/ml2/extensions/dns_integration.py:_extend_port_dict`, for a Neutron whose `[DEFAULT]dns_domain` is
 * `demo.example.`
 */
function dnsKeys(world: World, id: string): PortBody {
  if (!hasExtension(world, 'dns-integration')) return {};
  const row = world.db('neutron').prepare('SELECT * FROM portdnses WHERE port_id = ?').get(id);
  const name = String(row?.['dns_name'] ?? '');
  const domain = String(row?.['current_dns_domain'] ?? '') || 'demo.example.';
  const addresses = column(
    world,
    'SELECT ip_address FROM ipallocations WHERE port_id = ? ORDER BY ip_address, subnet_id',
    id,
  ).map(String);
  return {
    dns_name: name,
    dns_assignment: addresses.map((address) => {
      const hostname = name === '' ? `host-${address.replaceAll(/[.:]/g, '-')}` : name;
      return {
        ip_address: address,
        hostname,
        fqdn: hostname.endsWith('.') ? hostname : `${hostname}.${domain}`,
      };
    }),
  };
}

/** neutron 21 `services/qos/qos_plugin.py:_extend_port_resource_request`. A policy with a minimum is refused: see there. */
function qosKeys(world: World, port: DatabaseRow): PortBody {
  if (!hasExtension(world, 'qos')) return {};
  const db = world.db('neutron');
  const own = db
    .prepare('SELECT policy_id FROM qos_port_policy_bindings WHERE port_id = ?')
    .get(port['id'] ?? null);
  const ofNetwork = db
    .prepare('SELECT policy_id FROM qos_network_policy_bindings WHERE network_id = ?')
    .get(port['network_id'] ?? null);
  const policy = own?.['policy_id'] ?? ofNetwork?.['policy_id'] ?? null;
  for (const table of ['qos_minimum_bandwidth_rules', 'qos_minimum_packet_rate_rules'])
    if (db.prepare(`SELECT 1 FROM "${table}" WHERE qos_policy_id = ?`).get(policy) !== undefined)
      throw new Error(`the simulator was not taught the resource_request of a port with ${table}`);
  return {
    qos_policy_id: own?.['policy_id'] ?? null,
    qos_network_policy_id: ofNetwork?.['policy_id'] ?? null,
    resource_request: null,
  };
}

/** Only a trunk's parent has the key (neutron 21 `services/trunk/plugin.py:_extend_port_trunk_details`). */
function trunkKeys(world: World, id: string): PortBody {
  return optional(world, 'SELECT id FROM trunks WHERE port_id = ?', id, (trunk) => ({
    trunk_details: {
      trunk_id: trunk['id'],
      sub_ports: world
        .db('neutron')
        .prepare(
          `SELECT s.segmentation_id, s.segmentation_type, s.port_id, p.mac_address
           FROM subports s JOIN ports p ON p.id = s.port_id WHERE s.trunk_id = ? ORDER BY s.port_id`,
        )
        .all(trunk['id'] ?? null),
    },
  }));
}

function all(world: World, sql: string, value: string | number): DatabaseRow[] {
  return world.db('neutron').prepare(sql).all(value);
}

function column(world: World, sql: string, value: string | number): unknown[] {
  return all(world, sql, value).flatMap((row) => Object.values(row));
}

function optional(world: World, sql: string, id: string, show: (row: DatabaseRow) => PortBody): PortBody {
  const row = world.db('neutron').prepare(sql).get(id);
  return row === undefined ? {} : show(row);
}
