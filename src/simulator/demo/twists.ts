/** What can be the matter with a server beyond its recorded state, each as a small change to the world. */
import type { SQLInputValue } from 'node:sqlite';
import type { Twist } from '../build.ts';
import type { Planted } from '../plant.ts';
import { setMeta, sqlTime, type World } from '../world.ts';
import { change } from './change.ts';

function changeMachines(world: World, sql: string, ...values: SQLInputValue[]): void {
  const { changes } = world.machines.prepare(sql).run(...values);
  if (changes === 0) throw new Error(`nothing to change: ${sql}`);
}

/** The uuid of the port that Nova made for the server. */
function ownPort(world: World, server: Planted): string {
  const row = world
    .db('neutron')
    .prepare("SELECT id FROM ports WHERE device_id = ? AND name = '' ORDER BY id")
    .get(server.uuid);
  if (row === undefined) throw new Error(`${server.name} has no port of its own`);
  return String(row['id']);
}

export const lock: Twist = (world, { uuid }) =>
  change(world, 'nova', "UPDATE instances SET locked = 1, locked_by = 'owner' WHERE uuid = ?", uuid);

export const protect: Twist = (world, { uuid }) =>
  change(world, 'nova', 'UPDATE instances SET disable_terminate = 1 WHERE uuid = ?', uuid);

export const hide: Twist = (world, { uuid }) =>
  change(world, 'nova', 'UPDATE instances SET hidden = 1 WHERE uuid = ?', uuid);

/** Nova took the request a moment ago. */
export const beginDeleting: Twist = (world, { uuid }) =>
  change(
    world,
    'nova',
    "UPDATE instances SET task_state = 'deleting', updated_at = ? WHERE uuid = ?",
    sqlTime(world.now()),
    uuid,
  );

export const askJustNow: Twist = (world, { uuid }) =>
  change(
    world,
    'nova_api',
    'UPDATE build_requests SET created_at = ?, updated_at = NULL WHERE instance_uuid = ?',
    sqlTime(world.now()),
    uuid,
  );

export const migrate: Twist = (world, { uuid }) =>
  change(world, 'nova', "UPDATE migrations SET status = 'migrating' WHERE instance_uuid = ?", uuid);

/** The domain runs on another host than the one that Nova names: a migration that ended badly. */
export function runOn(host: string): Twist {
  return (world, { uuid }) => {
    change(world, 'nova', 'UPDATE migrations SET dest_compute = ? WHERE instance_uuid = ?', host, uuid);
    changeMachines(world, 'UPDATE domains SET host = ?, running_id = 77 WHERE uuid = ?', host, uuid);
  };
}

/** The domain has the server's uuid, but was made for another project. */
export const giveToOtherProject: Twist = (world, { uuid }) =>
  changeMachines(
    world,
    `UPDATE domains SET xml = replace(xml, '<nova:project uuid="', '<nova:project uuid="0ther') WHERE uuid = ?`,
    uuid,
  );

/** A flavor with `hw:pmem`: a device of persistent memory is the server's alone (nova 26 `virt/libvirt/config.py:LibvirtConfigGuestVPMEM`). */
export const giveMemory: Twist = (world, { uuid }) =>
  changeMachines(
    world,
    `UPDATE domains SET xml = replace(xml, '  </devices>', ?) WHERE uuid = ?`,
    `    <memory model='nvdimm' access='shared'>
      <source>
        <path>/dev/dax0.0</path>
        <alignsize unit='KiB'>2048</alignsize>
        <pmem/>
      </source>
      <target>
        <size unit='KiB'>4194304</size>
        <node>0</node>
        <label>
          <size unit='KiB'>2048</size>
        </label>
      </target>
    </memory>
  </devices>`,
    uuid,
  );

/** Somebody defined the domain anew: same name, other uuid. */
export function redefineAs(other: string): Twist {
  return (world, { uuid }) =>
    changeMachines(
      world,
      'UPDATE domains SET xml = replace(xml, uuid, ?), uuid = ? WHERE uuid = ?',
      other,
      other,
      uuid,
    );
}

/** A tap of somebody else hangs in the bridge that was made for this server alone. */
export const addForeignMember: Twist = (world, server) => {
  const bridge = `qbr${ownPort(world, server).slice(0, 11)}`;
  const next = world.machines
    .prepare('SELECT max(ifindex) + 1 AS n FROM links WHERE host = ?')
    .get(server.host);
  changeMachines(
    world,
    "INSERT INTO links VALUES (?, ?, 'tapdebug0', 'tun', NULL, ?, 'fe:16:3e:00:00:01', 1450, 'BROADCAST,MULTICAST,UP,LOWER_UP')",
    server.host,
    Number(next?.['n']),
    bridge,
  );
};

/** Open vSwitch says that the interface is of another server. */
export function markSwitchPort(other: string): Twist {
  return (world, server) => {
    const port = `qvo${ownPort(world, server).slice(0, 11)}`;
    changeMachines(
      world,
      "UPDATE switch_ports SET external_ids = json_set(external_ids, '$.vm-uuid', ?) WHERE host = ? AND name = ?",
      other,
      server.host,
      port,
    );
  };
}

/** The port that the user made is the parent of a trunk's subport. */
export const joinTrunk: Twist = (world, server) =>
  change(
    world,
    'neutron',
    "UPDATE ports SET device_owner = 'trunk:subport' WHERE device_id = ? AND name <> ''",
    server.uuid,
  );

/** The port carries the server's uuid, but belongs to the DHCP agent. */
export const giveToDhcp: Twist = (world, server) =>
  change(
    world,
    'neutron',
    "UPDATE ports SET device_owner = 'network:dhcp' WHERE id = ?",
    ownPort(world, server),
  );

export const linkFolder: Twist = (world, { host, uuid }) => {
  const path = `/var/lib/nova/instances/${uuid}`;
  changeMachines(world, 'DELETE FROM files WHERE host = ? AND path LIKE ?', host, `${path}/%`);
  changeMachines(
    world,
    "UPDATE files SET kind = 'link', mode = '777', target = '/srv/old-disks/vm-17' WHERE host = ? AND path = ?",
    host,
    path,
  );
};

export const mountResizeFolder: Twist = (world, { host, uuid }) => {
  const path = `/var/lib/nova/instances/${uuid}_resize`;
  const next = world.machines.prepare('SELECT max(ordinal) + 1 AS n FROM mounts WHERE host = ?').get(host);
  changeMachines(
    world,
    "INSERT INTO mounts VALUES (?, ?, ?, 'xfs', '/dev/vdc1', 2081)",
    host,
    Number(next?.['n']),
    path,
  );
};

/** The instances folder is one store for several hosts, and the server has been on two of them. */
export function shareStore(...hosts: readonly string[]): Twist {
  return (world, { uuid }) => {
    for (const host of hosts)
      changeMachines(
        world,
        "INSERT INTO mounts SELECT ?, max(ordinal) + 1, '/var/lib/nova/instances', 'nfs4', 'filer:/nova', 50 FROM mounts WHERE host = ?",
        host,
        host,
      );
    const [source = '', target = ''] = hosts;
    change(
      world,
      'nova',
      'UPDATE migrations SET source_compute = ?, dest_compute = ? WHERE instance_uuid = ?',
      source,
      target,
      uuid,
    );
  };
}

export const protectSnapshot: Twist = (world, server) =>
  change(world, 'glance', "UPDATE images SET protected = 1 WHERE name = ? || '-shelved'", server.name);

/** Somebody has made a volume of the snapshot, so the store does not let it go: a purge fails there and stops. */
export const useSnapshot: Twist = (world, server) => {
  const image = world
    .db('glance')
    .prepare("SELECT id FROM images WHERE name = ? || '-shelved'")
    .get(server.name);
  if (image === undefined) throw new Error(`${server.name} has no snapshot`);
  setMeta(world, 'glance.in_use', String(image['id']));
};

/** The image that the row names as its snapshot says that it is of another server. */
export function giveSnapshotTo(other: string): Twist {
  return (world, server) =>
    change(
      world,
      'glance',
      "UPDATE image_properties SET value = ? WHERE name = 'instance_uuid' AND image_id IN (SELECT id FROM images WHERE name = ? || '-shelved')",
      other,
      server.name,
    );
}

/** Another region's: the API database that is asked has neither the server nor a nova-compute on its host. */
export const forgetInNova: Twist = (world, { uuid, host }) => {
  for (const name of ['nova_api', 'nova'] as const) {
    const database = world.db(name);
    // All that bears its uuid goes, whatever refers to what.
    database.exec('PRAGMA foreign_keys=OFF');
    for (const { t: table, c: column } of database
      .prepare(
        "SELECT t.name AS t, c.name AS c FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table' AND c.name IN ('instance_uuid', 'uuid', 'resource_id')",
      )
      .all())
      database.prepare(`DELETE FROM "${table}" WHERE "${column}" = ?`).run(uuid);
    database.exec('PRAGMA foreign_keys=ON');
  }
  change(world, 'nova', 'DELETE FROM services WHERE host = ?', host);
};
