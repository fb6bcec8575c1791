import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { abandonRun, readAbandonment } from '../../src/run/abandon.ts';
import { tempFolder } from '../support/temp.ts';

const NOW = new Date('2026-11-22T03:00:00Z');
const says = { at: '2026-11-22T03:00:00.000Z', user: expect.any(String), host: hostname(), pid: process.pid };
const pathIn = (folder: string) => join(folder, 'abandoned.json');

test.each(['the host burnt', null])(
  'who gave it up, when and why (%s) is read back as it was written',
  async (why) => {
    const folder = tempFolder();
    expect(await abandonRun(folder, why, NOW)).toEqual({ ...says, why });
    expect(await readAbandonment(folder)).toEqual({ ...says, why });
    expect(JSON.parse(readFileSync(pathIn(folder), 'utf8'))).toEqual({ format: 1, ...says, why });
    expect(statSync(pathIn(folder)).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['abandoned.json']);
  },
);

test('a run that nobody gave up', async () => {
  expect(await readAbandonment(tempFolder())).toBeNull();
});

test.each([
  ['empty', ''],
  ['cut', '{"format":1,"at":"2026'],
  ['of another format', JSON.stringify({ format: 2, at: 'x', user: 'u', host: 'h', pid: 1, why: null })],
  ['without a reason or its lack', JSON.stringify({ format: 1, at: 'x', user: 'u', host: 'h', pid: 1 })],
])('a file that is %s is neither yes nor no', async (_, text) => {
  const folder = tempFolder();
  writeFileSync(pathIn(folder), text);
  await expect(readAbandonment(folder)).rejects.toMatchObject({
    code: 'run-changed',
    exitCode: 2,
    message: `${pathIn(folder)} is not what expunge writes`,
    hint: 'remove it, and the run is as it was before somebody gave it up',
  });
});

test('a file that cannot be read is neither, and one that cannot be written gives nothing up', async () => {
  const folder = tempFolder();
  mkdirSync(pathIn(folder));
  await expect(readAbandonment(folder)).rejects.toMatchObject({
    code: 'run-unreadable',
    exitCode: 2,
    message: expect.stringContaining(`${pathIn(folder)} cannot be read: EISDIR`),
  });
  await expect(abandonRun(folder, null, NOW)).rejects.toMatchObject({
    code: 'journal-unwritable',
    message: expect.stringContaining(`${pathIn(folder)} cannot be written: EISDIR`),
  });
  expect(statSync(pathIn(folder)).isDirectory()).toBe(true);
});
