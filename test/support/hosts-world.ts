/** Small worlds of compute hosts alone, and a site that is connected to them through the real doors. */
import { copyFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openSimulatedCache } from '../../src/simulator/cache.ts';
import { openSimulatedHost } from '../../src/simulator/hosts/transport.ts';
import { createWorld, openWorld, type World } from '../../src/simulator/world.ts';
import { connectSite, type Site } from '../../src/site/connect.ts';
import { ApiSession } from '../../src/site/http/session.ts';
import type { CommandAnswer } from '../../src/site/reader.ts';
import { NETWORK } from '../../src/site/wires.ts';
import { hostAccess } from './host-access.ts';
import { tempFolder } from './temp.ts';

export type Value = string | number | null;

const template = mkdtempSync(join(tmpdir(), 'expunge-test-'));
let made: Promise<void> | undefined;

/**
 * A world whose hosts have nothing but a root file system and their instances folder. The services' databases, which take long to
 * make, are not there.
 */
export async function hostsWorld(...names: readonly string[]): Promise<World> {
  made ??= createWorld(template).then((world) => world.close());
  await made;
  const folder = tempFolder();
  copyFileSync(join(template, 'machines.sqlite'), join(folder, 'machines.sqlite'));
  const world = openWorld(folder);
  onTestFinished(() => world.close());
  for (const name of names) {
    insert(world, 'hosts', { name, instances: '/var/lib/nova/instances', identities: '[]' });
    insert(world, 'mounts', {
      host: name,
      ordinal: 0,
      target: '/',
      fstype: 'ext4',
      source: '/dev/vda1',
      device: 2049,
    });
  }
  return world;
}

export function insert(world: World, table: string, row: Readonly<Record<string, Value>>): void {
  const columns = Object.keys(row);
  world.machines
    .prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`)
    .run(...Object.values(row));
}

export function count(world: World, table: string, where = '1 = 1'): number {
  return Number(world.machines.prepare(`SELECT count(*) AS n FROM ${table} WHERE ${where}`).get()?.['n']);
}

/** Runs a command on a host, its words parted by blanks. */
export function runOn(world: World, words: string, host = 'compute1'): Promise<CommandAnswer> {
  return openSimulatedHost(world, hostAccess({ name: host }), () => {}).run(words.split(' '), 1000);
}

/** What a command says that succeeds. */
export async function outOf(world: World, words: string, host = 'compute1'): Promise<string> {
  const { exit, out, err } = await runOn(world, words, host);
  if (exit !== 0) throw new Error(`${words} ended with ${exit}: ${err}`);
  return out;
}

/** The world's hosts and caches behind a site; the other wires lead nowhere. */
export function siteOf(world: World, memcached: readonly string[] = []): Site {
  const auth = { auth_url: 'http://127.0.0.1:1/v3', username: 'admin', password: 'x', project_name: 'admin' };
  const config = {
    name: 'lab',
    file: {
      hosts: Object.fromEntries(namesOf(world).map((name) => [name, { sudo: true }])),
      memcached: [...memcached],
    },
    auth: { auth, region: undefined, interface: 'public' as const, tls: { verify: true } },
    novaConf: null,
    serviceUser: null,
    exposed: [],
  };
  const site = connectSite(
    config,
    new ApiSession(config.auth),
    { spans: [], clock: () => performance.now() },
    {
      ...NETWORK,
      command: (access) => openSimulatedHost(world, access, () => {}),
      cache: openSimulatedCache(world, () => {}),
    },
  );
  onTestFinished(() => site.close());
  return site;
}

function namesOf(world: World): string[] {
  return world.machines
    .prepare('SELECT name FROM hosts ORDER BY name')
    .all()
    .map((row) => String(row['name']));
}

export interface PluggedServer {
  readonly host?: string;
  readonly uuid: string;
  readonly name: string;
  readonly port: string;
  readonly xml: string;
  /** libvirt puts the tap into Open vSwitch itself, without a bridge of its own */
  readonly native?: boolean;
  readonly persistent?: boolean;
}

/** A running server with one interface and its folder, as Nova and libvirt make it. */
export function plugServer(world: World, server: PluggedServer): void {
  const { host = 'compute1', uuid, name, port, xml, native = false, persistent = true } = server;
  const short = port.slice(0, 11);
  const before = count(world, 'domains', `host = '${host}'`);
  insert(world, 'domains', {
    host,
    uuid,
    name,
    state: 'running',
    running_id: before + 1,
    persistent: persistent ? 1 : 0,
    xml,
  });
  const link = (at: number, device: string, kind: string, changes: Readonly<Record<string, Value>> = {}) => {
    const ifindex = 10 * (before + 1) + at;
    const [mac, flags] = [`fe:16:3e:00:00:${ifindex}`, 'BROADCAST,MULTICAST,UP,LOWER_UP'];
    insert(world, 'links', { host, ifindex, name: device, kind, mac, mtu: 1500, flags, ...changes });
  };
  if (!native) {
    link(0, `qbr${short}`, 'bridge');
    link(1, `qvo${short}`, 'veth', { peer: `qvb${short}`, master: 'ovs-system' });
    link(2, `qvb${short}`, 'veth', { peer: `qvo${short}`, master: `qbr${short}` });
  }
  link(3, `tap${short}`, 'tun', { master: native ? 'ovs-system' : `qbr${short}` });
  switchPort(world, host, native ? `tap${short}` : `qvo${short}`, {
    'iface-id': port,
    'iface-status': 'active',
    [native ? 'vm-id' : 'vm-uuid']: uuid,
  });
  for (const file of ['disk', 'console.log'])
    addFile(world, `/var/lib/nova/instances/${uuid}/${file}`, 'file', host);
  if (persistent) addFile(world, `/etc/libvirt/qemu/${name}.xml`, 'file', host);
}

export function switchPort(
  world: World,
  host: string,
  name: string,
  ids: Readonly<Record<string, string>> = {},
  bridge = 'br-int',
): void {
  const digits = String(count(world, 'switch_ports')).padStart(12, '0');
  insert(world, 'switch_ports', {
    host,
    name,
    bridge,
    external_ids: JSON.stringify(ids),
    port_id: `65bf5f9f-0000-4d0f-96d9-${digits}`,
    interface_id: `f5fd516a-0000-404e-8088-${digits}`,
  });
}

export function addFile(
  world: World,
  path: string,
  kind = 'file',
  host = 'compute1',
  target: string | null = null,
): void {
  insert(world, 'files', { host, path, kind, mode: '644', owner: '64055:64055', target });
}
