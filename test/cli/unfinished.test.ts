/** A run that is not over: what it keeps from beginning, and giving it up. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Plan } from '../../src/plan/types.ts';
import { type End, type JournalEntry, openJournal } from '../../src/run/journal.ts';
import type { Wires } from '../../src/site/wires.ts';
import { type SimulatedCloud, simulateCloud, stuckCloud } from '../support/simulated-cloud.ts';

const dead = spawnSync('true').pid;

interface Recorded {
  readonly end?: End;
  readonly pid?: number;
  readonly host?: string;
}

/** The record of a run that did none of its steps. @returns its name */
async function record(cloud: SimulatedCloud, plan: Plan, recorded: Recorded = {}): Promise<string> {
  const { end, pid = dead, host = hostname() } = recorded;
  const journal = await openJournal(cloud.runs, plan, new Date());
  const begin: JournalEntry = { event: 'begin', digest: plan.digest, host, user: 'u', pid };
  await journal.write([begin, ...(end === undefined ? [] : [{ event: 'end' as const, outcome: end }])]);
  await journal.close();
  return basename(journal.folder);
}

describe('purge and apply are refused by its name, with both ways on', () => {
  const cases: readonly (readonly [string, Recorded, RegExp])[] = [
    ['cut', {}, /cut: its process ended without a word/],
    ['asked to stop', { end: 'interrupted' }, /interrupted: it was asked to stop/],
    ['waits for a host', { end: 'open' }, /open: waits for/],
  ];
  test.each(cases)('%s', async (_, recorded, says) => {
    const cloud = await stuckCloud();
    const file = join(cloud.runs, '../../plan.json');
    await cloud.expunge(['plan', 'web', '-o', file]);
    const run = await record(cloud, await cloud.plan('web'), recorded);
    for (const argv of [
      ['purge', 'web', '--yes'],
      ['apply', file, '--yes'],
    ]) {
      const ended = await cloud.expunge(argv);
      expect(ended).toMatchObject({ exit: 3, out: '' });
      expect(ended.err).toMatch(says);
      expect(ended.err).toContain(`go on with it: expunge resume ${run} --site ${cloud.site}`);
      expect(ended.err).toContain(`or give it up: expunge abandon ${run} --site ${cloud.site}`);
    }
    expect(readdirSync(cloud.runs)).toEqual([run]);
  });

  test('for programs it has a code', async () => {
    const cloud = await stuckCloud();
    await record(cloud, await cloud.plan('web'));
    const { out } = await cloud.expunge(['purge', 'web', '--yes', '--format', 'json']);
    expect(JSON.parse(out)).toMatchObject({ exitCode: 3, error: { code: 'run-unfinished' } });
  });

  test('without an end, and begun on another machine', async () => {
    const cloud = await stuckCloud();
    const run = await record(cloud, await cloud.plan('web'), { host: 'ctl-9' });
    const ended = await cloud.expunge(['purge', 'web', '--yes']);
    expect(ended.exit).toBe(3);
    expect(ended.err).toContain('resume it on ctl-9; or make sure that it has ended there, and give it up');
    expect((await cloud.expunge(['abandon', run])).out).toContain('can only be seen on ctl-9');
    expect(await cloud.expunge(['purge', 'web', '--yes'])).toMatchObject({ exit: 0 });
  });

  test('still going, by a version that took no lock', async () => {
    const cloud = await stuckCloud();
    await record(cloud, await cloud.plan('web'), { pid: process.pid });
    const ended = await cloud.expunge(['purge', 'web', '--yes']);
    expect(ended.exit).toBe(3);
    expect(ended.err).toContain(`is not over: still going, as process ${process.pid}`);
  });

  test('of several servers: before the first is touched', async () => {
    const cloud = await simulateCloud({
      hosts: { 'cmp-1': 'dead' },
      servers: [
        { name: 'mail', state: 'deleting-forever', host: 'cmp-1' },
        { name: 'web', state: 'deleting-forever', host: 'cmp-1' },
      ],
    });
    const run = await record(cloud, await cloud.plan('web'));
    const ended = await cloud.expunge(['purge', 'mail', 'web', '--yes']);
    expect(ended.exit).toBe(3);
    expect(ended.err).toContain(run);
    expect(readdirSync(cloud.runs)).toEqual([run]);
  });
});

test('inspect, plan and verify offer what would not be refused', async () => {
  const cloud = await stuckCloud();
  const file = join(cloud.runs, '../../plan.json');
  const run = await record(cloud, await cloud.plan('web'));
  const next = [
    `Next: expunge resume ${run} --site ${cloud.site}`,
    `  or: expunge abandon ${run} --site ${cloud.site}`,
  ];
  for (const argv of [
    ['inspect', 'web'],
    ['plan', 'web'],
    ['plan', 'web', '-o', file],
  ]) {
    const { out } = await cloud.expunge(argv);
    expect(out.trimEnd().split('\n').slice(-2), argv.join(' ')).toEqual(next);
    expect(out).not.toContain('expunge purge');
  }
  const { out } = await cloud.expunge(['verify', 'web']);
  expect(out.trimEnd().split('\n').at(-1)).toBe(next[0]);
});

test('to a program they name the run that has to be gone on with, or given up, first', async () => {
  const cloud = await stuckCloud();
  const asked = async (command: string) => {
    const { out } = await cloud.expunge([command, 'web', '--format', 'json']);
    return (JSON.parse(out) as { servers: { unfinishedRun?: string }[] }).servers[0]?.unfinishedRun;
  };
  const run = await record(cloud, await cloud.plan('web'));
  for (const command of ['inspect', 'plan', 'verify']) expect(await asked(command), command).toBe(run);
  await cloud.expunge(['abandon', run]);
  for (const command of ['inspect', 'plan', 'verify']) expect(await asked(command)).toBeUndefined();
});

test('one that ended in order and could not do all holds nothing up: the new run goes on with it', async () => {
  const cloud = await stuckCloud();
  const run = await record(cloud, await cloud.plan('web'), { end: 'incomplete' });
  const ended = await cloud.expunge(['purge', 'web', '--yes']);
  expect(ended, ended.out + ended.err).toMatchObject({ exit: 0, err: '' });
  expect(ended.out).toContain(`Goes on with run ${run}: incomplete: not every step could be done.`);
  const { out } = await cloud.expunge(['runs', '--format', 'json']);
  const [first, second] = (JSON.parse(out) as { runs: Record<string, unknown>[] }).runs;
  expect(second).toMatchObject({ continues: run, state: 'complete' });
  expect(first).toMatchObject({ run, followedBy: second?.['run'] });
});

describe('giving a run up', () => {
  test('is written down beside the journal, which stays as it is, and then a purge begins', async () => {
    const cloud = await stuckCloud();
    const run = await record(cloud, await cloud.plan('web'));
    const path = join(cloud.runs, run, 'journal.jsonl');
    // Cut in the middle of a line.
    writeFileSync(path, `${readFileSync(path, 'utf8')}{"at":"2026-1`);
    const journal = readFileSync(path, 'utf8');
    const ended = await cloud.expunge(['abandon', run, '--why', 'the host burnt\x1b[31m']);
    expect(ended).toMatchObject({ exit: 0, err: '' });
    expect(ended.out).toContain('Given up; it was cut: its process ended without a word.');
    expect(ended.out.trimEnd().split('\n').at(-1)).toMatch(/^Next: expunge purge \S+ --site /);
    expect(readFileSync(path, 'utf8')).toBe(journal);
    expect(statSync(join(cloud.runs, run, 'abandoned.json')).mode & 0o777).toBe(0o600);

    const listed = await cloud.expunge(['runs']);
    expect(listed.out).toMatch(
      /cut: its process ended without a word; given up by \S+ on \S+, \S+ \S+ UTC: the host burnt\\u\{1b\}\[31m\n/,
    );
    expect(listed.out).not.toContain('Next:');
    const data = JSON.parse((await cloud.expunge(['runs', '--format', 'json'])).out) as {
      runs: Record<string, unknown>[];
    };
    expect(data.runs[0]).toMatchObject({
      state: 'cut',
      abandoned: { host: hostname(), pid: process.pid, why: 'the host burnt\x1b[31m' },
    });

    expect(await cloud.expunge(['resume', run, '--yes'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('was given up by'),
    });
    expect(await cloud.expunge(['purge', 'web', '--yes'])).toMatchObject({ exit: 0, err: '' });
    expect(await cloud.expunge(['undo', run, '--yes'])).toMatchObject({ exit: 0 });
  });

  test('for programs', async () => {
    const cloud = await stuckCloud();
    const run = await record(cloud, await cloud.plan('web'), { end: 'interrupted' });
    const { exit, out } = await cloud.expunge(['abandon', run, '--format', 'json']);
    expect(exit).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      format: 1,
      command: 'abandon',
      run,
      state: 'interrupted',
      abandoned: { why: null },
    });
  });

  const refused: readonly (readonly [string, Recorded, string])[] = [
    ['a complete one', { end: 'complete' }, 'is complete'],
    ['one that is still going', { pid: process.pid }, 'is still going'],
  ];
  test.each(refused)('%s is not given up', async (_, recorded, says) => {
    const cloud = await stuckCloud();
    const run = await record(cloud, await cloud.plan('web'), recorded);
    expect(await cloud.expunge(['abandon', run])).toMatchObject({
      exit: 2,
      err: expect.stringContaining(says),
    });
    expect(readdirSync(join(cloud.runs, run))).not.toContain('abandoned.json');
  });

  test('nor one that was given up, gone on with, or taken back before', async () => {
    const cloud = await stuckCloud();
    const first = await record(cloud, await cloud.plan('web'));
    const abandon = async (run: string) => (await cloud.expunge(['abandon', run])).err;
    expect(await cloud.expunge(['resume', first, '--yes'])).toMatchObject({ exit: 0 });
    expect(await abandon(first)).toContain('was gone on with by');
    const second = readdirSync(cloud.runs).find((name) => name !== first) ?? '';
    expect(await cloud.expunge(['undo', second, '--yes'])).toMatchObject({ exit: 0 });
    expect(await abandon(second)).toContain('was taken back by');
    expect(await abandon(first)).toBe('');
    expect(await abandon(first)).toContain('was given up before by');
  });
});

test('runs and abandon ask nobody: a Keystone that says nothing does not hold them up', async () => {
  const cloud = await stuckCloud();
  const run = await record(cloud, await cloud.plan('web'));
  let asked = 0;
  const rewire = (wires: Wires): Wires => ({
    ...wires,
    http: () => ({
      send() {
        asked += 1;
        return new Promise(() => {});
      },
      close() {},
    }),
  });
  expect((await cloud.expunge(['runs'], { rewire })).out).toContain(run);
  expect(await cloud.expunge(['abandon', run], { rewire })).toMatchObject({ exit: 0 });
  expect(asked).toBe(0);
});
