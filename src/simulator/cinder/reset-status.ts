/** `os-reset_status`: columns as they are told, without a question to Nova or to the backend (cinder 21 `admin_actions.py`). */
import type { SQLInputValue } from 'node:sqlite';
import { type Answer, type DatabaseRow, notTaught } from '../http/exchange.ts';
import { fault } from '../nova-api/errors.ts';
import { inTransaction, sqlTime, type World } from '../world.ts';
import { finishDetach } from './detach.ts';
import type { VolumeRequest } from './request.ts';
import { attachmentsOf } from './rows.ts';

/** The words that each column may be set to, with how Cinder's refusal begins (cinder 21 `objects/fields.py`). */
const WORDS = {
  status: {
    says: 'Volume status',
    words: [
      'creating',
      'available',
      'deleting',
      'error',
      'error_deleting',
      'error_managing',
      'managing',
      'attaching',
      'in-use',
      'detaching',
      'maintenance',
      'restoring-backup',
      'error_restoring',
      'reserved',
      'awaiting-transfer',
      'backing-up',
      'error_backing-up',
      'error_extending',
      'downloading',
      'uploading',
      'retyping',
      'extending',
    ],
    brackets: ['(', ')'],
  },
  attach_status: {
    says: 'Volume attach status',
    words: ['attached', 'detached'],
    brackets: ['[', ']'],
  },
  migration_status: {
    says: 'Volume migration status',
    words: ['migrating', 'error', 'success', 'completing', 'none', 'starting'],
    brackets: ['(', ')'],
  },
} as const;

/**
 * `attach_status` detached ends every attachment of the volume, also those of other servers, and works the status out anew.
 */
export function resetStatus(
  world: World,
  { asked }: VolumeRequest,
  volume: DatabaseRow,
  parameters: Readonly<Record<string, unknown>>,
): Answer {
  const id = String(volume['id']);
  const update = new Map<string, string>();
  for (const [column, { says, words, brackets }] of Object.entries(WORDS)) {
    const value = parameters[column];
    if (value === undefined || value === null || value === '') continue;
    if (typeof value !== 'string') return fault(501, notTaught(asked, `${column} that is no text`));
    if (!words.some((word) => word === value.toLowerCase()))
      return fault(
        400,
        `${says}: ${value} is invalid, valid statuses are: ${brackets[0]}${words.map((word) => `'${word}'`).join(', ')}${brackets[1]}.`,
      );
    update.set(column, value.toLowerCase());
  }
  if (update.size === 0)
    return fault(400, "Must specify 'status', 'attach_status' or 'migration_status' for update.");
  // 'error_deleting' and 'detaching' are meant to be refused too, but a comma between them is missing in Cinder's list.
  const status = update.get('status');
  if (status === 'deleting') return fault(400, 'Cannot reset-state to deleting');
  if (status === 'in-use' && attachmentsOf(world, id).length === 0)
    return fault(400, 'Cannot reset-state to in-use because volume does not have any attachments.');
  write(world, id, update);
  return { status: 202 };
}

/** The row in `workers` stays: Cinder looks for one of type `Volumes`, and there are only such of type `Volume`. */
function write(world: World, id: string, update: ReadonlyMap<string, string>): void {
  const db = world.db('cinder');
  const columns = [...update.keys()];
  const values: SQLInputValue[] = [...update].map(([column, value]) =>
    column === 'migration_status' && value === 'none' ? null : value,
  );
  inTransaction(db, () => {
    db.prepare(
      `UPDATE volumes SET ${columns.map((column) => `"${column}" = ?`).join(', ')}, updated_at = ? WHERE id = ?`,
    ).run(...values, sqlTime(world.now()), id);
    if (update.get('attach_status') === 'detached')
      for (const attachment of attachmentsOf(world, id)) finishDetach(world, id, String(attachment['id']));
  });
}
