/** What Nova has written down of other servers of a host: who else has a claim on a disk, a target or a mount. */
import { LookError } from '../../plan/errors.ts';
import type { Reader } from '../../site/reader.ts';
import { type Connection, parseConnection } from '../subject/connection.ts';
import { text } from '../subject/parse.ts';
import type { Subject } from '../subject/subject.ts';

/** A live block device mapping of another server that is on the host. */
export interface Claim {
  readonly server: string;
  readonly serverName: string | null;
  readonly volumeId: string;
  readonly connection: Connection;
}

/**
 * While a live migration or an evacuation is so far, its destination has the disks, and `instances.host` is still the source (nova 26
 * `compute/manager.py:_do_live_migration`, `virt/libvirt/migration.py:trigger_postcopy_switch`,
 * `compute/resource_tracker.py:finish_evacuation`).
 */
const ON_THE_WAY = ['preparing', 'running', 'running (post-copy)', 'pre-migrating'];

/**
 * Live mappings of the cell's other servers on this host, and of those that are on the way to it. One without a connection has no disk
 * here yet.
 *
 * @throws LookError when the cell's database does not answer, or the cell is not known
 */
export async function readClaims(look: Reader, host: string, subject: Subject): Promise<readonly Claim[]> {
  const rows = await look.sql.rows(await databaseOf(look, host, subject), (sql) =>
    sql
      .selectFrom('block_device_mapping as b')
      .innerJoin('instances as i', 'i.uuid', 'b.instance_uuid')
      .select(['b.instance_uuid', 'b.volume_id', 'b.connection_info', 'i.display_name'])
      .where((is) =>
        is.or([
          is('i.host', '=', host),
          is(
            'i.uuid',
            'in',
            is
              .selectFrom('migrations as m')
              .select('m.instance_uuid')
              .where('m.dest_compute', '=', host)
              .where('m.status', 'in', ON_THE_WAY)
              .where('m.deleted', '=', 0),
          ),
        ]),
      )
      .where('i.deleted', '=', 0)
      .where('b.deleted', '=', 0)
      .where('b.destination_type', '=', 'volume')
      .where('b.instance_uuid', '!=', subject.uuid)
      .orderBy('b.id'),
  );
  return rows.flatMap((row): Claim[] => {
    const [server, volumeId] = [text(row, 'instance_uuid'), text(row, 'volume_id')];
    const connection = parseConnection(text(row, 'connection_info'));
    if (server === null || volumeId === null || connection === null) return [];
    return [{ server, serverName: text(row, 'display_name'), volumeId, connection }];
  });
}

/** Of the server's cell. One that no cell has, or only cell0, which has no hosts, was in the cell of the host. */
async function databaseOf(look: Reader, host: string, { cell }: Subject): Promise<string> {
  if (cell !== null && !cell.isCell0) return cell.database;
  const [row] = await look.sql.rows('api', (sql) =>
    sql
      .selectFrom('host_mappings as h')
      .innerJoin('cell_mappings as c', 'c.id', 'h.cell_id')
      .select('c.uuid')
      .where('h.host', '=', host),
  );
  const uuid = row === undefined ? null : text(row, 'uuid');
  if (uuid === null)
    throw new LookError(
      `host ${host}`,
      'whose its disks are is not known: no cell has the server, and none the host',
      { code: 'connections-unreadable' },
    );
  return `cell:${uuid}`;
}

/**
 * Whether two connections lead to one thing: a LUN, by any of their paths, since a host may use some of them only; an image; an NVMe
 * subsystem or an export, which carry the volumes of others too.
 */
export function sameThing(a: Connection, b: Connection): boolean {
  if (a.type === 'iscsi' && b.type === 'iscsi')
    return a.paths.some((one) => b.paths.some((other) => one.iqn === other.iqn && one.lun === other.lun));
  if (a.type === 'fibre_channel' && b.type === 'fibre_channel') {
    const [ours, theirs] = [fibreTargets(a), fibreTargets(b)];
    return ours.some((one) => theirs.includes(one));
  }
  if (a.type === 'rbd' && b.type === 'rbd') return a.pool === b.pool && a.image === b.image;
  if (a.type === 'nvmeof' && b.type === 'nvmeof') return a.nqn === b.nqn;
  if (a.type === 'nfs' && b.type === 'nfs') return a.export === b.export;
  return false;
}

/**
 * `<wwn> <lun>` of each way to the LUN: by position where there are as many LUNs as ports, else every port has the one LUN
 * (os-brick 6.1 `connectors/fibre_channel.py:_add_targets_to_connection_properties`). Ports without `0x`, in lower case.
 */
export function fibreTargets({
  wwns,
  luns,
}: Extract<Connection, { type: 'fibre_channel' }>): readonly string[] {
  const ports = wwns.map((wwn) => wwn.toLowerCase().replace(/^0x/, ''));
  const [one] = luns;
  if (luns.length !== 1 && luns.length !== ports.length) return [];
  return ports.map((port, at) => `${port} ${luns.length === 1 ? one : luns[at]}`);
}

export function describeClaim({ server, serverName, volumeId }: Claim): string {
  return `server ${serverName ?? server} (${server}) with volume ${volumeId}`;
}
