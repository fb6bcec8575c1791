import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { replaceFile } from '../../src/run/replace-file.ts';
import { tempFolder } from '../support/temp.ts';

test('a file is made for its owner only, and nothing is left beside it', async () => {
  const folder = tempFolder();
  await replaceFile(join(folder, 'a'), 'new');
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('new');
  expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['a']);
});

test('whoever reads the old one goes on reading it whole', async () => {
  const path = join(tempFolder(), 'a');
  writeFileSync(path, 'the old one', { mode: 0o644 });
  const reader = openSync(path, 'r');
  await replaceFile(path, 'new');
  expect(readFileSync(reader, 'utf8')).toBe('the old one');
  closeSync(reader);
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('what cannot be replaced stays, that is said, and nothing is left beside it', async () => {
  const folder = tempFolder();
  const path = join(folder, 'a');
  mkdirSync(path);
  await expect(replaceFile(path, 'new')).rejects.toThrow(/EISDIR/);
  expect(statSync(path).isDirectory()).toBe(true);
  expect(readdirSync(folder)).toEqual(['a']);
});

test('a draft that can be neither written nor removed is told by the first of both', async () => {
  const folder = tempFolder();
  mkdirSync(join(folder, `a.${process.pid}`));
  await expect(replaceFile(join(folder, 'a'), 'new')).rejects.toThrow(/EISDIR.*open/);
});
