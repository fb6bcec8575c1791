import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { renderTable, type Table } from '../../lab/record/ddl.ts';
import schema from '../../src/simulator/recorded/schema.json' with { type: 'json' };

function load(statements: readonly string[]): DatabaseSync {
  const database = new DatabaseSync(':memory:');
  database.exec('PRAGMA foreign_keys = ON');
  for (const statement of statements) database.exec(statement);
  return database;
}

const table: Table = {
  name: 'things',
  columns: [
    { name: 'id', type: 'int', nullable: false, fallback: null, collation: null, counted: true },
    {
      name: 'name',
      type: 'varchar',
      nullable: true,
      fallback: "'x'",
      collation: 'utf8mb3_bin',
      counted: false,
    },
  ],
  indexes: [{ name: 'PRIMARY', unique: true, columns: ['id'] }],
  foreignKeys: [],
  checks: [],
};

describe('the recorded schema', () => {
  test('has the eight databases, each with its tables', () => {
    expect(Object.keys(schema)).toEqual([
      'cinder',
      'glance',
      'keystone',
      'neutron',
      'nova',
      'nova_api',
      'nova_cell0',
      'placement',
    ]);
    for (const statements of Object.values(schema)) {
      const tables = load(statements)
        .prepare("SELECT count(*) AS n FROM sqlite_master WHERE type = 'table'")
        .get();
      expect(Number(tables?.['n'])).toBeGreaterThan(10);
    }
  });

  test.each(Object.entries(schema))('%s: every foreign key leads to a key', (_name, statements) => {
    const database = load(statements);
    const names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    // SQLite finds a key that leads nowhere only when a row is deleted.
    for (const { name } of names)
      if (name !== 'sqlite_sequence') database.exec(`DELETE FROM \`${String(name)}\``);
    expect(database.prepare('PRAGMA foreign_key_check').all()).toEqual([]);
  });

  test('a standard attribute takes its port along, and the port its addresses', () => {
    const database = load(schema.neutron);
    database.exec(`
      INSERT INTO standardattributes (id, resource_type) VALUES (1, 'ports'), (2, 'networks');
      INSERT INTO networks (id, standard_attr_id) VALUES ('n', 2);
      INSERT INTO ports (id, network_id, mac_address, admin_state_up, status, device_id, device_owner, standard_attr_id, ip_allocation)
        VALUES ('p', 'n', 'm', 1, 'ACTIVE', 's', 'compute:nova', 1, 'immediate');
      INSERT INTO ml2_port_bindings (port_id, host, vif_type, vnic_type, profile, status)
        VALUES ('p', 'h', 'bridge', 'normal', '', 'ACTIVE');
      DELETE FROM standardattributes WHERE id = 1`);
    expect(database.prepare('SELECT id FROM ports').all()).toEqual([]);
    expect(database.prepare('SELECT port_id FROM ml2_port_bindings').all()).toEqual([]);
    expect(database.prepare('SELECT id FROM networks').all()).toHaveLength(1);
  });

  test('a number is never given twice, and texts are compared without case', () => {
    const database = load(schema.nova);
    database.exec("INSERT INTO instances (uuid, deleted, hostname) VALUES ('u', 0, 'Web')");
    database.exec('DELETE FROM instances');
    database.exec("INSERT INTO instances (uuid, deleted, hostname) VALUES ('v', 0, 'Web')");
    expect(database.prepare("SELECT id FROM instances WHERE hostname = 'web'").get()).toEqual({ id: 2 });
  });

  test('an instance row stays unique', () => {
    const database = load(schema.nova);
    database.exec("INSERT INTO instances (uuid, deleted) VALUES ('u', 0)");
    expect(() => database.exec("INSERT INTO instances (uuid, deleted) VALUES ('u', 0)")).toThrow(/UNIQUE/);
  });
});

describe('what has no counterpart in SQLite is refused by name', () => {
  const [id, name] = table.columns;
  if (id === undefined || name === undefined) throw new Error('the table of this test has two columns');

  test('as it is', () => {
    expect(renderTable(table)).toEqual([
      "CREATE TABLE `things` (`id` INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, `name` TEXT DEFAULT 'x')",
    ]);
  });

  test('a type', () => {
    const odd = { ...table, columns: [id, { ...name, type: 'geometry' }] };
    expect(() => renderTable(odd)).toThrow('things.name is a geometry');
  });

  test('a default that is computed', () => {
    const odd = { ...table, columns: [id, { ...name, fallback: 'current_timestamp()' }] };
    expect(() => renderTable(odd)).toThrow('the default of things.name is no literal');
  });

  test('a rule', () => {
    const key = {
      columns: ['name'],
      table: 'o',
      references: ['n'],
      onDelete: 'SET DEFAULT',
      onUpdate: 'RESTRICT',
    };
    expect(() => renderTable({ ...table, foreignKeys: [key] })).toThrow('unknown rule SET DEFAULT');
  });
});
