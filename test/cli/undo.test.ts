import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Plan } from '../../src/plan/types.ts';
import { openJournal } from '../../src/run/journal.ts';
import { plan, step } from '../support/plans.ts';
import { simulateCloud, stuckCloud } from '../support/simulated-cloud.ts';
import { tempFolder } from '../support/temp.ts';
import { dumpWorld } from '../support/world-dump.ts';

/** A cloud on which `web` was purged, and the folder of that run. */
async function purgedCloud() {
  const cloud = await stuckCloud();
  const purged = await cloud.expunge(['purge', 'web', '--yes', '--ports', 'delete']);
  expect(purged, purged.out + purged.err).toMatchObject({ exit: 0 });
  const run = join(cloud.runs, readdirSync(cloud.runs).join());
  // Two runs of one process and one second would have one name.
  const undo = (typed: string, ...options: readonly string[]) =>
    cloud.expunge(['undo', typed, ...options], { env: { XDG_STATE_HOME: tempFolder() } });
  return { cloud, run, undo };
}

/** A record of some plan, as a run writes it. */
async function record(of: Plan, acts: readonly string[]): Promise<string> {
  const journal = await openJournal(tempFolder(), of, new Date());
  await journal.write([
    { event: 'begin', digest: of.digest, host: 'h', user: 'u', pid: 1 },
    ...acts.flatMap((id) => [
      { event: 'intent' as const, step: id },
      { event: 'result' as const, step: id, outcome: 'done' as const, detail: null },
    ]),
    { event: 'end', outcome: 'complete' },
  ]);
  await journal.close();
  return journal.folder;
}

/** Without the results and the end: as if the run had been cut. */
function cut(run: string): void {
  const path = join(run, 'journal.jsonl');
  const lines = readFileSync(path, 'utf8').split('\n');
  writeFileSync(path, lines.filter((line) => !/"event":"(?:result|end)"/.test(line)).join('\n'));
}

const ONE_LINE = /^expunge: [^\n]+\n( {2}[^\n]+\n)?$/;

describe('which run', () => {
  test('by its folder, or by the last part of its path in the runs folder', async () => {
    const { cloud, run, undo } = await purgedCloud();
    expect(await undo(run, '--yes')).toMatchObject({ exit: 0, err: '' });
    expect(await cloud.expunge(['undo', basename(run), '--yes'])).toMatchObject({ exit: 0, err: '' });
  });
  test.each([
    ['nothing of that name', '20261122T000000Z-nothing-1', /there is no run 2026/],
    ['a way out of the runs folder', '../..', /is not the folder of a run|there is no run/],
    ['an empty word', '', /there is no run/],
  ])('%s: one line, exit 2', async (_, typed, says) => {
    const { undo } = await purgedCloud();
    const ended = await undo(typed, '--yes');
    expect(ended).toMatchObject({ exit: 2, out: '', err: expect.stringMatching(ONE_LINE) });
    expect(ended.err).toMatch(says);
  });
  test('a folder of runs that cannot be read is not one without that run', async () => {
    const { cloud, run } = await purgedCloud();
    const state = tempFolder();
    mkdirSync(join(state, 'expunge'));
    writeFileSync(join(state, 'expunge/runs'), '');
    for (const command of ['undo', 'resume', 'abandon']) {
      const yes = command === 'abandon' ? [] : ['--yes'];
      const env = { XDG_STATE_HOME: state };
      const ended = await cloud.expunge([command, basename(run), ...yes], { env });
      expect(ended).toMatchObject({ exit: 2, out: '' });
      expect(ended.err).toContain('expunge/runs cannot be read: ');
    }
  });
  test('a folder that is no run', async () => {
    const { undo } = await purgedCloud();
    const ended = await undo(tempFolder(), '--yes');
    expect(ended).toMatchObject({ exit: 2, out: '', err: expect.stringMatching(ONE_LINE) });
    expect(ended.err).toContain('is not the folder of a run: it has no plan.json');
  });
  test('a run of another site', async () => {
    const { undo } = await purgedCloud();
    const ended = await undo(await record(plan({ site: 'elsewhere' }), []), '--yes');
    expect(ended).toMatchObject({ exit: 2, out: '' });
    expect(ended.err).toContain('this run was on the site elsewhere, not on demo');
  });
  test('a plan that was changed', async () => {
    const { run, undo } = await purgedCloud();
    const path = join(run, 'plan.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"name": "web"', '"name": "wob"'));
    expect(await undo(run, '--yes')).toMatchObject({ exit: 2, err: expect.stringContaining('digest') });
  });
  test('what it saved was changed: it does not fit what the run did, and nothing is written', async () => {
    const { cloud, run, undo } = await purgedCloud();
    const path = join(run, 'before.jsonl');
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('"vm_state":"active"', '"vm_state":"error"'));
    const before = dumpWorld(cloud.world);
    expect(await undo(run, '--yes')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('does not fit what it did'),
    });
    expect(dumpWorld(cloud.world)).toEqual(before);
  });
});

describe('asking', () => {
  const terminal = (input: string) => ({
    typed: input,
    terminal: true,
    env: { XDG_STATE_HOME: tempFolder() },
  });
  test('without a terminal it wants --yes', async () => {
    const { run, undo } = await purgedCloud();
    const ended = await undo(run);
    expect(ended).toMatchObject({ exit: 2, out: '', err: expect.stringMatching(ONE_LINE) });
    expect(ended.err).toContain('say --yes');
  });
  test('anything but the name, and nothing is touched', async () => {
    const { cloud, run } = await purgedCloud();
    const before = dumpWorld(cloud.world);
    const ended = await cloud.expunge(['undo', run], terminal('wob\n'));
    expect(ended.exit).toBe(2);
    expect(ended.err).toContain('not confirmed; nothing was touched');
    expect(dumpWorld(cloud.world)).toEqual(before);
  });
  test('the name: what comes back and what does not stand above the question', async () => {
    const { cloud, run } = await purgedCloud();
    const { exit, out, err } = await cloud.expunge(['undo', run], terminal('web\n'));
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    const at = (text: string) => {
      expect(out).toContain(text);
      return out.indexOf(text);
    };
    expect(at('Comes back')).toBeLessThan(at('Does not come back'));
    expect(at('Does not come back')).toBeLessThan(at("Type the server's name"));
    expect(at("Type the server's name")).toBeLessThan(at('Brought back'));
    expect(out).not.toContain('cannot be taken back');
  });
});

describe('a run that was cut', () => {
  test('after its acts: they are looked at, and taken back', async () => {
    const { cloud, run, undo } = await purgedCloud();
    cut(run);
    const ended = await undo(run, '--yes');
    expect(ended, ended.out + ended.err).toMatchObject({ exit: 0, err: '' });
    expect(ended.out).toContain('Its record has no end: it was cut, or is still going.');
    const row = cloud.world
      .db('nova')
      .prepare("SELECT deleted, task_state FROM instances WHERE display_name = 'web'");
    expect(row.get()).toEqual({ deleted: 0, task_state: 'deleting' });
  });
  test('before its acts: nothing happened, and what others changed since is theirs', async () => {
    const { run } = await purgedCloud();
    cut(run);
    // The same cloud once more, on which that run never came to act.
    const cloud = await stuckCloud();
    cloud.world
      .db('nova')
      .exec("UPDATE instances SET display_description = 'changed' WHERE display_name = 'web'");
    const before = dumpWorld(cloud.world);
    const ended = await cloud.expunge(['undo', run, '--yes']);
    expect(ended, ended.out + ended.err).toMatchObject({ exit: 0, err: '' });
    expect(ended.out).toContain('All that can come back is as it was before the run.');
    expect(dumpWorld(cloud.world)).toEqual(before);
  });
});

describe('nothing to bring back', () => {
  test('a run that did nothing', async () => {
    const { undo } = await purgedCloud();
    const ended = await undo(await record(plan({ site: 'demo', steps: [step('a')] }), []), '--yes');
    expect(ended).toMatchObject({ exit: 0, err: '' });
    expect(ended.out).toContain('The run did nothing');
  });
  test('a run that did only what cannot come back', async () => {
    const { undo } = await purgedCloud();
    const ended = await undo(await record(plan({ site: 'demo', steps: [step('a')] }), ['a']), '--yes');
    expect(ended).toMatchObject({ exit: 1, err: '' });
    expect(ended.out).toContain('Nothing of it can be brought back');
    expect(ended.out).toContain('memcached m:11211: a\n    nothing is saved of a token');
  });
});

test('as data: the plan, the results, the look afterwards, and the record of the undo itself', async () => {
  const { run, undo } = await purgedCloud();
  const ended = await undo(run, '--yes', '--format', 'json');
  expect(ended).toMatchObject({ exit: 0, err: '' });
  const report = JSON.parse(ended.out);
  expect(report).toMatchObject({ format: 1, command: 'undo', exitCode: 0 });
  expect(report.servers).toMatchObject([
    {
      results: [{ outcome: 'done' }],
      verified: { clean: true },
      run: expect.stringContaining('/expunge/runs/'),
    },
  ]);
  expect(report.servers[0].run).not.toBe(run);
  expect(report.servers[0].kept.length).toBeGreaterThan(0);
});

test('as data it keeps user data to itself, in conditions and in values', async () => {
  const secret = 'I2Nsb3VkLWNvbmZpZwpwYXNzd29yZDogaHVudGVyMg==';
  const cloud = await simulateCloud({
    hosts: { 'cmp-1': 'dead' },
    servers: [
      { name: 'web', state: 'deleting-forever', host: 'cmp-1' },
      { name: 'asked', state: 'build-request-only', host: 'cmp-1' },
    ],
  });
  cloud.world.db('nova').exec(`UPDATE instances SET user_data = '${secret}'`);
  cloud.world
    .db('nova_api')
    .prepare('UPDATE build_requests SET instance = replace(instance, \'"user_data": null\', ?)')
    .run(`"user_data": "${secret}"`);
  for (const server of ['web', 'asked']) {
    const purged = await cloud.expunge(['purge', server, '--yes', '--format', 'json']);
    expect(purged.exit, purged.err).toBe(0);
    const [told] = (JSON.parse(purged.out) as { servers: { run: string }[] }).servers;
    const { run = '' } = told ?? {};
    expect(readFileSync(join(run, 'before.jsonl'), 'utf8')).toContain(secret);
    const undone = await cloud.expunge(['undo', run, '--yes', '--format', 'json']);
    expect(undone.exit, undone.err).toBe(0);
    expect(purged.out + undone.out).not.toContain(secret);
    expect(undone.out).toMatch(/"I2Nsb3Vk…"|"instance": "\{\\"nova_o…"/);
  }
});

test('a record that goes on after its last whole line is still a record', async () => {
  const { run, undo } = await purgedCloud();
  appendFileSync(join(run, 'before.jsonl'), '{"step":"rows');
  expect(await undo(run, '--yes')).toMatchObject({ exit: 0, err: '' });
  rmSync(join(run, 'before.jsonl'));
  expect(await undo(run, '--yes')).toMatchObject({ exit: 2 });
});
