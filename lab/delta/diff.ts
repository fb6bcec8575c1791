import type { TextRow } from '../sql.ts';
import type { HostView, Things } from './host.ts';
import { type NodeView, nodeSections } from './node.ts';
import type { Snapshot } from './snapshot.ts';

/** One row or one thing on the host that is not as it was. */
export interface Change {
  /** `database.table`, or `host.` and what kind of thing. */
  readonly place: string;
  readonly key: string;
  readonly before: TextRow | undefined;
  readonly after: TextRow | undefined;
}

/** A domain's full definition only matters for those who must not be touched: `domains` says that it went. */
const hostSections: readonly (keyof HostView)[] = [
  'domains',
  'files',
  'imageFiles',
  'libvirtFiles',
  'links',
  'ovs',
  'firewall',
  'namespaces',
  'iscsi',
  'rbd',
];

export function diffSnapshots(a: Snapshot, b: Snapshot): readonly Change[] {
  const changes: Change[] = [];
  for (const place of unite(a.rows, b.rows)) {
    changes.push(...diffKeyed(place, a.rows[place] ?? {}, b.rows[place] ?? {}));
  }
  for (const section of hostSections) {
    changes.push(...diffKeyed(`host.${section}`, asRows(a.host[section]), asRows(b.host[section])));
  }
  const nodes = [a.node ?? {}, b.node ?? {}] as readonly Partial<NodeView>[];
  for (const section of nodeSections) {
    const [before, after] = nodes.map((node) => asRows(node[section] ?? {}));
    changes.push(...diffKeyed(`host.node.${section}`, before ?? {}, after ?? {}));
  }
  return changes;
}

function diffKeyed(
  place: string,
  a: Readonly<Record<string, TextRow>>,
  b: Readonly<Record<string, TextRow>>,
): readonly Change[] {
  return unite(a, b)
    .map((key) => ({ place, key, before: a[key], after: b[key] }))
    .filter((change) => !sameRow(change.before, change.after));
}

function sameRow(a: TextRow | undefined, b: TextRow | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return unite(a, b).every((column) => a[column] === b[column]);
}

function asRows(things: Things): Readonly<Record<string, TextRow>> {
  return Object.fromEntries(Object.entries(things).map(([name, value]) => [name, { name, value }]));
}

function unite(a: object, b: object): readonly string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])];
}
