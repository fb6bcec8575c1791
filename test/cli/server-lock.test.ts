/** One run at a time on a server: who is refused, what they read, and which locks are nobody's any more. */
import { spawnSync } from 'node:child_process';
import fs, {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { openJournal } from '../../src/run/journal.ts';
import { startOf } from '../../src/site/process-identity.ts';
import type { MysqlAnswer } from '../support/fake-mysql.ts';
import { fakeProcess } from '../support/fake-process.ts';
import { SERVER } from '../support/plans.ts';
import { type SimulatedCloud, simulateCloud, stuckCloud } from '../support/simulated-cloud.ts';
import { startSmallCloud } from '../support/small-cloud.ts';
import { difference, dumpWorld } from '../support/world-dump.ts';

const dead = spawnSync('true').pid;
/** A process that is not this one, and lives. */
const alive = process.ppid;
const SINCE = '2026-11-22T02:59:00.000Z';

function uuidOf({ servers }: SimulatedCloud): string {
  return servers[0]?.uuid ?? '';
}

const lockPath = (cloud: SimulatedCloud) => join(cloud.runs, `${uuidOf(cloud)}.lock`);

interface Holding {
  readonly pid?: number;
  readonly host?: string;
  readonly start?: string | null;
}

/** As a run leaves it in the folder of runs. */
function plantFile(cloud: SimulatedCloud, holding: Holding = {}): void {
  const { pid = alive, host = hostname(), start = startOf(pid) } = holding;
  mkdirSync(cloud.runs, { recursive: true });
  const says = { format: 1, user: 'alice', host, pid, start, since: SINCE, run: '20261122T025900Z-x-1' };
  writeFileSync(lockPath(cloud), `${JSON.stringify(says)}\n`, { mode: 0o600 });
}

/** A lock in the database, of a connection of a process on this machine that stands for one on another. */
function plantInDatabase(cloud: SimulatedCloud, pid: number, says: object): void {
  cloud.world.machines
    .prepare('INSERT INTO locks (name, connection, pid, start, says) VALUES (?, 77, ?, NULL, ?)')
    .run(`expunge:${uuidOf(cloud)}`, pid, JSON.stringify(says));
}

function locksIn({ world }: SimulatedCloud): unknown[] {
  return world.machines.prepare('SELECT name FROM locks').all();
}

/** Refused in one line, and nothing is as it was not before. */
async function refusal(cloud: SimulatedCloud, argv = ['purge', 'web', '--yes']) {
  const before = dumpWorld(cloud.world);
  const ended = await cloud.expunge(argv);
  expect(ended.exit, ended.out + ended.err).toBe(3);
  expect(difference(before, dumpWorld(cloud.world))).toEqual([]);
  return ended.err;
}

describe('somebody else is at work on the server', () => {
  test('on this machine: who, where, which process, since when, and which run', async () => {
    const cloud = await stuckCloud();
    plantFile(cloud);
    expect(await refusal(cloud)).toBe(
      `expunge: server ${uuidOf(cloud)} is locked: alice on ${hostname()}, process ${alive}, since 2026-11-22 02:59:00 UTC (run 20261122T025900Z-x-1) is at work on it; nothing was touched\n` +
        '  wait for its end, or stop it; runs tells how it stands\n',
    );
    expect(readdirSync(cloud.runs)).toEqual([`${uuidOf(cloud)}.lock`]);
  });

  test('on another machine, with a home of its own: the database knows, and what the holder said of itself', async () => {
    const cloud = await stuckCloud();
    const said = {
      expunge_user: 'alice',
      expunge_host: 'ctl-9',
      expunge_pid: '4711',
      expunge_since: SINCE,
    };
    plantInDatabase(cloud, alive, said);
    const says = await refusal(cloud);
    expect(says).toContain('locked: alice on ctl-9, process 4711, since 2026-11-22 02:59:00 UTC is at work');
    expect(says).toContain('KILL 77 in the database nova_api');
    expect(existsSync(lockPath(cloud))).toBe(false);
    expect(locksIn(cloud)).toHaveLength(1);
  });

  test('and the database does not show who: at least which connection', async () => {
    const cloud = await stuckCloud();
    plantInDatabase(cloud, alive, {});
    expect(await refusal(cloud)).toContain(
      "locked: connection 77 holds the lock in Nova's API database, and says no more of itself",
    );
  });

  test('for programs it has a code', async () => {
    const cloud = await stuckCloud();
    plantInDatabase(cloud, alive, {});
    const { exit, out } = await cloud.expunge(['purge', 'web', '--yes', '--format', 'json']);
    expect(exit).toBe(3);
    expect(JSON.parse(out)).toMatchObject({ exitCode: 3, error: { code: 'server-locked' } });
  });

  test('apply, resume and undo are refused too', async () => {
    const cloud = await stuckCloud();
    const plan = await cloud.plan('web', '--ports', 'delete');
    const file = join(cloud.runs, '../../plan.json');
    await cloud.expunge(['plan', 'web', '-o', file]);
    plantInDatabase(cloud, alive, {});
    expect(await refusal(cloud, ['apply', file, '--yes'])).toContain('is locked');
    const cut = await openJournal(cloud.runs, plan, new Date());
    const begin = { event: 'begin' as const, digest: plan.digest, host: hostname(), user: 'u', pid: dead };
    await cut.write([begin]);
    await cut.close();
    expect(await refusal(cloud, ['resume', basename(cut.folder), '--yes'])).toContain('is locked');
    cloud.world.machines.exec('DELETE FROM locks');
    expect(await cloud.expunge(['resume', basename(cut.folder), '--yes'])).toMatchObject({ exit: 0 });
    const done = readdirSync(cloud.runs).find((name) => name !== basename(cut.folder)) ?? '';
    plantInDatabase(cloud, alive, {});
    expect(await refusal(cloud, ['undo', done, '--yes'])).toContain('is locked');
  });

  test('in the moment between confirming and beginning: nothing is begun', async () => {
    const cloud = await stuckCloud();
    const env = { XDG_STATE_HOME: join(cloud.runs, '../..') };
    const process = fakeProcess({ terminal: true, typed: 'web\n', env });
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = (text: string) => {
      if (text.includes('Type the server')) plantFile(cloud);
      return write(text);
    };
    expect(await runCli(['node', 'expunge', '--site', cloud.site, 'purge', 'web'], process)).toBe(3);
    expect(process.err()).toContain('is locked: alice on');
    // The lock in the database was had and is given back.
    expect(locksIn(cloud)).toEqual([]);
  });
});

describe('at the second of several servers, when the first is purged', () => {
  async function twoServers() {
    const server = { state: 'deleting-forever', host: 'cmp-1' } as const;
    const cloud = await simulateCloud({
      hosts: { 'cmp-1': 'dead' },
      servers: ['a', 'b', 'c'].map((name) => ({ name, ...server })),
    });
    const [, second = '', third = ''] = cloud.servers.map(({ uuid }) => uuid);
    cloud.world.machines
      .prepare('INSERT INTO locks (name, connection, pid, start, says) VALUES (?, 77, ?, NULL, ?)')
      .run(`expunge:${second}`, alive, '{}');
    return { cloud, second, third };
  }

  test('what was done is told, and of whom it is said that nothing was touched', async () => {
    const { cloud, second, third } = await twoServers();
    const { exit, out, err } = await cloud.expunge(['purge', 'a', 'b', 'c', '--yes']);
    expect(exit, out + err).toBe(3);
    expect(out.match(/^Verified: /gm)).toHaveLength(1);
    expect(err).toMatch(
      new RegExp(
        `^${second} is server 2 of 3: what was done to the one before it stays done, the one after it is not begun\\nexpunge: server ${second} is locked`,
      ),
    );
    expect((await cloud.expunge(['verify', third])).exit).toBe(1);
  });

  test('for programs it is one document, with the results', async () => {
    const { cloud, second } = await twoServers();
    const { exit, out } = await cloud.expunge(['purge', 'a', 'b', '--yes', '--format', 'json']);
    expect(exit).toBe(3);
    const told = JSON.parse(out) as { servers: object[] };
    expect(told).toMatchObject({ command: 'purge', exitCode: 3, error: { code: 'server-locked' } });
    expect(told.servers).toHaveLength(1);
    expect(told.servers[0]).toMatchObject({ run: expect.any(String), verified: { clean: true } });
    expect(JSON.stringify(told)).toContain(second);
  });
});

describe("a lock that is nobody's any more", () => {
  test('its process has ended: taken over, and that is said', async () => {
    const cloud = await stuckCloud();
    plantFile(cloud, { pid: dead, start: 'another boot/1' });
    plantInDatabase(cloud, dead, {});
    const ended = await cloud.expunge(['purge', 'web', '--yes']);
    expect(ended.exit, ended.out + ended.err).toBe(0);
    expect(ended.err).toBe(
      `The lock of alice on ${hostname()}, process ${dead}, since 2026-11-22 02:59:00 UTC (run 20261122T025900Z-x-1) was taken over: that process has ended.\n`,
    );
    expect(existsSync(lockPath(cloud))).toBe(false);
    expect(locksIn(cloud)).toEqual([]);
  });

  test('its number is that of another process by now', async () => {
    const cloud = await stuckCloud();
    plantFile(cloud, { pid: alive, start: 'another boot/1' });
    expect(await cloud.expunge(['purge', 'web', '--yes'])).toMatchObject({
      exit: 0,
      err: expect.stringContaining('was taken over'),
    });
  });

  test('of another machine that shares the folder: nobody can see that from here, so it holds', async () => {
    const cloud = await stuckCloud();
    plantFile(cloud, { pid: dead, host: 'ctl-9' });
    const says = await refusal(cloud);
    expect(says).toContain(`alice on ctl-9, process ${dead}`);
    expect(says).toContain('can only be seen on ctl-9; make sure that it has ended, then remove');
    expect(existsSync(lockPath(cloud))).toBe(true);
  });

  test('an empty file: of this moment it holds, of a machine that stopped long ago it does not', async () => {
    const cloud = await stuckCloud();
    mkdirSync(cloud.runs, { recursive: true });
    writeFileSync(lockPath(cloud), '');
    expect(await refusal(cloud)).toContain('another run is just taking it');
    utimesSync(lockPath(cloud), 0, 0);
    expect(await cloud.expunge(['purge', 'web', '--yes'])).toMatchObject({
      exit: 0,
      err: expect.stringContaining('was taken over: it was not written to its end'),
    });
  });

  test('a file of another version holds however old it is, until somebody removes it', async () => {
    const cloud = await stuckCloud();
    mkdirSync(cloud.runs, { recursive: true });
    writeFileSync(lockPath(cloud), '{"format":2,"holder":"x"}\n');
    utimesSync(lockPath(cloud), 0, 0);
    expect(await refusal(cloud)).toMatch(
      /^expunge: server \S+ is locked: its lock file \S+\.lock is in format 2, of another version of expunge, [^\n]+; nothing was touched\n {2}make sure that no expunge is at work on the server, then remove \S+\.lock\n$/,
    );
    rmSync(lockPath(cloud));
    expect(await cloud.expunge(['purge', 'web', '--yes'])).toMatchObject({ exit: 0, err: '' });
  });
});

describe('a file that only another user may read, where they share the folder', () => {
  /** As the kernel answers everybody but root. */
  function closeFiles(): void {
    const { readFileSync: read } = fs;
    const closed = (...given: Parameters<typeof read>) => {
      if (!String(given[0]).endsWith('.lock')) return read(...given);
      throw Object.assign(new Error('EACCES: permission denied, open'), { code: 'EACCES' });
    };
    fs.readFileSync = closed as typeof read;
    syncBuiltinESMExports();
    onTestFinished(() => {
      fs.readFileSync = read;
      syncBuiltinESMExports();
    });
  }

  test('is refused by the name of the file', async () => {
    const cloud = await stuckCloud();
    plantFile(cloud);
    closeFiles();
    const says = await refusal(cloud);
    expect(says).toContain(`its lock file ${lockPath(cloud)} is another user's, who may be at work on it`);
    expect(says).toContain(`remove ${lockPath(cloud)}`);
  });
});

test('while it works the file says who and which run, for the owner only; afterwards nothing is left of it', async () => {
  const cloud = await stuckCloud();
  const seen: unknown[] = [];
  const process_ = fakeProcess({ env: { XDG_STATE_HOME: join(cloud.runs, '../..') } });
  const write = process_.stdout.write.bind(process_.stdout);
  process_.stdout.write = (text: string) => {
    if (existsSync(lockPath(cloud))) seen.push(JSON.parse(readFileSync(lockPath(cloud), 'utf8')));
    return write(text);
  };
  expect(await runCli(['node', 'expunge', '--site', cloud.site, 'purge', 'web', '--yes'], process_)).toBe(0);
  const [run] = readdirSync(cloud.runs);
  expect(seen.at(-1)).toMatchObject({ pid: process.pid, host: hostname(), run, start: startOf(process.pid) });
  expect(readdirSync(cloud.runs)).toEqual([run]);
  expect(locksIn(cloud)).toEqual([]);
});

test('a lock on one server holds up no other', async () => {
  const cloud = await simulateCloud({
    hosts: { 'cmp-1': 'dead' },
    servers: [
      { name: 'web', state: 'deleting-forever', host: 'cmp-1' },
      { name: 'mail', state: 'deleting-forever', host: 'cmp-1' },
    ],
  });
  plantFile(cloud);
  plantInDatabase(cloud, alive, {});
  expect(await cloud.expunge(['purge', 'mail', '--yes'])).toMatchObject({ exit: 0, err: '' });
});

describe('the database cannot say whether it is free: nothing is touched', () => {
  const answers: readonly (readonly [string, MysqlAnswer, RegExp])[] = [
    [
      'an error',
      { error: 'Out of memory', code: 1037 },
      /database nova_api: the database says: Out of memory/,
    ],
    [
      'no reason',
      [{ got: null }],
      /database nova_api: the lock on the server cannot be had: the database gives no reason/,
    ],
    ['a line that breaks', 'cut', /database nova_api: the database says/],
    [
      'a cluster of Percona that forbids it',
      {
        error: 'Percona-XtraDB-Cluster prohibits use of GET_LOCK with pxc_strict_mode = ENFORCING',
        code: 1105,
      },
      /prohibits use of GET_LOCK[\s\S]*pxc_strict_mode = MASTER/,
    ],
  ];
  test.each(answers)('%s', async (_, answer, says) => {
    const cloud = await startSmallCloud({ sql: (sql) => (sql.includes('get_lock') ? answer : undefined) });
    const process_ = fakeProcess({ env: cloud.env });
    expect(await runCli(['node', 'expunge', 'purge', SERVER, '--yes', '--site', cloud.site], process_)).toBe(
      4,
    );
    expect(process_.err()).toMatch(says);
    expect(cloud.written).toEqual([]);
    expect(cloud.requested).toBe(true);
  });

  test('a proxy that answers over another connection', async () => {
    const cloud = await startSmallCloud({
      sql: (sql) => (sql.includes('is_used_lock') ? [{ holder: 1, own: 2 }] : undefined),
    });
    const process_ = fakeProcess({ env: cloud.env });
    expect(await runCli(['node', 'expunge', 'purge', SERVER, '--yes', '--site', cloud.site], process_)).toBe(
      4,
    );
    expect(process_.err()).toContain('another connection answers than the one that asked for it');
    expect(cloud.written).toEqual([]);
  });

  test('who holds it, where this user may see the connections of its account', async () => {
    const cloud = await startSmallCloud({
      sql: (sql) => {
        if (sql.includes('get_lock')) return [{ got: 0 }];
        if (sql.includes('is_used_lock')) return [{ holder: 77, own: 2 }];
        if (sql.includes('performance_schema')) return [];
        if (sql === 'select user as user, host as host from information_schema.processlist where id = 77')
          return [{ user: 'nova', host: '10.0.0.5:51234' }];
        return undefined;
      },
    });
    const process_ = fakeProcess({ env: cloud.env });
    expect(await runCli(['node', 'expunge', 'purge', SERVER, '--yes', '--site', cloud.site], process_)).toBe(
      3,
    );
    expect(process_.err()).toContain('connection 77, nova@10.0.0.5:51234, holds the lock');
  });
});
