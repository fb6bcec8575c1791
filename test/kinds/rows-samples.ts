/** Rows of a server in a cell's database of Zed, and what is planned of them. */
import { expect } from 'vitest';
import type { RowFacts } from '../../src/kinds/rows/find.ts';
import { rows } from '../../src/kinds/rows/index.ts';
import { CHILD_TABLES, takes } from '../../src/kinds/rows/tables.ts';
import type { Era, InstanceRow, Subject } from '../../src/kinds/subject/subject.ts';
import type { SqlWrite, Step } from '../../src/plan/types.ts';
import { renderWrite } from '../../src/site/sql/render.ts';
import { decisions, subject } from '../support/subjects.ts';

export const SERVER = '11111111-2222-4333-8444-555555555555';
export const ZED: Era = { atLeast: 26, below: 28 };
export const NOW = 'utc_timestamp()';

/** Columns of `instances` that matter here, in Zed. */
const COLUMNS = new Set(['id', 'uuid', 'progress', 'cleaned', 'hidden', 'power_state']);

type Count = readonly [live: number, undated?: number];

export function facts(
  counts: Readonly<Record<string, Count>> = {},
  changes: Partial<RowFacts> = {},
): RowFacts {
  return {
    database: 'cell:c1',
    cellName: 'cell1',
    columns: COLUMNS,
    children: CHILD_TABLES.filter((child) => takes(child, ZED)).map((child) => ({
      ...child,
      live: counts[child.table]?.[0] ?? 0,
      undated: counts[child.table]?.[1] ?? 0,
    })),
    pci: [],
    progress: 0,
    shares: [],
    ...changes,
  };
}

export function planFor(of: RowFacts | null, changes: Partial<Subject> = {}) {
  return rows.plan(of, subject({ era: ZED, ...changes }), decisions());
}

export function onlyStep(
  of: RowFacts,
  changes: Partial<Subject> = {},
): Step & { writes: readonly SqlWrite[] } {
  const [step, ...others] = planFor(of, changes).steps;
  expect(others).toEqual([]);
  if (step?.act.door !== 'sql') throw new Error('no step on the sql door');
  return { kind: 'rows', needs: [], ...step, writes: step.act.writes } as Step & { writes: SqlWrite[] };
}

/** As it goes to the database, with the parameters in place; the number of rows that it must touch in front. */
export function sent(writes: readonly SqlWrite[]): string[] {
  return writes.map((write) => {
    const { sql, parameters } = renderWrite(write);
    let next = 0;
    const text = sql.replaceAll('`', '').replaceAll('?', () => JSON.stringify(parameters[next++]));
    return `${write.verb === 'insert' ? 1 : write.rows}: ${text}`;
  });
}

export const asSeen = (row: InstanceRow) =>
  `id = 42 and uuid = "${SERVER}" and deleted = ${row.deleted} and ` +
  [
    ['host', row.host],
    ['vm_state', row.vmState],
    ['task_state', row.taskState],
  ]
    .map(([column, value]) => (value === null ? `${column} is null` : `${column} = "${value}"`))
    .join(' and ');
