/** What goes through a door, word for word, in a form that can be copied: commands for a shell, statements for MySQL. */
import type { Act, SqlSet, SqlWhere, SqlWrite } from '../../plan/types.ts';
import { FIELD, labelled } from './field.ts';
import { fill } from './lines.ts';
import { plain } from './plain.ts';
import { shellWord, WHOLE } from './shell-word.ts';

const INDENT = ' '.repeat(FIELD);

/** A cache key is a secret while it is there: only its beginning is shown. */
export function renderAct(act: Act, columns: number): readonly string[] {
  switch (act.door) {
    case 'command':
      return renderCommands(act, columns);
    case 'http': {
      const version = [
        act.microversion === undefined ? '' : `, microversion ${act.microversion}`,
        act.serviceToken ? ', with X-Service-Token' : '',
      ].join('');
      const request = [`${act.method} ${plain(act.path, WHOLE)}`, `(${act.service} API${version})`];
      return [
        ...fill(request, columns, { first: labelled('send'), others: INDENT }),
        ...(act.body === undefined ? [] : [`${INDENT}${plain(JSON.stringify(act.body), WHOLE)}`]),
      ];
    }
    case 'cache':
      return [`${labelled('delete')}${plain(act.key.slice(0, 8))}… on ${act.server}`];
    case 'queue':
      return [
        `${labelled('take')}what is for ${plain(act.server, WHOLE)} out of queue ${plain(act.queue, WHOLE)} of the message bus`,
      ];
    case 'sql': {
      const writes = act.writes.map((write) => renderWrite(write, columns));
      const lines = writes.length === 1 ? writes.flat() : ['START TRANSACTION;', ...writes.flat(), 'COMMIT;'];
      return lines.map((line, i) => `${i === 0 ? labelled('SQL') : INDENT}${line}`);
    }
  }
}

/** What is run first has its own label; what the program reads stands before it, as an operator would type it. */
function renderCommands(act: Extract<Act, { door: 'command' }>, columns: number): readonly string[] {
  const words = (argv: readonly string[]): string[] => argv.map((arg) => shellWord(arg));
  const fed = (argv: readonly string[]): string[] =>
    act.input === undefined ? words(argv) : ['printf', '%s', shellWord(act.input), '|', ...words(argv)];
  const first = (act.first ?? []).map(({ argv }) => ({ label: 'run', line: words(argv) }));
  const run = { label: first.length === 0 ? 'run' : 'then', line: fed(act.argv) };
  const others = (act.otherwise ?? []).map((argv) => ({ label: 'or else', line: fed(argv) }));
  return [...first, run, ...others].flatMap(({ label, line }) =>
    fill(line, columns, { first: labelled(label), others: `${INDENT}  `, end: ' \\' }),
  );
}

/** One line where it fits, else one for each clause, and more where a clause does not fit. */
function renderWrite(write: SqlWrite, columns: number): readonly string[] {
  const room = columns - INDENT.length;
  const clauses = clausesOf(write).map((clause) => clause.map((piece) => plain(piece, WHOLE)));
  const last = clauses.at(-1);
  last?.push(`${last.pop()};`);
  if (write.verb !== 'insert') last?.push(`-- ${write.rows} row${write.rows === 1 ? '' : 's'}`);
  const whole = clauses.flat().join(' ');
  if (whole.length <= room) return [whole];
  return clauses.flatMap((clause, i) => fill(clause, room, { first: i === 0 ? '' : '  ', others: '    ' }));
}

function clausesOf(write: SqlWrite): string[][] {
  switch (write.verb) {
    case 'update':
      return [['UPDATE', name(write.table)], assignments(write.set), conditions(write.where)];
    case 'delete':
      return [['DELETE FROM', name(write.table)], conditions(write.where)];
    case 'insert':
      return [['INSERT INTO', name(write.table)], assignments(write.values)];
  }
}

/** As the query builder sends them: some of Nova's columns (`key`) are words of SQL. */
function name(identifier: string): string {
  return `\`${identifier.replaceAll('`', '``')}\``;
}

function assignments(set: Readonly<Record<string, SqlSet>>): string[] {
  const all = Object.entries(set).map(([column, value]) => `${name(column)} = ${literal(value)}`);
  return all.map((one, i) => `${i === 0 ? 'SET ' : ''}${one}${i === all.length - 1 ? '' : ','}`);
}

function conditions(where: readonly SqlWhere[]): string[] {
  return where.map((one, i) => `${i === 0 ? 'WHERE' : 'AND'} ${condition(one)}`);
}

function condition(where: SqlWhere): string {
  const column = name(where.column);
  switch (where.is) {
    case 'null':
    case 'not null':
      return `${column} IS ${where.is.toUpperCase()}`;
    case 'in':
      // An empty list matches nothing; "IN ()" is no SQL at all.
      if (where.value.length === 0) return '1 = 0';
      return `${column} IN (${where.value.map(literal).join(', ')})`;
    case '=':
    case '!=':
      return `${column} ${where.is} ${literal(where.value)}`;
  }
}

function literal(value: SqlSet): string {
  if (value === null) return 'NULL';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
  if ('now' in value) return 'UTC_TIMESTAMP()';
  if ('column' in value)
    return value.plus === undefined ? name(value.column) : `${name(value.column)} + ${value.plus}`;
  if ('base64' in value) return `FROM_BASE64('${value.base64}')`;
  const what = 'sum' in value ? `COALESCE(SUM(${name(value.sum)}), 0)` : 'COUNT(*)';
  return `(SELECT ${what} FROM ${name(value.of)} ${conditions(value.where).join(' ')})`;
}
