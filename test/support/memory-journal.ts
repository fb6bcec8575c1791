/** A journal in memory that tells the order of things, and may fail. */
import type { Journal, JournalEntry } from '../../src/run/journal.ts';

export interface MemoryJournal extends Journal {
  readonly entries: JournalEntry[];
  readonly images: unknown[];
}

/** @param log gets `intent a`, `saved a`, `result a done`, each when it is on disk */
export function memoryJournal(
  log: string[] = [],
  fail: (entry: JournalEntry | 'image') => Error | null = () => null,
): MemoryJournal {
  const entries: JournalEntry[] = [];
  const images: unknown[] = [];
  const check = (entry: JournalEntry | 'image') => {
    const error = fail(entry);
    if (error !== null) throw error;
  };
  return {
    folder: '/nowhere',
    entries,
    images,
    async write(more) {
      for (const entry of more) check(entry);
      // As a disk does: it takes a while until the lines are there.
      await new Promise(setImmediate);
      entries.push(...more);
      for (const entry of more) {
        if (entry.event === 'intent') log.push(`intent ${entry.step}`);
        if (entry.event === 'result') log.push(`result ${entry.step} ${entry.outcome}`);
      }
    },
    async save(more) {
      if (more.length > 0) check('image');
      await new Promise(setImmediate);
      images.push(...more);
      for (const { step } of more) log.push(`saved ${step}`);
    },
    async close() {},
  };
}
