import type { Reader, Row, Select } from '../../site/reader.ts';
import type { Found } from '../kind.ts';
import { flag, number, text } from '../subject/parse.ts';
import { SCHEMA_TABLES } from '../subject/schema-tables.ts';
import type { Subject } from '../subject/subject.ts';
import { CHILD_TABLES, type ChildTable, takes } from './tables.ts';

export interface ChildRows extends ChildTable {
  /** rows with `deleted = 0`; of a hard-deleted table all rows */
  readonly live: number;
  /** rows with `deleted <> 0` and no `deleted_at`: what deleting by hand leaves */
  readonly undated: number;
}

export interface PciDevice {
  readonly id: number;
  readonly address: string;
  readonly devType: string;
  readonly status: string;
  readonly nodeId: number;
  readonly parentAddress: string | null;
  /** devices whose status the release of this one changes: the VFs of a PF, the PF of the last VF */
  readonly follows: readonly { readonly id: number; readonly status: string }[];
}

export interface RowFacts {
  readonly database: string;
  readonly cellName: string;
  /** columns of `instances` that this release has */
  readonly columns: ReadonlySet<string>;
  readonly children: readonly ChildRows[];
  readonly pci: readonly PciDevice[];
  readonly progress: number | null;
  /** ids of the Manila shares that its rows of `share_mapping` name */
  readonly shares: readonly string[];
}

/** Nothing to find when no cell has the row, and nothing to do when the row was archived: that was Nova's own doing. */
export async function findRows(look: Reader, subject: Subject): Promise<Found<RowFacts | null>> {
  const { row, cell, era, uuid } = subject;
  if (cell === null || era === null || row?.archived) return { facts: null, unknown: [] };
  const schema = await look.sql.columns(cell.database, SCHEMA_TABLES);
  const present = CHILD_TABLES.filter((child) => {
    const columns = schema.get(child.table);
    return columns?.has(child.key) && takes(child, era);
  });
  const [children, pci, progress] = await Promise.all([
    countRows(look, cell.database, present, uuid),
    schema.has('pci_devices') ? findPciDevices(look, cell.database, uuid) : [],
    readProgress(look, cell.database, uuid),
  ]);
  return {
    facts: {
      database: cell.database,
      cellName: cell.name,
      columns: schema.get('instances') ?? new Set(),
      children,
      pci,
      progress,
      shares: await findShares(look, cell.database, children, uuid),
    },
    unknown: [],
  };
}

/** All child tables in one question: their rows with what they say of being deleted. */
async function countRows(
  look: Reader,
  database: string,
  children: readonly ChildTable[],
  uuid: string,
): Promise<ChildRows[]> {
  const [first, ...others] = children;
  if (first === undefined) return [];
  const rows = await look.sql.rows(database, (sql) =>
    others.reduce((all, child) => all.unionAll(selectMarks(sql, child, uuid)), selectMarks(sql, first, uuid)),
  );
  return children.map((child) => {
    const own = rows.filter((row) => text(row, 'source') === child.table);
    return {
      ...child,
      live: own.filter((row) => !flag(row, 'deleted')).length,
      undated: own.filter((row) => flag(row, 'deleted') && text(row, 'deleted_at') === null).length,
    };
  });
}

/** A table without soft delete has only live rows. */
function selectMarks(sql: Select, { table, key, how }: ChildTable, uuid: string) {
  return sql
    .selectFrom(table)
    .select((e) => [
      e.val(table).as('source'),
      how === 'hard' ? e.lit(0).as('deleted') : e.ref('deleted').as('deleted'),
      how === 'hard' ? e.lit(null).as('deleted_at') : e.ref('deleted_at').as('deleted_at'),
    ])
    .where(key, '=', uuid);
}

/** Asked only where there are some: nothing else leads to what Nova set up for them. */
async function findShares(
  look: Reader,
  database: string,
  children: readonly ChildRows[],
  uuid: string,
): Promise<string[]> {
  if (!children.some(({ table, live }) => table === 'share_mapping' && live > 0)) return [];
  const rows = await look.sql.rows(database, (sql) =>
    sql.selectFrom('share_mapping').select('share_id').where('instance_uuid', '=', uuid).orderBy('id'),
  );
  return rows.flatMap((row) => text(row, 'share_id') ?? []);
}

async function readProgress(look: Reader, database: string, uuid: string): Promise<number | null> {
  const [row] = await look.sql.rows(database, (sql) =>
    sql.selectFrom('instances').selectAll().where('uuid', '=', uuid),
  );
  return row === undefined ? null : number(row, 'progress');
}

/** Devices that still say they belong to the server, and those whose status hangs on theirs. */
async function findPciDevices(look: Reader, database: string, uuid: string): Promise<PciDevice[]> {
  const rows = await look.sql.rows(database, (sql) =>
    sql.selectFrom('pci_devices').selectAll().where('instance_uuid', '=', uuid).where('deleted', '=', 0),
  );
  if (rows.length === 0) return [];
  const nodes = [...new Set(rows.map((row) => number(row, 'compute_node_id') ?? 0))];
  const family = await look.sql.rows(database, (sql) =>
    sql.selectFrom('pci_devices').selectAll().where('compute_node_id', 'in', nodes).where('deleted', '=', 0),
  );
  return rows.map((row) => parsePci(row, family, uuid));
}

/** nova 13+ `objects/pci_device.py:PciDevice.free`: freeing a PF frees its VFs, freeing the last busy VF frees the PF. */
function parsePci(row: Row, family: readonly Row[], uuid: string): PciDevice {
  const device = {
    id: number(row, 'id') ?? 0,
    address: text(row, 'address') ?? '',
    devType: text(row, 'dev_type') ?? '',
    status: text(row, 'status') ?? '',
    nodeId: number(row, 'compute_node_id') ?? 0,
    parentAddress: text(row, 'parent_addr'),
  };
  const sameNode = family.filter((other) => number(other, 'compute_node_id') === device.nodeId);
  const isChildOf = (address: string) => (other: Row) => text(other, 'parent_addr') === address;
  const unavailable = (other: Row) => ['unavailable', 'unclaimable'].includes(text(other, 'status') ?? '');
  let follows: Row[] = [];
  if (device.devType === 'type-PF') follows = sameNode.filter(isChildOf(device.address)).filter(unavailable);
  if ((device.devType === 'type-VF' || device.devType === 'vdpa') && device.parentAddress !== null) {
    const siblings = sameNode.filter(isChildOf(device.parentAddress));
    const stillBusy = siblings.some(
      (other) => text(other, 'instance_uuid') !== uuid && text(other, 'status') !== 'available',
    );
    if (!stillBusy)
      follows = sameNode
        .filter((other) => text(other, 'address') === device.parentAddress)
        .filter(unavailable);
  }
  return {
    ...device,
    follows: follows.map((other) => ({ id: number(other, 'id') ?? 0, status: text(other, 'status') ?? '' })),
  };
}
