/** Network devices of a simulated host, and what the kernel does when one goes. */
import { inTransaction, type World } from '../world.ts';

export interface LinkRow {
  readonly ifindex: number;
  readonly name: string;
  /** bridge, veth, tun, openvswitch, …; null for a plain device */
  readonly kind: string | null;
  /** the other end of a veth pair */
  readonly peer: string | null;
  readonly master: string | null;
  readonly mac: string | null;
  readonly mtu: number;
  /** `BROADCAST,MULTICAST,UP,LOWER_UP` */
  readonly flags: string;
}

/** All devices of a host, in the order in which the kernel lists them. */
export function linksOf(world: World, host: string): LinkRow[] {
  return world.machines
    .prepare('SELECT * FROM links WHERE host = ? ORDER BY ifindex, name')
    .all(host)
    .map((row) => {
      const textOrNull = (column: string) => (row[column] === null ? null : String(row[column]));
      return {
        ifindex: Number(row['ifindex']),
        name: String(row['name']),
        kind: textOrNull('kind'),
        peer: textOrNull('peer'),
        master: textOrNull('master'),
        mac: textOrNull('mac'),
        mtu: Number(row['mtu']),
        flags: String(row['flags']),
      };
    });
}

export function findLink(world: World, host: string, name: string): LinkRow | null {
  return linksOf(world, host).find((link) => link.name === name) ?? null;
}

/** Names of a bridge's members, sorted; null when there is no such bridge. */
export function membersOf(world: World, host: string, bridge: string): string[] | null {
  const links = linksOf(world, host);
  if (!links.some((link) => link.name === bridge && link.kind === 'bridge')) return null;
  return links
    .filter((link) => link.master === bridge)
    .map((link) => link.name)
    .sort();
}

/**
 * A device goes: a veth with its other end, a bridge without its members, which then have no master. What Open vSwitch has
 * written down of it stays. A name that is not there is no error.
 */
export function deleteLink(world: World, host: string, name: string): void {
  const link = findLink(world, host, name);
  if (link === null) return;
  const peer = link.kind === 'veth' && link.peer !== null ? findLink(world, host, link.peer) : null;
  // A name may have been given to another device since; only the end that points back is the other end.
  const ends = peer?.kind === 'veth' && peer.peer === name ? [link, peer] : [link];
  inTransaction(world.machines, () => {
    for (const end of ends) {
      world.machines.prepare('DELETE FROM links WHERE host = ? AND name = ?').run(host, end.name);
      world.machines
        .prepare('UPDATE links SET master = NULL WHERE host = ? AND master = ?')
        .run(host, end.name);
    }
    for (const end of ends) if (end.master !== null) loseCarrier(world, host, end.master);
  });
}

/** A bridge that is up has a carrier as long as it has a member. */
function loseCarrier(world: World, host: string, bridge: string): void {
  if (membersOf(world, host, bridge)?.length !== 0) return;
  world.machines
    .prepare(
      "UPDATE links SET flags = 'NO-CARRIER,' || replace(flags, ',LOWER_UP', '') WHERE host = ? AND name = ? AND flags LIKE '%,LOWER_UP'",
    )
    .run(host, bridge);
}
