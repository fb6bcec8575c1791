/**
 * What is in no service's database: compute hosts with their libvirt, links, switch and files; memcached; what waits in message
 * queues. One SQLite file, so that several processes see the same and a killed one leaves nothing half-written.
 */
export const MACHINES: readonly string[] = [
  'CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)',
  // compute: alive | frozen | dead. reachable 0: nothing answers there, neither ssh nor agents. agent 0: no network agent.
  // libvirt, openvswitch: up | down | absent. down: the daemon does not answer; absent: the host has not even its program.
  `CREATE TABLE hosts (
     name TEXT PRIMARY KEY, reachable INTEGER NOT NULL DEFAULT 1, compute TEXT NOT NULL DEFAULT 'alive',
     agent INTEGER NOT NULL DEFAULT 1, instances TEXT NOT NULL, reaped_at TEXT, identities TEXT NOT NULL,
     libvirt TEXT NOT NULL DEFAULT 'up', openvswitch TEXT NOT NULL DEFAULT 'up')`,
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
  // host `glance`: the store of images. store: the file system that it lies on, where that is not the host's own.
  `CREATE TABLE files (
     host TEXT NOT NULL, path TEXT NOT NULL, kind TEXT NOT NULL, mode TEXT NOT NULL, owner TEXT NOT NULL, target TEXT,
     PRIMARY KEY (host, path))`,
  `CREATE TABLE mounts (
     host TEXT NOT NULL, ordinal INTEGER NOT NULL, target TEXT NOT NULL, fstype TEXT NOT NULL, source TEXT NOT NULL,
     device INTEGER NOT NULL, PRIMARY KEY (host, ordinal))`,
  'CREATE TABLE firewall (host TEXT NOT NULL, rule TEXT NOT NULL)',
  'CREATE TABLE namespaces (host TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (host, name))',
  'CREATE TABLE cache (server TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (server, key))',
  `CREATE TABLE waiting (
     id INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT NOT NULL, method TEXT NOT NULL, server TEXT NOT NULL)`,
];
