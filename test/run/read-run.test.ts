/** A run's record, line by line: what each line says of a step, and which lines no run writes. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { digestPlan } from '../../src/plan/digest.ts';
import type { Plan } from '../../src/plan/types.ts';
import { type JournalEntry, type Outcome, openJournal } from '../../src/run/journal.ts';
import { readRun } from '../../src/run/read-run.ts';
import { plan, step } from '../support/plans.ts';
import { tempFolder } from '../support/temp.ts';

const image = (key: string) => ({ door: 'cache' as const, server: 'm:11211', key });
const two = step('two', { before: [image('x'), image('y')] });
const PLAN = plan({ steps: [step('one'), two] });
const saved = (key: string, id = 'two') => ({ step: id, of: image(key), image: key });

const intent = (id: string): JournalEntry => ({ event: 'intent', step: id });
const result = (id: string, outcome: Outcome): JournalEntry => ({
  event: 'result',
  step: id,
  outcome,
  detail: null,
});

async function record(
  entries: readonly JournalEntry[],
  {
    images = [],
    of = PLAN,
    links = {},
  }: { images?: readonly ReturnType<typeof saved>[]; of?: Plan; links?: object } = {},
): Promise<string> {
  const journal = await openJournal(tempFolder(), of, new Date());
  await journal.write([
    { event: 'begin', digest: of.digest, host: 'h', user: 'u', pid: 1, ...links },
    ...entries,
  ]);
  await journal.save(images);
  await journal.close();
  return journal.folder;
}

const lines = (folder: string) =>
  readFileSync(join(folder, 'journal.jsonl'), 'utf8').split('\n').slice(0, -1);
const write = (folder: string, name: string, all: readonly string[]) =>
  writeFileSync(join(folder, name), all.map((line) => `${line}\n`).join(''));

describe('of a step is known', () => {
  const cases: readonly (readonly [string, readonly JournalEntry[], 'done' | 'perhaps' | null, boolean])[] = [
    ['that it was done', [intent('one'), result('one', 'done')], 'done', false],
    ['nothing, when it was announced and no more', [intent('one')], 'perhaps', true],
    ['nothing, when its act failed', [intent('one'), result('one', 'failed')], 'perhaps', false],
    [
      'nothing, when nobody could look afterwards',
      [intent('one'), result('one', 'unknown')],
      'perhaps',
      false,
    ],
    [
      'that it did nothing, when it was refused in its turn',
      [intent('one'), result('one', 'refused')],
      null,
      false,
    ],
    [
      'that it did nothing, when others had done it until its turn',
      [intent('one'), result('one', 'already')],
      null,
      false,
    ],
    [
      'that it did nothing, when it was not run after it was announced',
      [intent('one'), result('one', 'not-run')],
      null,
      false,
    ],
    ['that it did nothing, when it was refused', [result('one', 'refused')], null, false],
    ['that it did nothing, when others had done it', [result('one', 'already')], null, false],
    ['that it did nothing, when only its result stands there', [result('one', 'done')], null, false],
    [
      'what its last result says',
      [intent('one'), result('one', 'unknown'), result('one', 'done')],
      'done',
      false,
    ],
  ];
  test.each(cases)('%s', async (_, entries, known, announced) => {
    const run = await readRun(await record(entries));
    expect(run.acted).toEqual(known === null ? [] : [{ step: PLAN.steps[0], known, images: [] }]);
    expect(run.announced).toEqual(announced ? [PLAN.steps[0]] : []);
  });
});

test('of each step its own lines tell, and of the end only a line of an end', async () => {
  const of = plan({ steps: [step('one'), step('three'), step('four')] });
  const entries = [
    intent('one'),
    intent('three'),
    result('one', 'done'),
    intent('four'),
    result('four', 'done'),
  ];
  const run = await readRun(await record(entries, { of }));
  expect(run.acted.map(({ step: { id }, known }) => [id, known])).toEqual([
    ['one', 'done'],
    ['three', 'perhaps'],
    ['four', 'done'],
  ]);
  expect(run.announced.map(({ id }) => id)).toEqual(['three']);
  expect(run.end).toBeNull();
});

describe('what was saved', () => {
  test('is each step’s own, and all that it was to save', async () => {
    const three = step('three', { before: [image('z')] });
    const images = [saved('z', 'three'), saved('x'), saved('y')];
    const of = plan({ steps: [two, three] });
    const { acted } = await readRun(await record([intent('two'), intent('three')], { of, images }));
    expect(acted.map((one) => one.images.map(({ image: value }) => value))).toEqual([['x', 'y'], ['z']]);
  });
  test('is not whole when one of two is missing', async () => {
    const folder = await record([intent('two')], { images: [saved('x')] });
    await expect(readRun(folder)).rejects.toMatchObject({
      code: 'run-changed',
      message: expect.stringContaining('lacks something that step two saved'),
    });
  });
  test('of a step that did nothing is not asked for', async () => {
    expect(await readRun(await record([intent('two'), result('two', 'not-run')]))).toMatchObject({
      acted: [],
    });
  });
  test('of a step that the plan does not have was saved by another run', async () => {
    await expect(readRun(await record([], { images: [saved('x', 'z')] }))).rejects.toMatchObject({
      code: 'run-changed',
      message: expect.stringContaining('names the step z'),
    });
  });
});

describe('a run', () => {
  test('ended as its last end says', async () => {
    const end = (outcome: 'interrupted' | 'complete'): JournalEntry => ({ event: 'end', outcome });
    expect(await readRun(await record([end('interrupted'), end('complete')]))).toMatchObject({
      end: 'complete',
    });
  });
  test.each([
    ['nothing', { links: {} }, {}],
    ['the run that it goes on with', { links: { continues: 'a' } }, { continues: 'a' }],
    [
      'the run that it takes back, whatever its steps are called',
      { links: { undoes: 'a' } },
      { undoes: 'a' },
    ],
    ['both', { links: { continues: 'a', undoes: 'b' } }, { continues: 'a', undoes: 'b' }],
    ['an undo, by its steps', { of: plan({ steps: [step('undo/a')] }) }, { undoes: '' }],
    ['no undo, by a step that only has the word in it', { of: plan({ steps: [step('files/undo/a')] }) }, {}],
  ])('is linked to %s', async (_, options, links) => {
    expect((await readRun(await record([], options))).links).toEqual(links);
  });
  test('that was given up says by whom', async () => {
    const folder = await record([]);
    expect((await readRun(folder)).abandoned).toBeNull();
    const says = { at: '2026-11-22T03:00:00.000Z', user: 'u', host: 'h', pid: 1, why: 'x' };
    writeFileSync(join(folder, 'abandoned.json'), JSON.stringify({ format: 1, ...says }));
    expect((await readRun(folder)).abandoned).toEqual(says);
    writeFileSync(join(folder, 'abandoned.json'), '');
    await expect(readRun(folder)).rejects.toMatchObject({ code: 'run-changed' });
  });
});

describe('no run writes', () => {
  test.each([
    ['an empty line', ''],
    ['an event that this version does not know', '{"event":"paused"}'],
    ['an outcome that this version does not know', '{"event":"result","step":"one","outcome":"half"}'],
  ])('%s: which line it is, is said', async (_, line) => {
    const folder = await record([intent('one')]);
    write(folder, 'journal.jsonl', [...lines(folder), line]);
    await expect(readRun(folder)).rejects.toMatchObject({
      code: 'run-changed',
      message: `${join(folder, 'journal.jsonl')}: line 3 is not what a run writes`,
    });
  });
  test('what was saved without saying what it was', async () => {
    const folder = await record([intent('one')], { images: [saved('x')] });
    const [line = ''] = readFileSync(join(folder, 'before.jsonl'), 'utf8').split('\n');
    const { image: _, ...rest } = JSON.parse(line);
    writeFileSync(join(folder, 'before.jsonl'), `${JSON.stringify(rest)}\n`);
    await expect(readRun(folder)).rejects.toMatchObject({
      code: 'run-changed',
      message: `${join(folder, 'before.jsonl')}: line 1 is not what a run writes`,
    });
  });
  test('a journal without its beginning; when nothing else is in it, and nothing saved, the run never began', async () => {
    const folder = await record([intent('one')], { images: [saved('x')] });
    write(folder, 'journal.jsonl', lines(folder).slice(1));
    await expect(readRun(folder)).rejects.toMatchObject({
      code: 'run-changed',
      message: expect.stringContaining('no beginning'),
    });
    write(folder, 'before.jsonl', []);
    await expect(readRun(folder)).rejects.toMatchObject({ code: 'run-changed' });
    write(folder, 'journal.jsonl', []);
    expect(await readRun(folder)).toMatchObject({ begunAt: null, by: null, end: null, acted: [] });
  });
  test('but what was cut off in the middle of its last line it did not get to write', async () => {
    const folder = await record([intent('one')]);
    appendFileSync(join(folder, 'journal.jsonl'), JSON.stringify(result('one', 'done')));
    expect((await readRun(folder)).acted).toMatchObject([{ known: 'perhaps' }]);
  });
});

describe('a plan', () => {
  const replaced = async (change: (of: Record<string, unknown>) => object | string) => {
    const folder = await record([]);
    const path = join(folder, 'plan.json');
    const text = change(JSON.parse(readFileSync(path, 'utf8')));
    writeFileSync(path, typeof text === 'string' ? text : JSON.stringify(text));
    return readRun(folder).catch((error: unknown) => error);
  };
  test('in another format is refused by its version', async () => {
    expect(await replaced((of) => ({ ...of, format: 2, tool: '9.0.0' }))).toMatchObject({
      code: 'format-unknown',
      hint: 'use expunge 9.0.0 for it',
    });
  });
  test('that is not understood says which version made it, if it does', async () => {
    expect(await replaced((of) => ({ ...of, steps: 'none', tool: '9.0.0' }))).toMatchObject({
      code: 'run-invalid',
      message: expect.stringMatching(/understands; it is of expunge 9\.0\.0$/),
      hint: 'a run is gone on with, and taken back, by expunge 9.0.0',
    });
    const damaged = await replaced(() => '{"format":');
    expect(damaged).toMatchObject({
      code: 'run-invalid',
      message: expect.stringMatching(/plan\.json is not a plan that .* understands$/),
    });
    expect(damaged).toHaveProperty('hint', undefined);
  });
  test('that was changed since it was made', async () => {
    expect(await replaced((of) => ({ ...of, site: 'other' }))).toMatchObject({
      code: 'run-changed',
      message: expect.stringMatching(/plan\.json was changed since it was made/),
    });
  });
  test('for which the journal was not begun', async () => {
    const answer = await replaced(({ digest: _, ...of }) => {
      const other = { ...of, tool: '9.0.0' };
      return { ...other, digest: digestPlan(other as Omit<Plan, 'digest'>) };
    });
    expect(answer).toMatchObject({
      code: 'run-changed',
      message: expect.stringContaining('begun for another plan'),
    });
  });
  test('is no file in a folder, or cannot be read: there is no run', async () => {
    const folder = tempFolder();
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const unreadable = async (path: string, why: string) =>
      expect(readRun(path)).rejects.toMatchObject({
        code: 'run-unreadable',
        message: expect.stringContaining(why),
      });
    await unreadable(file, `${file} is not the folder of a run: it has no plan.json`);
    await unreadable(folder, `${folder} is not the folder of a run: it has no plan.json`);
    mkdirSync(join(folder, 'plan.json'));
    await unreadable(folder, `${join(folder, 'plan.json')} cannot be read: EISDIR`);
  });
});
