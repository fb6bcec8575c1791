/** The program as a process: what only its entry can get wrong. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { expect, test } from 'vitest';
import { builtProgram } from '../support/program.ts';

test('output that a full disk does not take is not a success', () => {
  const full = openSync('/dev/full', 'w');
  try {
    const ended = spawnSync(process.execPath, [builtProgram(), '--version'], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    expect(ended.status).toBe(1);
    expect(ended.stderr).toMatch(/^expunge: the output cannot be written: ENOSPC/);
  } finally {
    closeSync(full);
  }
});

test('a reader that has gone away is no error', () => {
  const ended = spawnSync('sh', ['-c', `"$0" "$1" --help | head -1`, process.execPath, builtProgram()], {
    encoding: 'utf8',
  });
  expect(ended).toMatchObject({ status: 0, stdout: 'Usage: expunge [options] [command]\n', stderr: '' });
});
