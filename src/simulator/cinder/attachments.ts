/** `/attachments`, from 3.27 on (cinder 21 `api/v3/attachments.py`, `api/v3/views/attachments.py`). */
import { type Answer, type DatabaseRow, isoTime, notTaught, readJson } from '../http/exchange.ts';
import { isAdmin } from '../keystone/tokens.ts';
import { fault } from '../nova-api/errors.ts';
import type { World } from '../world.ts';
import { endConnection } from './backend.ts';
import { refuseDeletion } from './deletion-rule.ts';
import { finishDetach } from './detach.ts';
import { readFilters, type VolumeRequest } from './request.ts';
import { attachmentsOf, findAttachment, findVolume } from './rows.ts';
import { backendAnswers, timedOut } from './services.ts';

const SINCE = 27;

const FILTERS: Readonly<Record<string, string>> = {
  volume_id: 'a.volume_id',
  instance_id: 'a.instance_uuid',
  attach_status: 'a.attach_status',
  status: 'a.attach_status',
};

export function answerAttachments(world: World, request: VolumeRequest): Answer {
  const { asked, path, version } = request;
  if (version < SINCE) return fault(404, 'The resource could not be found.');
  if (asked.method === 'GET' && path === '/attachments') return list(world, request, summary);
  if (asked.method === 'GET' && path === '/attachments/detail') return list(world, request, detail);
  const id = /^\/attachments\/([^/]+)$/.exec(path)?.[1];
  if (id === undefined || asked.query.size > 0 || !['GET', 'DELETE'].includes(asked.method))
    return fault(501, notTaught(asked, [...asked.query.keys()].join(', ') || undefined));
  const attachment = findAttachment(world, id, request.caller);
  if (attachment === null)
    return fault(404, `Volume attachment could not be found with filter: attachment_id = ${id}.`);
  return asked.method === 'GET'
    ? { status: 200, body: { attachment: detail(attachment) } }
    : remove(world, request, attachment);
}

function list(world: World, request: VolumeRequest, show: (row: DatabaseRow) => unknown): Answer {
  const { asked, caller } = request;
  const { query } = asked;
  const given = readFilters(asked, FILTERS);
  if ('status' in given) return given;
  // Only an administrator sees beyond the own project, and only when asking to.
  const own = isAdmin(caller) && query.has('all_tenants') ? [] : [caller.project];
  const conditions = [
    'coalesce(a.deleted, 0) = 0',
    ...given.map(({ column }) => `${column} = ?`),
    ...own.map(() => 'v.project_id = ?'),
  ];
  const rows = world
    .db('cinder')
    .prepare(
      `SELECT a.* FROM volume_attachment a JOIN volumes v ON v.id = a.volume_id
       WHERE ${conditions.join(' AND ')} ORDER BY a.created_at DESC, a.id DESC`,
    )
    .all(...given.map(({ value }) => value), ...own);
  return { status: 200, body: { attachments: rows.map(show) } };
}

function summary(row: DatabaseRow): Readonly<Record<string, unknown>> {
  return {
    id: row['id'],
    status: row['attach_status'],
    instance: row['instance_uuid'],
    volume_id: row['volume_id'],
  };
}

function detail(row: DatabaseRow): Readonly<Record<string, unknown>> {
  const time = (column: string) => isoTime(row[column])?.replace('Z', '.000000') ?? '';
  return {
    ...summary(row),
    attached_at: time('attach_time'),
    detached_at: time('detach_time'),
    attach_mode: row['attach_mode'],
    connection_info: readJson(row['connection_info']),
  };
}

/** @returns what is left of the volume's attachments, as Cinder answers */
function remove(world: World, request: VolumeRequest, attachment: DatabaseRow): Answer {
  const { asked, caller } = request;
  if (!isAdmin(caller)) return fault(501, notTaught(asked, 'what a user without the role admin may delete'));
  const volumeId = String(attachment['volume_id']);
  const volume = findVolume(world, volumeId, caller);
  if (volume === null) return fault(404, `Volume ${volumeId} could not be found.`);
  const id = String(attachment['id']);
  const refusal = refuseDeletion(world, request, id, volume);
  if (refusal !== null) return refusal;
  if (attachment['attach_status'] !== 'reserved' && !backendAnswers(world, volume)) return timedOut();
  endAttachment(world, attachment);
  return { status: 200, body: { attachments: attachmentsOf(world, volumeId).map(summary) } };
}

/** cinder 21 `volume/api.py:attachment_delete`: of one that is only reserved the storage knows nothing. */
export function endAttachment(world: World, attachment: DatabaseRow): void {
  if (attachment['attach_status'] !== 'reserved') endConnection(world, attachment);
  finishDetach(world, String(attachment['volume_id']), String(attachment['id']));
}
