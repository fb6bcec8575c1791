/** Signals, on the real process: its step under way waits for rows that somebody else has locked. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { builtProgram } from '../support/program.ts';
import { type SimulatedCloud, stuckCloud } from '../support/simulated-cloud.ts';

/** Two signals of one kind that come at once are one signal to a process. */
const APART_MS = 200;
/** From the flush of an intent to the act that it tells of. */
const TO_THE_ACT_MS = 500;
const BEGUN_WITHIN_MS = 60_000;

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; out: string; err: string }>;
}

/** Another client keeps Neutron's rows: what is before the ports is done, and the first of them waits. */
function lockPorts({ world }: SimulatedCloud): () => void {
  const neutron = new DatabaseSync(join(world.folder, 'neutron.sqlite'));
  // Nothing is plugged, as far as Neutron knows: the purge would wait five seconds to hear so, and this lock keeps it from hearing.
  neutron.exec("UPDATE ports SET status = 'DOWN'");
  neutron.exec('BEGIN IMMEDIATE');
  let locked = true;
  const release = () => {
    if (!locked) return;
    locked = false;
    neutron.exec('ROLLBACK');
    neutron.close();
  };
  onTestFinished(release);
  return release;
}

function purge(cloud: SimulatedCloud): Running {
  const child = spawn(process.execPath, [builtProgram(), 'purge', 'web', '--yes', '--site', cloud.site], {
    env: { ...process.env, XDG_STATE_HOME: join(cloud.runs, '../..') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = { out: '', err: '' };
  child.stdout.on('data', (text) => {
    said.out += String(text);
  });
  child.stderr.on('data', (text) => {
    said.err += String(text);
  });
  const ended = new Promise<{ code: number | null; out: string; err: string }>((done) => {
    child.once('close', (code) => done({ code, ...said }));
  });
  return { child, ended };
}

function journalOf(cloud: SimulatedCloud): { readonly run: string; readonly lines: readonly string[] } {
  const run = existsSync(cloud.runs)
    ? readdirSync(cloud.runs).find((name) => !name.endsWith('.lock'))
    : undefined;
  const path = join(cloud.runs, run ?? '', 'journal.jsonl');
  if (run === undefined || !existsSync(path)) return { run: '', lines: [] };
  return {
    run,
    lines: readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== ''),
  };
}

/** Waits until the first step on a port is under way: stopped before, an announced step does not begin. */
async function portsBegun(cloud: SimulatedCloud): Promise<void> {
  const wanted = /"intent".*"ports\//;
  const until = performance.now() + BEGUN_WITHIN_MS;
  while (!journalOf(cloud).lines.some((line) => wanted.test(line))) {
    if (performance.now() > until) throw new Error('no step on a port was ever announced');
    await sleep(20);
  }
  await sleep(TO_THE_ACT_MS);
}

describe('once: the step under way ends, the journal is whole, and the way on is said', () => {
  async function interrupt(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): Promise<void> {
    const cloud = await stuckCloud();
    const release = lockPorts(cloud);
    const { child, ended } = purge(cloud);
    await portsBegun(cloud);
    child.kill(signal);
    await sleep(APART_MS);
    release();
    const { code, out, err } = await ended;
    expect(code, out + err).toBe(130);
    expect(err).toContain('finishing the step under way; nothing new begins');
    const { run, lines } = journalOf(cloud);
    const result = lines.find((line) => /"result".*"ports\//.test(line));
    expect(result).toContain('"outcome":"done"');
    expect(lines.at(-1)).toContain('"outcome":"interrupted"');
    expect(out.trimEnd().split('\n').at(-1)).toBe(`Next: expunge resume ${run} --site ${cloud.site}`);
    expect(existsSync(join(cloud.runs, `${cloud.servers[0]?.uuid}.lock`))).toBe(false);
    const resumed = await cloud.expunge(['resume', run, '--yes']);
    expect(resumed, resumed.out + resumed.err).toMatchObject({ exit: 0, err: '' });
  }

  test('SIGINT, SIGTERM, SIGHUP', { timeout: 120_000 }, async () => {
    // Side by side: each of them mostly waits.
    await Promise.all((['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map(interrupt));
  });
});

test('twice: it stops at once, without an end in the journal, and resume goes on', {
  timeout: 120_000,
}, async () => {
  const cloud = await stuckCloud();
  const release = lockPorts(cloud);
  const { child, ended } = purge(cloud);
  await portsBegun(cloud);
  child.kill('SIGINT');
  await sleep(APART_MS);
  child.kill('SIGTERM');
  await sleep(APART_MS);
  release();
  const { code, out, err } = await ended;
  expect(code, out + err).toBe(130);
  const { run, lines } = journalOf(cloud);
  expect(err).toContain('stopped at once; ');
  expect(err).toContain(`Next: expunge resume ${run} --site ${cloud.site}`);
  expect(lines.some((line) => line.includes('"event":"end"'))).toBe(false);
  expect(existsSync(join(cloud.runs, `${cloud.servers[0]?.uuid}.lock`))).toBe(false);
  const resumed = await cloud.expunge(['resume', run, '--yes']);
  expect(resumed, resumed.out + resumed.err).toMatchObject({ exit: 0, err: '' });
  expect(resumed.out).toContain('cut: its process ended without a word');
});

test('killed: the lock is taken over by the next, which is said', { timeout: 120_000 }, async () => {
  const cloud = await stuckCloud();
  const release = lockPorts(cloud);
  const { child, ended } = purge(cloud);
  await portsBegun(cloud);
  expect(await cloud.expunge(['purge', 'web', '--yes'])).toMatchObject({
    exit: 3,
    err: expect.stringMatching(
      new RegExp(`locked: \\S+ on \\S+, process ${child.pid}, since .* \\(run ${journalOf(cloud).run}\\)`),
    ),
  });
  child.kill('SIGKILL');
  await ended;
  release();
  const { run } = journalOf(cloud);
  const resumed = await cloud.expunge(['resume', run, '--yes']);
  expect(resumed.exit, resumed.out + resumed.err).toBe(0);
  expect(resumed.err).toContain(`process ${child.pid}, since`);
  expect(resumed.err).toContain('was taken over: that process has ended.');
});
