import type { SQLInputValue } from 'node:sqlite';
import type { ServiceDatabase, World } from '../world.ts';

export function change(
  world: World,
  database: ServiceDatabase,
  sql: string,
  ...values: SQLInputValue[]
): void {
  const { changes } = world
    .db(database)
    .prepare(sql)
    .run(...values);
  // A twist that changes nothing would show a server that is not what its story says.
  if (changes === 0) throw new Error(`no row to change: ${sql}`);
}
