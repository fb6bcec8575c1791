/** From statements as data to statements that a connection can send: parameters only, through the query builder. */
import { type CompiledQuery, type Expression, type SqlBool, sql } from 'kysely';
import type { SqlSet, SqlWhere, SqlWrite } from '../../plan/types.ts';
import { builder } from './compile.ts';

function condition(where: SqlWhere): Expression<SqlBool> {
  const column = sql.ref(where.column);
  switch (where.is) {
    case '=':
      return sql`${column} = ${where.value}`;
    case '!=':
      return sql`${column} <> ${where.value}`;
    case 'in':
      // An empty list matches nothing; "IN ()" is no SQL at all.
      return where.value.length === 0 ? sql`1 = 0` : sql`${column} in (${sql.join(where.value)})`;
    case 'null':
      return sql`${column} is null`;
    case 'not null':
      return sql`${column} is not null`;
  }
}

function all(where: readonly SqlWhere[]): Expression<SqlBool> {
  return where.length === 0 ? sql`1 = 1` : sql`${sql.join(where.map(condition), sql` and `)}`;
}

function value(set: SqlSet): Expression<unknown> {
  if (set === null || typeof set !== 'object') return sql`${set}`;
  if ('now' in set) return sql`utc_timestamp()`;
  if ('column' in set)
    return set.plus === undefined ? sql.ref(set.column) : sql`${sql.ref(set.column)} + ${set.plus}`;
  if ('base64' in set) return sql`${Buffer.from(set.base64, 'base64')}`;
  const what = 'sum' in set ? sql`coalesce(sum(${sql.ref(set.sum)}), 0)` : sql`count(*)`;
  return sql`(select ${what} from ${sql.table(set.of)} where ${all(set.where)})`;
}

function values(set: Readonly<Record<string, SqlSet>>): Record<string, Expression<unknown>> {
  return Object.fromEntries(Object.entries(set).map(([column, v]) => [column, value(v)]));
}

export function renderWrite(write: SqlWrite): CompiledQuery {
  switch (write.verb) {
    case 'update':
      return builder.updateTable(write.table).set(values(write.set)).where(all(write.where)).compile();
    case 'delete':
      return builder.deleteFrom(write.table).where(all(write.where)).compile();
    case 'insert':
      return builder.insertInto(write.table).values(values(write.values)).compile();
  }
}

/** `select count(*) as n from table where …` */
export function renderCount(table: string, where: readonly SqlWhere[]): CompiledQuery {
  return builder
    .selectFrom(table)
    .select((e) => e.fn.countAll().as('n'))
    .where(all(where))
    .compile();
}

export function renderRows(table: string, where: readonly SqlWhere[]): CompiledQuery {
  return builder.selectFrom(table).selectAll().where(all(where)).compile();
}
