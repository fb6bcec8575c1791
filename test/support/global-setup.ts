/**
 * One folder for all that the tests write: it is gone when they have ended, also where a test is killed and cannot tidy up itself. In it
 * the built program: from its source a process takes twice as long.
 */
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../../scripts/bundle.ts';
import { setProgram } from './program.ts';

const MEMORY = '/dev/shm';
const ENOUGH_BYTES = 2 * 1024 ** 3;

/** Journals are flushed to the disk, thousands of them in all tests: a file system in memory saves a tenth of the time. */
function hasRoom(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize > ENOUGH_BYTES;
}

export async function setup(): Promise<() => void> {
  const folder = mkdtempSync(join(hasRoom(MEMORY) ? MEMORY : tmpdir(), 'expunge-tests-'));
  process.env['TMPDIR'] = folder;
  process.env['XDG_CACHE_HOME'] = join(folder, 'cache');
  setProgram(await bundle(join(folder, 'program')));
  return () => rmSync(folder, { recursive: true, force: true });
}
