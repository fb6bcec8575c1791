/** Finds one server in Nova's databases: mapping, cell, row, and everything that tells where else to look. */
import { LookError } from '../../plan/errors.ts';
import type { Reader, Row } from '../../site/reader.ts';
import { detectEra } from './era.ts';
import { findHosts } from './hosts.ts';
import {
  fillNameTemplate,
  flag,
  number,
  parseInstance,
  parseMigration,
  parseNetworkInfo,
  parseVolumeMapping,
  text,
} from './parse.ts';
import { SCHEMA_TABLES } from './schema-tables.ts';
import { shadowsOf } from './shadows.ts';
import type { Cell, InstanceRow, Subject, SubjectOptions, VolumeMapping } from './subject.ts';
import { withOthers } from './traces.ts';

/**
 * A subject is made for any uuid, also one that no database knows: then its hosts are all compute hosts, and what the kinds
 * find decides whether it exists.
 *
 * @throws LookError when the API database or the server's own cell cannot be read: without them nothing is known
 */
export async function findSubject(look: Reader, uuid: string, options: SubjectOptions): Promise<Subject> {
  const [mapping, buildRequest] = await Promise.all([readMapping(look, uuid), readBuildRequest(look, uuid)]);
  const mapped = options.cells.find((cell) => cell.uuid === mapping?.cellUuid);
  const found = await findRow(look, uuid, mapped, mapping, options.cells);
  const cell = found?.cell ?? mapped ?? null;
  const row = found?.row ?? null;
  const details = cell === null ? null : await readDetails(look, uuid, cell.database, row);
  if (row !== null && isCrossCell(row, details?.migrations ?? [])) await findRowIn(look, uuid, options.cells);
  const { known } = options;
  const vifs = parseNetworkInfo(details?.networkInfo ?? null) ?? [];
  const mappingsIn = (rows: readonly Row[] = []) => rows.flatMap((r) => parseVolumeMapping(r) ?? []);
  // Of these no row stands in the table that could be changed.
  const archived = mappingsIn(details?.archivedBdms).map((one) => ({ ...one, rowGone: true as const }));
  const earlier = known?.volumes.map((one) => ({ ...one, deleted: true, rowGone: true as const })) ?? [];
  const byVolume = ({ volumeId }: VolumeMapping) => volumeId;
  const half = {
    uuid,
    name: row?.displayName ?? buildRequest?.name ?? known?.name ?? null,
    projectId: row?.projectId ?? buildRequest?.projectId ?? known?.projectId ?? null,
    row,
    cell,
    mapping,
    buildRequest: buildRequest === null ? null : { id: buildRequest.id },
    domainName: domainNameOf(row, cell, options.nameTemplate) ?? known?.domainName ?? null,
    systemMetadata: new Map<string, string>(
      details?.systemMetadata.flatMap((r) => {
        const [key, value] = [text(r, 'key'), text(r, 'value')];
        return key === null || value === null ? [] : [[key, value] as const];
      }),
    ),
    vifs: withOthers(vifs, known?.vifs ?? [], (vif) => vif.portId),
    ...(known === undefined ? {} : { portIds: known.portIds }),
    ...(options.doomed === undefined ? {} : { doomed: options.doomed }),
    migrations: details?.migrations.map(parseMigration) ?? [],
    volumes: withOthers(withOthers(mappingsIn(details?.bdms), archived, byVolume), earlier, byVolume),
    era: details?.era ?? null,
    now: details?.now ?? new Date().toISOString().slice(0, 19).replace('T', ' '),
  };
  return { ...half, ...(await findHosts(look, half, options)) };
}

/** A row of cell0 is of a server that no host took. Its number is counted apart, so the name would be another server's. */
function domainNameOf(row: InstanceRow | null, cell: Cell | null, template: string): string | null {
  return row === null || cell?.isCell0 ? null : fillNameTemplate(template, row);
}

async function readMapping(look: Reader, uuid: string): Promise<Subject['mapping']> {
  const rows = await look.sql.rows('api', (sql) =>
    sql
      .selectFrom('instance_mappings as m')
      .leftJoin('cell_mappings as c', 'c.id', 'm.cell_id')
      .selectAll('m')
      .select('c.uuid as cell_uuid')
      .where('m.instance_uuid', '=', uuid),
  );
  const [row] = rows;
  if (row === undefined) return null;
  return {
    cellUuid: text(row, 'cell_uuid'),
    // Rocky brought the column: before it there is nothing to mark.
    queuedForDelete: 'queued_for_delete' in row ? flag(row, 'queued_for_delete') : null,
    ...(row['cell_id'] === null ? { unscheduled: true } : {}),
  };
}

async function readBuildRequest(
  look: Reader,
  uuid: string,
): Promise<{ id: number; name: string | null; projectId: string | null } | null> {
  const [row] = await look.sql.rows('api', (sql) =>
    sql.selectFrom('build_requests').selectAll().where('instance_uuid', '=', uuid),
  );
  if (row === undefined) return null;
  return { id: number(row, 'id') ?? 0, name: nameInBuildRequest(row), projectId: text(row, 'project_id') };
}

/** Since Newton the request holds the instance as a serialised object; the `display_name` column is older. */
export function nameInBuildRequest(row: Row): string | null {
  const json = text(row, 'instance');
  if (json === null) return text(row, 'display_name');
  try {
    const data: unknown = JSON.parse(json)?.['nova_object.data']?.display_name;
    return typeof data === 'string' ? data : null;
  } catch {
    return null;
  }
}

/**
 * Where the mapping says; elsewhere when it does not live there: mappings are mended by hand, and moves between cells get cut. A row
 * that lives counts before one that is deleted. A mapping that is queued for delete says that the deleted one is right, so that a cell
 * that is down keeps nobody from looking again after a purge.
 */
async function findRow(
  look: Reader,
  uuid: string,
  mapped: Cell | undefined,
  mapping: Subject['mapping'],
  cells: readonly Cell[],
): Promise<{ row: InstanceRow; cell: Cell } | null> {
  const found = mapped === undefined ? null : await findRowIn(look, uuid, [mapped]);
  if (found?.row.deleted === 0 || (found !== null && mapping?.queuedForDelete === true)) return found;
  const anywhere = await findRowIn(look, uuid, cells);
  return anywhere?.row.deleted === 0 ? anywhere : (found ?? anywhere);
}

/** Train (20) and later: a resize to another cell keeps a second row, hidden, there or here (nova 26 `conductor/tasks/cross_cell_migrate.py`). */
function isCrossCell(row: InstanceRow, migrations: readonly Row[]): boolean {
  return row.hidden || migrations.some((migration) => flag(migration, 'cross_cell_move'));
}

/** @throws LookError when a cell cannot be asked, or two of them hold a live row */
async function findRowIn(
  look: Reader,
  uuid: string,
  cells: readonly Cell[],
): Promise<{ row: InstanceRow; cell: Cell } | null> {
  const found = await Promise.all(
    cells.map(async (cell) => {
      const rows = await look.sql.rows(cell.database, (sql) =>
        sql.selectFrom('instances').selectAll().where('uuid', '=', uuid),
      );
      if (rows[0] !== undefined) return { row: parseInstance(rows[0], false), cell };
      const archived = await look.sql.rows(cell.database, (sql) =>
        sql.selectFrom('shadow_instances').selectAll().where('uuid', '=', uuid),
      );
      return archived[0] === undefined ? null : { row: parseInstance(archived[0], true), cell };
    }),
  );
  const hits = found.filter((hit) => hit !== null);
  const live = hits.filter((hit) => hit.row.deleted === 0);
  if (live.length > 1)
    throw new LookError(
      `databases of ${live.map((h) => h.cell.name).join(' and ')}`,
      'hold a live row of this server each',
      {
        code: 'row-in-two-cells',
        hint: 'a cross-cell move is under way or was cut: nova-manage cell_v2 verify_instance',
      },
    );
  return live[0] ?? hits[0] ?? null;
}

async function readDetails(look: Reader, uuid: string, database: string, row: InstanceRow | null) {
  const columns = look.sql.columns(database, SCHEMA_TABLES);
  const rowsOf = (table: string, order?: 'desc') =>
    look.sql.rows(database, (sql) =>
      sql.selectFrom(table).selectAll().where('instance_uuid', '=', uuid).orderBy('id', order),
    );
  const archivedOf = async (table: string, order?: 'desc') => {
    const shadows = shadowsOf(table, row, await columns);
    return (await Promise.all(shadows.map((shadow) => rowsOf(shadow, order)))).flat();
  };
  const read = async (table: string, order?: 'desc') =>
    (await Promise.all([rowsOf(table, order), archivedOf(table, order)])).flat();
  const [schema, caches, systemMetadata, migrations, bdms, archivedBdms, clock] = await Promise.all([
    columns,
    read('instance_info_caches', 'desc'),
    read('instance_system_metadata'),
    read('migrations'),
    rowsOf('block_device_mapping'),
    archivedOf('block_device_mapping'),
    look.sql.rows(database, (sql) =>
      sql
        .selectFrom('instances')
        .select((e) => e.fn<string>('utc_timestamp', []).as('now'))
        .limit(1),
    ),
  ]);
  return {
    era: detectEra(schema),
    networkInfo: caches[0] === undefined ? null : text(caches[0], 'network_info'),
    systemMetadata,
    migrations,
    bdms,
    archivedBdms,
    now: clock[0] === undefined ? undefined : (text(clock[0], 'now') ?? undefined),
  };
}
