import type {
  RecordedHost,
  RecordedRow,
  RecordedRows,
  RecordedValue,
} from '../../src/simulator/recorded/types.ts';
import type { TableFacts } from './facts.ts';
import type { Names } from './names.ts';
import { controller } from './places.ts';
import type { RawRows } from './rows.ts';
import { isAddress } from './tokens.ts';

/** Puts placeholders into texts and rows. `now` is the moment that times are told from. */
export interface Replacer {
  text(text: string): string;
  row(row: RecordedRow, table: TableFacts): RecordedRow;
}

/** Numbers inside JSON that refer to a row: nova 26 `objects/migration_context.py`. */
const idsInJson: ReadonlyMap<string, string> = new Map([['migration_id', 'nova.migrations']]);

/** Numbers that are a time in seconds since 1970: nova 26 `db/main/models.py:ConsoleAuthToken`. */
const epochs: ReadonlySet<string> = new Set([
  'nova.console_auth_tokens.expires',
  'nova_cell0.console_auth_tokens.expires',
]);

const time = '(?<!\\d)(\\d{4}-\\d\\d-\\d\\d)([ T])(\\d\\d:\\d\\d:\\d\\d)(?:\\.\\d+)?(Z|[+-]\\d\\d:?\\d\\d)?';
const jsonId = `"(${[...idsInJson.keys()].join('|')})": (\\d+)`;

export function makeReplacer(names: Names, now: Date): Replacer {
  const literals = [...names.texts.keys()].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  const pattern = new RegExp([time, jsonId, ...literals.map(bound)].join('|'), 'g');
  const text = (whole: string): string => {
    if (/\{\{[a-zA-Z.]+(:[^{}]*)?\}\}/.test(whole))
      throw new Error(`there is a placeholder already in ${whole.slice(0, 200)}`);
    return whole.replaceAll(
      pattern,
      (found, day?: string, gap?: string, clock?: string, zone?: string, key?: string, id?: string) => {
        if (day !== undefined && clock !== undefined) return replaceTime(found, day, clock, gap, zone, now);
        if (key !== undefined && id !== undefined)
          return `"${key}": ${names.ids.get(`${idsInJson.get(key)}:${id}`) ?? refuse(`${key} ${id} leads to no row`)}`;
        return names.texts.get(found) ?? refuse(`${found} has no name`);
      },
    );
  };
  const value = (row: RecordedRow, column: string, table: TableFacts): RecordedValue => {
    const cell = row[column] ?? null;
    if (column === 'host' && isConductors(row, table)) return controller;
    if (typeof cell === 'string') return text(cell);
    if (typeof cell !== 'number') return cell;
    if (epochs.has(`${table.place}.${column}`)) return `{{epoch:${cell - Math.round(now.getTime() / 1000)}}}`;
    const own = `${table.place}:${cell}`;
    if (column === table.counted) return names.ids.get(own) ?? cell;
    // Nova marks a row as deleted with the row's own number.
    if (column === 'deleted' && cell !== 0 && cell === row['id']) return names.ids.get(own) ?? cell;
    const reference = table.references.find((each) => each.column === column);
    return reference === undefined ? cell : (names.ids.get(`${reference.place}:${cell}`) ?? cell);
  };
  return {
    text,
    row: (row, table) =>
      Object.fromEntries(Object.keys(row).map((column) => [column, value(row, column, table)])),
  };
}

/** Written by nova-conductor, which in a lab shares its host with nova-compute: in cell0, where there is no other, and its own events
 * (nova 26 `conductor/manager.py`). */
function isConductors(row: RecordedRow, { place }: TableFacts): boolean {
  if (row['host'] === null) return false;
  return place.startsWith('nova_cell0.') || /^(conductor_|cold_migrate$)/.test(String(row['event']));
}

/** Where one of these may end: an address or a host's name can be the beginning of another. */
function bound(literal: string): string {
  const escaped = literal.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  if (isAddress(literal)) return `(?<![\\d.])${escaped}(?!\\d|\\.\\d)`;
  // The name of a host. Everything else that is named has a digit or a slash where words have none.
  if (/^[a-z][a-z0-9]*$/.test(literal)) return `(?<![\\w.-])${escaped}(?![\\w-]|\\.\\w)`;
  return escaped;
}

/** Without a zone it is UTC too: nova 26 `compute/manager.py:_shelve_instance` writes `shelved_at` so. It gets its Z. */
function replaceTime(
  found: string,
  day: string,
  clock: string,
  gap: string | undefined,
  zone: string | undefined,
  now: Date,
): string {
  if (zone !== undefined && zone !== 'Z' && zone !== '+00:00') return refuse(`${found} is not in UTC`);
  const seconds = Math.round((Date.parse(`${day}T${clock}Z`) - now.getTime()) / 1000);
  return gap === 'T' ? `{{isotime:${seconds}}}` : `{{time:${seconds}}}`;
}

function refuse(message: string): never {
  throw new Error(message);
}

/** Rows in an order in which foreign keys are satisfied: a table after those that it refers to. */
export function replaceRows(rows: RawRows, facts: readonly TableFacts[], replacer: Replacer): RecordedRows {
  return Object.fromEntries(
    orderTables(rows, facts).map((table) => [
      table.place,
      orderRows(rows.get(table.place) ?? [], table).map((row) => replacer.row(row, table)),
    ]),
  );
}

function orderTables(rows: RawRows, facts: readonly TableFacts[]): readonly TableFacts[] {
  const ordered: TableFacts[] = [];
  const seen = new Set<string>();
  const visit = (table: TableFacts): void => {
    if (seen.has(table.place)) return;
    seen.add(table.place);
    for (const { place } of table.references) {
      const parent = facts.find((each) => each.place === place);
      if (parent !== undefined) visit(parent);
    }
    if (rows.has(table.place)) ordered.push(table);
  };
  for (const table of facts) visit(table);
  return ordered;
}

/** Within a table, a row after the one that it refers to. */
function orderRows(rows: readonly RecordedRow[], table: TableFacts): readonly RecordedRow[] {
  const own = table.references.filter(({ place }) => place === table.place);
  if (own.length === 0) return rows;
  const ordered = new Set<RecordedRow>();
  const visit = (row: RecordedRow, path: readonly RecordedRow[]): void => {
    if (path.includes(row)) return;
    for (const { column, target } of own)
      for (const parent of rows)
        if (row[column] !== null && parent[target] === row[column]) visit(parent, [...path, row]);
    ordered.add(row);
  };
  for (const row of rows) visit(row, []);
  return [...ordered];
}

/** What stands on the host, in the same words. */
export function replaceHost(host: RecordedHost, { text }: Replacer): RecordedHost {
  const optional = (value: string | null): string | null => (value === null ? null : text(value));
  const file = (each: RecordedHost['files'][number]) => ({
    ...each,
    path: text(each.path),
    target: optional(each.target),
  });
  return {
    domains: host.domains.map((each) => ({
      ...each,
      uuid: text(each.uuid),
      name: text(each.name),
      xml: text(each.xml),
    })),
    links: host.links.map((each) => ({
      ...each,
      name: text(each.name),
      peer: optional(each.peer),
      master: optional(each.master),
      mac: optional(each.mac),
    })),
    switchPorts: host.switchPorts.map((each) => ({
      ...each,
      name: text(each.name),
      bridge: text(each.bridge),
      externalIds: Object.fromEntries(
        Object.entries(each.externalIds).map(([key, value]) => [key, text(value)]),
      ),
    })),
    files: host.files.map(file),
    imageFiles: host.imageFiles.map(file),
    firewall: host.firewall.map(text),
    namespaces: host.namespaces.map(text),
  };
}
