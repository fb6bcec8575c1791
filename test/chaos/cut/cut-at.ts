/**
 * Loaded into the real program before it starts (`node --import`): kills it with SIGKILL at the N-th line that it writes into the record
 * of its run. No part of the program knows of this.
 *
 *     CUT_AT     which write, from 1 on; or, as text, the first that contains it; 0: none, they are only told
 *     CUT_HOW    `before` nothing of it is on the disk, `torn` half of it is, `after` all of it is and was flushed
 *     CUT_SEEN   a file to which each write is told, as one line of JSON, before it is made
 */
import { appendFileSync, readlinkSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';

const at = process.env['CUT_AT'] ?? '0';
const how = process.env['CUT_HOW'] ?? 'before';
const seen = process.env['CUT_SEEN'] ?? '';

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('killed');
}

const some = await open('/dev/null');
const prototype: FileHandle = Object.getPrototypeOf(some);
await some.close();
const { appendFile, datasync } = prototype;
let writes = 0;
/** the file whose next flush is the end */
let last: FileHandle | null = null;

prototype.appendFile = async function cut(this: FileHandle, ...given: Parameters<FileHandle['appendFile']>) {
  const file = basename(readlinkSync(`/proc/self/fd/${this.fd}`));
  const text = String(given[0]);
  writes++;
  const mine = String(writes) === at || (at.includes('"') && text.includes(at));
  appendFileSync(seen, `${JSON.stringify({ file, text })}\n`);
  if (mine && how === 'before') die();
  if (mine && how === 'torn') {
    await appendFile.call(this, text.slice(0, Math.ceil(text.length / 2)));
    die();
  }
  if (mine) last = this;
  await appendFile.apply(this, given);
};

prototype.datasync = async function cut(this: FileHandle) {
  await datasync.call(this);
  if (last === this) die();
};
