/** One kind of remains at a time, put back beside a server that Nova has deleted properly: nothing else is left of it. */
import { connectUnit } from '../../src/simulator/hosts/connect.ts';
import type { Planted } from '../../src/simulator/plant.ts';
import { keepDisksInCeph } from '../../src/simulator/plant-images.ts';
import { writeSiteFiles } from '../../src/simulator/site-files.ts';
import { offerUnit } from '../../src/simulator/storage/units.ts';
import { sqlTime, type World } from '../../src/simulator/world.ts';

export type Plant = (world: World, server: Planted) => void;

const PORT = '7c000000-0000-4000-8000-00000000000a';
const VOLUME = '7d000000-0000-4000-8000-00000000000e';
const HELD = '7e000000-0000-4000-8000-00000000000c';
const ATTACHMENT = 'a7000000-0000-4000-8000-00000000000d';
const IMAGE = '1a000000-0000-4000-8000-00000000000b';

function one(
  world: World,
  database: Parameters<World['db']>[0],
  sql: string,
  ...values: (string | number)[]
) {
  const row = world
    .db(database)
    .prepare(sql)
    .get(...values);
  if (row === undefined) throw new Error(`nothing there: ${sql}`);
  return row;
}

function instance(world: World, uuid: string) {
  return one(world, 'nova', 'SELECT * FROM instances WHERE uuid = ?', uuid);
}

export const plantDomain: Plant = (world, { host, uuid }) => {
  const name = `instance-${Number(instance(world, uuid)['id']).toString(16).padStart(8, '0')}`;
  const xml = `<domain type='kvm'>\n  <name>${name}</name>\n  <uuid>${uuid}</uuid>\n  <devices/>\n</domain>\n`;
  world.machines
    .prepare(
      "INSERT INTO domains (host, uuid, name, state, running_id, persistent, xml) VALUES (?, ?, ?, 'running', 90, 1, ?)",
    )
    .run(host, uuid, name, xml);
};

export const plantInterface: Plant = (world, { host, uuid }) => {
  const ids = { 'iface-id': PORT, 'vm-uuid': uuid, 'iface-status': 'active' };
  world.machines
    .prepare("INSERT INTO switch_ports VALUES (?, ?, 'br-int', 4095, ?, 'p-1', 'i-1')")
    .run(host, `qvo${PORT.slice(0, 11)}`, JSON.stringify(ids));
};

export const plantFolder: Plant = (world, { host, uuid }) => {
  world.machines
    .prepare("INSERT INTO files VALUES (?, ?, 'folder', '755', '64055:64055', NULL)")
    .run(host, `/var/lib/nova/instances/${uuid}_resize`);
};

/** A disk by two paths, which the host kept when the server was deleted; Nova's row of the volume is marked deleted with it. */
export const plantConnection: Plant = (world, { host, uuid }) => {
  const iqn = `iqn.2010-10.org.openstack:volume-${VOLUME}`;
  const portals = ['10.0.3.1:3260', '10.0.3.2:3260'];
  const unit = {
    iqn,
    lun: 1,
    portals,
    volume: VOLUME,
    wwid: '360000000000000000e00000000070001',
    bytes: 2 ** 30,
  };
  offerUnit(world, unit);
  connectUnit(world, host, unit, { multipath: true });
  const data = {
    target_portals: portals,
    target_iqns: [iqn, iqn],
    target_luns: [1, 1],
    multipath_id: unit.wwid,
  };
  const now = sqlTime(world.now());
  world
    .db('nova')
    .prepare(
      `INSERT INTO block_device_mapping (created_at, deleted_at, deleted, device_name, delete_on_termination, volume_id, volume_size,
                                         connection_info, instance_uuid, source_type, destination_type, device_type, uuid)
       VALUES (?, ?, 999999, '/dev/vdb', 0, ?, 1, ?, ?, 'volume', 'volume', 'disk', '7d000000-0000-4000-8000-00000000000f')`,
    )
    .run(now, now, VOLUME, JSON.stringify({ driver_volume_type: 'iscsi', data }), uuid);
};

/** The site file says that this host keeps disks in Ceph, so they are found without a domain. */
export const plantDisk: Plant = (world, server) => {
  keepDisksInCeph(world, server);
  writeSiteFiles(world);
};

/** Nova has forgotten it, Cinder has not. */
export const plantAttachment: Plant = (world, { host, uuid }) => {
  const cinder = world.db('cinder');
  const now = sqlTime(world.now());
  const type = one(world, 'cinder', 'SELECT id FROM volume_types');
  cinder
    .prepare(
      `INSERT INTO volumes (id, created_at, project_id, size, status, attach_status, display_name, multiattach, deleted, volume_type_id, host)
       VALUES (?, ?, 'p', 1, 'in-use', 'attached', 'left', 0, 0, ?, 'controller@fake#fake')`,
    )
    .run(HELD, now, type['id'] ?? null);
  cinder
    .prepare(
      `INSERT INTO volume_attachment (id, created_at, volume_id, instance_uuid, attached_host, attach_mode, attach_status, deleted, connection_info)
       VALUES (?, ?, ?, ?, ?, 'rw', 'attached', 0, ?)`,
    )
    .run(
      ATTACHMENT,
      now,
      HELD,
      uuid,
      host,
      `{"driver_volume_type": "rbd", "name": "volumes/volume-${HELD}"}`,
    );
};

export const plantPort: Plant = (world, { uuid }) => {
  const neutron = world.db('neutron');
  const network = one(world, 'neutron', 'SELECT id, project_id FROM networks ORDER BY id');
  const now = sqlTime(world.now());
  const attribute = neutron
    .prepare("INSERT INTO standardattributes (resource_type, created_at, updated_at) VALUES ('ports', ?, ?)")
    .run(now, now).lastInsertRowid;
  neutron
    .prepare(
      `INSERT INTO ports (project_id, id, name, network_id, mac_address, admin_state_up, status, device_id, device_owner, standard_attr_id)
       VALUES (?, ?, '', ?, 'fa:16:3e:00:00:0a', 1, 'DOWN', ?, 'compute:nova', ?)`,
    )
    .run(network['project_id'] ?? null, PORT, network['id'] ?? null, uuid, attribute);
  neutron.prepare("INSERT INTO ml2_port_bindings (port_id, vif_type) VALUES (?, 'unbound')").run(PORT);
};

export const plantImage: Plant = (world, { name, uuid }) => {
  const glance = world.db('glance');
  const now = sqlTime(world.now());
  glance
    .prepare(
      `INSERT INTO images (id, name, status, created_at, deleted, min_disk, min_ram, visibility, owner, disk_format, container_format)
       VALUES (?, ?, 'active', ?, 0, 0, 0, 'private', 'p', 'raw', 'bare')`,
    )
    .run(IMAGE, `${name}-shelved`, now);
  glance
    .prepare(
      "INSERT INTO image_properties (image_id, name, value, created_at, deleted) VALUES (?, 'instance_uuid', ?, ?, 0)",
    )
    .run(IMAGE, uuid, now);
  world
    .db('nova')
    .prepare(
      `INSERT INTO instance_system_metadata (created_at, deleted_at, instance_uuid, key, value, deleted)
       VALUES (?, ?, ?, 'shelved_image_id', ?, 999999)`,
    )
    .run(now, now, uuid, IMAGE);
};

export const plantAllocation: Plant = (world, { uuid }) => {
  const placement = world.db('placement');
  const provider = one(world, 'placement', 'SELECT id FROM resource_providers ORDER BY id');
  const owner = one(world, 'placement', 'SELECT project_id, user_id FROM consumers ORDER BY id');
  placement
    .prepare('INSERT INTO consumers (uuid, project_id, user_id) VALUES (?, ?, ?)')
    .run(uuid, owner['project_id'] ?? null, owner['user_id'] ?? null);
  placement
    .prepare(
      'INSERT INTO allocations (resource_provider_id, consumer_id, resource_class_id, used) VALUES (?, ?, 0, 1)',
    )
    .run(provider['id'] ?? null, uuid);
};

export const plantRow: Plant = (world, { uuid }) => {
  world.db('nova').prepare("INSERT INTO tags (resource_id, tag) VALUES (?, 'left-behind')").run(uuid);
};

export const plantBuildRequest: Plant = (world, { name, uuid }) => {
  const json = JSON.stringify({ 'nova_object.data': { display_name: name } });
  world
    .db('nova_api')
    .prepare(
      "INSERT INTO build_requests (created_at, project_id, instance_uuid, instance) VALUES ('2026-11-01 00:00:00', 'p', ?, ?)",
    )
    .run(uuid, json);
};

export const plantMapping: Plant = (world, { uuid }) => {
  world
    .db('nova_api')
    .prepare('UPDATE instance_mappings SET queued_for_delete = 0 WHERE instance_uuid = ?')
    .run(uuid);
};

export const plantRequest: Plant = (world, { host, uuid }) => {
  world.machines
    .prepare("INSERT INTO waiting (host, method, server) VALUES (?, 'reboot_instance', ?)")
    .run(host, uuid);
};

export const plantToken: Plant = (world, { uuid }) => {
  const token = '70cece00-0000-4000-8000-00000000000c';
  const put = world.machines.prepare("INSERT INTO cache VALUES ('127.0.0.1:11211', ?, ?)");
  put.run(uuid, Buffer.from(JSON.stringify([token])));
  put.run(token, Buffer.from(JSON.stringify({ instance_uuid: uuid, port: 5900 })));
};

/** Columns that came after Ocata: under other names they are not there, and the schema is one of Newton or Ocata, which still count quota in a table. */
const YOUNGER: readonly (readonly [table: string, column: string])[] = [
  ['block_device_mapping', 'attachment_id'],
  ['block_device_mapping', 'volume_type'],
  ['block_device_mapping', 'encrypted'],
  ['migrations', 'uuid'],
  ['instance_extra', 'trusted_certs'],
  ['instances', 'hidden'],
];

export const plantQuota: Plant = (world, { uuid }) => {
  const nova = world.db('nova');
  const row = instance(world, uuid);
  for (const [table, column] of YOUNGER)
    nova.exec(`ALTER TABLE "${table}" RENAME COLUMN "${column}" TO "not_yet_${column}"`);
  nova
    .prepare(
      "INSERT INTO quota_usages (project_id, user_id, resource, in_use, reserved, deleted) VALUES (?, ?, 'instances', 17, 0, 0)",
    )
    .run(row['project_id'] ?? null, row['user_id'] ?? null);
};
