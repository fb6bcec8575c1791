/** Selects are built with kysely and compiled without a connection; the doors send the text and its parameters. */
import {
  type Compilable,
  type CompiledQuery,
  DummyDriver,
  Kysely,
  MysqlAdapter,
  MysqlIntrospector,
  MysqlQueryCompiler,
} from 'kysely';
import type { Select } from '../reader.ts';

/** Builds statements in MySQL's dialect. It has no connection, so nothing that it makes can run by itself. */
export const builder = new Kysely<Record<string, Record<string, unknown>>>({
  dialect: {
    createAdapter: () => new MysqlAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new MysqlIntrospector(db),
    createQueryCompiler: () => new MysqlQueryCompiler(),
  },
});

/** A select, compiled; `text` has the parameters in place and serves as its name in memory and tests, never for sending. */
export function compileSelect(build: (sql: Select) => Compilable): { query: CompiledQuery; text: string } {
  const query = build(builder as unknown as Select).compile();
  let next = 0;
  // Quotes go before the parameters come in: a name may hold a backtick, and is not the same name without.
  const text = query.sql.replaceAll('`', '').replaceAll('?', () => JSON.stringify(query.parameters[next++]));
  return { query, text };
}
