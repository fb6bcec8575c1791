/** Replays a transaction on the rows that were saved before it: what it must have made of them. */
import type { SqlSet, SqlWhere, SqlWrite } from '../../plan/types.ts';
import type { Row } from '../../site/reader.ts';

export type Value = Row[string];

/** What a statement left in a column: a value, a time of the database's clock, a count of it, or what it put into another column itself. */
export type Made =
  | { readonly value: Value }
  | { readonly clock: true }
  | { readonly counted: true }
  | { readonly own: string };

export interface MadeRow {
  /** as it was before; null: the transaction inserted it */
  readonly saved: Row | null;
  /** the columns that the transaction wrote */
  readonly made: ReadonlyMap<string, Made>;
  readonly deleted: boolean;
}

interface Draft {
  readonly saved: Row | null;
  readonly made: Map<string, Made>;
  deleted: boolean;
}

/**
 * @param saved rows by table, as they were before the transaction
 * @returns by table, the rows that it wrote; null when it cannot have run on these rows: a statement would have touched another
 *   number of them than it did
 */
export function replay(
  saved: ReadonlyMap<string, readonly Row[]>,
  writes: readonly SqlWrite[],
): ReadonlyMap<string, readonly MadeRow[]> | null {
  const tables = new Map<string, Draft[]>(
    [...saved].map(([table, rows]) => [
      table,
      rows.map((row) => ({ saved: row, made: new Map(), deleted: false })),
    ]),
  );
  for (const write of writes) {
    const rows = tables.get(write.table);
    if (rows === undefined) return null;
    if (write.verb === 'insert') {
      const row: Draft = { saved: null, made: new Map(), deleted: false };
      for (const [column, set] of Object.entries(write.values)) row.made.set(column, makeOf(row, set));
      rows.push(row);
      continue;
    }
    const touched = rows.filter((row) => !row.deleted && write.where.every((where) => meets(row, where)));
    if (touched.length !== write.rows) return null;
    for (const row of touched) {
      if (write.verb === 'delete') row.deleted = true;
      else {
        const made = Object.entries(write.set).map(([column, set]) => [column, makeOf(row, set)] as const);
        for (const [column, value] of made) row.made.set(column, value);
      }
    }
  }
  return new Map(
    [...tables].map(([table, rows]) => [table, rows.filter((row) => row.deleted || row.made.size > 0)]),
  );
}

/** A number and its text are equal: drivers give the one or the other. Case counts, other than in most of MySQL's columns. */
export function isSame(a: Value, b: Value): boolean {
  if (a === null || b === null) return a === b;
  if (typeof a === 'object' || typeof b === 'object')
    return typeof a === 'object' && typeof b === 'object' && a.base64 === b.base64;
  return String(a) === String(b);
}

function current({ saved, made }: Draft, column: string): Made {
  const written = made.get(column);
  if (written !== undefined) return written;
  // Of an inserted row only the database knows what it counted up.
  if (saved === null) return column === 'id' ? { own: column } : { value: null };
  return { value: saved[column] ?? null };
}

function makeOf(row: Draft, set: SqlSet): Made {
  if (set === null || typeof set !== 'object' || 'base64' in set) return { value: set };
  if ('now' in set) return { clock: true };
  if ('column' in set) return plus(current(row, set.column), set.plus ?? 0);
  return { counted: true };
}

function plus(made: Made, more: number): Made {
  if (more === 0 || !('value' in made) || made.value === null) return made;
  return { value: Number(made.value) + more };
}

function meets(row: Draft, where: SqlWhere): boolean {
  const made = current(row, where.column);
  const isNull = 'value' in made && made.value === null;
  switch (where.is) {
    case 'null':
      return isNull;
    case 'not null':
      return !isNull;
    case '=':
      return 'value' in made && isSame(made.value, where.value);
    case '!=':
      // NULL is neither equal nor unequal. An id and a time are never a value that a statement names.
      return !isNull && !('value' in made && isSame(made.value, where.value));
    case 'in':
      return 'value' in made && where.value.some((value) => isSame(made.value, value));
  }
}
