import { join } from 'node:path';
import { host, type Lab } from '../paths.ts';
import type { RawRows } from './rows.ts';

/** Where a lab lies. */
export type Places = Pick<Lab, 'dir' | 'instances'>;

/** Where Glance keeps images by default: glance 25 `filesystem_store_datadir`. */
const imageFolder = '/var/lib/glance/images';

/** Where a recorded cloud has the services that are there once. */
export const controller = 'controller';

/** The lab's places and the name of its machine, to what they are in a recording of a host. */
export function nameHostPlaces(lab: Places, rows: RawRows): ReadonlyMap<string, string> {
  const node = rows.get('nova.compute_nodes')?.[0]?.['hypervisor_hostname'];
  if (typeof node !== 'string') throw new Error('the lab has no compute node');
  return new Map([
    [lab.instances, '{{instances}}'],
    [join(lab.dir, 'images'), imageFolder],
    [host, '{{host}}'],
    [node, '{{host}}'],
  ]);
}

/** In the cloud's own recording, services that are there once run on a controller. */
export function nameCloudPlaces(lab: Places): ReadonlyMap<string, string> {
  return new Map([
    [join(lab.dir, 'images'), imageFolder],
    [host, controller],
  ]);
}

/** What must stand in no recording: the lab's folder, its host, everything that opens a door. */
export function listForbidden(lab: Lab): readonly string[] {
  const secrets = Object.values(lab.secrets);
  return [lab.dir, host, process.cwd(), ...secrets, ...secrets.map(encodeURIComponent), 'guest:guest'];
}

/** Nova's own connections, without the lab's passwords. */
export function hideConnections(rows: RawRows): RawRows {
  const place = 'nova_api.cell_mappings';
  const cells = (rows.get(place) ?? []).map((row) => ({
    ...row,
    database_connection: `mysql+pymysql://nova:nova@127.0.0.1/${row['name'] === 'cell0' ? 'nova_cell0' : 'nova'}`,
    transport_url: row['name'] === 'cell0' ? 'none:///' : 'rabbit://nova:nova@127.0.0.1/',
  }));
  return new Map([...rows, [place, cells]]);
}
