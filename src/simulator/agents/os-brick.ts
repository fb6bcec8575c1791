/** os-brick on a host, as Nova uses it when a server goes: what becomes of sessions, disks and maps. */
import * as z from '../../plan/zod.ts';
import { disksOf, holdersOf, logOut, removeDisk, removeMap, sessionsOf, usersOf } from '../hosts/disks.ts';
import type { World } from '../world.ts';

const iscsi = z.object({
  target_portal: z.string(),
  target_iqn: z.string(),
  target_lun: z.number(),
  target_portals: z.array(z.string()).optional(),
  target_iqns: z.array(z.string()).optional(),
  target_luns: z.array(z.number()).optional(),
});

interface Target {
  readonly portal: string;
  readonly iqn: string;
  readonly lun: number;
}

/**
 * os-brick 6.1 `initiator/connectors/iscsi.py:_cleanup_connection`, forced: the multipath map, then the disks of this number in the
 * target's sessions, then each session that has no other disk, with its record. What fails is passed over; a disk that somebody
 * uses goes all the same.
 *
 * @param data `connection_info.data`
 */
export function disconnectIscsi(world: World, host: string, data: unknown): void {
  const targets = readTargets(iscsi.parse(data));
  const others = new Set<Target>();
  const own = new Set<string>();
  for (const target of targets)
    for (const disk of disksOf(world, host)) {
      if (disk.session?.portal !== target.portal || disk.session.iqn !== target.iqn) continue;
      if (disk.lun === target.lun) own.add(disk.name);
      else others.add(target);
    }
  closeEncryption(world, host, own);
  flushMaps(world, host, own);
  for (const name of own) removeDisk(world, host, name);
  for (const target of targets) if (!others.has(target)) disconnectPortal(world, host, target);
}

function readTargets(data: z.infer<typeof iscsi>): readonly Target[] {
  const { target_portals: portals, target_iqns: iqns, target_luns: luns } = data;
  const alone = { portal: data.target_portal, iqn: data.target_iqn, lun: data.target_lun };
  if (portals === undefined || iqns === undefined) return [alone];
  return portals.map((portal, i) => ({
    portal,
    iqn: iqns[i] ?? alone.iqn,
    lun: luns?.[i] ?? alone.lun,
  }));
}

/** Nova has the mapping closed before os-brick begins (nova 26 `virt/libvirt/driver.py:_detach_encryptor`). */
function closeEncryption(world: World, host: string, disks: ReadonlySet<string>): void {
  const maps = [...disks].flatMap((disk) => [
    disk,
    ...holdersOf(world, host, disk).map(({ number }) => `dm-${number}`),
  ]);
  for (const device of maps)
    for (const map of holdersOf(world, host, device))
      if (map.kind === 'crypt' && usersOf(world, host, `dm-${map.number}`).length === 0)
        removeMap(world, host, map.number);
}

/** `initiator/linuxscsi.py:remove_connection`: multipath lets no map go that is in use, and os-brick goes on without. */
function flushMaps(world: World, host: string, disks: ReadonlySet<string>): void {
  for (const disk of disks)
    for (const map of holdersOf(world, host, disk))
      if (map.kind === 'multipath' && usersOf(world, host, `dm-${map.number}`).length === 0)
        removeMap(world, host, map.number);
}

/** `_disconnect_from_iscsi_portal`: a session or a record that is not there is no error. */
function disconnectPortal(world: World, host: string, { portal, iqn }: Target): void {
  const session = sessionsOf(world, host).find((each) => each.portal === portal && each.iqn === iqn);
  if (session !== undefined) logOut(world, host, session);
  world.machines
    .prepare('DELETE FROM iscsi_nodes WHERE host = ? AND portal = ? AND iqn = ?')
    .run(host, portal, iqn);
}
