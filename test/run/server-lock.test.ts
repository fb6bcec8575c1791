/** Who is refused the lock on a server, and a lock that is lost while the run goes on. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ActError } from '../../src/plan/errors.ts';
import { applyPlan } from '../../src/run/apply.ts';
import { describeSelf, type Holder } from '../../src/run/lock-file.ts';
import { assertNotLocked, lockServer } from '../../src/run/server-lock.ts';
import { whoAmI } from '../../src/run/who.ts';
import type { HeldBy, Hold } from '../../src/site/sql/hold.ts';
import { fakeSite } from '../support/fake-site.ts';
import { memoryJournal } from '../support/memory-journal.ts';
import { plan, SERVER, step } from '../support/plans.ts';
import { tempFolder } from '../support/temp.ts';

const NOW = new Date('2026-11-22T03:00:00Z');
const ANOTHER: HeldBy = { connection: 8, said: null, account: null };

/** @param log gets what was done to it */
function hold(held: boolean, log: string[] = []): Hold {
  return {
    isHeld: () => held,
    async release() {
      log.push('released');
    },
    drop() {
      log.push('dropped');
    },
  };
}

/** Gives these answers, one after the other. */
function writer(...answers: readonly (Hold | HeldBy | Error)[]) {
  const rest = [...answers];
  const asked: string[] = [];
  const said: Readonly<Record<string, string>>[] = [];
  return {
    asked,
    said,
    async hold(name: string, says: Readonly<Record<string, string>>) {
      asked.push(name);
      said.push(says);
      const answer = rest.shift();
      if (answer === undefined) throw new Error('the test did not foresee another question');
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}

test('its name is short enough for MySQL: 64 characters', async () => {
  const database = writer(hold(true));
  const lock = await lockServer(database, tempFolder(), SERVER, NOW);
  await lock.assertHeld();
  await lock.release();
  expect(database.asked).toEqual([`expunge:${SERVER}`]);
  expect(database.asked[0]?.length).toBeLessThanOrEqual(64);
});

test('who takes it is said to the database, in the words in which another is told', async () => {
  const database = writer(hold(true));
  const lock = await lockServer(database, tempFolder(), SERVER, NOW);
  const { user, host, pid } = whoAmI();
  expect(database.said).toEqual([
    {
      expunge_user: user,
      expunge_host: host,
      expunge_pid: String(pid),
      expunge_since: '2026-11-22T03:00:00.000Z',
    },
  ]);
  await lock.release();
});

test('lost with its connection, and free: it is taken again, once for all who ask', async () => {
  const database = writer(hold(false), hold(true));
  const lock = await lockServer(database, tempFolder(), SERVER, NOW);
  await Promise.all([lock.assertHeld(), lock.assertHeld()]);
  await lock.assertHeld();
  expect(database.asked).toHaveLength(2);
  await lock.release();
});

test('lost, and another has it by now: no act passes any more', async () => {
  const runs = tempFolder();
  const lock = await lockServer(writer(hold(false), ANOTHER, ANOTHER), runs, SERVER, NOW);
  const site = fakeSite({ there: ['a', 'b'] });
  const results = await applyPlan(site, plan({ steps: [step('a'), step('b', { needs: ['a'] })] }), {
    journal: memoryJournal([]),
    emit: () => {},
    stopAsked: () => false,
    settleWithinMs: 0,
    lock,
  });
  expect(results.map(({ outcome }) => outcome)).toEqual(['failed', 'not-run']);
  expect(results[0]?.detail).toMatch(
    /^the lock on the server was lost, and cannot be had again: .*connection 8/,
  );
  // Steps were done before it.
  expect(results[0]?.detail).not.toContain('nothing was touched');
  expect([...site.there]).toEqual(['a', 'b']);
  await lock.release();
});

test('lost, and nobody can tell: the same, until somebody can', async () => {
  const gone = new ActError('no way to the database', { code: 'x' });
  const lock = await lockServer(writer(hold(false), gone, hold(true)), tempFolder(), SERVER, NOW);
  await expect(lock.assertHeld()).rejects.toMatchObject({ code: 'lock-lost' });
  await lock.assertHeld();
  await lock.release();
});

test('a fault of expunge itself is not called a lost lock', async () => {
  const fault = new TypeError('a fault');
  const lock = await lockServer(writer(hold(false), fault), tempFolder(), SERVER, NOW);
  await expect(lock.assertHeld()).rejects.toBe(fault);
});

describe('letting go', () => {
  test.each([
    ['in order', 'release', 'released'],
    ['at once', 'drop', 'dropped'],
  ] as const)('%s gives back the file and the lock that is held by now', async (_, how, did) => {
    const runs = tempFolder();
    const [first, second]: [string[], string[]] = [[], []];
    const lock = await lockServer(writer(hold(false, first), hold(true, second)), runs, SERVER, NOW);
    await lock.assertHeld();
    await lock[how]();
    expect({ first, second }).toEqual({ first: [], second: [did] });
    expect(existsSync(pathIn(runs))).toBe(false);
  });
});

const pathIn = (runs: string) => join(runs, `${SERVER}.lock`);
const dead = spawnSync('true').pid;
/** Somebody else, on this machine or another. */
const alice = { user: 'alice', pid: process.ppid, start: null, run: 'run-1' };

function plantFile(says: Partial<Holder> | string): string {
  const runs = tempFolder();
  const text = typeof says === 'string' ? says : JSON.stringify({ ...describeSelf(NOW), ...says });
  writeFileSync(pathIn(runs), text);
  return runs;
}

/** What is said to whom the lock is refused. */
async function refusal(runs: string, database = writer(hold(true))): Promise<string> {
  const error: unknown = await lockServer(database, runs, SERVER, NOW).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'server-locked', exitCode: 3 });
  return error instanceof Error && 'hint' in error ? `${error.message}\n${error.hint}` : '';
}

describe('the file says that somebody has it', () => {
  const HERE = `alice on ${hostname()}, process ${process.ppid}, since 2026-11-22 03:00:00 UTC (run run-1) is at work on it; nothing was touched\nwait for its end, or stop it`;
  test('on this machine: refused, and the lock in the database is given back', async () => {
    const runs = plantFile(alice);
    const log: string[] = [];
    expect(await refusal(runs, writer(hold(true, log)))).toContain(HERE);
    expect(log).toEqual(['released']);
    await expect(assertNotLocked(runs, SERVER)).rejects.toMatchObject({
      code: 'server-locked',
      message: expect.stringContaining('alice on'),
    });
  });

  test('on another machine: it has to be looked at there, and which file to remove is said', async () => {
    const runs = plantFile({ ...alice, host: 'ctl-9', run: null });
    const says = await refusal(runs);
    expect(says).toContain(`process ${process.ppid}, since 2026-11-22 03:00:00 UTC is at work on it`);
    expect(says).toContain(
      `can only be seen on ctl-9; make sure that it has ended, then remove ${pathIn(runs)}`,
    );
  });

  test('nothing, and it is young: another is just taking it', async () => {
    expect(await refusal(plantFile(''))).toContain('another run is just taking it');
  });

  test.each([
    ['in a later format', { format: 2, holder: 'x' }, 'is in format 2, of another version of expunge'],
    ['in no format', 'alice is at work\n', 'is not what this version of expunge writes'],
  ])('%s: refused however old it is, with the file and what to do, and it stays', async (_, says, what) => {
    const text = typeof says === 'string' ? says : JSON.stringify(says);
    const runs = plantFile(text);
    utimesSync(pathIn(runs), 0, 0);
    const log: string[] = [];
    expect(await refusal(runs, writer(hold(true, log)))).toBe(
      `server ${SERVER} is locked: its lock file ${pathIn(runs)} ${what}, and whether that lock still holds cannot be told; nothing was touched\n` +
        `make sure that no expunge is at work on the server, then remove ${pathIn(runs)}`,
    );
    expect(log).toEqual(['released']);
    await expect(assertNotLocked(runs, SERVER)).rejects.toMatchObject({ code: 'server-locked' });
    expect(readFileSync(pathIn(runs), 'utf8')).toBe(text);
  });

  test.each([
    [
      'a process that has ended',
      { ...alice, pid: dead },
      /^The lock of alice on .* was taken over: that process has ended\.$/,
    ],
    ['nothing, and it is old', '', /^The lock file .*\.lock was taken over: it was not written to its end/],
    ['half of it, and it is old', '{"format":1,"us', /^The lock file .*\.lock was taken over: it was not/],
  ])('%s: it is taken over, and that is said', async (_, says, took) => {
    const runs = plantFile(says);
    utimesSync(pathIn(runs), 0, 0);
    await assertNotLocked(runs, SERVER);
    const lock = await lockServer(writer(hold(true)), runs, SERVER, NOW);
    expect(lock.tookOver).toMatch(took);
    await lock.nameRun('run-2');
    expect(JSON.parse(readFileSync(pathIn(runs), 'utf8'))).toEqual({ ...describeSelf(NOW), run: 'run-2' });
    await lock.release();
  });

  test('a file that neither is there nor can be made: nobody tries for ever', async () => {
    const runs = tempFolder();
    symlinkSync(join(runs, 'nothing'), pathIn(runs));
    expect(await refusal(runs)).toContain('others take and leave it right now');
  });

  test('a folder that takes no file: the lock in the database is given back', async () => {
    const log: string[] = [];
    const runs = tempFolder();
    mkdirSync(pathIn(runs));
    await expect(lockServer(writer(hold(true, log)), runs, SERVER, NOW)).rejects.toMatchObject({
      code: 'journal-unwritable',
    });
    expect(log).toEqual(['released']);
  });

  test('nobody had it: nothing was taken over', async () => {
    const runs = tempFolder();
    await assertNotLocked(runs, SERVER);
    const lock = await lockServer(writer(hold(true)), runs, SERVER, NOW);
    expect(lock.tookOver).toBeNull();
    await lock.release();
  });
});

describe('the database says that another has it', () => {
  const said = {
    expunge_user: 'bob',
    expunge_host: 'ctl-2',
    expunge_pid: '4711',
    expunge_since: '2026-11-22T02:00:00.000Z',
  };
  const bob = 'bob on ctl-2, process 4711, since 2026-11-22 02:00:00 UTC';
  const file = { ...alice, host: 'ctl-2', pid: 4711 };
  const cases: readonly (readonly [string, Partial<HeldBy>, Partial<Holder>, string])[] = [
    ['the holder itself', { said }, { pid: dead }, `${bob} is at work`],
    ['the holder, and the file which run it is', { said }, file, `${bob} (run run-1) is at work`],
    ['the holder; the file is of another process', { said }, { ...file, pid: 4712 }, `${bob} is at work`],
    ['the holder; the file is of another machine', { said }, { ...file, host: 'ctl-3' }, `${bob} is at work`],
    ['only the file', {}, alice, `alice on ${hostname()}, process ${process.ppid}, since`],
    ['the file, of our number on another machine', {}, { host: 'ctl-9' }, ' on ctl-9, process '],
    ['the file, where the holder says only half', { said: { expunge_user: 'x' } }, alice, 'alice on'],
    ['our own file is no word of another', {}, {}, 'connection 8 holds the lock'],
    ['a file of another version is no word of it', {}, { format: 2 as 1 }, 'connection 8 holds the lock'],
    ['a file of who has ended is none', {}, { ...alice, pid: dead }, 'connection 8 holds the lock'],
    ['which account', { account: 'nova@10.0.0.5:1' }, {}, 'connection 8, nova@10.0.0.5:1, holds the lock'],
  ];
  test.each(cases)('who it is tells: %s', async (_, held, onFile, says) => {
    const refused = await refusal(plantFile(onFile), writer({ ...ANOTHER, ...held }));
    expect(refused).toContain(`is locked: ${says.startsWith(' ') ? '' : says}`);
    expect(refused).toContain(says);
    expect(refused).toContain('KILL 8 in the database nova_api');
  });

  test.each(Object.keys(said))('a holder that does not say its %s says nothing', async (key) => {
    const { [key as keyof typeof said]: _, ...rest } = said;
    const refused = await refusal(plantFile(file), writer({ ...ANOTHER, said: rest }));
    expect(refused).toContain(
      'is locked: alice on ctl-2, process 4711, since 2026-11-22 03:00:00 UTC (run run-1)',
    );
  });

  test('and the file of who has it stays', async () => {
    const runs = plantFile({ ...alice, pid: dead });
    await refusal(runs, writer(ANOTHER));
    expect(existsSync(pathIn(runs))).toBe(true);
  });
});
