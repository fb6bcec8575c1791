import * as z from '../../plan/zod.ts';
import { parseAnswer } from '../../site/parse.ts';
import type { Reader, ServiceToken } from '../../site/reader.ts';
import type { Found } from '../kind.ts';
import { secondsBetween } from '../subject/hosts.ts';
import type { InstanceRow, Subject, VolumeMapping } from '../subject/subject.ts';
import { type Attachment, type Held, readHeld } from './attachments.ts';
import { type CinderRows, readRows } from './rows.ts';
import { type CinderVersion, readVolume, serviceHostOf, type Volume } from './volume.ts';

/** One attachment of a volume as Cinder lists it, whoever's it is. Key by key in Cinder's order: a guard compares it. */
export interface Listed {
  readonly id: string;
  readonly status: string | null;
  readonly instance: string | null;
  readonly volume_id: string;
}

export interface HeldVolume {
  readonly volume: Volume;
  /** of Nova's rows: those that live, or that were deleted together with the server's own row */
  readonly mappings: readonly VolumeMapping[];
  /** of this server */
  readonly attachments: readonly Attachment[];
  /** how many others hold it */
  readonly others: number;
  /** all of its attachments; null where Cinder is not asked for them: before Pike */
  readonly listed: readonly Listed[] | null;
  /** ids */
  readonly snapshots: readonly string[];
  /** the cinder-volume that serves it; `none`: nobody does, it was never scheduled */
  readonly backend: 'up' | 'down' | 'none';
  /** Cinder's own rows, or why they are not known */
  readonly rows: CinderRows | { readonly why: string };
}

export interface VolumeFacts {
  readonly version: CinderVersion;
  readonly token: ServiceToken;
  readonly volumes: readonly HeldVolume[];
  /** that an earlier run was to delete, that are still there, and that nothing gives to the server any more */
  readonly doomed: readonly Volume[];
}

const listed = z.object({
  id: z.string(),
  status: z.string().nullable(),
  instance: z.string().nullable(),
  volume_id: z.string(),
});
const snapshot = z.object({ id: z.string(), volume_id: z.string() });
const service = z.object({
  host: z.string(),
  state: z.string(),
  cluster: z.string().nullish(),
});

/** Cinder's side of every volume that Nova's rows or Cinder's own give to the server. Volumes that Cinder does not have any more are not in it. */
export async function findVolumes(look: Reader, subject: Subject): Promise<Found<VolumeFacts>> {
  const held = await readHeld(look, subject);
  const mappings = subject.volumes.filter((mapping) => counts(mapping, subject.row));
  const ids = new Set([...mappings, ...held.attachments].map(({ volumeId }) => volumeId));
  const there = [...ids].flatMap((id) => held.volumes.get(id) ?? []);
  const doomed = await readDoomed(look, subject, ids, held.version);
  if (there.length === 0)
    return {
      facts: {
        version: held.version,
        token: { available: false, why: 'nothing needs it' },
        volumes: [],
        doomed,
      },
      unknown: [],
    };
  const [token, services, volumes] = await Promise.all([
    look.http.serviceToken(),
    readServices(look, there, held.version),
    Promise.all(there.map((volume) => readOne(look, volume, held, subject.uuid))),
  ]);
  return {
    unknown: [],
    facts: {
      version: held.version,
      token,
      doomed,
      volumes: volumes.map((one) => ({
        ...one,
        mappings: mappings.filter(({ volumeId }) => volumeId === one.volume.id),
        backend: stateOf(one.volume, services),
      })),
    },
  };
}

async function readDoomed(
  look: Reader,
  { doomed = [] }: Subject,
  held: ReadonlySet<string>,
  version: CinderVersion,
): Promise<readonly Volume[]> {
  const ids = doomed.filter((id) => !held.has(id));
  const volumes = await Promise.all(ids.map((id) => readVolume(look, id, version)));
  return volumes.filter((volume) => volume !== null);
}

/** A row that Nova deleted with the server comes a moment before or after the server's own. */
const TOGETHER_SECONDS = 5;

/**
 * A volume that was detached while the server lived has a deleted row too, which still says what was to become of it: that volume is
 * its owner's. Only what was deleted with the server, or not at all, is the server's.
 */
function counts(mapping: VolumeMapping, row: InstanceRow | null): boolean {
  if (!mapping.deleted) return true;
  if (row === null || row.deleted === 0 || !mapping.deleteOnTermination) return false;
  const later = secondsBetween(row.deletedAt, mapping.deletedAt);
  return later !== null && later >= -TOGETHER_SECONDS;
}

async function readOne(
  look: Reader,
  volume: Volume,
  { version, attachments }: Held,
  server: string,
): Promise<Omit<HeldVolume, 'mappings' | 'backend'>> {
  const [all, snapshots, rows] = await Promise.all([
    version === null ? null : listAttachments(look, volume.id),
    listSnapshots(look, volume.id),
    readRows(look, volume.id),
  ]);
  const holders = (all ?? volume.holders).map((one) => ('instance' in one ? one.instance : one.server));
  return {
    volume,
    attachments: attachments
      .filter(({ volumeId }) => volumeId === volume.id)
      .map((one) => ({ ...one, connector: one.connector ?? writtenDown(rows, one.id) })),
    others: holders.filter((holder) => holder !== server).length,
    listed: all,
    snapshots,
    rows,
  };
}

/** Cinder keeps the connector and shows it to nobody (cinder 21 `api/v3/views/attachments.py`). */
function writtenDown(rows: HeldVolume['rows'], id: string | null): Attachment['connector'] {
  return 'why' in rows ? null : (rows.attachments.find((row) => row.id === id)?.connector ?? null);
}

async function listAttachments(look: Reader, id: string): Promise<Listed[]> {
  const answers = await look.http.list('volume', listPath(id), 'attachments', { microversion: '3.27' });
  return onlyOf(id, parseAnswer('Cinder', z.array(listed), answers));
}

/** cinder 21 `api/v3/attachments.py:index`: a summary, without what a connection consists of. */
export function listPath(volumeId: string): string {
  return `/attachments?all_tenants=1&volume_id=${volumeId}`;
}

/** Of all projects: a snapshot may be another's than the volume. */
export function snapshotPath(volumeId: string): string {
  return `/snapshots?all_tenants=1&volume_id=${volumeId}`;
}

async function listSnapshots(look: Reader, id: string): Promise<HeldVolume['snapshots']> {
  const answers = await look.http.list('volume', snapshotPath(id), 'snapshots');
  return onlyOf(id, parseAnswer('Cinder', z.array(snapshot), answers)).map((one) => one.id);
}

/** A filter that something on the way drops hands over those of other volumes. */
function onlyOf<T extends { readonly volume_id: string }>(volumeId: string, answers: readonly T[]): T[] {
  return answers.filter((one) => one.volume_id === volumeId);
}

type Services = readonly z.infer<typeof service>[];

async function readServices(
  look: Reader,
  volumes: readonly Volume[],
  version: CinderVersion,
): Promise<Services> {
  if (volumes.every(({ backend }) => backend === null)) return [];
  const answers = await look.http.list(
    'volume',
    '/os-services?binary=cinder-volume',
    'services',
    version === null ? {} : { microversion: version },
  );
  return parseAnswer('Cinder', z.array(service), answers);
}

/** One of a cluster (3.7) works for all. */
function stateOf({ backend }: Volume, services: Services): HeldVolume['backend'] {
  if (backend === null) return 'none';
  const own = services.filter(({ host }) => host === serviceHostOf(backend));
  const clusters = own.flatMap(({ cluster }) => cluster ?? []);
  const able = services.filter((one) => own.includes(one) || clusters.includes(one.cluster ?? ''));
  return able.some(({ state }) => state === 'up') ? 'up' : 'down';
}
