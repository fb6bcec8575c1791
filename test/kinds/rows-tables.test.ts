import { describe, expect, test } from 'vitest';
import { CHILD_TABLES, takes } from '../../src/kinds/rows/tables.ts';

/** facts 1.2, computed there over every final tag of Nova: S soft, H hard, - left alone. One letter per series below. */
const SERIES = [9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 26, 28, 31, 33] as const;
const TABLE: Readonly<Record<string, string>> = {
  //                                   9  10 11 12 13 14 15 16 17 18 19 20 26 28 31 33
  security_group_instance_association: 'S  S  S  S  S  S  S  S  S  S  S  S  S  S  S  S',
  instance_info_caches: 'S  S  S  S  S  S  S  S  S  S  S  S  S  S  S  S',
  instance_metadata: 'S  S  S  S  S  S  S  S  S  S  S  S  S  S  S  S',
  instance_faults: 'S  S  S  S  S  S  S  S  S  S  S  S  S  S  S  S',
  instance_extra: '-  S  S  S  S  S  S  S  S  S  S  S  S  S  S  S',
  instance_system_metadata: '-  -  -  S  S  S  S  S  S  S  S  S  S  S  S  S',
  tags: '-  -  -  H  H  H  H  H  H  H  H  H  H  H  H  H',
  instance_group_member: '-  -  -  -  S  S  S  S  S  -  -  -  -  -  -  -',
  block_device_mapping: 'S  S  S  S  S  S  S  S  S  S  S  S  S  S  S  S',
  migrations: '-  -  -  -  -  S  S  S  S  S  S  S  S  S  S  S',
  console_auth_tokens: '-  -  -  -  -  H  H  H  H  H  H  H  H  H  H  H',
  instance_id_mappings: '-  -  -  -  -  -  -  -  S  S  S  S  S  S  S  S',
  virtual_interfaces: 'S  S  S  S  S  S  S  S  S  S  S  S  S  S  S  S',
  share_mapping: '-  -  -  -  -  -  -  -  -  -  -  -  -  -  H  H',
  instance_actions: '-  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -',
  instance_actions_events: '-  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -',
  fixed_ips: '-  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -',
  request_specs: '-  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -',
};

describe("which tables each release's delete takes", () => {
  test.each(Object.entries(TABLE))('%s', (table, line) => {
    const child = CHILD_TABLES.find((c) => c.table === table);
    const letters = SERIES.map((series) => {
      if (child === undefined || !takes(child, { atLeast: series, below: series + 1 })) return '-';
      return child.how === 'soft' ? 'S' : 'H';
    });
    expect(letters.join('  ')).toBe(line);
  });
  test('no table is taken that is not in that list', () => {
    expect(CHILD_TABLES.map(({ table }) => table).filter((table) => !(table in TABLE))).toEqual([]);
  });
  test('of a range of releases the newest that may be counts', () => {
    const migrations = CHILD_TABLES.find(({ table }) => table === 'migrations');
    if (migrations === undefined) throw new Error('no migrations');
    expect(takes(migrations, { atLeast: 13, below: 14 })).toBe(false);
    expect(takes(migrations, { atLeast: 13, below: 15 })).toBe(true);
  });
});
