import type { RecordedHost } from '../../src/simulator/recorded/types.ts';
import type { TableFacts } from './facts.ts';
import { keyOf, type RawRows } from './rows.ts';

/** A whole cloud at one moment, under its real names. */
export interface Moment {
  readonly rows: RawRows;
  readonly host: RecordedHost;
  /** when it was read */
  readonly at: Date;
}

export interface Difference {
  readonly added: { readonly rows: RawRows; readonly host: RecordedHost };
  /** places with the columns that changed in a row that was there before, or `(gone)` */
  readonly changed: readonly string[];
}

/** What was added between two moments, and which of the rest is not as it was. */
export function findDifference(before: Moment, after: Moment, facts: readonly TableFacts[]): Difference {
  const added = new Map<string, RawRows extends ReadonlyMap<string, infer Rows> ? Rows : never>();
  const changed = new Set<string>();
  for (const table of facts) {
    const known = new Map((before.rows.get(table.place) ?? []).map((row) => [keyOf(row, table), row]));
    const now = (after.rows.get(table.place) ?? []).map((row) => [keyOf(row, table), row] as const);
    const fresh = now.filter(([key]) => !known.has(key)).map(([, row]) => row);
    if (fresh.length > 0) added.set(table.place, fresh);
    for (const [key, row] of now) {
      const old = known.get(key);
      known.delete(key);
      for (const column of old === undefined ? [] : Object.keys(row))
        if (old?.[column] !== row[column]) changed.add(`${table.place}.${column}`);
    }
    if (known.size > 0) changed.add(`${table.place} (gone)`);
  }
  return {
    added: { rows: added, host: subtractHost(after.host, before.host) },
    changed: [...changed].sort(),
  };
}

function subtractHost(after: RecordedHost, before: RecordedHost): RecordedHost {
  const fresh = <T>(things: readonly T[], known: readonly T[], name: (thing: T) => string): readonly T[] => {
    const names = new Set(known.map(name));
    return things.filter((thing) => !names.has(name(thing)));
  };
  return {
    domains: fresh(after.domains, before.domains, ({ uuid }) => uuid),
    links: fresh(after.links, before.links, ({ name }) => name),
    switchPorts: fresh(after.switchPorts, before.switchPorts, ({ name }) => name),
    files: fresh(after.files, before.files, ({ path }) => path),
    imageFiles: fresh(after.imageFiles, before.imageFiles, ({ path }) => path),
    firewall: fresh(after.firewall, before.firewall, String),
    namespaces: fresh(after.namespaces, before.namespaces, String),
  };
}
