/** Rows as they were, as the run left them, and as they are now: what has to be written to have them as they were. */
import type { SqlWhere, SqlWrite } from '../../plan/types.ts';
import type { Row } from '../../site/reader.ts';
import { isSame, type Made, type MadeRow, type Value } from './made.ts';

export interface TableThen {
  readonly table: string;
  /** all that were saved, also those that the run did not write */
  readonly saved: readonly Row[];
  readonly made: readonly MadeRow[];
}

export interface TableNow {
  readonly rows: readonly Row[];
  /** ids that Nova's archive holds */
  readonly archived: ReadonlySet<string>;
  /** by column: what the run's step saw as the result of a count */
  readonly counted: ReadonlyMap<string, Value>;
}

/** A write with the row that it finds, and the row that it leaves. */
export interface Change {
  readonly write: SqlWrite;
  /** the row as it is now; null: there is none */
  readonly from: { readonly must: string; readonly where: SqlWhere[]; readonly count: 0 | 1 };
  readonly to: { readonly where: SqlWhere[]; readonly count: 0 | 1 };
  /** the row bears the run's own mark: a value that only the run's write explains */
  readonly marked: boolean;
}

export type Obstacle = 'changed' | 'archived' | 'secret' | 'no-key' | 'recounted';

export interface Hindered {
  readonly obstacle: Obstacle;
  /** `row 12` */
  readonly row: string;
  readonly columns: readonly string[];
  readonly marked: boolean;
}

export interface Comparison {
  readonly changes: readonly Change[];
  readonly hindered: readonly Hindered[];
  /** rows of the same condition that somebody made since the run and that are not marked deleted */
  readonly came: readonly string[];
}

/** Pure. The rows of one table, in the order in which they were saved. */
export function compareTable(then: TableThen, now: TableNow): Comparison {
  const { table, saved, made } = then;
  const byKey = new Map(now.rows.map((row) => [keyOf(row), row]));
  const known = new Set(saved.map(keyOf));
  const fresh = now.rows.filter((row) => !known.has(keyOf(row)));
  const changes: Change[] = [];
  const hindered: Hindered[] = [];
  for (const row of made) {
    if (row.saved === null) {
      const own = row.deleted ? -1 : fresh.findIndex((each) => isAsMade(row, each, now));
      for (const inserted of own < 0 ? [] : fresh.splice(own, 1)) changes.push(removal(table, inserted));
      continue;
    }
    const result = compareRow(table, { ...row, saved: row.saved }, byKey.get(keyOf(row.saved)), now);
    if (result === null) continue;
    if ('obstacle' in result) hindered.push(result);
    else changes.push(result);
  }
  const came = fresh.filter((row) => isSame(row['deleted'] ?? 0, 0)).map(nameOf);
  return { changes, hindered, came };
}

type SavedRow = MadeRow & { readonly saved: Row };

/** Null: it is as it was. */
function compareRow(
  table: string,
  row: SavedRow,
  there: Row | undefined,
  now: TableNow,
): Change | Hindered | null {
  const { saved } = row;
  let marked = there === undefined;
  const hinder = (obstacle: Obstacle, columns: readonly string[] = []): Hindered => ({
    obstacle,
    row: nameOf(saved),
    columns,
    marked,
  });
  if (there === undefined) {
    if (saved['id'] === undefined && !row.deleted) return hinder('no-key');
    if (now.archived.has(String(saved['id']))) return hinder('archived');
    const secrets = Object.keys(saved).filter((column) => isMasked(saved[column]));
    return secrets.length > 0 ? hinder('secret', secrets) : insertion(table, saved);
  }
  const differing = columnsOf(saved, there).filter(
    (column) => !isSame(saved[column] ?? null, there[column] ?? null),
  );
  if (differing.length === 0) return null;
  marked = differing.some((column) => isMark(row, column, there, now));
  const strange = differing.filter((column) => row.deleted || !isMade(row, column, there, now));
  const counts = strange.filter((column) => 'counted' in (row.made.get(column) ?? {}));
  if (strange.length > 0) return hinder(counts.length === strange.length ? 'recounted' : 'changed', strange);
  const secrets = differing.filter((column) => isMasked(saved[column]));
  if (secrets.length > 0) return hinder('secret', secrets);
  return { ...restoration(table, saved, there, differing), marked };
}

/** Whether a column still holds what the run put there. Of a time only that there is one is known. */
function isMade({ made }: MadeRow, column: string, there: Row, { counted }: TableNow): boolean {
  const written = made.get(column);
  if (written === undefined) return false;
  const value = there[column] ?? null;
  if ('clock' in written) return value !== null;
  if ('own' in written) return isSame(value, there[written.own] ?? null);
  if ('value' in written) return isSame(value, written.value);
  return counted.has(column) && isSame(value, counted.get(column) ?? null);
}

/**
 * A time that moved proves nothing: others write times too. Nor does NULL where the run left more in the same row: Nova itself clears a
 * server's `task_state`.
 */
function isMark(row: SavedRow, column: string, there: Row, now: TableNow): boolean {
  const written = row.made.get(column);
  if (written !== undefined && 'clock' in written && row.saved[column] !== null) return false;
  const leftMore = () => [...row.made].some(([each, made]) => isTelling(made, row.saved[each] ?? null));
  if ((there[column] ?? null) === null && leftMore()) return false;
  return isMade(row, column, there, now);
}

/** Whether the run put something into a column that was not there before, and that can be told from nothing. */
function isTelling(written: Made, was: Value): boolean {
  if ('clock' in written) return was === null;
  return 'value' in written && written.value !== null && !isSame(written.value, was);
}

function isAsMade(row: MadeRow, there: Row, now: TableNow): boolean {
  return [...row.made.keys()].every((column) => isMade(row, column, there, now));
}

function restoration(
  table: string,
  saved: Row,
  there: Row,
  columns: readonly string[],
): Omit<Change, 'marked'> {
  const set = Object.fromEntries(columns.map((column) => [column, saved[column] ?? null]));
  const where = rowAsItIs(there);
  return {
    write: { verb: 'update', table, set, where, rows: 1 },
    from: { must: `${nameOf(saved)} of ${table} is as the run left it`, where, count: 1 },
    to: { where: rowAsItIs({ ...(saved['id'] === undefined ? {} : { id: saved['id'] }), ...set }), count: 1 },
  };
}

function insertion(table: string, saved: Row): Change {
  const key = saved['id'] === undefined ? rowAsItIs(saved) : rowAsItIs({ id: saved['id'] });
  return {
    write: { verb: 'insert', table, values: { ...saved } },
    from: { must: `${nameOf(saved)} of ${table} is not there`, where: key, count: 0 },
    to: { where: rowAsItIs(saved), count: 1 },
    marked: true,
  };
}

function removal(table: string, there: Row): Change {
  const where = rowAsItIs(there);
  const key = there['id'] === undefined ? where : rowAsItIs({ id: there['id'] });
  return {
    write: { verb: 'delete', table, where, rows: 1 },
    from: { must: `${nameOf(there)} of ${table} is as the run made it`, where, count: 1 },
    to: { where: key, count: 0 },
    marked: true,
  };
}

/**
 * A condition that only the row in exactly this state meets. Left out is what cannot be compared: binary, fractions (MySQL's
 * FLOAT is not equal to what it prints), and text in which a password was blanked out when it was read.
 */
function rowAsItIs(row: Row): SqlWhere[] {
  const columns = Object.keys(row).sort((a, b) => Number(b === 'id') - Number(a === 'id'));
  return columns.flatMap((column): SqlWhere[] => {
    const value = row[column] ?? null;
    if (value === null) return [{ column, is: 'null' }];
    if (typeof value === 'object' || isMasked(value)) return [];
    if (typeof value === 'number' && !Number.isInteger(value)) return [];
    return [{ column, is: '=', value }];
  });
}

/** What `readImage` (site/check.ts) puts in the place of a password. */
function isMasked(value: Value | undefined): boolean {
  return typeof value === 'string' && value.includes('": "…"');
}

/** Nova's tables have an `id`, but for a few (`tags`): there a row is nothing but its key. */
function keyOf(row: Row): string {
  if (row['id'] !== undefined) return `id ${String(row['id'])}`;
  return JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function nameOf(row: Row): string {
  if (row['id'] !== undefined) return `row ${String(row['id'])}`;
  return `row ${Object.values(row).map(String).join(' ')}`;
}

function columnsOf(...rows: readonly Row[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))];
}
