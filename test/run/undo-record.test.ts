import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Plan } from '../../src/plan/types.ts';
import { type JournalEntry, openJournal } from '../../src/run/journal.ts';
import { readRun } from '../../src/run/read-run.ts';
import { gone, plan, step } from '../support/plans.ts';
import { tempFolder } from '../support/temp.ts';

const saves = step('b', { before: [{ door: 'cache', server: 'm:11211', key: 'b' }] });
const PLAN = plan({ steps: [step('a'), saves, step('c', { settled: gone('c') })] });
const SAVED = { step: 'b', of: saves.before[0], image: 'value' };

const begin = (of: Plan): JournalEntry => ({
  event: 'begin',
  digest: of.digest,
  host: 'h',
  user: 'u',
  pid: 1,
});
const intent = (id: string): JournalEntry => ({ event: 'intent', step: id });
const result = (id: string, outcome: 'done' | 'unknown' | 'failed' | 'not-run'): JournalEntry => ({
  event: 'result',
  step: id,
  outcome,
  detail: null,
});
const END: JournalEntry = { event: 'end', outcome: 'complete' };

async function record(
  entries: readonly JournalEntry[],
  images: readonly object[] = [SAVED],
): Promise<string> {
  const journal = await openJournal(tempFolder(), PLAN, new Date());
  await journal.save(images as never);
  await journal.write(entries);
  await journal.close();
  return journal.folder;
}

describe('a record read back', () => {
  test('what went through the gate, with what it saved first, and how it ended', async () => {
    const folder = await record([
      begin(PLAN),
      intent('a'),
      result('a', 'done'),
      intent('b'),
      result('b', 'done'),
      END,
    ]);
    const run = await readRun(folder);
    expect(run).toMatchObject({ folder, plan: PLAN, end: 'complete', begunAt: expect.stringMatching(/^20/) });
    expect(run.acted).toEqual([
      { step: PLAN.steps[0], known: 'done', images: [] },
      { step: PLAN.steps[1], known: 'done', images: [{ of: SAVED.of, image: 'value' }] },
    ]);
  });
  test('a result that is not known has to be looked at', async () => {
    const folder = await record([
      begin(PLAN),
      intent('a'),
      result('a', 'unknown'),
      intent('b'),
      intent('c'),
      result('c', 'failed'),
    ]);
    const run = await readRun(folder);
    expect(run.end).toBeNull();
    expect(run.acted.map(({ known }) => known)).toEqual(['perhaps', 'perhaps', 'perhaps']);
  });
  test('what was announced and then not begun did nothing', async () => {
    const folder = await record([begin(PLAN), intent('a'), result('a', 'not-run'), END]);
    expect((await readRun(folder)).acted).toEqual([]);
  });
  test('a run that ended before its first step', async () => {
    expect(await readRun(await record([], []))).toMatchObject({ acted: [], begunAt: null, end: null });
  });
  test('a last line that was cut counts as not written', async () => {
    const folder = await record([begin(PLAN), intent('a')]);
    appendFileSync(join(folder, 'journal.jsonl'), '{"event":"result","step":"a","outc');
    expect((await readRun(folder)).acted).toMatchObject([{ known: 'perhaps' }]);
  });
});

describe('no record', () => {
  const refused = async (folder: string) => readRun(folder).catch((error: unknown) => error);
  test('a folder without a run, and none at all', async () => {
    const folder = tempFolder();
    expect(await refused(folder)).toMatchObject({ code: 'run-unreadable', exitCode: 2 });
    expect(await refused(join(folder, 'nothing'))).toMatchObject({ code: 'run-unreadable' });
  });
  test('a plan in which a byte was changed', async () => {
    const folder = await record([begin(PLAN)]);
    const path = join(folder, 'plan.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('It is still there.', 'It is still here.'));
    expect(await refused(folder)).toMatchObject({ code: 'run-changed', exitCode: 2 });
  });
  test('a plan that is none', async () => {
    const folder = await record([begin(PLAN)]);
    writeFileSync(join(folder, 'plan.json'), '{}');
    expect(await refused(folder)).toMatchObject({ code: 'run-invalid' });
  });
  test('a journal of another plan', async () => {
    expect(await refused(await record([begin(plan({ site: 'other' }))]))).toMatchObject({
      code: 'run-changed',
    });
  });
  test('a journal that names a step that the plan does not have', async () => {
    expect(await refused(await record([begin(PLAN), intent('z')]))).toMatchObject({
      code: 'run-changed',
      message: expect.stringContaining('names the step z'),
    });
  });
  test('a journal that was emptied, beside what was saved', async () => {
    const folder = await record([begin(PLAN), intent('b'), result('b', 'done'), END]);
    writeFileSync(join(folder, 'journal.jsonl'), '');
    await expect(readRun(folder)).rejects.toMatchObject({ code: 'run-changed', exitCode: 2 });
  });
  test('a before-image that is missing', async () => {
    expect(await refused(await record([begin(PLAN), intent('b')], []))).toMatchObject({
      code: 'run-changed',
      message: expect.stringContaining('lacks something that step b saved'),
    });
  });
  test('a line in the middle that is damaged', async () => {
    const folder = await record([begin(PLAN)]);
    appendFileSync(join(folder, 'before.jsonl'), 'not JSON\n');
    expect(await refused(folder)).toMatchObject({ message: expect.stringContaining('before.jsonl: line 2') });
  });
  test('a record of which a file is gone', async () => {
    const folder = await record([begin(PLAN)]);
    rmSync(join(folder, 'journal.jsonl'));
    expect(await refused(folder)).toMatchObject({ message: expect.stringContaining('no journal.jsonl') });
    mkdirSync(join(folder, 'journal.jsonl'));
    expect(await refused(folder)).toMatchObject({ message: expect.stringContaining('EISDIR') });
  });
});

describe('what has to do with other runs', () => {
  test('the run that it goes on with, or takes back', async () => {
    const folder = await record([{ ...begin(PLAN), continues: 'earlier' } as JournalEntry]);
    expect(await readRun(folder)).toMatchObject({
      links: { continues: 'earlier' },
      by: { host: 'h', user: 'u', pid: 1 },
      end: null,
    });
  });
  test('an undo of the first version, which did not say so, is known by its steps', async () => {
    const undo = plan({ steps: [step('undo/a')] });
    const journal = await openJournal(tempFolder(), undo, new Date());
    await journal.write([begin(undo)]);
    await journal.close();
    expect((await readRun(journal.folder)).links).toEqual({ undoes: '' });
  });
  test('steps without a result', async () => {
    const folder = await record([
      begin(PLAN),
      intent('a'),
      result('a', 'done'),
      intent('b'),
      intent('c'),
      { event: 'end', outcome: 'open', waits: ['host cmp-1'] },
    ]);
    const run = await readRun(folder);
    expect(run.announced.map(({ id }) => id)).toEqual(['b', 'c']);
    expect(run.end).toBe('open');
  });
});
