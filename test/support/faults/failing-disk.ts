/** The disk below a folder, on which a call fails. The journal knows nothing of it: what it imports of Node fails. */
import fs, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { basename } from 'node:path';
import type { Striker } from './fault.ts';
import type { JournalCall } from './other-faults.ts';

/** @returns makes the disk whole again */
export function failBelow(folder: string, disk: Striker<JournalCall>): () => void {
  const { mkdir, open, writeFile } = fs;
  const isBelow = (path: unknown): path is string => typeof path === 'string' && path.startsWith(folder);
  const call = (kind: JournalCall['kind'], path: string, tear = async () => {}): JournalCall => ({
    place: 'disk',
    what: `${kind} ${basename(path)}`,
    writes: true,
    kind,
    tear,
  });
  const wrap = (path: string, file: FileHandle): FileHandle => {
    const { appendFile, datasync } = file;
    return Object.assign(file, {
      appendFile: (...given: Parameters<FileHandle['appendFile']>) => {
        const text = String(given[0]);
        const tear = () => appendFile.call(file, text.slice(0, Math.ceil(text.length / 2)));
        return disk.through(call('write', path, tear), () => appendFile.apply(file, given));
      },
      datasync: () => disk.through(call('flush', path), () => datasync.call(file)),
    });
  };
  const failing = {
    mkdir: (...given: Parameters<typeof mkdir>) =>
      isBelow(given[0]) ? disk.through(call('mkdir', given[0]), () => mkdir(...given)) : mkdir(...given),
    async open(...given: Parameters<typeof open>) {
      const [path] = given;
      if (!isBelow(path)) return open(...given);
      let opened: FileHandle | undefined;
      try {
        const file = await disk.through(call('open', path), async () => {
          opened = await open(...given);
          return opened;
        });
        return wrap(path, file);
      } catch (error) {
        // One that was opened, and is said not to be, is nobody's to close.
        await opened?.close();
        throw error;
      }
    },
    writeFile(...given: Parameters<typeof writeFile>) {
      const [path, data, options] = given;
      if (!isBelow(path)) return writeFile(...given);
      const text = String(data);
      const tear = () => writeFile(path, text.slice(0, Math.ceil(text.length / 2)), options);
      return disk.through(call('write', path, tear), () => writeFile(...given));
    },
  };
  Object.assign(fs, failing);
  syncBuiltinESMExports();
  return () => {
    Object.assign(fs, { mkdir, open, writeFile });
    syncBuiltinESMExports();
  };
}
