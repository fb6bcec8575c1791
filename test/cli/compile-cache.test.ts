/** What Node makes of the program is kept where nobody else can put something in its place: it is run, by root as a rule. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { builtProgram } from '../support/program.ts';

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'compile-cache-'));
});

function help(env: Readonly<Record<string, string>> = {}): void {
  const ended = spawnSync(process.execPath, [builtProgram(), '--help'], {
    env: { HOME: home, TMPDIR: home, ...env },
    encoding: 'utf8',
  });
  expect(ended).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining('Exit codes:') });
}

test.each([
  ['in the home', () => ({}), '.cache/expunge'],
  ['where XDG says', () => ({ XDG_CACHE_HOME: join(home, 'elsewhere') }), 'elsewhere/expunge'],
  ['in the home, when XDG says a relative path', () => ({ XDG_CACHE_HOME: 'here' }), '.cache/expunge'],
])('it is %s, for this user alone', (_, env, path) => {
  help(env());
  const folder = join(home, path);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(readdirSync(folder)).not.toEqual([]);
  expect(readdirSync(home)).toHaveLength(1);
});

test.each([0o720, 0o702])('a folder that others may write to (%o) is left alone', (mode) => {
  const folder = join(home, '.cache/expunge');
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, mode);
  help();
  expect(readdirSync(folder)).toEqual([]);
});

test('where there can be none, everything else goes on', () => {
  writeFileSync(join(home, '.cache'), 'a file in the place of the folder');
  help();
});

test('there is none for whoever has Node keep nothing', () => {
  help({ NODE_DISABLE_COMPILE_CACHE: '1' });
  expect(existsSync(join(home, '.cache'))).toBe(false);
});
