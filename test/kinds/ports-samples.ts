/** Ports of a server as Neutron's API shows them, and what Neutron's database has of them. */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { expect, onTestFinished } from 'vitest';
import { ports } from '../../src/kinds/ports/index.ts';
import type { Subject, Vif } from '../../src/kinds/subject/subject.ts';
import type { Decisions, DraftStep } from '../../src/plan/types.ts';
import type { Reader, Row } from '../../src/site/reader.ts';
import { compileSelect } from '../../src/site/sql/compile.ts';
import { type FakeAnswers, fakeReader } from '../support/fake-reader.ts';
import { decisions, subject } from '../support/subjects.ts';

export const SERVER = '11111111-2222-4333-8444-555555555555';
export const PORT = 'aaaaaaaa-0000-4000-8000-000000000001';
export const SECOND = 'aaaaaaaa-0000-4000-8000-000000000002';
export const LIST = `network /v2.0/ports?device_id=${SERVER}`;
export const floatingOf = (port: string) => `network /v2.0/floatingips?port_id=${port}`;

/** The row of `subject()` was made at 10:00:00 and launched at 10:01:00. */
export function port(changes: Record<string, unknown> = {}) {
  return {
    id: PORT,
    name: '',
    device_id: SERVER,
    device_owner: 'compute:nova',
    network_id: 'n1',
    fixed_ips: [{ ip_address: '10.0.0.5', subnet_id: 's1' }],
    created_at: '2026-11-01T10:00:30Z',
    'binding:host_id': 'compute1',
    'binding:vif_type': 'ovs',
    'binding:profile': {},
    ...changes,
  };
}

export function vif(preserveOnDelete: boolean | null, changes: Partial<Vif> = {}): Vif {
  return {
    portId: PORT,
    type: 'ovs',
    devname: 'tapaaaaaaaa-00',
    bridge: 'br-int',
    hybrid: false,
    vnicType: 'normal',
    preserveOnDelete,
    ...changes,
  };
}

type Answers = NonNullable<FakeAnswers['http']>;

/** Neutron with these ports, without floating addresses. */
export function shows(answers: readonly unknown[], more: Answers = {}): Answers {
  return {
    [LIST]: { body: { ports: answers } },
    'network /v2.0/networks/n1': { body: { network: { dns_domain: '' } } },
    [floatingOf(PORT)]: { status: 404 },
    [floatingOf(SECOND)]: { status: 404 },
    'network /v2.0/trunks/t': { body: { trunk: { admin_state_up: true } } },
    'network /v2.0/networks/dns': { body: { network: { dns_domain: 'example.org.' } } },
    ...more,
  };
}

export async function planFor(
  answers: readonly unknown[],
  changes: Partial<Subject> = {},
  asked: Partial<Decisions> = {},
  more: Answers = {},
) {
  const of = subject({ uuid: SERVER, ...changes });
  const { facts, unknown } = await ports.find(fakeReader({ http: shows(answers, more) }), of);
  expect(unknown).toEqual([]);
  return ports.plan(facts, of, decisions(asked));
}

export const acts = (plan: { steps: readonly DraftStep[] }) => plan.steps.map(({ act }) => act);

/** Tables with their rows; a table has the columns of its rows. */
export type Tables = Readonly<Record<string, readonly Readonly<Record<string, string | number | null>>[]>>;

/** The API shows the ports, and the site names a Neutron database that has these tables and no other. */
export function withTables(answers: readonly unknown[], tables: Tables): Reader {
  const database = new DatabaseSync(':memory:');
  onTestFinished(() => database.close());
  database.function('database', () => 'neutron');
  database.exec(`ATTACH ':memory:' AS information_schema;
    CREATE TABLE information_schema.columns (table_schema, table_name, column_name);
    INSERT INTO information_schema.columns VALUES ('other', 'unheard_of', 'port_id')`);
  const columns = new Map(
    Object.entries(tables).map(([table, rows]) => [table, new Set(rows.flatMap((row) => Object.keys(row)))]),
  );
  for (const [table, names] of columns) {
    database.exec(`CREATE TABLE ${table} (${[...names].join(', ')})`);
    for (const name of names)
      database.prepare("INSERT INTO information_schema.columns VALUES ('neutron', ?, ?)").run(table, name);
  }
  for (const [table, rows] of Object.entries(tables))
    for (const row of rows) {
      const places = Object.keys(row).map(() => '?');
      database
        .prepare(`INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${places.join(', ')})`)
        .run(...Object.values(row));
    }
  return {
    ...fakeReader({ http: shows(answers) }),
    sql: {
      names: (name) => name === 'neutron',
      async columns(_, asked) {
        return new Map([...columns].filter(([table]) => asked.includes(table)));
      },
      async rows(_, build) {
        const { query } = compileSelect(build);
        // SQLite takes it, MySQL does not.
        if (query.sql.includes('in ()')) throw new Error(`an empty list: ${query.sql}`);
        const parameters = query.parameters as readonly SQLInputValue[];
        return database.prepare(query.sql).all(...parameters) as Row[];
      },
    },
  };
}
