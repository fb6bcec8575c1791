import { rename, writeFile } from 'node:fs/promises';

/** Puts a file in the place of whatever had its name, when it is whole and on the disk: nobody ever reads half of it. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, text, { mode: 0o600, flush: true });
  await rename(draft, path);
}
