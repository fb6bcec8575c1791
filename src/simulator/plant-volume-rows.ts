/** What the databases have of a volume on a server. */
import { pythonJson, readJson } from './http/exchange.ts';
import { fillRows, type Identities, type Row } from './instantiate.ts';
import { insertRows } from './plant.ts';
import type { VolumeDescription } from './plant-volumes.ts';
import type { RecordedVolume } from './recorded/types.ts';
import type { World } from './world.ts';

export interface Changes extends VolumeDescription {
  readonly multiattach: boolean;
  /** false: the volume itself is there already */
  readonly first: boolean;
  readonly wwid: string | null;
}

/** The rows of a volume as they were recorded, changed to what it is described as. */
export function plantRows(
  world: World,
  recording: RecordedVolume,
  identities: Identities,
  changes: Changes,
): void {
  const { size = 1, boot = false, deleteOnTermination = false, detaching = false } = changes;
  const changed: Readonly<Record<string, (row: Row) => Row>> = {
    'cinder.volumes': (row) => ({
      ...row,
      size,
      bootable: boot ? 1 : 0,
      multiattach: changes.multiattach ? 1 : 0,
      shared_targets: changes.target === undefined ? 0 : 1,
      status: detaching ? 'detaching' : 'in-use',
      encryption_key_id: changes.encrypted === true ? identities.random.uuid() : null,
    }),
    'cinder.volume_attachment': (row) => ({
      ...row,
      connection_info: editConnection(row['connection_info'], (data) => editData(data, changes)),
      connector: editConnection(row['connector'], (data) => ({
        ...data,
        multipath: changes.type === 'multipath',
      })),
    }),
    'nova.block_device_mapping': (row) => ({
      ...row,
      delete_on_termination: deleteOnTermination ? 1 : 0,
      volume_size: size,
      boot_index: boot ? 0 : null,
      connection_info: editConnection(row['connection_info'], (info) => ({
        ...info,
        data: editData(info['data'] as Data, changes),
        ...(changes.multiattach ? { multiattach: true } : {}),
      })),
    }),
  };
  const rows = [...fillRows(recording.rows, identities)].filter(
    ([table]) => changes.first || table !== 'cinder.volumes',
  );
  insertRows(
    world,
    new Map(rows.map(([table, list]) => [table, list.map((row) => changed[table]?.(row) ?? row)])),
  );
}

type Data = Readonly<Record<string, unknown>>;

function editConnection(json: Row[string] | undefined, edit: (data: Data) => Data): string {
  return pythonJson(edit(readJson(typeof json === 'string' ? json : null) as Data));
}

/** Nova notes the map's number beside the device of a volume with several paths. */
function editData(data: Data, { type, encrypted, wwid }: Changes): Data {
  const ofMap = type === 'multipath' && 'device_path' in data ? { multipath_id: wwid } : {};
  return { ...data, ...ofMap, ...('encrypted' in data ? { encrypted: encrypted === true } : {}) };
}
