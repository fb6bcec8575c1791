/** What cinder-volume does on its storage: exports over iSCSI with the lab's targets or LVM's, images in Ceph (cinder 21.3). */
import { isRecord } from '../../site/parse.ts';
import { type DatabaseRow, readJson } from '../http/exchange.ts';
import { discardImage } from '../storage/rbd.ts';
import { withdrawVolume } from '../storage/units.ts';
import type { World } from '../world.ts';
import { attachmentsOf } from './rows.ts';

/** Cinder's pool; volumes lie in it as `volume-<id>`. */
const VOLUMES_POOL = 'volumes';

/**
 * `volume/manager.py:attachment_delete`: without a connector nothing was connected. The export stays while the volume has other
 * attachments (`volume/drivers/lvm.py:terminate_connection`).
 */
export function endConnection(world: World, attachment: DatabaseRow): void {
  const connector = readJson(attachment['connector']);
  if (!isRecord(connector) || Object.keys(connector).length === 0) return;
  const volume = String(attachment['volume_id']);
  if (attachmentsOf(world, volume).length > 1) return;
  removeExport(world, volume);
}

/** Whoever still uses it loses it. In Ceph there is nothing to take back. */
export function removeExport(world: World, volume: string): void {
  withdrawVolume(world, volume);
}

/** `volume/manager.py:delete_volume`. @returns false when the storage does not let it go: an image that a client has open */
export function deleteData(world: World, volume: string): boolean {
  removeExport(world, volume);
  return discardImage(world, VOLUMES_POOL, `volume-${volume}`) === 'gone';
}
