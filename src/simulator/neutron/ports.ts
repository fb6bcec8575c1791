/** What happens to ports: by Neutron's API, by Nova, by agents. Each function does what the real one does to the tables. */
import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../../site/parse.ts';
import { pythonJson, readJson } from '../http/exchange.ts';
import { inTransaction, sqlTime, type World } from '../world.ts';
import { bindToHost } from './binding.ts';
import { activeBinding, findPort } from './port-body.ts';

export interface PortChange {
  readonly device_id?: string;
  readonly device_owner?: string;
  /** the host that it is bound to is dropped */
  readonly unbind?: boolean;
  /** the host that it is to be bound to */
  readonly host?: string;
  readonly profile?: Readonly<Record<string, unknown>>;
  readonly dns_name?: string;
}

export interface PortRow {
  readonly id: string;
  readonly name: string;
  readonly networkId: string;
  readonly mac: string;
  readonly status: string;
  readonly deviceId: string;
  readonly deviceOwner: string;
  /** the host of its active binding; empty when it is bound to none */
  readonly host: string;
  readonly vifType: string;
}

/** The ports that name the server as their device, in the order of their ids. */
export function portsOf(world: World, serverUuid: string): readonly PortRow[] {
  return world
    .db('neutron')
    .prepare(
      `SELECT p.*, b.host, b.vif_type FROM ports p
       LEFT JOIN ml2_port_bindings b ON b.port_id = p.id AND b.status = 'ACTIVE' WHERE p.device_id = ? ORDER BY p.id`,
    )
    .all(serverUuid)
    .map((row) => ({
      id: String(row['id']),
      name: String(row['name'] ?? ''),
      networkId: String(row['network_id']),
      mac: String(row['mac_address']),
      status: String(row['status']),
      deviceId: String(row['device_id']),
      deviceOwner: String(row['device_owner']),
      host: String(row['host'] ?? ''),
      vifType: String(row['vif_type'] ?? 'unbound'),
    }));
}

/** Each transaction that touches a port counts once (neutron 21 `services/revisions/revision_plugin.py:bump_revisions`). */
function bumpRevision(world: World, portId: string): void {
  world
    .db('neutron')
    .prepare(
      `UPDATE standardattributes SET revision_number = revision_number + 1, updated_at = ?
       WHERE id = (SELECT standard_attr_id FROM ports WHERE id = ?)`,
    )
    .run(sqlTime(world.now()), portId);
}

/**
 * The effects of a PUT (neutron 21 `plugins/ml2/plugin.py:update_port`, `_process_port_binding`): a change of host or profile
 * clears the binding with its levels and sets the port DOWN, in the one transaction that changes the port.
 *
 * @throws Error when there is no such port, or no active binding of it
 */
export function updatePort(world: World, portId: string, change: PortChange): void {
  const db = world.db('neutron');
  inTransaction(db, () => {
    const binding = activeBinding(world, portId);
    if (binding === null) throw new Error(`port ${portId} has no active binding`);
    const { device_id, device_owner } = change;
    if (device_id !== undefined)
      db.prepare('UPDATE ports SET device_id = ? WHERE id = ?').run(device_id, portId);
    if (device_owner !== undefined)
      db.prepare('UPDATE ports SET device_owner = ? WHERE id = ?').run(device_owner, portId);
    const isUnbound = change.unbind === true && binding['host'] !== '';
    const isNewProfile =
      change.profile !== undefined && !isDeepStrictEqual(change.profile, readJson(binding['profile']) ?? {});
    if (isUnbound || isNewProfile) {
      db.prepare('DELETE FROM ml2_port_binding_levels WHERE port_id = ? AND host = ?').run(
        portId,
        binding['host'] ?? '',
      );
      db.prepare(
        `UPDATE ml2_port_bindings SET host = ?, profile = ?, vif_type = 'unbound', vif_details = ''
         WHERE port_id = ? AND host = ?`,
      ).run(
        isUnbound ? '' : (binding['host'] ?? ''),
        isNewProfile ? pythonJson(change.profile) : (binding['profile'] ?? ''),
        portId,
        binding['host'] ?? '',
      );
      db.prepare("UPDATE ports SET status = 'DOWN' WHERE id = ?").run(portId);
      if (binding['vif_type'] !== 'unbound') lowerTrunk(world, portId);
    }
    if (change.host !== undefined && change.host !== binding['host']) bindPort(world, portId, change.host);
    if (change.dns_name !== undefined) setDnsName(world, portId, change.dns_name);
    bumpRevision(world, portId);
  });
}

/** neutron 21 `services/trunk/plugin.py:_trigger_trunk_status_change`: a trunk is DOWN once its parent is unbound. */
function lowerTrunk(world: World, portId: string): void {
  const db = world.db('neutron');
  const { changes } = db
    .prepare("UPDATE trunks SET status = 'DOWN' WHERE port_id = ? AND status <> 'DOWN'")
    .run(portId);
  if (changes === 0) return;
  db.prepare(
    `UPDATE standardattributes SET revision_number = revision_number + 1, updated_at = ?
     WHERE id = (SELECT standard_attr_id FROM trunks WHERE port_id = ?)`,
  ).run(sqlTime(world.now()), portId);
}

/** The binding in its tables. Until the host's agent has wired the port it is DOWN, and here no agent wires what nobody plugged. */
function bindPort(world: World, portId: string, host: string): void {
  const db = world.db('neutron');
  const { vifType, vifDetails, segment } = bindToHost(world, portId, host);
  db.prepare('DELETE FROM ml2_port_binding_levels WHERE port_id = ?').run(portId);
  db.prepare(
    "UPDATE ml2_port_bindings SET host = ?, vif_type = ?, vif_details = ? WHERE port_id = ? AND status = 'ACTIVE'",
  ).run(host, vifType, vifDetails, portId);
  if (segment !== null)
    db.prepare("INSERT INTO ml2_port_binding_levels VALUES (?, ?, 0, 'openvswitch', ?)").run(
      portId,
      host,
      segment,
    );
  db.prepare("UPDATE ports SET status = 'DOWN' WHERE id = ?").run(portId);
  // Neutron commits what the driver found in a transaction of its own (neutron 21 plugins/ml2/plugin.py:_commit_port_binding).
  bumpRevision(world, portId);
}

/** neutron 21 `plugins/ml2/extensions/dns_integration.py:_update_dns_db`: `current_…` is what an external DNS service is told. */
function setDnsName(world: World, portId: string, name: string): void {
  const db = world.db('neutron');
  const row = db.prepare('SELECT * FROM portdnses WHERE port_id = ?').get(portId);
  const domain = String(row?.['dns_domain'] ?? '') || networkDomain(world, portId);
  const current = name === '' || domain === '' ? ['', ''] : [name, domain];
  if (row === undefined) {
    if (name !== '')
      db.prepare(
        `INSERT INTO portdnses (port_id, dns_name, current_dns_name, current_dns_domain, previous_dns_name,
         previous_dns_domain, dns_domain) VALUES (?, ?, ?, ?, '', '', '')`,
      ).run(portId, name, ...current);
  } else if (row['dns_name'] !== name)
    db.prepare(
      `UPDATE portdnses SET dns_name = ?, previous_dns_name = current_dns_name,
       previous_dns_domain = current_dns_domain, current_dns_name = ?, current_dns_domain = ? WHERE port_id = ?`,
    ).run(name, ...current, portId);
  else if (row['current_dns_name'] === '')
    db.prepare("UPDATE portdnses SET previous_dns_name = '', previous_dns_domain = '' WHERE port_id = ?").run(
      portId,
    );
}

function networkDomain(world: World, portId: string): string {
  const row = world
    .db('neutron')
    .prepare(
      'SELECT d.dns_domain FROM ports p JOIN networkdnsdomains d ON d.network_id = p.network_id WHERE p.id = ?',
    )
    .get(portId);
  return String(row?.['dns_domain'] ?? '');
}

/** Keys of `binding:profile` that Nova takes out when it unbinds (nova 26 `network/neutron.py:_unbind_ports`). */
const PHYSICAL_KEYS = new Set([
  'pci_vendor_info',
  'pci_slot',
  'allocation',
  'arq_uuid',
  'physical_network',
  'card_serial_number',
  'vf_num',
  'pf_mac_address',
  'device_mac_address',
]);

/** What Nova does to a port that a user made. Nothing happens to a port that is not there. */
export function unbindPort(world: World, portId: string): void {
  const binding = activeBinding(world, portId);
  if (binding === null) return;
  const profile = readJson(binding['profile']);
  const kept = Object.entries(isRecord(profile) ? profile : {}).filter(([key]) => !PHYSICAL_KEYS.has(key));
  updatePort(world, portId, {
    device_id: '',
    device_owner: '',
    unbind: true,
    profile: Object.fromEntries(kept),
  });
}

/**
 * What Neutron's `delete_port` does once nothing refuses it: floating addresses let go of the port and stay, addresses go back
 * to IPAM (no foreign key does that), and with the port's standard attributes go the port and all that hangs on it. Nothing
 * happens to a port that is not there.
 */
export function deletePort(world: World, portId: string): void {
  const db = world.db('neutron');
  const port = findPort(world, portId);
  if (port === null) return;
  inTransaction(db, () => {
    // neutron 21 db/l3_db.py:disassociate_floatingips
    db.prepare(
      `UPDATE standardattributes SET revision_number = revision_number + 1, updated_at = ?
       WHERE id IN (SELECT standard_attr_id FROM floatingips WHERE fixed_port_id = ?)`,
    ).run(sqlTime(world.now()), portId);
    db.prepare(
      `UPDATE floatingips SET fixed_port_id = NULL, fixed_ip_address = NULL, router_id = NULL
       WHERE fixed_port_id = ?`,
    ).run(portId);
    db.prepare(
      `DELETE FROM ipamallocations WHERE (ip_address, ipam_subnet_id) IN (
         SELECT a.ip_address, s.id FROM ipallocations a JOIN ipamsubnets s ON s.neutron_subnet_id = a.subnet_id
         WHERE a.port_id = ?)`,
    ).run(portId);
    db.prepare('DELETE FROM standardattributes WHERE id = ?').run(port['standard_attr_id'] ?? null);
  });
}

/** What an agent reports of a bound port. A status that it has already changes nothing. */
export function setPortStatus(world: World, portId: string, status: 'ACTIVE' | 'DOWN'): void {
  const db = world.db('neutron');
  inTransaction(db, () => {
    const { changes } = db
      .prepare('UPDATE ports SET status = ? WHERE id = ? AND status <> ?')
      .run(status, portId, status);
    if (changes > 0) bumpRevision(world, portId);
  });
}
