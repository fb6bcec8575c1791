import type { Act, Check, DraftStep } from '../../plan/types.ts';
import type { Subject } from '../subject/subject.ts';
import { capital } from '../words.ts';
import { type Attachment, attachmentPath } from './attachments.ts';
import { describeVolume } from './describe.ts';
import { type HeldVolume, listPath, snapshotPath, type VolumeFacts } from './find.ts';
import type { Rung } from './ladder.ts';
import { volumePath } from './volume.ts';

export const PLACE = 'Cinder';

/** cinder-volume is asked and waited for: it talks to the storage (cinder 21 `volume/rpcapi.py`; `rpc_response_timeout` is 60 s). */
const DETACH_SECONDS = 180;
/** A delete is only accepted, and may overwrite the whole volume (`volume_clear`). */
const DELETE_SECONDS = 300;

const api = { door: 'http', service: 'volume' } as const;
const AT_3_27 = { ...api, microversion: '3.27' } as const;

/** One attachment by itself, by Cinder's API for attachments. */
export function attachmentStep(
  held: HeldVolume,
  attachment: Attachment & { readonly id: string },
  { manner, why }: Extract<Rung, { rung: 'attachment' }>,
  subject: Subject,
): DraftStep {
  const path = attachmentPath(attachment.id);
  return {
    id: `volumes/${held.volume.id}/attachment/${attachment.id}`,
    phase: manner.late ? 'volumes-late' : 'volumes',
    place: PLACE,
    title: `let go of ${describeVolume(held.volume)}: delete attachment ${attachment.id}`,
    why,
    act: {
      ...AT_3_27,
      method: 'DELETE',
      path,
      ...(manner.asService ? { serviceToken: true as const } : {}),
      status: [200, 404],
    },
    guards: [isStillOurs(attachment.id, subject)],
    settled: { ...AT_3_27, path, status: [404] },
    patience: DETACH_SECONDS,
    before: [{ ...AT_3_27, path: listPath(held.volume.id) }],
    undo: 'recreate',
  };
}

function isStillOurs(id: string, { uuid }: Subject): DraftStep['guards'][number] {
  return {
    must: `attachment ${id} is still this server's`,
    check: {
      ...AT_3_27,
      path: attachmentPath(id),
      status: [200],
      at: { keys: ['attachment', 'instance'], equals: uuid },
    },
  };
}

/** Whoever came to hold the volume since, or let go of it, would be touched too. */
function holdersAsSeen({ volume, listed }: HeldVolume, { uuid }: Subject): DraftStep['guards'][number] {
  const must = `volume ${volume.id} is held by whom the plan was made for`;
  if (listed !== null)
    return {
      must,
      check: {
        ...AT_3_27,
        path: listPath(volume.id),
        status: [200],
        at: { keys: ['attachments'], equals: listed.map((one) => ({ ...one })) },
      },
    };
  return {
    must,
    check: {
      ...api,
      path: volumePath(volume.id),
      status: [200],
      at: { keys: ['volume', 'attachments', '0', 'server_id'], equals: uuid },
    },
  };
}

function isLetGo({ volume }: HeldVolume, attachment: Attachment, { version }: VolumeFacts): Check {
  return version !== null && attachment.id !== null
    ? { ...AT_3_27, path: attachmentPath(attachment.id), status: [404] }
    : showsNobody(volume.id);
}

/** What the volume says of itself: all that can be asked before Pike. */
function showsNobody(id: string): Check {
  return { ...api, path: volumePath(id), status: [200], at: { keys: ['volume', 'attachments'], equals: [] } };
}

function holdersBefore({ volume, listed }: HeldVolume): DraftStep['before'] {
  return listed === null
    ? [{ ...api, path: volumePath(volume.id) }]
    : [{ ...AT_3_27, path: listPath(volume.id) }];
}

function action(id: string, body: Extract<Act, { door: 'http' }>['body']): Extract<Act, { door: 'http' }> {
  return { ...api, method: 'POST', path: `${volumePath(id)}/action`, body, status: [202] };
}

/** `os-force_detach`: what Nova does in two calls, `os-terminate_connection` and `os-detach`. */
export function forceStep(
  held: HeldVolume,
  attachment: Attachment,
  { manner, connector, why }: Extract<Rung, { rung: 'force' }>,
  facts: VolumeFacts,
  subject: Subject,
): DraftStep {
  const { volume } = held;
  return {
    id: `volumes/${volume.id}/force-detach/${attachment.id ?? 'it'}`,
    phase: manner.late ? 'volumes-late' : 'volumes',
    place: PLACE,
    title: `let go of ${describeVolume(volume)}: force-detach it`,
    why,
    act: {
      ...action(volume.id, {
        'os-force_detach': {
          connector,
          ...(attachment.id === null ? {} : { attachment_id: attachment.id }),
        },
      }),
      ...(manner.asService ? { serviceToken: true as const } : {}),
    },
    // Without a connector every mapping of the volume goes.
    guards: [
      connector !== null && facts.version !== null && attachment.id !== null
        ? isStillOurs(attachment.id, subject)
        : holdersAsSeen(held, subject),
    ],
    settled: isLetGo(held, attachment, facts),
    patience: DETACH_SECONDS,
    before: holdersBefore(held),
    undo: 'recreate',
  };
}

/** `os-reset_status` ends every attachment of the volume (Newton and later); Kilo to Mitaka leave their rows. */
export function resetStep(
  held: HeldVolume,
  attachment: Attachment,
  why: string,
  facts: VolumeFacts,
  subject: Subject,
): DraftStep {
  const { volume } = held;
  return {
    id: `volumes/${volume.id}/reset`,
    phase: 'volumes',
    place: PLACE,
    title: `let go of ${describeVolume(volume)}: reset its state to available`,
    why,
    act: action(volume.id, { 'os-reset_status': { status: 'available', attach_status: 'detached' } }),
    guards: [holdersAsSeen(held, subject)],
    settled: isLetGo(held, attachment, facts),
    before: holdersBefore(held),
    undo: 'recreate',
  };
}

/** The volume that a step of any plan deletes, by its id; null: it deletes none. */
export function deletedVolume({ id }: Pick<DraftStep, 'id'>): string | null {
  return /^volumes\/([0-9a-f-]{36})\/delete$/.exec(id)?.[1] ?? null;
}

/** After all that let go of it. */
export function deleteStep(
  held: HeldVolume,
  why: string,
  detached: readonly DraftStep[],
  { version }: VolumeFacts,
): DraftStep {
  const { volume } = held;
  const path = volumePath(volume.id);
  const key = volume.encrypted ? ' It is encrypted, and its key is deleted with it.' : '';
  return {
    id: `volumes/${volume.id}/delete`,
    phase: detached.some(({ phase }) => phase === 'volumes-late') ? 'volumes-late' : 'volumes',
    place: PLACE,
    title: `delete ${describeVolume(volume)}${volume.encrypted ? ', and its encryption key' : ''}`,
    why: `${capital(why)}. Its data are gone for good.${key}`,
    act: { ...api, method: 'DELETE', path, status: [202, 404] },
    guards: [
      {
        must: `nobody holds volume ${volume.id}`,
        check:
          version === null
            ? showsNobody(volume.id)
            : {
                ...AT_3_27,
                path: listPath(volume.id),
                status: [200],
                at: { keys: ['attachments'], equals: [] },
              },
      },
      {
        must: `volume ${volume.id} has no snapshots`,
        check: {
          ...api,
          path: snapshotPath(volume.id),
          status: [200],
          at: { keys: ['snapshots'], equals: [] },
        },
      },
    ],
    settled: { ...api, path, status: [404] },
    patience: DELETE_SECONDS,
    before: [{ ...api, path }],
    needs: detached.map(({ id }) => id),
    undo: 'never',
  };
}
