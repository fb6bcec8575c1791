/** Ctrl-C where no step is under way: in the look after a run, and between two of several servers. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { aroundSql } from '../support/around-wires.ts';
import { type FakeProcess, fakeProcess } from '../support/fake-process.ts';
import { type SimulatedCloud, simulateCloud, stuckCloud } from '../support/simulated-cloud.ts';

interface Purged {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

/** @param when called with each statement that any database is asked, and what stood on the screen by then */
async function purge(
  cloud: SimulatedCloud,
  argv: readonly string[],
  when: (process: FakeProcess, sql: string) => void,
): Promise<Purged> {
  const process = fakeProcess({ env: { XDG_STATE_HOME: join(cloud.runs, '../..') } });
  // A fake goes on where the process ends: what it says afterwards is nobody's word.
  let ended: Purged | undefined;
  process.exit = (exit) => {
    ended ??= { exit, out: process.out(), err: process.err() };
  };
  const rewire = aroundSql((connection) => ({
    async rows(...asked) {
      when(process, asked[0]);
      return connection.rows(...asked);
    },
    async run(...asked) {
      const done = await connection.run(...asked);
      when(process, asked[0]);
      return done;
    },
  }));
  const all = ['node', 'expunge', '--site', cloud.site, 'purge', ...argv, '--yes'];
  const exit = await runCli(all, process, rewire);
  return ended ?? { exit, out: process.out(), err: process.err() };
}

/** The first time that this is so. */
function once(isSo: (process: FakeProcess, sql: string) => boolean, act: (process: FakeProcess) => void) {
  let done = false;
  return (process: FakeProcess, sql: string) => {
    if (done || !isSo(process, sql)) return;
    done = true;
    act(process);
  };
}

async function threeServers() {
  const cloud = await simulateCloud({
    hosts: { 'cmp-1': 'dead' },
    servers: ['a', 'b', 'c'].map((name) => ({ name, state: 'deleting-forever' as const, host: 'cmp-1' })),
  });
  const [, second = '', third = ''] = cloud.servers.map(({ uuid }) => uuid);
  return { cloud, notBegun: [second, third], says: `not begun: ${second}, ${third}\n` };
}

const isCommitted = (_: FakeProcess, sql: string) => sql === 'COMMIT';
const journal = (cloud: SimulatedCloud, run: string) =>
  readFileSync(join(cloud.runs, run, 'journal.jsonl'), 'utf8');
const runsIn = (cloud: SimulatedCloud) => readdirSync(cloud.runs).filter((name) => !name.endsWith('.lock'));

test('twice in the look after a run: what is advised works', async () => {
  const cloud = await stuckCloud();
  let committed = false;
  const { exit, err } = await purge(cloud, ['web'], (process, sql) => {
    const looks = committed && sql.startsWith('select');
    committed ||= sql === 'COMMIT';
    if (!looks) return;
    const [run = ''] = runsIn(cloud);
    if (!/"event":"end"/.test(journal(cloud, run))) return;
    process.interrupt();
    process.interrupt();
  });
  expect(exit).toBe(130);
  const uuid = cloud.servers[0]?.uuid ?? '';
  expect(err).toContain('stopped at once; no step was under way\n');
  expect(err.trimEnd().split('\n').at(-1)).toBe(`Next: expunge verify ${uuid} --site ${cloud.site}`);
  expect(await cloud.expunge(['verify', uuid])).toMatchObject({ exit: 0 });
});

describe('of several servers, the first of which is purged', () => {
  // The lock of the first is given back when its run is over.
  const looksAtSecond = (cloud: SimulatedCloud) => (_: FakeProcess, sql: string) =>
    sql.includes('instances') &&
    existsSync(cloud.runs) &&
    runsIn(cloud).length === 1 &&
    readdirSync(cloud.runs).length === 1;

  test('in its last step: the last words are which ones were not begun', async () => {
    const { cloud, says } = await threeServers();
    const stop = once(isCommitted, (process) => process.interrupt());
    const { exit, out, err } = await purge(cloud, ['a', 'b', 'c'], stop);
    expect(exit).toBe(130);
    expect(out).toContain('Verified: looked everywhere again, nothing is left.');
    expect(err.endsWith(says)).toBe(true);
  });

  test('the same to a program', async () => {
    const { cloud, notBegun } = await threeServers();
    const stop = once(isCommitted, (process) => process.interrupt());
    const { exit, out } = await purge(cloud, ['a', 'b', 'c', '--format', 'json'], stop);
    expect(exit).toBe(130);
    const told = JSON.parse(out) as { servers: object[] };
    expect(told).toMatchObject({ exitCode: 130, notBegun });
    expect(told.servers).toHaveLength(1);
  });

  test('while the second is looked at: at once, and nothing of it is touched', async () => {
    const { cloud, says } = await threeServers();
    const stop = once(looksAtSecond(cloud), (process) => process.interrupt('SIGTERM'));
    const { exit, err } = await purge(cloud, ['a', 'b', 'c'], stop);
    expect(exit).toBe(130);
    expect(err).toBe(`interrupted\n${says}`);
  });

  test('the same to a program: what was done to the first is told', async () => {
    const { cloud, notBegun } = await threeServers();
    const stop = once(looksAtSecond(cloud), (process) => process.interrupt('SIGTERM'));
    const { exit, out } = await purge(cloud, ['a', 'b', 'c', '--format', 'json'], stop);
    expect(exit).toBe(130);
    expect(JSON.parse(out)).toMatchObject({
      exitCode: 130,
      notBegun,
      servers: [{ run: expect.any(String), verified: { clean: true } }],
    });
  });
});
