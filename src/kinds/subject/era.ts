/** Which release a cell's schema is of, as far as it shows. */
import type { Era } from './subject.ts';

/** Tables that are there, with their columns. */
export type Schema = ReadonlyMap<string, ReadonlySet<string>>;

/** The last major version known here, plus one: schemas stopped changing much, so the top is open. */
const BEYOND = 100;

/** What came with which major version (nova's models and migrations, `facts` 1.4), oldest first. */
const MARKS: readonly { readonly since: number; readonly table: string; readonly column?: string }[] = [
  { since: 10, table: 'instance_extra' }, // 2014.2 Juno
  { since: 11, table: 'tags' }, // 2015.1 Kilo
  { since: 12, table: 'instance_extra', column: 'migration_context' }, // Liberty
  { since: 13, table: 'migrations', column: 'memory_total' }, // Mitaka
  { since: 14, table: 'virtual_interfaces', column: 'tag' }, // Newton
  { since: 16, table: 'block_device_mapping', column: 'attachment_id' }, // Pike
  { since: 17, table: 'migrations', column: 'uuid' }, // Queens
  { since: 18, table: 'instance_extra', column: 'trusted_certs' }, // Rocky
  { since: 19, table: 'block_device_mapping', column: 'volume_type' }, // Stein
  { since: 20, table: 'instances', column: 'hidden' }, // Train
  { since: 26, table: 'block_device_mapping', column: 'encrypted' }, // Zed
  { since: 28, table: 'instances', column: 'compute_id' }, // 2023.2
  { since: 29, table: 'share_mapping' }, // 2024.1
  { since: 31, table: 'console_auth_tokens', column: 'tls_port' }, // 2025.1
];

/** Tables that `detectEra` wants to see. */
export const ERA_TABLES: readonly string[] = [...new Set(MARKS.map((m) => m.table))];

/** The newest mark that shows bounds the release from below, the oldest newer one that does not show from above. */
export function detectEra(schema: Schema): Era {
  const shows = MARKS.map((mark) => {
    const columns = schema.get(mark.table);
    return columns !== undefined && (mark.column === undefined || columns.has(mark.column));
  });
  const newest = shows.lastIndexOf(true);
  return {
    atLeast: MARKS[newest]?.since ?? 9,
    below: MARKS[newest + 1]?.since ?? BEYOND,
  };
}
