import type { HostView } from './host.ts';
import { nodeSections } from './node.ts';
import { findRoles, type Subject } from './roles.ts';
import type { Snapshot } from './snapshot.ts';

/**
 * Only what belongs to these servers, byte for byte: it must be the same before and after any work on another one.
 *
 * @param others servers that share a volume with them: what names one of these is theirs, also where it names that volume
 */
export function neighbourView(
  snapshot: Snapshot,
  servers: readonly Subject[],
  others: readonly Subject[] = [],
): Readonly<Record<string, string>> {
  const texts = servers
    .flatMap((server) => findRoles(snapshot, server).own.map(([text]) => text))
    .filter(isUnmistakable);
  const isTheirs = (text: string) =>
    texts.some((each) => text.includes(each)) && !others.some(({ id }) => text.includes(id));
  const attributes = new Set(
    Object.values(snapshot.rows['neutron.ports'] ?? {})
      .filter((port) => texts.includes(port['id'] ?? ''))
      .map((port) => port['standard_attr_id']),
  );
  const view: Record<string, string> = {};
  for (const [place, rows] of Object.entries(snapshot.rows)) {
    for (const [key, row] of Object.entries(rows)) {
      const text = JSON.stringify(row);
      if (isTheirs(text) || (place === 'neutron.standardattributes' && attributes.has(row['id'])))
        view[`${place} ${key}`] = text;
    }
  }
  for (const section of Object.keys(snapshot.host) as (keyof HostView)[]) {
    for (const [name, value] of Object.entries(snapshot.host[section])) {
      if (isTheirs(`${name} ${value}`)) view[`host.${section} ${name}`] = value;
    }
  }
  for (const section of nodeSections) {
    for (const [name, value] of Object.entries(snapshot.node?.[section] ?? {})) {
      if (isTheirs(`${name} ${value}`)) view[`host.node.${section} ${name}`] = value;
    }
  }
  return view;
}

/** A server's name or address may be the beginning of another's; ids, MACs and domain names are not. */
function isUnmistakable(text: string): boolean {
  return (
    /^[0-9a-f]{8}-[0-9a-f]/.test(text) ||
    /^([0-9a-f]{2}:){5}/.test(text) ||
    /^instance-[0-9a-f]{8}$/.test(text)
  );
}
