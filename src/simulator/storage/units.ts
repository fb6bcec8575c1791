/** What the storage behind Cinder offers over iSCSI: units of targets, seen by every host that logs in. */
import type { World } from '../world.ts';

export interface Unit {
  readonly iqn: string;
  readonly lun: number;
  /** `10.0.0.1:3260`, each a way to the target */
  readonly portals: readonly string[];
  /** whose bytes these are: a volume's uuid */
  readonly volume: string;
  /** as udev and multipath have it: `3` and the NAA number. Storage may make it of the numbers of target and unit, and give it again */
  readonly wwid: string;
  readonly bytes: number;
}

export function unitsOf(world: World, iqn: string): readonly Unit[] {
  return world.machines
    .prepare('SELECT * FROM units WHERE iqn = ? ORDER BY lun')
    .all(iqn)
    .map((row) => ({
      iqn: String(row['iqn']),
      lun: Number(row['lun']),
      portals: JSON.parse(String(row['portals'])) as string[],
      volume: String(row['volume']),
      wwid: String(row['wwid']),
      bytes: Number(row['bytes']),
    }));
}

export function findUnit(world: World, iqn: string, lun: number): Unit | null {
  return unitsOf(world, iqn).find((unit) => unit.lun === lun) ?? null;
}

/** The lowest number that is free, as targets give them: a number comes back with another volume. 0 is the target's own. */
export function freeLun(world: World, iqn: string): number {
  const taken = new Set(unitsOf(world, iqn).map(({ lun }) => lun));
  let lun = 1;
  while (taken.has(lun)) lun += 1;
  return lun;
}

export function offerUnit(world: World, unit: Unit): void {
  world.machines
    .prepare('INSERT INTO units VALUES (?, ?, ?, ?, ?, ?)')
    .run(unit.iqn, unit.lun, JSON.stringify(unit.portals), unit.volume, unit.wwid, unit.bytes);
}

/** The export of a volume ends; a target without units is no more. Disks on hosts stay, and answer every request with an error. */
export function withdrawVolume(world: World, volume: string): void {
  world.machines.prepare('DELETE FROM units WHERE volume = ?').run(volume);
}
