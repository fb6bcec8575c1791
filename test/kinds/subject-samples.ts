/** A cloud of cell0 and two cells, and what Nova's databases say in it of one server. */
import { findSubject } from '../../src/kinds/subject/find.ts';
import type { Cell, SubjectOptions } from '../../src/kinds/subject/subject.ts';
import { LookError } from '../../src/plan/errors.ts';
import type { Row } from '../../src/site/reader.ts';
import { fakeReader } from '../support/fake-reader.ts';

export const SERVER = '11111111-2222-4333-8444-555555555555';
export const OTHER = '99999999-2222-4333-8444-555555555555';
export const PORT = 'aaaaaaaa-0000-4000-8000-000000000001';

const cell = (n: number): Cell => ({
  uuid: `c${n}`,
  name: `cell${n}`,
  database: `cell:c${n}`,
  isCell0: n === 0,
});
export const CELLS = [cell(0), cell(1), cell(2)];
export const OPTIONS: SubjectOptions = {
  cells: CELLS,
  nameTemplate: 'instance-%08x',
  serviceDownTime: 60,
  allHosts: false,
};

export type Answers = Readonly<Record<string, readonly Row[] | LookError>>;

export const MAPPING = `api: select m.*, c.uuid as cell_uuid from instance_mappings as m left join cell_mappings as c on c.id = m.cell_id where m.instance_uuid = "${SERVER}"`;
export const REQUEST = `api: select * from build_requests where instance_uuid = "${SERVER}"`;
export const live = (n: number) => `cell:c${n}: select * from instances where uuid = "${SERVER}"`;
export const shadow = (n: number) => `cell:c${n}: select * from shadow_instances where uuid = "${SERVER}"`;
export const services = (n: number) =>
  `cell:c${n}: select *, utc_timestamp() as now from services where binary in ("nova-compute", "nova-conductor") and deleted = 0`;
export const DOWN = new LookError('database of cell1', 'refused', {
  code: 'database-er-tableaccess-denied-error',
});

/** Everything that is asked once a cell is found. */
export function details(n: number, changes: Readonly<Record<string, readonly Row[]>> = {}): Answers {
  const of = (table: string, order: string) =>
    `cell:c${n}: select * from ${table} where instance_uuid = "${SERVER}" order by ${order}`;
  return {
    [of('instance_info_caches', 'id desc')]: changes['caches'] ?? [],
    [of('instance_system_metadata', 'id')]: changes['metadata'] ?? [],
    [of('migrations', 'id')]: changes['migrations'] ?? [],
    [of('block_device_mapping', 'id')]: changes['bdms'] ?? [],
    [`cell:c${n}: select utc_timestamp() as now from instances limit 1`]: [{ now: '2026-11-22 10:00:00' }],
  };
}

export const service = (host: string, changes: Row = {}): Row => ({
  host,
  binary: 'nova-compute',
  last_seen_up: '2026-11-22 09:59:50',
  updated_at: '2026-11-22 09:59:50',
  created_at: '2026-01-01 00:00:00',
  forced_down: 0,
  now: '2026-11-22 10:00:00',
  ...changes,
});

export const row = (changes: Row = {}): Row => ({
  id: 42,
  uuid: SERVER,
  display_name: 'web-1',
  project_id: 'p1',
  vm_state: 'active',
  task_state: 'deleting',
  host: 'compute1',
  deleted: 0,
  ...changes,
});

export const NOWHERE: Answers = Object.fromEntries(
  CELLS.flatMap((_, n) => [
    [live(n), []],
    [shadow(n), []],
    [services(n), []],
  ]),
);

export function find(
  sql: Answers,
  options: Partial<SubjectOptions> = {},
  columns: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {},
) {
  const look = fakeReader({
    columns,
    sql: { [MAPPING]: [], [REQUEST]: [], ...NOWHERE, ...sql },
    hosts: { compute1: '/var/lib/nova/instances' },
  });
  return { subject: findSubject(look, SERVER, { ...OPTIONS, ...options }), look };
}

export const VIF = {
  portId: PORT,
  type: 'ovs',
  devname: 'tapaaaaaaaa-0',
  bridge: 'br-int',
  hybrid: true,
  vnicType: 'normal',
  preserveOnDelete: true,
};
