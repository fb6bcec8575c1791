/** libvirt's domains on a simulated host, and what happens when one is stopped or undefined. */
import { inTransaction, type World } from '../world.ts';
import { interfacesOf } from './domain-xml.ts';
import { removeTree } from './files.ts';
import { deleteLink, findLink } from './links.ts';
import { deleteSwitchPort } from './switch.ts';

export interface DomainRow {
  readonly uuid: string;
  readonly name: string;
  /** virsh's word: `running`, `shut off` */
  readonly state: string;
  /** libvirt's number of it; null: it is not active */
  readonly id: number | null;
  readonly persistent: boolean;
  readonly managedSave: boolean;
  readonly snapshots: number;
  readonly nvram: boolean;
  readonly xml: string;
}

/** As virsh sorts them: the active ones by number, then the others by name. */
export function domainsOf(world: World, host: string): DomainRow[] {
  return world.machines
    .prepare(
      'SELECT * FROM domains WHERE host = ? ORDER BY running_id IS NULL, running_id, name COLLATE NOCASE',
    )
    .all(host)
    .map((row) => ({
      uuid: String(row['uuid']),
      name: String(row['name']),
      state: String(row['state']),
      id: row['running_id'] === null ? null : Number(row['running_id']),
      persistent: row['persistent'] === 1,
      managedSave: row['managed_save'] === 1,
      snapshots: Number(row['snapshots']),
      nvram: row['nvram'] === 1,
      xml: String(row['xml']),
    }));
}

function findDomain(world: World, host: string, uuid: string): DomainRow | null {
  return domainsOf(world, host).find((domain) => domain.uuid === uuid) ?? null;
}

/**
 * The plug is pulled. The qemu's taps go with it; what libvirt itself put into Open vSwitch (`<virtualport>`) libvirt takes out
 * again (libvirt 9.0 `qemu/qemu_process.c:qemuProcessStop`). What os-vif plugged is Nova's, and stays: bridges, veth pairs, and
 * records, also those of taps where os-vif makes them (nova 26 `virt/libvirt/vif.py:_set_config_VIFOpenVSwitch`, `create_port`). A
 * domain without a definition is gone then. One that is not active stays as it is.
 */
export function stopDomain(world: World, host: string, uuid: string): void {
  const domain = findDomain(world, host, uuid);
  if (domain === null || domain.id === null) return;
  inTransaction(world.machines, () => {
    for (const { device, inSwitch, managed } of interfacesOf(domain.xml)) {
      if (managed && findLink(world, host, device)?.kind === 'tun') deleteLink(world, host, device);
      if (inSwitch) deleteSwitchPort(world, host, device);
    }
    removeTree(world, host, `/var/lib/libvirt/qemu/domain-${domain.id}-${domain.name}`);
    removeTree(world, host, `/var/lib/libvirt/qemu/channel/target/domain-${domain.id}-${domain.name}`);
    world.machines
      .prepare("UPDATE domains SET state = 'shut off', running_id = NULL WHERE host = ? AND uuid = ?")
      .run(host, uuid);
    if (!domain.persistent) forgetDomain(world, host, domain);
  });
}

/**
 * The definition goes; a domain that is active runs on, and is gone when it stops. Whether libvirt would refuse is asked before
 * (`virsh undefine`): here saved state, snapshots' metadata and NVRAM go along.
 */
export function undefineDomain(world: World, host: string, uuid: string): void {
  const domain = findDomain(world, host, uuid);
  if (domain === null) return;
  inTransaction(world.machines, () => {
    dropSavedState(world, host, domain);
    if (domain.nvram) removeTree(world, host, nvramPath(domain));
    removeTree(world, host, `/etc/libvirt/qemu/${domain.name}.xml`);
    removeTree(world, host, autostartPath(domain.name));
    world.machines
      .prepare('UPDATE domains SET persistent = 0, nvram = 0 WHERE host = ? AND uuid = ?')
      .run(host, uuid);
    if (domain.id === null) forgetDomain(world, host, domain);
  });
}

export function autostartPath(name: string): string {
  return `/etc/libvirt/qemu/autostart/${name}.xml`;
}

function nvramPath(domain: DomainRow): string {
  const own = /<nvram(?: [^>]*)?>([^<]+)<\/nvram>/.exec(domain.xml)?.[1];
  return own ?? `/var/lib/libvirt/qemu/nvram/${domain.name}_VARS.fd`;
}

/** The memory image of `virsh managedsave`. */
export function dropSavedState(world: World, host: string, domain: DomainRow): void {
  removeTree(world, host, `/var/lib/libvirt/qemu/save/${domain.name}.save`);
  world.machines
    .prepare('UPDATE domains SET managed_save = 0 WHERE host = ? AND uuid = ?')
    .run(host, domain.uuid);
}

/** What libvirt knows of snapshots; what they hold is in the disks. */
export function dropSnapshots(world: World, host: string, domain: DomainRow): void {
  removeTree(world, host, `/var/lib/libvirt/qemu/snapshot/${domain.name}`);
  world.machines
    .prepare('UPDATE domains SET snapshots = 0 WHERE host = ? AND uuid = ?')
    .run(host, domain.uuid);
}

/** libvirt 9.0 `qemu/qemu_domain.c:qemuDomainRemoveInactive`: with the last of a domain goes what was kept beside it. */
function forgetDomain(world: World, host: string, domain: DomainRow): void {
  dropSnapshots(world, host, domain);
  removeTree(world, host, `/var/lib/libvirt/qemu/checkpoint/${domain.name}`);
  removeTree(world, host, `/var/lib/libvirt/swtpm/${domain.uuid}`);
  world.machines.prepare('DELETE FROM domains WHERE host = ? AND uuid = ?').run(host, domain.uuid);
}
