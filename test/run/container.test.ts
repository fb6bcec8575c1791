/** In a container the machine tells less of itself, or what is true of another: no entry in passwd, the uptime of the container. */
import fs, { mkdirSync, writeFileSync } from 'node:fs';
import os, { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRun } from '../../src/run/read-run.ts';
import { standingOf } from '../../src/run/runs.ts';
import { whoAmI } from '../../src/run/who.ts';
import { putInPlace } from '../support/node-builtins.ts';
import { plan } from '../support/plans.ts';
import { tempFolder } from '../support/temp.ts';

/** lxcfs gives each container an uptime of its own, and leaves the ticks in /proc/<pid>/stat as they are. */
test('a run whose process lives is going on, although the container is younger than its machine', async () => {
  const runs = tempFolder();
  const of = plan();
  const folder = join(runs, 'a');
  const at = new Date().toISOString();
  const begin = { at, event: 'begin', digest: of.digest, host: hostname(), user: 'u', pid: process.pid };
  mkdirSync(folder);
  writeFileSync(join(folder, 'plan.json'), JSON.stringify(of));
  writeFileSync(join(folder, 'journal.jsonl'), `${JSON.stringify(begin)}\n`);
  writeFileSync(join(folder, 'before.jsonl'), '');
  const real = fs.readFileSync;
  const young = (...asked: Parameters<typeof real>) =>
    asked[0] === '/proc/uptime' ? '0.50 0.50\n' : real(...asked);
  putInPlace(fs, { readFileSync: young as typeof real });
  expect(await standingOf(runs, await readRun(folder))).toMatchObject({ state: 'running' });
});

test('who has no name there is told by the uid', () => {
  putInPlace(os, {
    userInfo: () => {
      throw new Error('uv_os_get_passwd returned ENOENT');
    },
  });
  expect(whoAmI()).toEqual({ user: `uid ${process.getuid?.()}`, host: hostname(), pid: process.pid });
});
