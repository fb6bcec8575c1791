import type { RecordedHost, RecordedRow } from '../../src/simulator/recorded/types.ts';
import type { TableFacts } from './facts.ts';
import type { RawRows } from './rows.ts';
import { findTokens } from './tokens.ts';

/** Parents that were made for one child alone, and go with it. */
const madeFor: readonly (readonly [place: string, column: string])[] = [
  ['neutron.ports', 'standard_attr_id'],
  // The image of a shelving or a snapshot: its property `instance_uuid` says whose it is.
  ['glance.image_properties', 'image_id'],
];

/** Columns whose value names the row's thing wherever it stands. `id` counts where it is no number. */
const naming: ReadonlyMap<string, readonly string[]> = new Map([
  ['neutron.ports', ['id', 'mac_address']],
  ['neutron.ipallocations', ['ip_address']],
]);

export interface Owned {
  readonly own: RawRows;
  readonly rest: RawRows;
  /** every text by which something of the owner is known */
  readonly names: ReadonlySet<string>;
}

/**
 * Parts rows into those that belong to somebody and the rest: rows that name him, or a thing of his, or refer to a row of
 * his; and so on until nothing is added. To begin with there are `names` (a server's uuid, its port's) and what `isFirst` says.
 */
export function findOwn(
  rows: RawRows,
  facts: readonly TableFacts[],
  names: Iterable<string>,
  isFirst: (row: RecordedRow, place: string) => boolean = () => false,
): Owned {
  const known = new Set(names);
  const own = new Map<RecordedRow, TableFacts>();
  const tables = facts.filter(({ place }) => rows.has(place));
  const isOwn = (row: RecordedRow, table: TableFacts): boolean =>
    isFirst(row, table.place) ||
    findTokens(row).some((token) => known.has(token)) ||
    table.references.some(({ column, place, target }) => hasOwn(rows, own, place, target, row[column]));
  for (let before = -1; before < own.size; ) {
    before = own.size;
    for (const table of tables)
      for (const row of rows.get(table.place) ?? []) {
        if (own.has(row) || !isOwn(row, table)) continue;
        for (const [each, its] of [[row, table] as const, ...parentsOf(rows, facts, row, table)]) {
          own.set(each, its);
          for (const name of namesOf(each, its.place)) known.add(name);
        }
      }
  }
  const part = (mine: boolean): RawRows =>
    new Map(
      [...rows]
        .map(([place, all]) => [place, all.filter((row) => own.has(row) === mine)] as const)
        .filter(([, some]) => some.length > 0),
    );
  return { own: part(true), rest: part(false), names: known };
}

function hasOwn(
  rows: RawRows,
  own: ReadonlyMap<RecordedRow, TableFacts>,
  place: string,
  target: string,
  value: RecordedRow[string] | undefined,
): boolean {
  if (value === null || value === undefined) return false;
  return (rows.get(place) ?? []).some((row) => row[target] === value && own.has(row));
}

function namesOf(row: RecordedRow, place: string): readonly string[] {
  return (naming.get(place) ?? ['id', 'uuid'])
    .map((column) => row[column])
    .filter((value) => typeof value === 'string')
    .flatMap((value) => findTokens({ value }));
}

function parentsOf(
  rows: RawRows,
  facts: readonly TableFacts[],
  row: RecordedRow,
  table: TableFacts,
): readonly (readonly [RecordedRow, TableFacts])[] {
  return table.references
    .filter(({ column }) => madeFor.some(([place, of]) => place === table.place && of === column))
    .flatMap(({ column, place, target }) => {
      const parents = facts.find((each) => each.place === place);
      if (parents === undefined) return [];
      return (rows.get(place) ?? [])
        .filter((parent) => parent[target] === row[column])
        .map((parent) => [parent, parents] as const);
    });
}

/** Parts the things on a host: those that carry one of these names, and the rest. */
export function findOwnThings(
  host: RecordedHost,
  isOwn: (text: string) => boolean,
): { readonly own: RecordedHost; readonly rest: RecordedHost } {
  const part = (mine: boolean): RecordedHost => {
    const some = <T>(things: readonly T[]): readonly T[] =>
      things.filter((thing) => isOwn(JSON.stringify(thing)) === mine);
    return {
      domains: some(host.domains),
      links: some(host.links),
      switchPorts: some(host.switchPorts),
      files: some(host.files),
      imageFiles: some(host.imageFiles),
      firewall: some(host.firewall),
      namespaces: some(host.namespaces),
    };
  };
  return { own: part(true), rest: part(false) };
}
