/** Runs that earlier versions wrote down: they are listed, gone on with and taken back, or refused by their version. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { digestPlan } from '../../src/plan/digest.ts';
import type { Plan } from '../../src/plan/types.ts';
import { restoreHost } from '../../src/simulator/agents/states.ts';
import { type SimulatedCloud, simulateCloud } from '../support/simulated-cloud.ts';
import { tempFolder } from '../support/temp.ts';
import { dumpWorld } from '../support/world-dump.ts';

const RUNS = join(import.meta.dirname, '../fixtures/runs');
const VERSIONS = readdirSync(RUNS, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? [e.name] : []));

/** The cloud on which they were recorded. */
function cloudOf(host: 'dead' | 'cut' = 'dead'): Promise<SimulatedCloud> {
  return simulateCloud({
    hosts: { 'cmp-1': host },
    servers: [{ name: 'web', state: 'deleting-forever', host: 'cmp-1' }],
  });
}

/** Puts a recorded run among those of a cloud, as if it had been on this machine. @returns its name */
function plant(
  cloud: SimulatedCloud,
  version: string,
  kind: string,
  change = (plan: string) => plan,
): string {
  const plan = readFileSync(join(RUNS, version, kind, 'plan.json'), 'utf8');
  const changed = change(plan);
  const [{ digest, server }, now] = [plan, changed].map((text) => JSON.parse(text) as Plan) as [Plan, Plan];
  const { uuid } = server;
  // Its steps name this server: on a cloud with other uuids they would say nothing.
  expect(uuid).toBe(cloud.servers[0]?.uuid);
  const name = `20261122T0300${kind.length.toString().padStart(2, '0')}Z-${uuid}-${kind}`;
  const folder = join(cloud.runs, name);
  mkdirSync(folder, { recursive: true });
  cpSync(join(RUNS, version, kind), folder, { recursive: true });
  writeFileSync(join(folder, 'plan.json'), changed);
  const path = join(folder, 'journal.jsonl');
  const journal = readFileSync(path, 'utf8')
    .replace(digest, now.digest)
    .replace('"host":"ctl-1"', `"host":${JSON.stringify(hostname())}`)
    .replace('"undoes":"complete"', `"undoes":"20261122T030008Z-${uuid}-complete"`);
  writeFileSync(path, journal);
  return name;
}

/** As purge leaves the cloud, recorded where nobody looks. */
async function purgeElsewhere(cloud: SimulatedCloud): Promise<void> {
  const env = { XDG_STATE_HOME: tempFolder() };
  expect(await cloud.expunge(['purge', 'web', '--yes', '--ports', 'delete'], { env })).toMatchObject({
    exit: 0,
  });
}

describe.each(VERSIONS)('of version %s', (version) => {
  test('all are listed, each as it stands', async () => {
    const cloud = await cloudOf();
    for (const kind of ['complete', 'cut', 'open', 'undo']) plant(cloud, version, kind);
    const { exit, out, err } = await cloud.expunge(['runs']);
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    expect(out).toMatch(/-complete\n {2}web, .* by operator on .*\n {2}complete; taken back by \S+-undo\n/);
    expect(out).toMatch(/-cut\n.*\n {2}cut: its process ended without a word/);
    expect(out).toMatch(/-open\n.*\n {2}open: waits for cmp-1/);
    expect(out).toMatch(/-undo\n.*\n {2}undo of \S+-complete: complete\n/);
    expect(out).toContain(`4 runs in ${cloud.runs}.`);
  });

  test('the one that was cut is finished', async () => {
    const cloud = await cloudOf();
    const run = plant(cloud, version, 'cut');
    expect(await cloud.expunge(['purge', 'web', '--yes'])).toMatchObject({ exit: 3 });
    const ended = await cloud.expunge(['resume', run, '--yes']);
    expect(ended, ended.out + ended.err).toMatchObject({ exit: 0, err: '' });
    expect(ended.out).toMatch(
      /begun without a word of its end, and looked at now:\n.*stop domain \S+: not done\n/,
    );
  });

  test('the one that waits for its host is finished when that is back', async () => {
    const cloud = await cloudOf('cut');
    const run = plant(cloud, version, 'open');
    restoreHost(cloud.world, 'cmp-1');
    const ended = await cloud.expunge(['resume', run, '--yes']);
    expect(ended, ended.out + ended.err).toMatchObject({ exit: 0, err: '' });
  });

  test('the complete one is taken back: Nova has the rows that it saved', async () => {
    const cloud = await cloudOf();
    const rows = () => dumpWorld(cloud.world).filter((line) => line.startsWith('nova.instances '));
    const before = rows();
    await purgeElsewhere(cloud);
    expect(rows()).not.toEqual(before);
    const run = plant(cloud, version, 'complete');
    const ended = await cloud.expunge(['undo', run, '--yes']);
    expect(ended, ended.out + ended.err).toMatchObject({ exit: 0, err: '' });
    expect(rows()).toEqual(before);
  });
});

describe('that wrote down otherwise what leads to a server', () => {
  const otherwise = (written: string) => {
    const { digest: _, ...plan } = { ...JSON.parse(written), traces: { places: [] } } as Plan;
    return JSON.stringify({ ...plan, digest: digestPlan(plan) });
  };
  const [version = ''] = VERSIONS;

  test('the one that waits for its host is not gone on with, until it is given up', async () => {
    const cloud = await cloudOf('cut');
    const run = plant(cloud, version, 'open', otherwise);
    const ended = await cloud.expunge(['inspect', 'web']);
    expect(ended).toMatchObject({ exit: 2, out: '' });
    expect(ended.err).toMatch(/what it wrote down of the server is not of this version of expunge\n/);
    expect(ended.err).toContain(`finish it with expunge 0.1.0, or give it up: expunge abandon ${run}\n`);
    expect(await cloud.expunge(['abandon', run])).toMatchObject({ exit: 0, err: '' });
    expect((await cloud.expunge(['inspect', 'web'])).err).toBe('');
  });

  test('of the complete one nothing is to be found any more', async () => {
    const cloud = await cloudOf();
    await purgeElsewhere(cloud);
    const uuid = cloud.servers[0]?.uuid ?? '';
    plant(cloud, version, 'complete', otherwise);
    expect(await cloud.expunge(['verify', uuid])).toMatchObject({ exit: 0, err: '' });
  });
});

describe('of a version that writes otherwise: refused by its name, and not called damaged', () => {
  const later = (plan: string) =>
    plan.replace('"format": 1', '"format": 2').replace('"tool": "0.1.0"', '"tool": "3.1.0"');
  const [version = ''] = VERSIONS;

  test.each(['resume', 'undo', 'abandon'])('%s', async (command) => {
    const cloud = await cloudOf();
    const run = plant(cloud, version, 'cut', later);
    const yes = command === 'abandon' ? [] : ['--yes'];
    const ended = await cloud.expunge([command, run, ...yes]);
    expect(ended).toMatchObject({ exit: 2, out: '' });
    expect(ended.err).toContain('is in format 2, of expunge 3.1.0; this version reads format 1 only');
    expect(ended.err).toContain('use expunge 3.1.0 for it');
  });

  test('runs lists it, and nothing is purged beside it', async () => {
    const cloud = await cloudOf();
    plant(cloud, version, 'cut', later);
    expect((await cloud.expunge(['runs'])).out).toContain('is in format 2, of expunge 3.1.0');
    const before = dumpWorld(cloud.world);
    const ended = await cloud.expunge(['purge', 'web', '--yes', '--format', 'json']);
    expect(ended.exit).toBe(2);
    expect(JSON.parse(ended.out)).toMatchObject({ error: { code: 'format-unknown' } });
    expect(dumpWorld(cloud.world)).toEqual(before);
  });

  test.each(['inspect', 'plan', 'verify'])('%s does not know where that run looked', async (command) => {
    const cloud = await cloudOf();
    const uuid = cloud.servers[0]?.uuid ?? '';
    const run = plant(cloud, version, 'cut', later);
    const { exit, out, err } = await cloud.expunge([command, uuid]);
    expect({ exit, err }).toEqual({ exit: 4, err: '' });
    expect(out).toMatch(
      /Could not look\n {2}records of runs: \S+ is in format 2, of expunge 3\.1\.0; .*\n {4}not known there: where an earlier run looked/,
    );
    const says = { format: 1, user: 'root', host: 'ctl', pid: 1, at: '2026-11-22T03:00:00.000Z', why: null };
    writeFileSync(join(cloud.runs, run, 'abandoned.json'), JSON.stringify(says));
    expect((await cloud.expunge([command, uuid])).out).not.toContain('records of runs');
  });

  test('apply, of a plan file', async () => {
    const cloud = await cloudOf();
    const file = join(tempFolder(), 'plan.json');
    writeFileSync(file, later(readFileSync(join(RUNS, version, 'complete/plan.json'), 'utf8')));
    const ended = await cloud.expunge(['apply', file, '--yes']);
    expect(ended).toMatchObject({ exit: 2, out: '' });
    expect(ended.err).toContain('is in format 2, of expunge 3.1.0');
  });
});

test('of another user, who alone may read it: nothing is purged beside it, and nothing is clean', async () => {
  const cloud = await cloudOf();
  await purgeElsewhere(cloud);
  const uuid = cloud.servers[0]?.uuid ?? '';
  expect(await cloud.expunge(['verify', uuid])).toMatchObject({ exit: 0 });
  const [version = ''] = VERSIONS;
  const path = join(cloud.runs, plant(cloud, version, 'open'), 'plan.json');
  rmSync(path);
  // As closed to root as to everybody.
  mkdirSync(path);
  const verified = await cloud.expunge(['verify', uuid]);
  expect(verified.exit).toBe(4);
  expect(verified.out).toContain(`records of runs: ${path} cannot be read: EISDIR`);
  expect(await cloud.expunge(['purge', uuid, '--yes'])).toMatchObject({ exit: 2 });
});
