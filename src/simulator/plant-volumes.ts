/**
 * Puts volumes on servers. Their rows and their disk in the domain were recorded of volumes on running servers; what the host has of
 * them is built as os-brick connects them, and a server in another state than running lets go of them as Nova does in that state.
 */

import { addMap, connectUnit } from './hosts/connect.ts';
import { mapsOf } from './hosts/disks.ts';
import { removeTree } from './hosts/files.ts';
import { fillText } from './instantiate.ts';
import { newIdentities, type Planted, type PlantedVolume } from './plant.ts';
import { plantRows } from './plant-volume-rows.ts';
import { reachState } from './plant-volume-states.ts';
import { loadVolume, type State } from './recordings.ts';
import { addImage } from './storage/rbd.ts';
import { freeLun, offerUnit, unitsOf } from './storage/units.ts';
import { sqlTime, type World } from './world.ts';

export interface VolumeDescription {
  /** how the host reaches it; default: iscsi. multipath: by both portals, with a map over them */
  readonly type?: 'iscsi' | 'multipath' | 'rbd';
  /** several that name the same are units of one target; without it the target is its own */
  readonly target?: string;
  /** several servers that name the same have it together; without it nobody else has it */
  readonly name?: string;
  /** it goes with the server; default: it stays */
  readonly deleteOnTermination?: boolean;
  /** the server was booted from it, and has no disk of its own */
  readonly boot?: boolean;
  /** a mapping of dm-crypt lies between the disk and the domain */
  readonly encrypted?: boolean;
  /** Nova was asked to detach it, and never did */
  readonly detaching?: boolean;
  /** GiB; default: 1 */
  readonly size?: number;
}

interface Owner {
  readonly name: string;
  readonly state: State;
  readonly ageSeconds?: number;
  readonly volumes?: readonly VolumeDescription[];
}

const GIB = 2 ** 30;
const PORTALS: readonly string[] = ['10.0.3.1:3260', '10.0.3.2:3260'];
const IQN = 'iqn.2010-10.org.openstack:';
const AN_HOUR = 3_600;

/** @returns the servers, each with its volumes. @throws Error for a state in which no volume was thought of */
export async function plantVolumes(
  world: World,
  servers: readonly Planted[],
  described: readonly Owner[],
): Promise<readonly Planted[]> {
  const names = described.flatMap(({ volumes = [] }) => volumes.map(({ name }) => name));
  const isShared = (name: string | undefined) => names.filter((each) => each === name).length > 1;
  const known = new Map<string, string>();
  const result: Planted[] = [];
  for (const [at, server] of servers.entries()) {
    const owner = described[at];
    const volumes: PlantedVolume[] = [];
    for (const [place, volume] of (owner?.volumes ?? []).entries()) {
      const multiattach = volume.name !== undefined && isShared(volume.name);
      const id = volume.name === undefined ? undefined : known.get(volume.name);
      const attached = await attach(world, server, volume, {
        place,
        id,
        multiattach,
        ageSeconds: owner?.ageSeconds ?? AN_HOUR,
      });
      if (volume.name !== undefined) known.set(volume.name, attached.id);
      volumes.push(attached);
    }
    result.push({ ...server, volumes });
  }
  for (const [at, server] of result.entries())
    if (server.volumes.length > 0) reachState(world, server, described[at]?.state ?? 'healthy');
  return result.map((server) => ({
    ...server,
    volumes: server.volumes.map((volume) => asHeld(world, server, volume)),
  }));
}

/** With the attachment by which the server holds the volume now, or held it last. */
function asHeld(world: World, { uuid }: Planted, volume: PlantedVolume): PlantedVolume {
  const row = world
    .db('nova')
    .prepare('SELECT attachment_id FROM block_device_mapping WHERE instance_uuid = ? AND volume_id = ?')
    .get(uuid, volume.id);
  return { ...volume, attachment: String(row?.['attachment_id'] ?? volume.attachment) };
}

interface Place {
  /** which of the server's volumes it is, from 0 */
  readonly place: number;
  /** undefined: it is planted for the first time */
  readonly id: string | undefined;
  readonly multiattach: boolean;
  readonly ageSeconds: number;
}

/** As it is on a running server. */
async function attach(
  world: World,
  server: Planted,
  volume: VolumeDescription,
  { place, id, multiattach, ageSeconds }: Place,
): Promise<PlantedVolume> {
  const { type = 'iscsi', boot = false, size = 1 } = volume;
  const recording = await loadVolume(type === 'rbd' ? 'rbd' : 'iscsi');
  const then = new Date(world.now().getTime() - ageSeconds * 1000);
  const identities = newIdentities(world, then, server.identities);
  const set = (values: Readonly<Record<string, string>>): void => {
    for (const [key, value] of Object.entries(values)) identities.named.set(key, value);
  };
  // The server's own counted identities are none of the volume's.
  for (const key of [...identities.named.keys()])
    if (/^(uuid|id|hex):/.test(key)) identities.named.delete(key);
  const uuid = id ?? identities.random.uuid();
  const name = volume.name ?? `${server.name}-${place + 1}`;
  const letter = boot ? 'a' : ('bcdefghij'[place] ?? 'z');
  set({
    volume: uuid,
    'volume.name': name,
    attachment: identities.random.uuid(),
    mountpoint: `/dev/vd${letter}`,
    target: `vd${letter}`,
    place: String(boot ? 0 : place + 1),
    ...ownersOf(world, server),
    ...placesOf(server.host),
  });
  const unit = type === 'rbd' ? null : findOrOffer(world, { ...volume, uuid, bytes: size * GIB });
  const path =
    unit === null ? null : connectUnit(world, server.host, unit, { multipath: type === 'multipath' });
  if (unit !== null)
    set({
      iqn: unit.iqn,
      lun: String(unit.lun),
      'chap.user': identities.random.hex(20),
      'chap.password': `secret-${identities.random.hex(9)}`,
    });
  const device =
    path === null || volume.encrypted !== true
      ? path
      : encrypt(world, server.host, path, unit?.wwid ?? '', size * GIB);
  if (device !== null) set({ device: path ?? '' });
  if (type === 'rbd' && id === undefined)
    addImage(world, {
      pool: 'volumes',
      name: `volume-${uuid}`,
      id: identities.random.hex(12),
      bytes: size * GIB,
      parent: null,
      createdAt: sqlTime(then),
    });
  plantRows(world, recording, identities, {
    ...volume,
    multiattach,
    first: id === undefined,
    wwid: unit?.wwid ?? null,
  });
  plugDisk(world, server, fillText(recording.disk.replace('{{device}}', device ?? ''), identities), boot);
  if (boot) bootFromIt(world, server);
  const attachment = identities.named.get('attachment') ?? '';
  return {
    id: uuid,
    name,
    attachment,
    device,
    unit: unit === null ? null : { iqn: unit.iqn, lun: unit.lun },
    multiattach,
  };
}

function ownersOf(world: World, { uuid }: Planted): Record<string, string> {
  const row = world.db('nova').prepare('SELECT project_id, user_id FROM instances WHERE uuid = ?').get(uuid);
  if (row === undefined)
    throw new Error(`${uuid} has no row in a cell with hosts: volumes were not thought of there`);
  const cinder = world.db('cinder');
  const type = cinder.prepare('SELECT id FROM volume_types WHERE deleted = 0 ORDER BY created_at').get();
  const service = cinder
    .prepare(`SELECT uuid FROM services WHERE "binary" = 'cinder-volume' ORDER BY id`)
    .get();
  return {
    project: String(row['project_id']),
    user: String(row['user_id']),
    type: String(type?.['id'] ?? ''),
    service: String(service?.['uuid'] ?? ''),
  };
}

function placesOf(host: string): Record<string, string> {
  const digits = [...host]
    .reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 0xffffffff, 7)
    .toString(16);
  return {
    // The one cinder-volume of the recorded cloud.
    backend: 'controller@fake#fake',
    initiator: `iqn.1993-08.org.debian:01:${digits}`,
    nqn: `nqn.2014-08.org.nvmexpress:uuid:00000000-0000-4000-8000-${digits.padStart(12, '0')}`,
    'host.address': '10.0.2.11',
    ...Object.fromEntries(
      PORTALS.flatMap((portal, i) => [
        [`portal:${i + 1}`, portal],
        [`address:${i + 1}`, portal.replace(/:\d+$/, '')],
      ]),
    ),
  };
}

function findOrOffer(
  world: World,
  { target, uuid, bytes }: { readonly target?: string; readonly uuid: string; readonly bytes: number },
) {
  const iqn = IQN + (target ?? `volume-${uuid}`);
  const known = unitsOf(world, iqn).find(({ volume }) => volume === uuid);
  if (known !== undefined) return known;
  const lun = freeLun(world, iqn);
  const unit = { iqn, lun, portals: PORTALS, volume: uuid, wwid: wwidOf(world, iqn, lun), bytes };
  offerUnit(world, unit);
  return unit;
}

/** As tgt makes it: of the numbers of target and unit. */
function wwidOf(world: World, iqn: string, lun: number): string {
  const iqns = world.machines.prepare('SELECT DISTINCT iqn FROM units ORDER BY rowid').all();
  const at = iqns.findIndex((row) => row['iqn'] === iqn);
  const target = at < 0 ? iqns.length + 1 : at + 1;
  const [high, low] = [target, lun].map((number) => number.toString(16).padStart(4, '0'));
  return `360000000000000000e000000${high}${low}`;
}

/** @returns the path of the mapping */
function encrypt(world: World, host: string, path: string, wwid: string, bytes: number): string {
  const name = `crypt-scsi-${wwid}`;
  if (!mapsOf(world, host).some((map) => map.name === name))
    addMap(world, host, {
      name,
      kind: 'crypt',
      uuid: `CRYPT-LUKS1-${wwid}-${name}`,
      below: [path.replace('/dev/', '')],
      bytes: bytes - 2_097_152,
    });
  return `/dev/mapper/${name}`;
}

/** A domain that was undefined has no disks either. */
function plugDisk(world: World, { host, uuid }: Planted, disk: string, boot: boolean): void {
  const row = world.machines.prepare('SELECT xml FROM domains WHERE host = ? AND uuid = ?').get(host, uuid);
  if (row === undefined) return;
  const xml = String(row['xml']);
  const first = xml.indexOf('    <disk ');
  const last = xml.lastIndexOf('</disk>\n') + '</disk>\n'.length;
  const own = xml.slice(first, last);
  const disks = boot ? disk + own.replace(/^ {4}<disk [\s\S]*?<\/disk>\n/, '') : own + disk;
  world.machines
    .prepare('UPDATE domains SET xml = ? WHERE host = ? AND uuid = ?')
    .run(xml.slice(0, first) + disks + xml.slice(last), host, uuid);
}

/** The disk that the server would have without it is not there: no image, no row, no file. */
function bootFromIt(world: World, { host, uuid }: Planted): void {
  const nova = world.db('nova');
  nova
    .prepare(
      "DELETE FROM block_device_mapping WHERE instance_uuid = ? AND destination_type = 'local' AND boot_index = 0",
    )
    .run(uuid);
  nova.prepare("UPDATE instances SET image_ref = '' WHERE uuid = ?").run(uuid);
  const folder = world.machines.prepare('SELECT instances FROM hosts WHERE name = ?').get(host);
  removeTree(world, host, `${folder?.['instances']}/${uuid}/disk`);
}
