/** Takes back one transaction of a run: looks at the rows that were saved before it, and plans one transaction that restores them. */

import { UsageError } from '../../plan/errors.ts';
import type { BeforeImage, Refusal, Remain, SqlAct, SqlWrite, Step } from '../../plan/types.ts';
import * as z from '../../plan/zod.ts';
import type { Reader, Row } from '../../site/reader.ts';
import type { ActedStep } from '../read-run.ts';
import { type Change, compareTable, type Hindered, type Obstacle } from './compare.ts';
import { type MadeRow, replay, type Value } from './made.ts';
import { asBefore, type Undone } from './undone.ts';

type SqlImage = Extract<BeforeImage, { door: 'sql' }>;

/** What was saved of a table, and under which conditions. */
interface SavedTable {
  readonly table: string;
  readonly of: readonly SqlImage[];
  readonly saved: readonly Row[];
  readonly made: readonly MadeRow[];
}

interface TableFound {
  readonly table: string;
  readonly changes: readonly Change[];
  readonly hindered: readonly Hindered[];
  readonly came: readonly string[];
}

const rows = z.array(
  z.record(z.string(), z.union([z.string(), z.number(), z.null(), z.strictObject({ base64: z.string() })])),
);

/**
 * @returns null when it did not happen
 * @throws LookError when the database cannot be asked; UsageError when what was saved cannot be what the transaction ran on
 */
export async function undoTransaction(acted: ActedStep, act: SqlAct, look: Reader): Promise<Undone | null> {
  const { step } = acted;
  const tables = savedTables(acted, act);
  const found = await Promise.all(tables.map((table) => lookAtTable(look, act.database, table, step)));
  // What others changed in rows that the run did not get to is none of an undo's business.
  const happened =
    acted.known === 'done' ||
    found.some(({ changes, hindered }) => [...changes, ...hindered].some(({ marked }) => marked));
  if (!happened) return null;
  const recounted = found.flatMap(({ table, hindered }) =>
    hindered.filter((h) => h.obstacle === 'recounted').map((h) => ({ table, ...h })),
  );
  if (recounted.length > 0)
    return {
      ...asBefore(step),
      lost: {
        place: step.place,
        what: recounted.map((h) => `${h.columns.join(', ')} in ${h.row} of ${h.table}`).join('; '),
        why: 'it was counted anew by others since the run, so the number that was saved is not right any more; have Nova count again',
      },
    };
  const refusals = found.flatMap((each) => refuse(each, step.place));
  const changes = found.flatMap((each) => each.changes);
  const remains = found.flatMap(({ table, came }) =>
    came.map((row): Omit<Remain, 'kind'> => ({ place: step.place, what: `${row} of ${table}` })),
  );
  if (refusals.length > 0 || changes.length === 0) return { ...asBefore(step), refusals, remains };
  return {
    ...asBefore(step),
    remains,
    step: makeStep(
      step,
      act.database,
      found,
      tables.flatMap(({ of }) => of),
    ),
  };
}

/** Whether it can have run on what was saved before it. @throws UsageError when that is no rows */
export function canHaveRun(acted: ActedStep, act: SqlAct): boolean {
  return replay(rowsByTable(savedParts(acted)), act.writes) !== null;
}

function savedTables(acted: ActedStep, act: SqlAct): SavedTable[] {
  const parts = savedParts(acted);
  const saved = rowsByTable(parts);
  const made = replay(saved, act.writes);
  // A transaction that failed was rolled back, because the rows were not those that it was made for.
  if (made === null && acted.known === 'done') throw damaged(acted.step, 'does not fit what it did');
  const written = new Set(act.writes.map(({ table }) => table));
  return [...saved].flatMap(([table, all]) =>
    made !== null && written.has(table)
      ? [
          {
            table,
            of: parts.flatMap(({ of }) => (of.table === table ? [of] : [])),
            saved: all,
            made: made.get(table) ?? [],
          },
        ]
      : [],
  );
}

interface SavedPart {
  readonly of: SqlImage;
  readonly rows: readonly Row[];
}

function savedParts({ step, images }: ActedStep): SavedPart[] {
  return images.map(({ of, image }) => {
    const parsed = rows.safeParse(image);
    if (of.door !== 'sql' || !parsed.success) throw damaged(step, 'is no list of rows');
    return { of, rows: parsed.data };
  });
}

function rowsByTable(parts: readonly SavedPart[]): ReadonlyMap<string, readonly Row[]> {
  const byTable = Map.groupBy(parts, ({ of }) => of.table);
  return new Map([...byTable].map(([table, own]) => [table, own.flatMap((part) => part.rows)]));
}

function damaged({ id }: Step, what: string): UsageError {
  return new UsageError(`what step ${id} saved ${what}`, {
    code: 'run-changed',
    hint: 'before.jsonl is not as the run wrote it',
  });
}

async function lookAtTable(
  look: Reader,
  database: string,
  { table, of, saved, made }: SavedTable,
  step: Step,
): Promise<TableFound> {
  const images = await Promise.all(of.map((one) => look.image(one)));
  const there = images.flatMap((image) => rows.parse(image));
  const ids = new Set(there.map((row) => String(row['id'])));
  const gone = made.flatMap((row) => {
    const id = row.saved?.['id'];
    return typeof id === 'number' && !ids.has(String(id)) ? [id] : [];
  });
  const archived = await findArchived(look, database, table, gone);
  return {
    table,
    ...compareTable({ table, saved, made }, { rows: there, archived, counted: countedBy(step) }),
  };
}

/**
 * `nova-manage db archive_deleted_rows` moves rows to `shadow_<table>` under their own ids (nova 26
 * `db/main/api.py:_archive_deleted_rows_for_table`). Back in the table, they would be in its way when it comes again.
 */
async function findArchived(
  look: Reader,
  database: string,
  table: string,
  ids: readonly number[],
): Promise<ReadonlySet<string>> {
  const shadow = `shadow_${table}`;
  if (ids.length === 0 || !(await look.sql.columns(database, [shadow])).has(shadow)) return new Set();
  const found = await look.sql.rows(database, (sql) =>
    sql.selectFrom(shadow).select('id').where('id', 'in', ids),
  );
  return new Set(found.map((row) => String(row['id'])));
}

/** A step that has the database count says in its settled check which number is right. */
function countedBy({ settled }: Step): ReadonlyMap<string, Value> {
  if (settled.door !== 'sql') return new Map();
  return new Map(settled.where.flatMap((w) => (w.is === '=' ? [[w.column, w.value] as const] : [])));
}

const OWNERS: Readonly<Record<string, string>> = { cinder: 'Cinder', neutron: 'Neutron' };

const OBSTACLES: Readonly<Record<Exclude<Obstacle, 'recounted'>, { code: string; says: string }>> = {
  changed: { code: 'undo-row-changed', says: 'changed since the run' },
  archived: {
    code: 'undo-row-archived',
    says: 'archived by Nova since the run: back in its table, it would make the next archiving fail',
  },
  secret: { code: 'undo-secret-not-saved', says: 'gone, and the passwords in it were not saved' },
  'no-key': { code: 'undo-no-key', says: 'not to be found: the table has no id' },
};

/** Rows of one table that the same columns stand in the way of are one sentence. */
function refuse({ table, hindered }: TableFound, place: string): Omit<Refusal, 'kind'>[] {
  const groups = Map.groupBy(hindered, (h) => `${h.obstacle} ${h.columns.join(', ')}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined || first.obstacle === 'recounted') return [];
    const { code, says } = OBSTACLES[first.obstacle];
    const names = group.map(({ row }) => row).join(', ');
    const columns = first.columns.length === 0 ? '' : ` (${first.columns.join(', ')})`;
    return [{ code, flag: null, sentence: `${place}, ${table}: ${names}: ${says}${columns}` }];
  });
}

function makeStep(
  step: Step,
  database: string,
  found: readonly TableFound[],
  before: readonly SqlImage[],
): Step | null {
  const changes = found.flatMap((each) => each.changes);
  const [first] = changes;
  if (first === undefined) return null;
  const tables = found.filter((each) => each.changes.length > 0);
  const check = ({ where, count }: Change['to'], table: string) => ({
    door: 'sql' as const,
    database,
    table,
    where: [...where],
    count,
  });
  const { table } = first.write;
  return {
    id: `undo/${step.id}`,
    kind: step.kind,
    phase: step.phase,
    place: step.place,
    title: `put rows back as they were: ${tables.map((t) => `${t.table} (${t.changes.length})`).join(', ')}`,
    why: `${OWNERS[database] ?? 'Nova'} then knows of the server what it knew before the run.`,
    act: { door: 'sql', database, writes: inOrder(changes.map(({ write }) => write)) },
    guards: [{ must: first.from.must, check: check(first.from, table) }],
    // The transaction is whole or not there, so its first row stands for all of them.
    settled: check(first.to, table),
    before: [...before],
    needs: [],
    undo: 'before-image',
  };
}

/** What refers to others goes before them: tables were saved in the order in which their rows come back. */
function inOrder(writes: readonly SqlWrite[]): SqlWrite[] {
  const isDelete = ({ verb }: SqlWrite) => verb === 'delete';
  return [...writes.filter((write) => !isDelete(write)), ...writes.filter(isDelete).toReversed()];
}
