import { plain } from './plain.ts';

/** Word for word means whole. */
export const WHOLE = 100_000;

/** One word of a command as it can be pasted into a shell. */
export function shellWord(word: string): string {
  const shown = plain(word, WHOLE);
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
}
