/** `POST /volumes/{id}/action` (cinder 21 `api/contrib/admin_actions.py`, `api/contrib/volume_actions.py`). */

import { isRecord } from '../../site/parse.ts';
import { type Answer, type Asked, type DatabaseRow, notTaught } from '../http/exchange.ts';
import { isAdmin } from '../keystone/tokens.ts';
import { fault } from '../nova-api/errors.ts';
import { inTransaction, sqlTime, type World } from '../world.ts';
import { removeExport } from './backend.ts';
import { refuseDeletion } from './deletion-rule.ts';
import { finishDetach } from './detach.ts';
import type { VolumeRequest } from './request.ts';
import { resetStatus } from './reset-status.ts';
import { attachmentsOf, findAttachment, findVolume } from './rows.ts';
import { backendAnswers, timedOut } from './services.ts';
import { volumeNotFound } from './volumes.ts';

type Parameters = Readonly<Record<string, unknown>>;
type Action = (world: World, request: VolumeRequest, volume: DatabaseRow, parameters: Parameters) => Answer;

const ACTIONS: Readonly<Record<string, { readonly run: Action; readonly keys: readonly string[] }>> = {
  'os-reset_status': { run: resetStatus, keys: ['status', 'attach_status', 'migration_status'] },
  'os-detach': { run: detach, keys: ['attachment_id'] },
  'os-force_detach': { run: forceDetach, keys: ['connector', 'attachment_id'] },
  'os-terminate_connection': { run: terminateConnection, keys: ['connector'] },
};

export function answerAction(world: World, request: VolumeRequest, volumeId: string): Answer {
  const { asked, caller } = request;
  const read = readAction(asked);
  if (typeof read === 'string') return fault(501, notTaught(asked, read));
  if (!isAdmin(caller)) return fault(501, notTaught(asked, `${read.name} by a user without the role admin`));
  const volume = findVolume(world, volumeId, caller);
  return volume === null ? volumeNotFound(volumeId) : read.run(world, request, volume, read.parameters);
}

/** @returns the action, or what of it was not taught */
function readAction({ body }: Asked): { name: string; run: Action; parameters: Parameters } | string {
  const entries = isRecord(body) ? Object.entries(body) : [];
  const [name = 'nothing', parameters] = entries[0] ?? [];
  const action = ACTIONS[name];
  if (entries.length !== 1 || action === undefined)
    return `the action ${entries.map(([key]) => key).join(', ')}`;
  if (!isRecord(parameters)) return `${name} without an object`;
  const unknown = Object.keys(parameters).filter((key) => !action.keys.includes(key));
  return unknown.length > 0 ? `${name} with ${unknown.join(', ')}` : { name, run: action.run, parameters };
}

function attachmentIdOf(parameters: Parameters): string | null {
  const id = parameters['attachment_id'];
  return typeof id === 'string' ? id : null;
}

function detach(world: World, request: VolumeRequest, volume: DatabaseRow, parameters: Parameters): Answer {
  return (
    refuseDeletion(world, request, attachmentIdOf(parameters), volume) ??
    detachVolume(world, request, volume, attachmentIdOf(parameters), 'Error detaching volume')
  );
}

/** Both halves ask whether they may, the first for the volume as a whole: so one attachment of several never may. */
function forceDetach(
  world: World,
  request: VolumeRequest,
  volume: DatabaseRow,
  parameters: Parameters,
): Answer {
  const id = attachmentIdOf(parameters);
  const first = terminateConnection(world, request, volume);
  if (first.status !== 202) return first;
  return (
    refuseDeletion(world, request, id, volume) ??
    detachVolume(world, request, volume, id, 'Error force detaching volume')
  );
}

/** With one export for every host nothing ends by it on the storage; of the rows only a volume that waits to be attached changes. */
function terminateConnection(world: World, request: VolumeRequest, volume: DatabaseRow): Answer {
  const refusal = refuseDeletion(world, request, null, volume);
  if (refusal !== null) return refusal;
  if (!backendAnswers(world, volume)) return timedOut();
  const id = String(volume['id']);
  // cinder 21 volume/api.py:unreserve_volume
  const status = attachmentsOf(world, id).length > 0 ? 'in-use' : 'available';
  world
    .db('cinder')
    .prepare("UPDATE volumes SET status = ?, updated_at = ? WHERE id = ? AND status = 'attaching'")
    .run(status, sqlTime(world.now()), id);
  return { status: 202 };
}

/** cinder 21 `volume/api.py:detach`, `volume/manager.py:detach_volume`: the export goes, also where others are attached to it. */
function detachVolume(
  world: World,
  { caller }: VolumeRequest,
  volume: DatabaseRow,
  attachmentId: string | null,
  failed: string,
): Answer {
  const id = String(volume['id']);
  if (volume['status'] === 'maintenance')
    return fault(400, 'Invalid volume: The volume cannot be detached in maintenance mode.');
  if (!backendAnswers(world, volume)) return timedOut();
  const all = attachmentsOf(world, id);
  if (attachmentId === null && all.length > 1)
    return fault(
      400,
      `${failed} - InvalidVolume: Invalid volume: Detach volume failed: More than one attachment, but no attachment_id provided.`,
    );
  const db = world.db('cinder');
  if (attachmentId === null && all.length === 0)
    inTransaction(db, () =>
      db
        .prepare(
          "UPDATE volumes SET status = 'available', attach_status = 'detached', updated_at = ? WHERE id = ?",
        )
        .run(sqlTime(world.now()), id),
    );
  else {
    const one = attachmentId ?? String(all[0]?.['id']);
    const attachment = findAttachment(world, one, caller);
    if (attachment !== null) removeExport(world, id);
    finishDetach(world, id, attachment === null ? null : one);
  }
  return { status: 202 };
}
