/** What becomes of a volume: what the operator decided, what Nova would do, and what stands against a deletion. */
import type { Decisions } from '../../plan/types.ts';
import { countOf } from '../words.ts';
import type { HeldVolume } from './find.ts';
import { serviceHostOf } from './volume.ts';

export type Fate =
  /** `nova`: what it would do */
  | { readonly act: 'undecided'; readonly nova: 'keep' | 'delete' }
  | { readonly act: 'keep'; readonly why: string }
  | { readonly act: 'delete'; readonly why: string }
  /** asked for by name or for all, and not possible */
  | { readonly act: 'refuse'; readonly obstacle: string };

/**
 * Nova deletes what its rows say `delete_on_termination` of, and goes on when Cinder will not (nova 26
 * `compute/manager.py:_cleanup_volumes`). A volume that only Cinder gives to the server, Nova does not know.
 */
function novasAnswer({ mappings }: HeldVolume): 'keep' | 'delete' {
  return mappings.some(({ deleteOnTermination }) => deleteOnTermination) ? 'delete' : 'keep';
}

/** Cinder has it attached to others and not to this server: it was given away, and Nova's row is stale. */
export function isGivenAway({ attachments, others }: HeldVolume): boolean {
  return attachments.length === 0 && others > 0;
}

export function decideFate(held: HeldVolume, { volumes }: Decisions): Fate {
  const { volume, attachments } = held;
  if (isGivenAway(held))
    return {
      act: 'keep',
      why: `Cinder has it attached to ${countOf(held.others, 'other')} and not to this server: it was given away`,
    };
  const nova = novasAnswer(held);
  const named = volumes?.named[volume.id];
  const decided = named ?? (volumes?.rest === 'as-nova' ? nova : volumes?.rest);
  if (decided === undefined) {
    // Nothing of it is held, and nobody would touch it: there is nothing to decide.
    if (attachments.length === 0 && nova === 'keep') return { act: 'keep', why: 'it is not attached' };
    return { act: 'undecided', nova };
  }
  const asNova = named === undefined && volumes?.rest === 'as-nova';
  if (decided === 'keep')
    return {
      act: 'keep',
      why: asNova ? 'Nova keeps it: delete_on_termination is not set' : 'asked for by --volumes',
    };
  const obstacle = findObstacle(held);
  if (obstacle === null)
    return {
      act: 'delete',
      why: asNova ? 'Nova deletes it with the server (delete_on_termination)' : 'asked for by --volumes',
    };
  return asNova
    ? { act: 'keep', why: `Nova would try to delete it, and Cinder would refuse: ${obstacle}` }
    : { act: 'refuse', obstacle };
}

/** cinder 21 `volume/api.py:delete`; the statuses that end with the attachment count as `available`. */
const DELETABLE = ['available', 'error', 'error_restoring', 'error_extending', 'error_managing'];
const ENDS_WITH_ATTACHMENT = ['in-use', 'attaching', 'detaching', 'reserved'];
const NOT_MIGRATING = ['deleting', 'error', 'success', 'none'];

function findObstacle({ volume, others, snapshots, backend, attachments }: HeldVolume): string | null {
  if (others > 0) return `${countOf(others, 'other')} still hold${others === 1 ? 's' : ''} it`;
  if (snapshots.length > 0)
    return `it has ${countOf(snapshots.length, 'snapshot')} (${snapshots.join(', ')})`;
  if (volume.group !== null) return `it belongs to group ${volume.group}`;
  if (volume.migration !== null && !NOT_MIGRATING.includes(volume.migration))
    return `it is being migrated (${volume.migration})`;
  const ends = attachments.length > 0 && ENDS_WITH_ATTACHMENT.includes(volume.status);
  if (!ends && !DELETABLE.includes(volume.status)) return `its status is ${volume.status}`;
  if (backend === 'down')
    return `${serviceOf(volume.backend)} is down, and it would stay in the status deleting`;
  return null;
}

/** `cinder-volume host@backend` */
export function serviceOf(backend: string | null): string {
  return `cinder-volume ${backend === null ? 'of no host' : serviceHostOf(backend)}`;
}
