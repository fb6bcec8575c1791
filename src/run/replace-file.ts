import { rename, rm, writeFile } from 'node:fs/promises';

/**
 * Puts a file in the place of whatever had its name, when it is whole and on the disk: nobody ever reads half of it. Where that cannot be
 * done, what had the name stays, and nothing is left beside it.
 *
 * @throws the error of the file system
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}`;
  try {
    await writeFile(draft, text, { mode: 0o600, flush: true });
    await rename(draft, path);
  } catch (error) {
    // Why it could not be done says more than why it could not be tidied up.
    await rm(draft, { force: true }).catch(() => {});
    throw error;
  }
}
