/** Networks as Neutron shows them. */
import { type Answer, type Asked, type DatabaseRow, isoTime, notTaught, readJson } from '../http/exchange.ts';
import { type Caller, isAdmin } from '../keystone/tokens.ts';
import type { World } from '../world.ts';
import { networkNotFound, notImplemented } from './errors.ts';
import { hasExtension } from './extensions.ts';
import { type Collection, listCollection, UNTAUGHT_FILTERS } from './list.ts';

const NETWORKS: Collection = {
  name: 'networks',
  from: 'networks',
  filters: new Map([
    ['id', 'id'],
    ['name', 'name'],
    ['project_id', 'project_id'],
    ['tenant_id', 'project_id'],
    ['status', 'status'],
    ['admin_state_up', 'admin_state_up'],
    ['mtu', 'mtu'],
  ]),
  flags: new Set(['admin_state_up']),
  untaught: new Set([
    ...UNTAUGHT_FILTERS,
    'shared',
    'router:external',
    'is_default',
    'description',
    'provider:network_type',
    'provider:physical_network',
    'provider:segmentation_id',
    'vlan_transparent',
  ]),
  notFound: networkNotFound,
};

export function listNetworks(world: World, asked: Asked, caller: Caller): Answer {
  if (!isAdmin(caller))
    return notImplemented(notTaught(asked, 'which networks of others a user without the role admin sees'));
  return listCollection(world, asked, NETWORKS, null, ({ id }) => {
    const network = findNetwork(world, String(id));
    return network === null ? {} : networkBody(world, network);
  });
}

export function showNetwork(world: World, asked: Asked, id: string, caller: Caller): Answer {
  if (asked.query.size > 0)
    return notImplemented(notTaught(asked, `the query ${[...asked.query.keys()].join(', ')}`));
  const network = findNetwork(world, id);
  if (network === null) return networkNotFound(id);
  if (!isAdmin(caller) && network['project_id'] !== caller.project)
    return notImplemented(notTaught(asked, 'which networks of others a user without the role admin sees'));
  const body = networkBody(world, network);
  const shown = Object.entries(body).filter(([key]) => isAdmin(caller) || !key.startsWith('provider:'));
  return { status: 200, body: { network: Object.fromEntries(shown) } };
}

function findNetwork(world: World, id: string): DatabaseRow | null {
  return (
    world
      .db('neutron')
      .prepare(
        `SELECT n.*, s.description, s.created_at, s.updated_at, s.revision_number
         FROM networks n JOIN standardattributes s ON s.id = n.standard_attr_id WHERE n.id = ?`,
      )
      .get(id) ?? null
  );
}

/** Keys and order of neutron 21 (Zed) with ml2, `port_security` and the default service plugins. */
function networkBody(world: World, network: DatabaseRow): Readonly<Record<string, unknown>> {
  const id = String(network['id']);
  const list = (sql: string, value: string | number = id) => world.db('neutron').prepare(sql).all(value);
  const values = (sql: string, value?: string | number) => list(sql, value).flatMap(Object.values);
  const [security] = list(
    'SELECT port_security_enabled AS on_ FROM networksecuritybindings WHERE network_id = ?',
  );
  const [domain] = list('SELECT dns_domain FROM networkdnsdomains WHERE network_id = ?');
  return {
    id,
    name: network['name'],
    tenant_id: network['project_id'],
    admin_state_up: network['admin_state_up'] === 1,
    mtu: network['mtu'],
    status: network['status'],
    subnets: values('SELECT id FROM subnets WHERE network_id = ? ORDER BY id'),
    shared:
      list(
        "SELECT 1 FROM networkrbacs WHERE object_id = ? AND action = 'access_as_shared' AND target_project = '*'",
      ).length > 0,
    availability_zone_hints: readJson(network['availability_zone_hints']) ?? [],
    availability_zones: values(
      `SELECT DISTINCT a.availability_zone FROM networkdhcpagentbindings b JOIN agents a ON a.id = b.dhcp_agent_id
       WHERE b.network_id = ? AND a.availability_zone IS NOT NULL`,
    ),
    ipv4_address_scope: addressScope(world, id, 4),
    ipv6_address_scope: addressScope(world, id, 6),
    'router:external': list('SELECT 1 FROM externalnetworks WHERE network_id = ?').length > 0,
    description: network['description'] ?? '',
    ...(security === undefined ? {} : { port_security_enabled: security['on_'] === 1 }),
    ...(hasExtension(world, 'dns-integration') ? { dns_domain: domain?.['dns_domain'] ?? '' } : {}),
    ...(hasExtension(world, 'qos')
      ? {
          qos_policy_id:
            values('SELECT policy_id FROM qos_network_policy_bindings WHERE network_id = ?')[0] ?? null,
        }
      : {}),
    tags: values('SELECT tag FROM tags WHERE standard_attr_id = ?', Number(network['standard_attr_id'])),
    created_at: isoTime(network['created_at']),
    updated_at: isoTime(network['updated_at']),
    revision_number: network['revision_number'],
    project_id: network['project_id'],
    ...providerKeys(world, id),
  };
}

function addressScope(world: World, network: string, version: number): unknown {
  const row = world
    .db('neutron')
    .prepare(
      `SELECT p.address_scope_id AS scope FROM subnets s JOIN subnetpools p ON p.id = s.subnetpool_id
       WHERE s.network_id = ? AND p.ip_version = ? AND p.address_scope_id IS NOT NULL LIMIT 1`,
    )
    .get(network, version);
  return row?.['scope'] ?? null;
}

/** neutron 21 `plugins/ml2/managers.py:_extend_network_dict_provider`: one segment as keys, several as a list. */
function providerKeys(world: World, network: string): Readonly<Record<string, unknown>> {
  const segments = world
    .db('neutron')
    .prepare(
      'SELECT * FROM networksegments WHERE network_id = ? AND is_dynamic = 0 ORDER BY segment_index, id',
    )
    .all(network)
    .map((segment) => ({
      'provider:network_type': segment['network_type'],
      'provider:physical_network': segment['physical_network'],
      'provider:segmentation_id': segment['segmentation_id'],
    }));
  const [only] = segments;
  return segments.length > 1 ? { segments } : (only ?? {});
}
