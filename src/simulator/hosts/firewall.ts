/** The firewall of a host, as iptables lists it. */
import type { World } from '../world.ts';

/** Chains carry the first ten characters of a port's id, devices the first eleven. */
const OF_PORT =
  /neutron-openvswi-[ios]([0-9a-f]{8}-[0-9a-f])(?![0-9a-f])|(?:tap|qvb|qvo)([0-9a-f]{8}-[0-9a-f])[0-9a-f]/;

/** What a rule is named after: the first ten characters of a port's id. */
export const startOf = (port: string): string => port.slice(0, 10);

/** The port is noted beside the rule: hosts have thousands of rules, and agents ask for those of one port. */
export function addRule(world: World, host: string, rule: string): void {
  const [, chain, device] = OF_PORT.exec(rule) ?? [];
  world.machines.prepare('INSERT INTO firewall VALUES (?, ?, ?)').run(host, rule, chain ?? device ?? null);
}

/** @returns the ports that rules are named after, by their first ten characters */
export function filteredPorts(world: World, host: string): readonly string[] {
  return world.machines
    .prepare('SELECT DISTINCT port FROM firewall WHERE host = ? AND port IS NOT NULL')
    .all(host)
    .map((row) => String(row['port']));
}

/** Those that have `butFor` in them stay. @returns how many went */
export function removeRules(world: World, host: string, start: string, butFor = ''): number {
  const { changes } = world.machines
    .prepare("DELETE FROM firewall WHERE host = ?1 AND port = ?2 AND (?3 = '' OR instr(rule, ?3) = 0)")
    .run(host, start, butFor);
  return Number(changes);
}
