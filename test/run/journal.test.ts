import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ActError } from '../../src/plan/errors.ts';
import { openJournal } from '../../src/run/journal.ts';
import { plan, SERVER, step } from '../support/plans.ts';
import { tempFolder } from '../support/temp.ts';

const NOW = new Date('2026-11-22T10:00:00.123Z');
const mode = (path: string) => statSync(path).mode & 0o777;
const lines = (path: string) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

describe('a run on disk', () => {
  test('its folder sorts by time, names the server, and is for its owner only', async () => {
    const runs = join(tempFolder(), 'state', 'runs');
    const journal = await openJournal(runs, plan({ steps: [step('a')] }), NOW);
    await journal.close();
    expect(journal.folder).toBe(join(runs, `20261122T100000Z-${SERVER}-${process.pid}`));
    expect([mode(runs), mode(journal.folder)]).toEqual([0o700, 0o700]);
    const files = readdirSync(journal.folder).sort();
    expect(files).toEqual(['before.jsonl', 'journal.jsonl', 'plan.json']);
    for (const file of files) expect(mode(join(journal.folder, file))).toBe(0o600);
  });

  test('the plan is there exactly, and what is written is there at once', async () => {
    const what = plan({ steps: [step('a')] });
    const journal = await openJournal(tempFolder(), what, NOW);
    await journal.save([{ step: 'a', of: 'row', image: [{ id: 1, blob: { base64: 'AAE=' } }] }]);
    await journal.write([{ event: 'intent', step: 'a' }]);
    await journal.write([{ event: 'result', step: 'a', outcome: 'done', detail: 'two\nlines' }]);
    expect(JSON.parse(readFileSync(join(journal.folder, 'plan.json'), 'utf8'))).toEqual(what);
    expect(lines(join(journal.folder, 'before.jsonl'))).toEqual([
      { step: 'a', of: 'row', image: [{ id: 1, blob: { base64: 'AAE=' } }] },
    ]);
    expect(lines(join(journal.folder, 'journal.jsonl'))).toMatchObject([
      { event: 'intent', step: 'a', at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) },
      { event: 'result', outcome: 'done', detail: 'two\nlines' },
    ]);
    await journal.close();
  });

  test('nothing to write writes nothing', async () => {
    const journal = await openJournal(tempFolder(), plan(), NOW);
    await journal.write([]);
    await journal.save([]);
    expect(readFileSync(join(journal.folder, 'journal.jsonl'), 'utf8')).toBe('');
    await journal.close();
  });
});

describe('a journal that cannot be written is an error with a hint', () => {
  const UNWRITABLE = expect.objectContaining({
    code: 'journal-unwritable',
    hint: expect.stringContaining('runs_dir'),
  });

  test('a file where the folder should be', async () => {
    const file = join(tempFolder(), 'file');
    writeFileSync(file, '');
    await expect(openJournal(file, plan(), NOW)).rejects.toEqual(UNWRITABLE);
  });

  test('a run is never written over: another of the same process and second has a folder of its own', async () => {
    const runs = join(tempFolder(), 'runs');
    const folders: string[] = [];
    for (let n = 0; n < 3; n++) {
      const journal = await openJournal(runs, plan(), NOW);
      folders.push(journal.folder);
      await journal.close();
    }
    expect(new Set(folders).size).toBe(3);
    expect([...folders].sort()).toEqual(folders);
  });

  test('a disk that takes no more', async () => {
    const journal = await openJournal(tempFolder(), plan(), NOW);
    await journal.close();
    await expect(journal.write([{ event: 'intent', step: 'a' }])).rejects.toThrow(ActError);
    await expect(journal.save([{ step: 'a', of: 1, image: 2 }])).rejects.toEqual(UNWRITABLE);
  });
});
