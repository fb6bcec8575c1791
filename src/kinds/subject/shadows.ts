/** Where Nova puts a server's rows when it archives them. */
import type { Schema } from './era.ts';
import type { InstanceRow } from './subject.ts';

/**
 * The shadow of a table, to be read beside it where no row of the server lives. `nova-manage db archive_deleted_rows` moves deleted rows
 * there, and leaves a table alone that has no shadow (nova 17 `db/sqlalchemy/api.py:_archive_deleted_rows_for_table`, 26
 * `db/main/api.py`). Before Wallaby (21.2.3, 22.2.1, 23) it goes table by table, so that other rows can be there before the server's own.
 *
 * @param row null: no table has it, and what else there was may be archived
 * @param schema of the cell's database
 * @returns none while the row lives, or where the schema does not show such a table
 */
export function shadowsOf(table: string, row: InstanceRow | null, schema: Schema): readonly string[] {
  const shadow = `shadow_${table}`;
  return row?.deleted !== 0 && schema.has(shadow) ? [shadow] : [];
}
