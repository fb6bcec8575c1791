/**
 * What is in no service's database: compute hosts with their libvirt, links, switch, files and disks; what the storage offers;
 * memcached; what waits in message queues. One SQLite file, so that several processes see the same and a killed one leaves nothing
 * half-written.
 */
const DISKS: readonly string[] = [
  // What the storage offers: a unit of an iSCSI target, as long as it is exported. portals: a JSON list.
  `CREATE TABLE units (
     iqn TEXT NOT NULL, lun INTEGER NOT NULL, portals TEXT NOT NULL, volume TEXT NOT NULL, wwid TEXT NOT NULL,
     bytes INTEGER NOT NULL, PRIMARY KEY (iqn, lun))`,
  // What iscsid keeps: a record for each node that it knows, and its sessions. startup: automatic | manual.
  `CREATE TABLE iscsi_nodes (
     host TEXT NOT NULL, portal TEXT NOT NULL, iqn TEXT NOT NULL, startup TEXT NOT NULL, PRIMARY KEY (host, portal, iqn))`,
  `CREATE TABLE iscsi_sessions (
     host TEXT NOT NULL, sid INTEGER NOT NULL, portal TEXT NOT NULL, iqn TEXT NOT NULL, scsi_host INTEGER NOT NULL,
     PRIMARY KEY (host, sid), UNIQUE (host, portal, iqn))`,
  // sid: the session that it came by, NULL for a disk of the host's own. wwid: what it said when it was found.
  `CREATE TABLE scsi_disks (
     host TEXT NOT NULL, name TEXT NOT NULL, sid INTEGER, lun INTEGER NOT NULL, wwid TEXT NOT NULL, serial TEXT NOT NULL,
     bytes INTEGER NOT NULL, PRIMARY KEY (host, name))`,
  // Maps of device mapper. kind: multipath | crypt | linear. below: names of the devices under it, a JSON list.
  `CREATE TABLE maps (
     host TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, uuid TEXT NOT NULL, below TEXT NOT NULL,
     bytes INTEGER NOT NULL, PRIMARY KEY (host, name), UNIQUE (host, number))`,
  // NVMe over fabrics: a subsystem with its one controller and its block devices (a JSON list): `nvme-subsys1`, `nvme1`, `nvme1n1`.
  `CREATE TABLE nvme_subsystems (
     host TEXT NOT NULL, number INTEGER NOT NULL, nqn TEXT NOT NULL, address TEXT NOT NULL, namespaces TEXT NOT NULL,
     PRIMARY KEY (host, number))`,
  // Processes that have something open, besides the qemus of domains. device: its name, or an absolute path.
  `CREATE TABLE openers (
     host TEXT NOT NULL, device TEXT NOT NULL, pid INTEGER NOT NULL, command TEXT NOT NULL, PRIMARY KEY (host, device, pid))`,
];

const LVM: readonly string[] = [
  // open 1: something has its device open.
  `CREATE TABLE logical_volumes (
     host TEXT NOT NULL, "group" TEXT NOT NULL, name TEXT NOT NULL, bytes INTEGER NOT NULL, open INTEGER NOT NULL DEFAULT 0,
     PRIMARY KEY (host, "group", name))`,
];

const CEPH: readonly string[] = [
  // parent: {"pool", "image", "id", "snapshot"}, or NULL.
  `CREATE TABLE rbd_images (
     pool TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL, bytes INTEGER NOT NULL, parent TEXT, created_at TEXT NOT NULL,
     PRIMARY KEY (pool, name))`,
  `CREATE TABLE rbd_snapshots (
     id INTEGER PRIMARY KEY AUTOINCREMENT, pool TEXT NOT NULL, image TEXT NOT NULL, name TEXT NOT NULL,
     bytes INTEGER NOT NULL, protected INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL, UNIQUE (pool, image, name))`,
  // Clients that have an image open, besides the qemus of domains and the kernels that have it mapped.
  `CREATE TABLE rbd_clients (
     pool TEXT NOT NULL, image TEXT NOT NULL, address TEXT NOT NULL, client INTEGER NOT NULL, cookie INTEGER NOT NULL,
     PRIMARY KEY (pool, image, client))`,
  'CREATE TABLE rbd_maps (host TEXT NOT NULL, number INTEGER NOT NULL, pool TEXT NOT NULL, image TEXT NOT NULL, PRIMARY KEY (host, number))',
];

export const MACHINES: readonly string[] = [
  'CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)',
  // compute: alive | frozen | hung (frozen, and its connection to the message bus is gone) | dead. reachable 0: nothing answers there, neither ssh nor agents. agent 0: no network agent.
  // libvirt, openvswitch: up | down | absent. down: the daemon does not answer; absent: the host has not even its program.
  // images_pool, images_group: the pool of Ceph or the volume group in which its servers' disks lie; NULL: they are files.
  // multipathd 1: it runs.
  `CREATE TABLE hosts (
     name TEXT PRIMARY KEY, reachable INTEGER NOT NULL DEFAULT 1, compute TEXT NOT NULL DEFAULT 'alive',
     agent INTEGER NOT NULL DEFAULT 1, instances TEXT NOT NULL, reaped_at TEXT, identities TEXT NOT NULL,
     libvirt TEXT NOT NULL DEFAULT 'up', openvswitch TEXT NOT NULL DEFAULT 'up', images_pool TEXT,
     images_group TEXT, multipathd INTEGER NOT NULL DEFAULT 0)`,
  // state: virsh's word. running_id: the number of a running domain, NULL when it does not run.
  `CREATE TABLE domains (
     host TEXT NOT NULL, uuid TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL, running_id INTEGER,
     persistent INTEGER NOT NULL, managed_save INTEGER NOT NULL DEFAULT 0, snapshots INTEGER NOT NULL DEFAULT 0,
     nvram INTEGER NOT NULL DEFAULT 0, xml TEXT NOT NULL, PRIMARY KEY (host, uuid), UNIQUE (host, name))`,
  `CREATE TABLE links (
     host TEXT NOT NULL, ifindex INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT, peer TEXT, master TEXT, mac TEXT,
     mtu INTEGER NOT NULL, flags TEXT NOT NULL, PRIMARY KEY (host, name))`,
  // external_ids: a JSON object. id: what ovsdb numbers its records with.
  `CREATE TABLE switch_ports (
     host TEXT NOT NULL, name TEXT NOT NULL, bridge TEXT NOT NULL, tag INTEGER, external_ids TEXT NOT NULL,
     port_id TEXT NOT NULL, interface_id TEXT NOT NULL, PRIMARY KEY (host, name))`,
  // os-vif's record of QoS for a device. id: ovsdb's.
  `CREATE TABLE switch_qos (
     host TEXT NOT NULL, id TEXT NOT NULL, device TEXT NOT NULL, external_ids TEXT NOT NULL, PRIMARY KEY (host, id))`,
  // host `glance`: the store of images. store: the file system that it lies on, where that is not the host's own.
  `CREATE TABLE files (
     host TEXT NOT NULL, path TEXT NOT NULL, kind TEXT NOT NULL, mode TEXT NOT NULL, owner TEXT NOT NULL, target TEXT,
     PRIMARY KEY (host, path))`,
  `CREATE TABLE mounts (
     host TEXT NOT NULL, ordinal INTEGER NOT NULL, target TEXT NOT NULL, fstype TEXT NOT NULL, source TEXT NOT NULL,
     device INTEGER NOT NULL, PRIMARY KEY (host, ordinal))`,
  // port: what the rule is named after, the first ten characters of a port's id.
  'CREATE TABLE firewall (host TEXT NOT NULL, rule TEXT NOT NULL, port TEXT)',
  'CREATE INDEX firewall_port ON firewall (host, port)',
  'CREATE TABLE namespaces (host TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (host, name))',
  'CREATE TABLE cache (server TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (server, key))',
  // mappings: the rows of block_device_mapping that a terminate_instance brings along (a JSON list); NULL: it brings none.
  `CREATE TABLE waiting (
     id INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT NOT NULL, method TEXT NOT NULL, server TEXT NOT NULL, mappings TEXT)`,
  // Advisory locks of the database server. connection, pid, start: who holds it, and which process that is. says: a JSON object.
  `CREATE TABLE locks (
     name TEXT PRIMARY KEY, connection INTEGER NOT NULL, pid INTEGER NOT NULL, start TEXT, says TEXT NOT NULL)`,
  ...DISKS,
  ...LVM,
  ...CEPH,
];
