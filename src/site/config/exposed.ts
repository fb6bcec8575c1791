/** Files of a site with secrets in them that somebody else on this machine can read. */
import { stat } from 'node:fs/promises';

/** A file that was read. */
export interface ReadFile {
  readonly path: string;
  readonly text: string;
  /** whom its mode must not let in: group and others, or others only where a group is there on purpose */
  readonly mask: 0o077 | 0o007;
}

/** A key that holds a password or a secret, or a URL with a password in it. */
const HOLDS_SECRET = /(?:password|secret)["']?\s*[:=]\s*\S|:\/\/[^\s/@:]*:[^\s@]+@/i;

/** @returns their paths; a file whose mode cannot be asked counts as well kept */
export async function findExposed(files: readonly ReadFile[]): Promise<readonly string[]> {
  const exposed = await Promise.all(
    files.map(async ({ path, text, mask }) => {
      if (!HOLDS_SECRET.test(text)) return [];
      const mode = await stat(path).then(
        (found) => found.mode,
        () => 0,
      );
      return (mode & mask) === 0 ? [] : [path];
    }),
  );
  return exposed.flat();
}
