/** How a volume came to a host: what os-brick 6.1 did when it was attached. */
import type { Unit } from '../storage/units.ts';
import { inTransaction, type World } from '../world.ts';
import { type Disk, disksOf, mapsOf, type Session, sessionsOf } from './disks.ts';

/**
 * Logs in where there is no session yet, and finds the unit as a disk: by the first portal, or by all of them under a map. A host
 * that has it already gets nothing new.
 *
 * @returns the device that the domain is given: `/dev/sda`, `/dev/dm-0`
 */
export function connectUnit(
  world: World,
  host: string,
  unit: Unit,
  { multipath = false }: { readonly multipath?: boolean } = {},
): string {
  return inTransaction(world.machines, () => {
    const portals = multipath ? unit.portals : unit.portals.slice(0, 1);
    const disks = portals.map((portal) => findDisk(world, host, logIn(world, host, portal, unit.iqn), unit));
    const first = disks[0];
    if (first === undefined) throw new Error(`${unit.iqn} has no portal`);
    return multipath ? `/dev/dm-${mapOver(world, host, unit, disks)}` : `/dev/${first}`;
  });
}

function logIn(world: World, host: string, portal: string, iqn: string): Session {
  const all = sessionsOf(world, host);
  const known = all.find((session) => session.portal === portal && session.iqn === iqn);
  if (known !== undefined) return known;
  const sid = 1 + Math.max(0, ...all.map((session) => session.sid));
  const session: Session = { sid, portal, iqn, scsiHost: sid - 1 };
  world.machines
    .prepare('INSERT INTO iscsi_sessions VALUES (?, ?, ?, ?, ?)')
    .run(host, sid, portal, iqn, session.scsiHost);
  // os-brick has it come back when the host starts.
  world.machines
    .prepare("INSERT OR REPLACE INTO iscsi_nodes VALUES (?, ?, ?, 'automatic')")
    .run(host, portal, iqn);
  return session;
}

function findDisk(world: World, host: string, session: Session, unit: Unit): string {
  const disks = disksOf(world, host);
  const isThere = (disk: Disk) => disk.session?.sid === session.sid && disk.lun === unit.lun;
  const known = disks.find(isThere);
  if (known !== undefined) return known.name;
  const name = freeName(disks);
  world.machines
    .prepare('INSERT INTO scsi_disks VALUES (?, ?, ?, ?, ?, ?, ?)')
    .run(host, name, session.sid, unit.lun, unit.wwid, unit.volume.replaceAll('-', ''), unit.bytes);
  return name;
}

/** `sda` to `sdz`: no simulated host has more. */
function freeName(disks: readonly Disk[]): string {
  const taken = new Set(disks.map(({ name }) => name));
  const letter = [...'abcdefghijklmnopqrstuvwxyz'].find((each) => !taken.has(`sd${each}`));
  if (letter === undefined) throw new Error('the host has 26 disks already');
  return `sd${letter}`;
}

/** multipathd makes it, under the name of the disk's own number. */
function mapOver(world: World, host: string, unit: Unit, disks: readonly string[]): number {
  const known = mapsOf(world, host).find(({ name }) => name === unit.wwid);
  if (known !== undefined) return known.number;
  world.machines.prepare('UPDATE hosts SET multipathd = 1 WHERE name = ?').run(host);
  return addMap(world, host, {
    name: unit.wwid,
    kind: 'multipath',
    uuid: `mpath-${unit.wwid}`,
    below: disks,
    bytes: unit.bytes,
  });
}

/** @returns the number of the new map */
export function addMap(
  world: World,
  host: string,
  map: {
    readonly name: string;
    readonly kind: 'multipath' | 'crypt' | 'linear';
    readonly uuid: string;
    readonly below: readonly string[];
    readonly bytes: number;
  },
): number {
  const number =
    mapsOf(world, host).length === 0 ? 0 : 1 + Math.max(...mapsOf(world, host).map((each) => each.number));
  world.machines
    .prepare('INSERT INTO maps VALUES (?, ?, ?, ?, ?, ?, ?)')
    .run(host, number, map.name, map.kind, map.uuid, JSON.stringify(map.below), map.bytes);
  return number;
}
