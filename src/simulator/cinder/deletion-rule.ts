/** Who may take an attachment away from a server (CVE-2023-2088; cinder 21.3 `volume/api.py:attachment_deletion_allowed`). */
import type { Answer, DatabaseRow } from '../http/exchange.ts';
import { attachmentKnownToNova } from '../nova-api/attachments.ts';
import { fault } from '../nova-api/errors.ts';
import type { World } from '../world.ts';
import type { VolumeRequest } from './request.ts';
import { attachmentsOf, findAttachment } from './rows.ts';

/** `[keystone_authtoken]service_token_roles` */
const SERVICE_ROLE = 'service';

/**
 * A service may always; anyone else only what no server holds. The role must be that of `X-Service-Token`: the user's own does
 * not count. Cinder asks Nova, so a block device that Nova has marked as deleted frees the attachment.
 *
 * @param attachmentId null for a volume as a whole: its one attachment is judged, several never may go
 * @returns null when it may, or Cinder's refusal
 */
export function refuseDeletion(
  world: World,
  { serviceRoles, caller }: VolumeRequest,
  attachmentId: string | null,
  volume: DatabaseRow,
): Answer | null {
  if (serviceRoles.includes(SERVICE_ROLE)) return null;
  const volumeId = String(volume['id']);
  const all = attachmentsOf(world, volumeId);
  if (attachmentId === null && all.length === 0) return null;
  const only = all.length === 1 ? String(all[0]?.['id']) : null;
  const judged = attachmentId ?? only;
  const attachment = judged === null ? null : findAttachment(world, judged, caller);
  if (attachment === null) return conflict('');
  if (attachment['volume_id'] !== volumeId)
    return fault(400, 'Invalid input received: Mismatched volume and attachment');
  const server = attachment['instance_uuid'];
  const info = attachment['connection_info'];
  if (typeof server !== 'string' || server === '' || !hasContent(info)) return null;
  return attachmentKnownToNova(world, server, volumeId) === attachment['id'] ? conflict(server) : null;
}

/** An empty object in the column counts as none. */
function hasContent(json: unknown): boolean {
  return typeof json === 'string' && !/^\s*(\{\s*\}|null)?\s*$/.test(json);
}

/** The name of the exception stands in front (cinder 21 `api/middleware/fault.py:FaultWrapper._error`). */
function conflict(server: string): Answer {
  return fault(
    409,
    `ConflictNovaUsingAttachment: Detach volume from instance ${server} using the Compute API`,
  );
}
