/** The steps of a plan, by chapter. */
import { KINDS } from '../../kinds/registry.ts';
import type { Act, Plan, SqlSet, SqlWhere, SqlWrite, Step } from '../../plan/types.ts';
import type { Paint } from '../io.ts';
import { plain } from './plain.ts';

/** Word for word means whole: a line this long is shown to its end. */
const WHOLE = 100_000;

const UNDO: Readonly<Record<Step['undo'], string>> = {
  'before-image': 'can be brought back from its before-image',
  recreate: 'can only be made anew',
  never: 'is gone for good',
};

export function renderSteps(plan: Plan, paint: Paint, commands: boolean): string {
  if (plan.steps.length === 0) return '';
  const lines: string[] = [
    paint.bold(`${plan.steps.length} step${plan.steps.length === 1 ? '' : 's'}, in this order`),
  ];
  let chapter = '';
  plan.steps.forEach((step, i) => {
    const title = KINDS.find((kind) => kind.id === step.kind)?.title ?? step.kind;
    const heading = plain(`${title} · ${step.place}`);
    if (heading !== chapter) lines.push(`  ${heading}`);
    chapter = heading;
    lines.push(`  ${String(i + 1).padStart(3)}. ${plain(step.title)}`);
    if (!commands) return;
    lines.push(`       ${paint.dim(`why: ${plain(step.why, 300)}`)}`);
    for (const guard of step.guards) lines.push(`       ${paint.dim(`only if ${plain(guard.must, 300)}`)}`);
    for (const line of renderAct(step.act)) lines.push(`       ${plain(line, WHOLE)}`);
    lines.push(`       ${paint.dim(`what this removes ${UNDO[step.undo]}`)}`);
  });
  return `${lines.join('\n')}\n`;
}

/** What goes through the door, word for word. A cache key is a secret while it is there: only its beginning is shown. */
function renderAct(act: Act): string[] {
  switch (act.door) {
    case 'command':
      return [act.argv, ...(act.otherwise ?? [])].map(
        (argv, i) => `${i === 0 ? '$' : 'or, if that fails: $'} ${argv.map(quoted).join(' ')}`,
      );
    case 'http':
      return [
        `${act.method} ${act.service}${act.path}${act.body === undefined ? '' : ` ${JSON.stringify(act.body)}`}`,
      ];
    case 'cache':
      return [`delete ${act.key.slice(0, 8)}… on ${act.server}`];
    case 'sql':
      return act.writes.map((write) => `${renderWrite(write)};`);
  }
}

function quoted(arg: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`;
}

function renderWrite(write: SqlWrite): string {
  switch (write.verb) {
    case 'update':
      return `UPDATE ${write.table} SET ${assignments(write.set)} WHERE ${conditions(write.where)} -- ${write.rows} rows`;
    case 'delete':
      return `DELETE FROM ${write.table} WHERE ${conditions(write.where)} -- ${write.rows} rows`;
    case 'insert':
      return `INSERT INTO ${write.table} SET ${assignments(write.values)}`;
  }
}

function assignments(set: Readonly<Record<string, SqlSet>>): string {
  return Object.entries(set)
    .map(([column, value]) => `${column} = ${literal(value)}`)
    .join(', ');
}

function conditions(where: readonly SqlWhere[]): string {
  return where.map(condition).join(' AND ');
}

function condition(where: SqlWhere): string {
  switch (where.is) {
    case 'null':
    case 'not null':
      return `${where.column} IS ${where.is.toUpperCase()}`;
    case 'in':
      return `${where.column} IN (${where.value.map(literal).join(', ')})`;
    case '=':
    case '!=':
      return `${where.column} ${where.is} ${literal(where.value)}`;
  }
}

function literal(value: SqlSet): string {
  if (value === null) return 'NULL';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if ('now' in value) return 'UTC_TIMESTAMP()';
  if ('column' in value) return value.column;
  if ('base64' in value) return `FROM_BASE64('${value.base64}')`;
  const what = 'sum' in value ? `COALESCE(SUM(${value.sum}), 0)` : 'COUNT(*)';
  return `(SELECT ${what} FROM ${value.of} WHERE ${conditions(value.where)})`;
}
