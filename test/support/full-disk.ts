/** A disk that takes the beginning of something and no more. */
import fs from 'node:fs/promises';
import { putInPlace } from './node-builtins.ts';

const FULL = 'ENOSPC: no space left on device, write';

/** Of files whose path is like this only the first bytes are written. @returns makes room again */
export function tearFiles(like: RegExp): () => void {
  const { writeFile } = fs;
  return putInPlace(fs, {
    async writeFile(...given) {
      const [path, data, options] = given;
      if (!like.test(String(path))) return writeFile(...given);
      await writeFile(path, String(data).slice(0, 10), options);
      throw new Error(FULL);
    },
  });
}

/** From the first line on that is like this nothing is added to any file. @returns makes room again */
export function fillDisk(line: RegExp): () => void {
  const { open } = fs;
  let full = false;
  return putInPlace(fs, {
    async open(...given) {
      const file = await open(...given);
      const { appendFile } = file;
      return Object.assign(file, {
        appendFile: (...text: Parameters<typeof appendFile>) => {
          full ||= line.test(String(text[0]));
          if (full) return Promise.reject(new Error(FULL));
          return appendFile.apply(file, text);
        },
      });
    },
  });
}

/** Files can be made, and take nothing. */
export function leaveFilesEmpty(): void {
  const { open } = fs;
  putInPlace(fs, {
    async open(...given) {
      const file = await open(...given);
      return Object.assign(file, { writeFile: () => Promise.reject(new Error(FULL)) });
    },
  });
}
