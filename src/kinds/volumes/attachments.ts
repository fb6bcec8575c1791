/**
 * Which volumes Cinder says the server holds, and how its hosts reach them. Several kinds ask this; the kind `volumes` reports when
 * Cinder cannot be asked.
 */

import { LookError } from '../../plan/errors.ts';
import * as z from '../../plan/zod.ts';
import { parseAnswer } from '../../site/parse.ts';
import type { Reader } from '../../site/reader.ts';
import { type Connection, parseConnectionValue } from '../subject/connection.ts';
import type { Connector } from '../subject/connector.ts';
import type { Subject } from '../subject/subject.ts';
import { type CinderVersion, readVolume, type Volume } from './volume.ts';

export interface Attachment {
  /** null: Cinder of Juno and older has no attachments of its own, so it is the volume that is held */
  readonly id: string | null;
  readonly volumeId: string;
  /** `attached`, `attaching`, `detaching`, `reserved`, `error_attaching`, `error_detaching` (cinder 21 `objects/fields.py`) */
  readonly status: string;
  /** the compute host, as Cinder noted when it was connected */
  readonly host: string | null;
  /** what the host called itself when it was connected, as far as somebody wrote it down */
  readonly connector: Connector | null;
  /** null: nothing was connected yet, or it is not known */
  readonly connection: Connection | null;
}

export interface Held {
  readonly version: CinderVersion;
  /** of this server */
  readonly attachments: readonly Attachment[];
  /** every volume that Nova or Cinder name; null: Cinder does not have it */
  readonly volumes: ReadonlyMap<string, Volume | null>;
}

const entry = z.object({
  id: z.string(),
  volume_id: z.string(),
  instance: z.string().nullish(),
  status: z.string().nullish(),
  connection_info: z.unknown().optional(),
});
type Entry = z.infer<typeof entry>;

/**
 * The attachments that name the server, those that Nova's rows name by id, and all volumes of both.
 *
 * Three questions, because each alone leaves something out: the list by server does not have what Nova names and Cinder gives to another;
 * Nova does not know what only Cinder has; and before Pike there is only what a volume says of itself.
 *
 * @throws LookError when Cinder cannot be asked, or the cloud has none although Nova's rows name volumes
 */
export async function readHeld(look: Reader, subject: Subject): Promise<Held> {
  const named = [...new Set(subject.volumes.map((v) => v.volumeId))];
  if (!(await look.http.has('volume'))) {
    if (named.length === 0) return { version: null, attachments: [], volumes: new Map() };
    throw new LookError(
      'Cinder',
      `Nova's rows name volumes (${named.join(', ')}), and the catalog no Cinder`,
      {
        code: 'no-endpoint',
        hint: 'check region_name and interface in clouds.yaml',
      },
    );
  }
  const listed = await listByServer(look, subject.uuid);
  const version: CinderVersion = listed === null ? null : '3.27';
  const byId = await readMissing(look, subject, listed);
  const entries = [...(listed ?? []), ...byId];
  const ids = [...new Set([...named, ...entries.map((e) => e.volume_id)])];
  const volumes = new Map(
    await Promise.all(ids.map(async (id) => [id, await readVolume(look, id, version)] as const)),
  );
  const own = entries.filter(({ instance }) => instance === subject.uuid);
  return {
    version,
    volumes,
    attachments: [
      ...own.map((one) => toAttachment(one, subject, volumes)),
      ...shownByVolumes(subject, volumes, new Set(entries.map(({ id }) => id))),
    ],
  };
}

/**
 * Cinder 21 `api/v3/attachments.py:_items`: `instance_id` becomes a filter on the row, and an administrator sees all projects only with
 * `all_tenants`.
 *
 * Asked at 3.28, which Ocata has not: there the filter is refused (400, cinder 10.0.0), or lets nothing through (10.0.4, whose filter
 * keeps `instance_id` beside `instance_uuid`), which would look like a server without attachments. Its Nova names none either.
 *
 * @returns null for a Cinder that cannot tell: before Pike (406: no such microversion) or API v2 (404)
 */
async function listByServer(look: Reader, uuid: string): Promise<Entry[] | null> {
  let answers: readonly unknown[];
  try {
    answers = await look.http.list(
      'volume',
      `/attachments/detail?all_tenants=1&instance_id=${uuid}`,
      'attachments',
      { microversion: '3.28' },
    );
  } catch (error) {
    if (error instanceof LookError && (error.code === 'api-404' || error.code === 'api-406')) return null;
    throw error;
  }
  const entries = parseAnswer('Cinder', z.array(entry), answers);
  // Without its filter the list is that of the whole cloud, cut off at Cinder's osapi_max_limit and with no link to the rest.
  const foreign = entries.find(({ instance }) => instance !== uuid);
  if (foreign !== undefined)
    throw new LookError(
      'Cinder',
      `asked for the attachments of ${uuid}, it also gave others (${foreign.id})`,
      {
        code: 'filter-dropped',
        hint: 'a proxy in front of Cinder may drop what stands behind the question mark',
      },
    );
  return entries;
}

/** Attachments that Nova's live rows name and the list does not have: gone, or another server's by now. */
async function readMissing(
  look: Reader,
  subject: Subject,
  listed: readonly Entry[] | null,
): Promise<Entry[]> {
  if (listed === null) return [];
  const known = new Set(listed.map(({ id }) => id));
  const ids = subject.volumes.flatMap((v) =>
    v.deleted || v.attachmentId === null || known.has(v.attachmentId) ? [] : [v.attachmentId],
  );
  const answers = await Promise.all(
    [...new Set(ids)].map(async (id) => {
      const { status, body } = await look.http.get('volume', attachmentPath(id), {
        microversion: '3.27',
        also: [404],
      });
      return status === 404 ? [] : [parseAnswer('Cinder', z.object({ attachment: entry }), body).attachment];
    }),
  );
  return answers.flat();
}

function toAttachment(one: Entry, subject: Subject, volumes: Held['volumes']): Attachment {
  const holders = volumes.get(one.volume_id)?.holders ?? [];
  return {
    id: one.id,
    volumeId: one.volume_id,
    status: one.status ?? 'attached',
    host: holders.find((holder) => holder.attachmentId === one.id)?.host ?? null,
    connector: stashedConnector(subject, one.volume_id),
    connection: parseConnectionValue(one.connection_info),
  };
}

/** What a volume says of this server beyond the list: all there is before Pike. */
function shownByVolumes(
  subject: Subject,
  volumes: Held['volumes'],
  known: ReadonlySet<string>,
): Attachment[] {
  return [...volumes.values()].flatMap((volume) =>
    (volume?.holders ?? [])
      .filter((holder) => holder.server === subject.uuid && !known.has(holder.attachmentId ?? ''))
      .map((holder) => ({
        id: holder.attachmentId,
        volumeId: volume?.id ?? '',
        status: 'attached',
        host: holder.host,
        connector: stashedConnector(subject, volume?.id ?? ''),
        connection: null,
      })),
  );
}

/** Nova of Mitaka and later keeps the connector of an attachment of the old way in its own row (nova 26 `virt/block_device.py`). */
function stashedConnector(subject: Subject, volumeId: string): Connector | null {
  return subject.volumes.find((v) => v.volumeId === volumeId && !v.deleted)?.connector ?? null;
}

export function attachmentPath(id: string): string {
  return `/attachments/${encodeURIComponent(id)}`;
}

/** The attachments of the server, for a kind that can do without: nothing where Cinder cannot be asked. The kind `volumes` asks too, and reports that. */
export async function attachmentsIfKnown(look: Reader, subject: Subject): Promise<readonly Attachment[]> {
  try {
    return (await readHeld(look, subject)).attachments;
  } catch (error) {
    if (error instanceof LookError) return [];
    throw error;
  }
}
