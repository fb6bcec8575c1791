/** The file that says who is at work on a server: whom it tells of, when it is nobody's any more, and who may take it away. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  describeSelf,
  type Holder,
  type LockFile,
  makeLockFile,
  readLockFile,
  removeStale,
} from '../../src/run/lock-file.ts';
import { startOf } from '../../src/site/process-identity.ts';
import { leaveFilesEmpty } from '../support/full-disk.ts';
import { SERVER } from '../support/plans.ts';
import { tempFolder } from '../support/temp.ts';

const NOW = new Date('2026-11-22T03:00:00Z');
const dead = spawnSync('true').pid;
const UNUSABLE = {
  code: 'journal-unwritable',
  message: expect.stringContaining('the lock file cannot be used'),
};

const pathIn = (runs: string) => join(runs, `${SERVER}.lock`);
const self = (changes: Partial<Holder> = {}): Holder => ({ ...describeSelf(NOW), ...changes });

function plant(says: object | string): string {
  const runs = tempFolder();
  writeFileSync(pathIn(runs), typeof says === 'string' ? says : JSON.stringify(says));
  return runs;
}

async function make(runs: string, by = self()): Promise<LockFile> {
  const file = await makeLockFile(runs, SERVER, by);
  if (file === null) throw new Error('somebody has it');
  return file;
}

describe('a lock file', () => {
  const { pid } = process;
  const start = startOf(pid);
  const held: readonly (readonly [string, Partial<Holder>, 'held' | 'stale'])[] = [
    ['of a process that lives', { pid, start }, 'held'],
    ['of a process that lives, of which nobody wrote down when it started', { pid, start: null }, 'held'],
    ['of another process that had the number of one that lives', { pid, start: 'another boot/1' }, 'stale'],
    ['of a process that has ended', { pid: dead, start }, 'stale'],
    [
      'of a process that has ended, of which nobody wrote down when it started',
      { pid: dead, start: null },
      'stale',
    ],
    ['of another machine, where it may live', { pid: dead, host: 'ctl-9' }, 'held'],
    ['of another machine, on which the number means another', { pid, start: 'x/1', host: 'ctl-9' }, 'held'],
  ];
  test.each(held)('%s', async (_, changes, is) => {
    const by = self(changes);
    const runs = plant(by);
    const path = pathIn(runs);
    expect(await readLockFile(runs, SERVER)).toEqual(is === 'held' ? { is, by, path } : { is, by });
  });

  test('that is not there: the server is free', async () => {
    expect(await readLockFile(tempFolder(), SERVER)).toEqual({ is: 'free' });
    expect(await readLockFile(join(tempFolder(), 'nothing'), SERVER)).toEqual({ is: 'free' });
  });

  const whole = JSON.stringify(describeSelf(NOW));
  test.each([
    ['that is empty', ''],
    ['of which a byte was written', '{'],
    ['that was cut', '{"format":1,"user":"u"'],
    ['that was cut before its last byte', whole.slice(0, -1)],
    ['of which the disk has only the length', '\0'.repeat(whole.length)],
    ['of which the disk has half, and the length', `${whole.slice(0, 40)}${'\0'.repeat(40)}`],
  ])('%s is not finished, and is young for ten seconds', async (_, text) => {
    const runs = plant(text);
    const path = pathIn(runs);
    const aged = async (seconds: number) => {
      const then = Date.now() / 1000 - seconds;
      utimesSync(path, then, then);
      return readLockFile(runs, SERVER);
    };
    expect(await readLockFile(runs, SERVER)).toEqual({ is: 'unfinished', path, young: true });
    expect(await aged(7)).toMatchObject({ young: true });
    expect(await aged(11)).toMatchObject({ young: false });
  });

  test('that was written but for the end of its line is one', async () => {
    expect(await readLockFile(plant(whole), SERVER)).toMatchObject({ is: 'held' });
  });

  test.each([
    ['of a later format', JSON.stringify({ ...self(), format: 2 }), 2],
    ['of a later format, that was cut', '{"format":2,"user":"u"', null],
    ['of this format, with another thing in it', JSON.stringify({ ...self(), pid: 'one' }), null],
    ['of this format, with too little in it', '{"format":1}', null],
    ['of JSON', '[]\n', null],
    ['of text', 'alice is at work\n', null],
    ['of an empty line', '\n', null],
    ['of NUL, and of text after it', '\0\0{"format":1,', null],
    ['that begins as ours, and goes on otherwise', '{"format":1,"user":\n"u"', null],
  ])('%s is foreign, however old it is', async (_, text, format) => {
    const runs = plant(text);
    const path = pathIn(runs);
    utimesSync(path, 0, 0);
    expect(await readLockFile(runs, SERVER)).toEqual({ is: 'foreign', path, format });
  });

  test('that cannot be read is no free one', async () => {
    const runs = tempFolder();
    mkdirSync(pathIn(runs));
    await expect(readLockFile(runs, SERVER)).rejects.toMatchObject(UNUSABLE);
    await expect(removeStale(runs, SERVER)).rejects.toMatchObject(UNUSABLE);
  });
});

describe('taking it', () => {
  test('says who, in a folder that only its owner may enter, in a file that only its owner may read', async () => {
    const runs = join(tempFolder(), 'a', 'runs');
    await make(runs);
    expect(JSON.parse(readFileSync(pathIn(runs), 'utf8'))).toEqual({
      format: 1,
      user: expect.any(String),
      host: hostname(),
      pid: process.pid,
      start: startOf(process.pid),
      since: '2026-11-22T03:00:00.000Z',
      run: null,
    });
    expect(statSync(runs).mode & 0o777).toBe(0o700);
    expect(statSync(pathIn(runs)).mode & 0o777).toBe(0o600);
  });

  test('never takes one that is there, whatever it says', async () => {
    for (const says of [self({ pid: dead }), '']) {
      const runs = plant(says);
      const before = readFileSync(pathIn(runs), 'utf8');
      expect(await makeLockFile(runs, SERVER, self())).toBeNull();
      expect(readFileSync(pathIn(runs), 'utf8')).toBe(before);
    }
  });

  test('where the folder takes no file, nobody has it', async () => {
    const file = join(tempFolder(), 'file');
    writeFileSync(file, '');
    await expect(makeLockFile(join(file, 'runs'), SERVER, self())).rejects.toMatchObject(UNUSABLE);
  });

  test('on a full disk, nobody has it, and no empty file says that somebody is just taking it', async () => {
    const runs = tempFolder();
    leaveFilesEmpty();
    await expect(makeLockFile(runs, SERVER, self())).rejects.toMatchObject(UNUSABLE);
    expect(readdirSync(runs)).toEqual([]);
  });

  test('of one that nobody has any more, when it was taken away', async () => {
    const runs = plant(self({ pid: dead }));
    await removeStale(runs, SERVER);
    await removeStale(runs, SERVER);
    await make(runs);
    expect(await readLockFile(runs, SERVER)).toMatchObject({ is: 'held' });
  });
});

describe('naming the run', () => {
  test('adds it, and changes nothing else', async () => {
    const runs = tempFolder();
    const file = await make(runs);
    await file.nameRun('run-1');
    expect(JSON.parse(readFileSync(pathIn(runs), 'utf8'))).toEqual(self({ run: 'run-1' }));
    expect(statSync(pathIn(runs)).mode & 0o777).toBe(0o600);
    expect(readdirSync(runs)).toEqual([`${SERVER}.lock`]);
    file.release();
    expect(readdirSync(runs)).toEqual([]);
  });

  test('is refused where the folder does not take it', async () => {
    const runs = tempFolder();
    const file = await make(runs);
    file.release();
    mkdirSync(pathIn(runs));
    await expect(file.nameRun('run-1')).rejects.toMatchObject(UNUSABLE);
  });
});

describe('letting go', () => {
  test.each<[string, Partial<Holder> | string]>([
    ['another process', { pid: dead }],
    ['a process of another boot', { start: 'another boot/1' }],
    ['this process at another time', { since: '2026-11-22T03:00:01.000Z' }],
    ['one that has not said yet who it is', ''],
  ])('leaves the file to %s that took it over', async (_, says) => {
    const runs = tempFolder();
    const file = await make(runs);
    writeFileSync(pathIn(runs), typeof says === 'string' ? says : JSON.stringify(self(says)));
    file.release();
    expect(existsSync(pathIn(runs))).toBe(true);
  });

  test('twice, or when somebody took the file away, is no fault', async () => {
    const runs = tempFolder();
    const file = await make(runs);
    file.release();
    expect(existsSync(pathIn(runs))).toBe(false);
    expect(() => file.release()).not.toThrow();
  });
});
