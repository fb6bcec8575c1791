/** What nova-compute does when a server goes: domain, interfaces, volumes, files, network. */
import { domainsOf, stopDomain, undefineDomain } from '../hosts/domains.ts';
import { removeTree } from '../hosts/files.ts';
import { deleteLink, findLink } from '../hosts/links.ts';
import { deleteSwitchPort } from '../hosts/switch.ts';
import { imagesOf, removeImage, removeSnapshot } from '../storage/rbd.ts';
import type { World } from '../world.ts';
import { DeleteFailure } from './failure.ts';
import { deallocateNetwork, readVifs, readVifsOfRequest, type Vif } from './network.ts';
import { countCleanAttempt, readServer, saveExtraOfDeleted, saveServer } from './server-rows.ts';
import {
  deleteVolumes,
  detachVolumes,
  disconnectVolumes,
  readVolumes,
  refuseUntaughtVolumes,
  type VolumeMapping,
} from './volumes.ts';

/** nova 26 `network/model.py:VIF.devname`, os-vif `gen_port_name`: devices carry the first 11 characters of the port's id. */
const NAME_LENGTH = 11;

/**
 * nova 26 `compute/manager.py:_shutdown_instance` and `_cleanup_volumes`: everything of the server on this host, then its network, then
 * its volumes in Cinder, of which those go that were made to go with it. What is not there any more is no error. `readDeleted`: by a
 * periodic task, which may write a row that is marked deleted; a request may not, and knows the interfaces that there were when it
 * was made. `volumes`: what a request brings along; otherwise the rows say.
 *
 * @throws DeleteFailure with the network released all the same, and the volumes not, as Nova does
 */
export function shutDownServer(
  world: World,
  host: string,
  uuid: string,
  options: { readonly readDeleted: boolean; readonly volumes?: readonly VolumeMapping[] | null },
): void {
  const { readDeleted } = options;
  const volumes = options.volumes ?? readVolumes(world, 'nova', uuid, { deleted: readDeleted });
  refuseUntaught(world, uuid);
  refuseUntaughtVolumes(volumes);
  const vifs = readDeleted ? readVifs(world, uuid) : readVifsOfRequest(world, uuid);
  stopDomain(world, host, uuid);
  for (const vif of vifs) unplug(world, host, vif);
  disconnectVolumes(world, host, volumes);
  removeOwnVolumes(world, host, uuid);
  removeOwnImages(world, host, uuid);
  saveCleaned(world, uuid, removeServerFiles(world, host, uuid), readDeleted);
  const refusal = undefineLast(world, host, uuid);
  deallocateNetwork(world, 'nova', uuid);
  if (refusal !== null) throw new DeleteFailure(refusal);
  detachVolumes(world, volumes);
  deleteVolumes(world, volumes);
}

/** nova 26 `virt/libvirt/driver.py:_cleanup` saves between files and domain, and lets a server pass that is gone meanwhile. */
function saveCleaned(world: World, uuid: string, cleaned: boolean, readDeleted: boolean): void {
  const row = readServer(world, 'nova', uuid);
  if (row === null) return;
  if (row.deleted !== 0 && !readDeleted) {
    saveExtraOfDeleted(world, uuid);
    return;
  }
  countCleanAttempt(world, 'nova', uuid);
  saveServer(world, 'nova', uuid, cleaned ? { cleaned: 1 } : {});
}

/** libvirt keeps a domain that it has snapshots of, whatever Nova asks: a delete that fails for ever. */
function undefineLast(world: World, host: string, uuid: string): string | null {
  const snapshots = domainsOf(world, host).find((domain) => domain.uuid === uuid)?.snapshots ?? 0;
  if (snapshots > 0)
    return `Requested operation is not valid: cannot delete inactive domain with ${snapshots} snapshots`;
  undefineDomain(world, host, uuid);
  return null;
}

/** PCI devices are in no recording yet: nothing is made up about what becomes of them. */
function refuseUntaught(world: World, uuid: string): void {
  const nova = world.db('nova');
  const device = nova.prepare('SELECT address FROM pci_devices WHERE instance_uuid = ?').get(uuid);
  if (device !== undefined)
    throw new DeleteFailure(
      `the simulated nova-compute was not taught to free PCI device ${device['address']}`,
    );
}

/**
 * os-vif 3.0 `vif_plug_ovs/ovs.py:unplug`: with a bridge of its own (hybrid) the bridge goes, then the switch's record and the
 * pair; without one the tap's record and the tap. nova 26 `network/os_vif_util.py` takes a hybrid port for a bridge in any case.
 */
function unplug(world: World, host: string, vif: Vif): void {
  if (vif.type !== null && vif.type !== 'ovs')
    throw new DeleteFailure(`the simulated nova-compute was not taught to unplug a ${vif.type} interface`);
  const suffix = vif.id.slice(0, NAME_LENGTH);
  for (const device of devicesOf(world, host, vif, suffix)) {
    deleteSwitchPort(world, host, device);
    deleteLink(world, host, device);
  }
}

/** Of an interface whose kind is not known either kind is looked for: the names are its port's alone. */
function devicesOf(world: World, host: string, vif: Vif, suffix: string): readonly string[] {
  const bridge = `qbr${suffix}`;
  if (vif.hybrid || findLink(world, host, bridge) !== null) return [bridge, `qvo${suffix}`];
  return vif.type === null ? [`qvo${suffix}`, `tap${suffix}`] : [`tap${suffix}`];
}

/**
 * nova 26 `virt/libvirt/driver.py:delete_instance_files`: `<uuid>`, or else `<uuid>_resize`, is renamed to `<uuid>_del`, which goes
 * only when neither of the two is left. So with both there, and for ever after, something stays.
 */
function removeServerFiles(world: World, host: string, uuid: string): boolean {
  const row = world.machines.prepare('SELECT instances FROM hosts WHERE name = ?').get(host);
  if (row === undefined) throw new Error(`the world has no host ${host}`);
  const folder = `${String(row['instances'])}/${uuid}`;
  const condemned = `${folder}_del`;
  const names = [folder, `${folder}_resize`];
  const movable = countBelow(world, host, condemned) === 0;
  const first = names.find((name) => pathExists(world, host, name));
  if (first !== undefined && movable) rename(world, host, first, condemned);
  if (names.some((name) => pathExists(world, host, name))) return false;
  if (pathExists(world, host, condemned)) removeTree(world, host, condemned);
  return true;
}

function pathExists(world: World, host: string, path: string): boolean {
  return (
    world.machines.prepare('SELECT 1 FROM files WHERE host = ? AND path = ?').get(host, path) !== undefined
  );
}

/** A folder can be renamed onto an empty one, not onto one that holds something. */
function countBelow(world: World, host: string, folder: string): number {
  const row = world.machines
    .prepare('SELECT count(*) AS count FROM files WHERE host = ?1 AND substr(path, 1, length(?2)) = ?2')
    .get(host, `${folder}/`);
  return Number(row?.['count']);
}

function rename(world: World, host: string, from: string, to: string): void {
  world.machines.prepare('DELETE FROM files WHERE host = ? AND path = ?').run(host, to);
  world.machines
    .prepare(
      `UPDATE files SET path = ?3 || substr(path, length(?2) + 1)
       WHERE host = ?1 AND (path = ?2 OR substr(path, 1, length(?2) + 1) = ?2 || '/')`,
    )
    .run(host, from, to);
}

/** nova's `[libvirt]images_rbd_pool` of a host whose servers' disks lie in Ceph; null: they are files. */
function poolOf(world: World, host: string): string | null {
  const row = world.machines.prepare('SELECT images_pool FROM hosts WHERE name = ?').get(host);
  return typeof row?.['images_pool'] === 'string' ? row['images_pool'] : null;
}

/** nova 26 `virt/libvirt/driver.py:_lvm_disks`, `virt/libvirt/storage/lvm.py:remove_volumes`; one that is open stays. */
function removeOwnVolumes(world: World, host: string, uuid: string): void {
  world.machines
    .prepare(
      `DELETE FROM logical_volumes WHERE host = ?1 AND open = 0 AND substr(name, 1, length(?2)) = ?2
         AND "group" = (SELECT images_group FROM hosts WHERE name = ?1)`,
    )
    .run(host, `${uuid}_`);
}

/**
 * nova 26 `virt/libvirt/driver.py:_cleanup_rbd`, `storage/rbd_utils.py:_destroy_volume`: every image whose name begins with the server's
 * uuid, with the snapshot of a resize. One that has other snapshots, or is open, stays, and Nova says so in its log only.
 */
function removeOwnImages(world: World, host: string, uuid: string): void {
  const pool = poolOf(world, host);
  if (pool === null) return;
  for (const image of imagesOf(world, pool)) {
    if (!image.name.startsWith(uuid)) continue;
    if (removeImage(world, pool, image.name) !== 'ENOTEMPTY') continue;
    removeSnapshot(world, image, 'nova-resize');
    removeImage(world, pool, image.name);
  }
}
