/** A record that takes nothing more in the middle of a run: what was done is told all the same, and how to go on. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fillDisk } from '../support/full-disk.ts';
import { type Ended, type SimulatedCloud, simulateCloud, stuckCloud } from '../support/simulated-cloud.ts';

/** Its process is this one, which lives on. */
function endProcess(journal: string): void {
  const dead = spawnSync('true').pid;
  writeFileSync(journal, readFileSync(journal, 'utf8').replace(/"pid":\d+/, `"pid":${dead}`));
}

async function purgeUntilFull(
  cloud: SimulatedCloud,
  line: RegExp,
  ...options: readonly string[]
): Promise<Ended> {
  const makeRoom = fillDisk(line);
  const ended = await cloud.expunge(['purge', 'web', '--yes', ...options]);
  makeRoom();
  expect(ended.exit, ended.out + ended.err).toBe(1);
  expect(ended.err).toContain('expunge: the journal cannot be written: ENOSPC');
  return ended;
}

const UNDEFINED = /"result".*"domain\/[^"]*undefine"/;

describe('the disk is full in the middle of a purge', () => {
  test('where the record is, what is left, and how to go on is said', async () => {
    const cloud = await stuckCloud();
    const { out } = await purgeUntilFull(cloud, UNDEFINED);
    const [run = ''] = readdirSync(cloud.runs);
    expect(out).toMatch(/UNKNOWN +host cmp-1: undefine domain/);
    expect(out).toMatch(/^\d+ done, 1 UNKNOWN \(step \d+\), \d+ not run/m);
    expect(out).toContain(`Record of this run: ${cloud.runs}/${run}`);
    expect(out).toContain('live row in instances');
    expect(out).not.toContain('domain instance-00000001, running');
    expect(out.trimEnd().split('\n').at(-1)).toBe(`Next: expunge resume ${run} --site ${cloud.site}`);
    endProcess(join(cloud.runs, run, 'journal.jsonl'));
    const resumed = await cloud.expunge(['resume', run, '--yes']);
    expect(resumed, resumed.out + resumed.err).toMatchObject({ exit: 0, err: '' });
  });

  test('to a program: the results and the error in one document', async () => {
    const cloud = await stuckCloud();
    const { out } = await purgeUntilFull(cloud, UNDEFINED, '--format', 'json');
    const [run = ''] = readdirSync(cloud.runs);
    const told = JSON.parse(out) as { servers: { results: { outcome: string }[] }[] };
    expect(told).toMatchObject({
      exitCode: 1,
      error: { code: 'journal-unwritable', hint: expect.stringContaining('runs_dir') },
      servers: [{ run: expect.stringContaining(run), verified: { clean: false } }],
    });
    const outcomes = told.servers[0]?.results.map(({ outcome }) => outcome);
    expect(new Set(outcomes)).toEqual(new Set(['done', 'unknown', 'not-run']));
  });

  test('a step that could not be announced did not begin', async () => {
    const cloud = await stuckCloud();
    const { out } = await purgeUntilFull(cloud, /"intent".*"rows\//);
    expect(out).toMatch(/^\d+ done, 1 not run \(step 14\)$/m);
  });

  test('before anything was done: only the error', async () => {
    const cloud = await stuckCloud();
    const { out } = await purgeUntilFull(cloud, /"begin"/);
    expect(out).not.toContain('Record of this run');
  });
});

test('of several servers the next is not begun', async () => {
  const cloud = await simulateCloud({
    hosts: { 'cmp-1': 'dead' },
    servers: ['web', 'mail'].map((name) => ({ name, state: 'deleting-forever' as const, host: 'cmp-1' })),
  });
  fillDisk(UNDEFINED);
  const { exit, out } = await cloud.expunge(['purge', 'web', 'mail', '--yes', '--format', 'json']);
  expect(exit).toBe(1);
  expect((JSON.parse(out) as { servers: object[] }).servers).toHaveLength(1);
});
