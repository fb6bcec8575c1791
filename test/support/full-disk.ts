/** A disk that takes the beginning of a file and no more. */
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { onTestFinished } from 'vitest';

/** Of files whose path is like this only the first bytes are written. @returns makes room again */
export function tearFiles(like: RegExp): () => void {
  const { writeFile } = fs;
  fs.writeFile = async (...given) => {
    const [path, data, options] = given;
    if (!like.test(String(path))) return writeFile(...given);
    await writeFile(path, String(data).slice(0, 10), options);
    throw new Error('ENOSPC: no space left on device, write');
  };
  syncBuiltinESMExports();
  const makeRoom = () => {
    fs.writeFile = writeFile;
    syncBuiltinESMExports();
  };
  onTestFinished(makeRoom);
  return makeRoom;
}
