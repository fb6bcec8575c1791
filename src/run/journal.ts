/**
 * What a run was about to do, did, and saved first: one folder per run, for its owner's eyes only.
 *
 *     <run>/plan.json       the plan, exactly
 *     <run>/before.jsonl    before-images, flushed to disk before the intent of their step
 *     <run>/journal.jsonl   intent before, result after each act, each flushed before the run goes on
 */
import { type FileHandle, mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ActError, hasCode, messageOf } from '../plan/errors.ts';
import type { Plan } from '../plan/types.ts';

export type Outcome = 'done' | 'already' | 'refused' | 'failed' | 'unknown' | 'not-run';

/** What a run has to do with an earlier one, each by the name of its folder. */
export interface RunLinks {
  /** the run that this one goes on with */
  readonly continues?: string;
  /** the run that this one takes back */
  readonly undoes?: string;
}

/** `open`: all that could be done is done, and what is left waits for its host. */
export type End = 'complete' | 'incomplete' | 'interrupted' | 'open';

export type JournalEntry =
  | ({
      readonly event: 'begin';
      readonly digest: string;
      readonly host: string;
      readonly user: string;
      readonly pid: number;
    } & RunLinks)
  | { readonly event: 'intent'; readonly step: string }
  | {
      readonly event: 'result';
      readonly step: string;
      readonly outcome: Outcome;
      readonly detail: string | null;
    }
  | {
      readonly event: 'end';
      readonly outcome: End;
      /** of an open run: the places that wait, `host cmp-3` */
      readonly waits?: readonly string[];
    };

export interface SavedImage {
  readonly step: string;
  readonly of: unknown;
  readonly image: unknown;
}

/** Runs of one process on one server in one second; more is no use but a fault. */
const MOST_RUNS = 100;

export interface Journal {
  readonly folder: string;
  /** @throws ActError when the disk does not take it: then nothing may be done that it would have told of */
  write(entries: readonly JournalEntry[]): Promise<void>;
  save(images: readonly SavedImage[]): Promise<void>;
  close(): Promise<void>;
}

/** A folder that nobody has: two runs of one process on one server may begin in the same second. */
async function makeFolder(runsDir: string, name: string): Promise<string> {
  await mkdir(runsDir, { recursive: true, mode: 0o700 });
  for (let n = 1; ; n++) {
    const folder = join(runsDir, n === 1 ? name : `${name}-${n}`);
    try {
      await mkdir(folder, { mode: 0o700 });
      return folder;
    } catch (error) {
      if (!hasCode(error, 'EEXIST') || n === MOST_RUNS) throw error;
    }
  }
}

/** Opens a new run below `runsDir`. The folder's name sorts by time and names the server. */
export async function openJournal(runsDir: string, plan: Plan, now: Date): Promise<Journal> {
  const stamp = now.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const name = `${stamp}-${plan.server.uuid}-${process.pid}`;
  let folder = join(runsDir, name);
  try {
    folder = await makeFolder(runsDir, name);
    await writeFile(join(folder, 'plan.json'), `${JSON.stringify(plan, null, 2)}\n`, {
      mode: 0o600,
      flag: 'wx',
      flush: true,
    });
    const [journal, before] = await Promise.all([
      open(join(folder, 'journal.jsonl'), 'ax', 0o600).then(openLines),
      open(join(folder, 'before.jsonl'), 'ax', 0o600).then(openLines),
    ]);
    return {
      folder,
      write: (entries) =>
        journal.append(entries.map((entry) => ({ at: new Date().toISOString(), ...entry }))),
      save: (images) => before.append(images),
      async close() {
        await Promise.all([journal.close(), before.close()]);
      },
    };
  } catch (error) {
    throw journalFailure(error);
  }
}

/** A file of lines. Steps end side by side: their lines are written one after the other, each flushed before its writer goes on. */
function openLines(file: FileHandle): {
  append(lines: readonly object[]): Promise<void>;
  close(): Promise<void>;
} {
  let last: Promise<void> = Promise.resolve();
  return {
    append(lines) {
      if (lines.length === 0) return Promise.resolve();
      const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
      // After a write that failed nobody knows where the file ends: every later one fails with it.
      last = last.then(() => appendFlushed(file, text));
      return last;
    },
    close: () => file.close(),
  };
}

async function appendFlushed(file: FileHandle, text: string): Promise<void> {
  try {
    await file.appendFile(text);
    await file.datasync();
  } catch (error) {
    throw journalFailure(error);
  }
}

function journalFailure(error: unknown): ActError {
  return recordFailure('the journal cannot be written', error);
}

/** The folder of runs does not take what has to be in it. */
export function recordFailure(what: string, error: unknown): ActError {
  return new ActError(`${what}: ${messageOf(error)}`, {
    code: 'journal-unwritable',
    hint: 'nothing more is done without it; runs_dir in the site file says where it goes',
  });
}
