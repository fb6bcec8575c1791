/**
 * Giving up a run: nobody goes on with it, and the server may be purged anew. Its record stays as it is, and `abandoned.json` beside it
 * says who decided that; the journal is only ever written by its own run.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ActError, hasCode, messageOf, UsageError } from '../plan/errors.ts';
import { parseJson } from '../plan/parse-json.ts';
import * as z from '../plan/zod.ts';
import { ClosedRecord } from './closed-record.ts';
import { replaceFile } from './replace-file.ts';
import { whoAmI } from './who.ts';

const abandonment = z.object({
  format: z.literal(1),
  /** ISO 8601, UTC */
  at: z.string(),
  user: z.string(),
  host: z.string(),
  pid: z.int(),
  why: z.string().nullable(),
});

export type Abandonment = Omit<z.infer<typeof abandonment>, 'format'>;

const FILE = 'abandoned.json';

/** Null: it was not abandoned. @throws UsageError when the file is not what expunge writes */
export async function readAbandonment(folder: string): Promise<Abandonment | null> {
  let text: string;
  try {
    text = await readFile(join(folder, FILE), 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw new ClosedRecord(join(folder, FILE), error);
  }
  const parsed = abandonment.safeParse(parseJson(text));
  if (parsed.success) {
    const { format: _, ...says } = parsed.data;
    return says;
  }
  throw new UsageError(`${join(folder, FILE)} is not what expunge writes`, {
    code: 'run-changed',
    hint: 'remove it, and the run is as it was before somebody gave it up',
  });
}

/** @throws ActError when the folder does not take it: then the run is not abandoned */
export async function abandonRun(folder: string, why: string | null, now: Date): Promise<Abandonment> {
  const says: Abandonment = { at: now.toISOString(), ...whoAmI(), why };
  const path = join(folder, FILE);
  try {
    // Half of it would make the run unreadable.
    await replaceFile(path, `${JSON.stringify({ format: 1, ...says })}\n`);
  } catch (error) {
    throw new ActError(`${path} cannot be written: ${messageOf(error)}`, { code: 'journal-unwritable' });
  }
  return says;
}
