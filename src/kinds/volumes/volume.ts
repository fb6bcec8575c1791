/** One volume as Cinder shows it, as far as its fate depends on it. */
import * as z from '../../plan/zod.ts';
import { parseAnswer } from '../../site/parse.ts';
import type { Reader } from '../../site/reader.ts';

/** `server_id` and the rest of an entry of a volume's `attachments`: those in the state `attached` only. */
interface Holder {
  /** null: Cinder of Juno and older has no attachments of its own */
  readonly attachmentId: string | null;
  readonly server: string | null;
  readonly host: string | null;
}

export interface Volume {
  readonly id: string;
  /** text from the cloud, never trusted; empty when it has none */
  readonly name: string;
  /** GiB */
  readonly size: number;
  readonly status: string;
  readonly encrypted: boolean;
  readonly migration: string | null;
  /** of either sort: consistency group, or group (3.13 and later) */
  readonly group: string | null;
  /** the cinder-volume that serves it, `host@backend#pool`; null: never scheduled, or the answer does not say */
  readonly backend: string | null;
  readonly holders: readonly Holder[];
}

/** What Cinder's API can be asked: `3.27` where it has attachments, null for one that is older. */
export type CinderVersion = '3.27' | null;

const holder = z.object({
  attachment_id: z.string().nullish(),
  server_id: z.string().nullish(),
  host_name: z.string().nullish(),
});

const answer = z.object({
  volume: z.object({
    id: z.string(),
    name: z.string().nullish(),
    size: z.number().nullish(),
    status: z.string(),
    encrypted: z.boolean().nullish(),
    migration_status: z.string().nullish(),
    'os-vol-mig-status-attr:migstat': z.string().nullish(),
    consistencygroup_id: z.string().nullish(),
    group_id: z.string().nullish(),
    'os-vol-host-attr:host': z.string().nullish(),
    attachments: z.array(holder),
  }),
});

/** @returns null when Cinder does not have it (any more) */
export async function readVolume(look: Reader, id: string, version: CinderVersion): Promise<Volume | null> {
  const { status, body } = await look.http.get('volume', volumePath(id), {
    ...(version === null ? {} : { microversion: version }),
    also: [404],
  });
  if (status === 404) return null;
  const { volume } = parseAnswer('Cinder', answer, body);
  return {
    id: volume.id,
    name: volume.name ?? '',
    size: volume.size ?? 0,
    status: volume.status,
    encrypted: volume.encrypted ?? false,
    migration: volume.migration_status ?? volume['os-vol-mig-status-attr:migstat'] ?? null,
    group: volume.group_id ?? volume.consistencygroup_id ?? null,
    backend: volume['os-vol-host-attr:host'] ?? null,
    holders: volume.attachments.map((entry) => ({
      attachmentId: entry.attachment_id ?? null,
      server: entry.server_id ?? null,
      host: entry.host_name ?? null,
    })),
  };
}

/** A backend is `host@backend#pool`; the record of its service has the first two. */
export function serviceHostOf(backend: string): string {
  return backend.replace(/#.*$/, '');
}

export function volumePath(id: string): string {
  return `/volumes/${encodeURIComponent(id)}`;
}
