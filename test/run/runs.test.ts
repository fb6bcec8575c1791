/** How runs stand among each other: what is alive, unfinished, followed by another, taken back, and what is known from them. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Plan } from '../../src/plan/types.ts';
import { abandonRun } from '../../src/run/abandon.ts';
import type { End, RunLinks } from '../../src/run/journal.ts';
import { readRun } from '../../src/run/read-run.ts';
import { findUnfinished, isUnfinished, listRuns, readKnown, standingOf, timeOf } from '../../src/run/runs.ts';
import { plan, SERVER, step } from '../support/plans.ts';
import { decisions } from '../support/subjects.ts';
import { tempFolder } from '../support/temp.ts';

const OTHER = '99999999-2222-4333-8444-555555555555';
const VOLUME = '22222222-2222-4333-8444-555555555555';
const dead = spawnSync('true').pid;
const ours = { pid: process.pid };

interface Recorded {
  readonly of?: Plan;
  /** minute of the hour at which it began; null: it never did */
  readonly at?: number | null;
  readonly begunAt?: string;
  readonly end?: End;
  readonly pid?: number;
  readonly host?: string;
  readonly links?: RunLinks;
  readonly abandoned?: boolean;
}

function minute(n: number, year = 2026): string {
  return `${year}-11-22T10:${String(n).padStart(2, '0')}:00.000Z`;
}

/** The record of a run without steps done. Its name does not sort by its time. */
function record(runs: string, name: string, recorded: Recorded = {}): string {
  const { of = plan(), at = 1, end, pid = dead, host = hostname(), links = {} } = recorded;
  const folder = join(runs, `${name}-${of.server.uuid}-1`);
  mkdirSync(folder, { recursive: true });
  const begin = { event: 'begin', digest: of.digest, host, user: 'u', pid, ...links };
  const lines = [
    ...(at === null ? [] : [{ at: recorded.begunAt ?? minute(at), ...begin }]),
    ...(end === undefined ? [] : [{ at: minute(59), event: 'end', outcome: end }]),
  ];
  writeFileSync(join(folder, 'plan.json'), JSON.stringify(of));
  writeFileSync(join(folder, 'journal.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  writeFileSync(join(folder, 'before.jsonl'), '');
  if (recorded.abandoned === true) {
    const says = { format: 1, at: minute(58), user: 'u', host: 'h', pid: 1, why: null };
    writeFileSync(join(folder, 'abandoned.json'), JSON.stringify(says));
  }
  return basename(folder);
}

async function unfinished(runs: string): Promise<string | null> {
  const found = await findUnfinished(runs, 'lab', SERVER);
  return found === null ? null : basename(found.record.folder);
}

async function standing(runs: string, name: string) {
  const { state, followedBy, undoneBy } = await standingOf(runs, await readRun(join(runs, name)));
  const nameOf = (run: typeof followedBy) => (run === null ? null : basename(run.folder));
  return { state, followedBy: nameOf(followedBy), undoneBy: nameOf(undoneBy) };
}

describe('the state of a run', () => {
  const states: readonly (readonly [string, Recorded, string])[] = [
    ['its end is written down, whatever became of its process', { ...ours, end: 'open' }, 'open'],
    ['its end is written down, on another machine', { end: 'interrupted', host: 'ctl-9' }, 'interrupted'],
    ['nothing was begun', { at: null }, 'not-begun'],
    ['its process has ended', {}, 'cut'],
    ['its process lives', { ...ours, begunAt: new Date().toISOString() }, 'running'],
    ['its number is that of a process begun years later', { ...ours, begunAt: minute(0, 2020) }, 'cut'],
    ['its number is that of a process begun a minute later', { ...ours, begunAt: beforeOurs(60_000) }, 'cut'],
    ['two clocks differ by less than a second', { ...ours, begunAt: beforeOurs(500) }, 'running'],
    ['another machine has to be asked', { host: 'ctl-9' }, 'elsewhere'],
    [
      'another machine has to be asked, though its number lives here',
      { ...ours, host: 'ctl-9' },
      'elsewhere',
    ],
  ];
  test.each(states)('%s', async (_, recorded, state) => {
    const runs = tempFolder();
    expect(await standing(runs, record(runs, 'a', recorded))).toMatchObject({ state });
  });
});

test('of two processes that live, the one that was begun after its run is another’s', async () => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  onTestFinished(() => {
    child.kill();
  });
  const { pid = dead } = child;
  const runs = tempFolder();
  const begunAt = (ms: number) => new Date(Date.now() + ms).toISOString();
  expect(await standing(runs, record(runs, 'a', { pid, begunAt: begunAt(0) }))).toMatchObject({
    state: 'running',
  });
  expect(await standing(runs, record(runs, 'b', { pid, begunAt: begunAt(-60_000) }))).toMatchObject({
    state: 'cut',
  });
});

/** Before the start of this very process. */
function beforeOurs(ms: number): string {
  return new Date(Date.now() - process.uptime() * 1000 - ms).toISOString();
}

describe('a run is unfinished', () => {
  const cases: readonly (readonly [string, Recorded, boolean])[] = [
    ['when it was cut', {}, true],
    ['when it waits for its host', { end: 'open' }, true],
    ['when not every step could be done', { end: 'incomplete' }, true],
    ['when it was asked to stop', { end: 'interrupted' }, true],
    ['when nobody here can tell', { host: 'ctl-9' }, true],
    ['but not when it is complete', { end: 'complete' }, false],
    ['but not when it never began', { at: null }, false],
    ['but not when it was given up', { abandoned: true }, false],
    ['but not when it is an undo', { links: { undoes: 'x' } }, false],
    ['but not on another site', { of: plan({ site: 'other' }) }, false],
    ['but not of another server', { of: of(OTHER) }, false],
  ];
  test.each(cases)('%s', async (_, recorded, is) => {
    const runs = tempFolder();
    const name = record(runs, 'a', recorded);
    expect(await unfinished(runs)).toBe(is ? name : null);
  });

  test('of several the last one is named, by time and not by name', async () => {
    const runs = tempFolder();
    const late = record(runs, 'a', { at: 30 });
    record(runs, 'b', { at: 10 });
    expect(await unfinished(runs)).toBe(late);
  });

  test('a folder of runs that is not there holds none', async () => {
    const nothing = join(tempFolder(), 'nothing');
    expect(await unfinished(nothing)).toBeNull();
    expect(await listRuns(nothing, 'lab')).toEqual({ runs: [], unreadable: [], elsewhere: 0 });
  });

  test('a folder of runs that cannot be read is no empty one', async () => {
    const file = join(tempFolder(), 'file');
    writeFileSync(file, '');
    await expect(unfinished(file)).rejects.toMatchObject({
      code: 'runs-unreadable',
      exitCode: 2,
      message: expect.stringContaining(file),
    });
  });

  test('a record of another version is refused; one that is damaged, of no run or of another server is passed by', async () => {
    const runs = tempFolder();
    mkdirSync(join(runs, `empty-${SERVER}-1`));
    writeFileSync(join(runs, `${SERVER}.lock`), '');
    const damaged = record(runs, 'b');
    writeFileSync(join(runs, damaged, 'plan.json'), '{}');
    const later = JSON.stringify({ ...plan(), format: 2, tool: '9.0.0' });
    const foreign = record(runs, 'c', { of: of(OTHER) });
    writeFileSync(join(runs, foreign, 'plan.json'), later);
    record(runs, `renamed-${SERVER}`, { of: of(OTHER) });
    expect(await unfinished(runs)).toBeNull();
    writeFileSync(join(runs, record(runs, 'd'), 'plan.json'), later);
    await expect(unfinished(runs)).rejects.toMatchObject({ code: 'format-unknown' });
  });

  test.each(['plan.json', 'journal.jsonl', 'before.jsonl', 'abandoned.json'])(
    'a record that is there and is not given, here its %s, is refused: how it stands is not known',
    async (file) => {
      const runs = tempFolder();
      const path = join(runs, record(runs, 'a', { end: 'open' }), file);
      rmSync(path, { force: true });
      // As closed to root as to everybody.
      mkdirSync(path);
      await expect(unfinished(runs)).rejects.toMatchObject({
        code: 'run-unreadable',
        message: expect.stringContaining(`${path} cannot be read: EISDIR`),
      });
      expect((await readKnown(runs, 'lab', SERVER)).unread).toMatchObject([{ folder: dirname(path) }]);
    },
  );

  test('a record of another version that somebody gave up is passed by, when it says so as this one does', async () => {
    const runs = tempFolder();
    const foreign = record(runs, 'a', { abandoned: true });
    writeFileSync(join(runs, foreign, 'plan.json'), JSON.stringify({ ...plan(), format: 2, tool: '9.0.0' }));
    expect(await unfinished(runs)).toBeNull();
    writeFileSync(join(runs, foreign, 'abandoned.json'), '{"format":2}');
    await expect(unfinished(runs)).rejects.toMatchObject({ code: 'format-unknown' });
  });
});

/** A plan for another server. */
function of(uuid: string): Plan {
  return plan({ server: { ...plan().server, uuid } });
}

describe('a run is followed by', () => {
  const first = `a-${SERVER}-1`;
  const complete = (at: number): Recorded => ({ at, end: 'complete' });
  const went = (at: number, continues: string): Recorded => ({ at, end: 'open', links: { continues } });
  const undoes = { links: { undoes: `b0-${SERVER}-1` } };
  const cases: readonly (readonly [string, readonly Recorded[], number | null])[] = [
    ['a later one that is complete', [complete(2)], 0],
    ['one that went on with it, however that ended', [went(2, first)], 0],
    ['one that went on with one that went on with it', [went(2, first), went(3, `b0-${SERVER}-1`)], 1],
    ['the last of several', [complete(2), complete(3)], 1],
    ['no later one that has nothing to do with it and is not complete', [{ at: 2, end: 'incomplete' }], null],
    ['one that went on with it on a machine whose clock is behind', [went(0, first)], 0],
    ['none that went on with another', [went(2, 'x')], null],
    ['no earlier one', [complete(0)], null],
    ['none of the same moment', [complete(1)], null],
    ['none that never began', [{ at: null, of: plan({ madeAt: minute(5) }) }], null],
    ['no undo', [{ ...complete(2), links: { undoes: 'x' } }], null],
    ['none on another site', [{ ...complete(2), of: plan({ site: 'other' }) }], null],
    ['none that was taken back itself', [complete(2), { ...complete(3), ...undoes }], null],
    ['one of which only an undo was begun', [complete(2), { at: 3, end: 'incomplete', ...undoes }], 0],
  ];
  test.each(cases)('%s', async (_, others, by) => {
    const runs = tempFolder();
    const own = record(runs, 'a');
    const names = others.map((other, i) => record(runs, `b${i}`, other));
    expect(await standing(runs, own)).toMatchObject({ followedBy: by === null ? null : names[by] });
    expect(await unfinished(runs)).not.toBe(by === null ? null : own);
  });

  test('one of the same server only, in a list of all', async () => {
    const runs = tempFolder();
    record(runs, 'a');
    record(runs, 'b', { at: 2, end: 'complete', of: of(OTHER) });
    const followers = async () =>
      (await listRuns(runs, 'lab')).runs.map(({ followedBy: by }) => by && basename(by.folder));
    expect(await followers()).toEqual([null, null]);
    const last = record(runs, 'c', { at: 3, end: 'complete' });
    expect(await followers()).toEqual([last, null, null]);
  });
});

describe('a run is taken back', () => {
  test('by the last undo that was complete, and is then no unfinished one', async () => {
    const runs = tempFolder();
    const own = record(runs, 'a');
    record(runs, 'b', { at: 2, end: 'complete', links: { undoes: own } });
    const again = record(runs, 'c', { at: 3, end: 'complete', links: { undoes: own } });
    record(runs, 'd', { at: 4, end: 'incomplete', links: { undoes: own } });
    expect(await standing(runs, own)).toMatchObject({ undoneBy: again, followedBy: null });
    expect(await unfinished(runs)).toBeNull();
  });

  test('not by an undo that was taken back itself, unless that was taken back too', async () => {
    const runs = tempFolder();
    const own = record(runs, 'a', { end: 'complete' });
    const undo = record(runs, 'b', { at: 2, end: 'complete', links: { undoes: own } });
    const redo = record(runs, 'c', { at: 3, end: 'complete', links: { undoes: undo } });
    expect(await standing(runs, own)).toMatchObject({ undoneBy: null });
    expect(await standing(runs, undo)).toMatchObject({ undoneBy: redo });
    record(runs, 'd', { at: 4, end: 'complete', links: { undoes: redo } });
    expect(await standing(runs, own)).toMatchObject({ undoneBy: undo });
  });

  test('not by an undo that could not do all, nor by one of another', async () => {
    const runs = tempFolder();
    const own = record(runs, 'a');
    record(runs, 'b', { at: 2, end: 'incomplete', links: { undoes: own } });
    record(runs, 'c', { at: 3, end: 'complete', links: { undoes: 'x' } });
    expect(await standing(runs, own)).toMatchObject({ undoneBy: null });
    expect(await unfinished(runs)).toBe(own);
  });
});

test('the list is of one site, the oldest first, and counts the others; what cannot be read is in it', async () => {
  const runs = tempFolder();
  const late = record(runs, 'a', { at: 30 });
  // One that never began is as old as its plan, whatever its name says.
  const never = record(runs, 'b', { at: null, of: plan({ madeAt: minute(20) }) });
  const early = record(runs, 'c', { at: 10, of: plan({ madeAt: minute(40) }) });
  record(runs, 'd', { of: plan({ site: 'other' }) });
  mkdirSync(join(runs, 'e'));
  writeFileSync(join(runs, 'file'), '');
  const listed = await listRuns(runs, 'lab');
  expect(listed.runs.map(({ record: { folder } }) => basename(folder))).toEqual([early, never, late]);
  expect(listed.runs.map(({ record: run }) => timeOf(run))).toEqual([minute(10), minute(20), minute(30)]);
  expect(listed.runs.map(isUnfinished)).toEqual([true, false, true]);
  expect(listed.elsewhere).toBe(1);
  expect(listed.unreadable).toMatchObject([{ folder: join(runs, 'e'), code: 'run-unreadable' }]);
});

describe('what is known of a server', () => {
  const traces = (name: string, hosts: readonly string[]) => ({
    name,
    projectId: null,
    domainName: null,
    hosts: [...hosts],
    portIds: [],
    vifs: [],
    volumes: [],
  });
  const known = (runs: string) => readKnown(runs, 'lab', SERVER);
  type Volumes = Plan['decisions']['volumes'];
  const deletes = plan({
    steps: [step('files/x'), step(`volumes/${VOLUME}/delete`)],
    decisions: decisions({ volumes: { named: {}, rest: 'as-nova' } }),
  });
  const decides = (at: number, volumes: Volumes): Recorded => ({
    at,
    of: plan({ decisions: decisions({ volumes }) }),
  });
  const all = { named: {}, rest: 'keep' as const };

  test('is what all its runs wrote down on this site, the newest first', async () => {
    const runs = tempFolder();
    record(runs, 'a', { at: 2, of: plan({ traces: traces('new', ['c']) }) });
    record(runs, 'b', { at: 1, of: plan({ traces: traces('old', ['b']) }) });
    record(runs, 'c', { at: 0, of: plan() });
    record(runs, 'd', { at: 3, of: plan({ site: 'other', traces: traces('x', ['x']) }) });
    record(runs, `renamed-${SERVER}`, { at: 4, of: plan({ ...of(OTHER), traces: traces('y', ['y']) }) });
    expect((await known(runs)).known).toMatchObject({ name: 'new', hosts: ['c', 'b'] });
  });

  test('is nothing when no run wrote anything down', async () => {
    const runs = tempFolder();
    record(runs, 'a');
    expect(await known(runs)).toEqual({ known: null, doomed: [], unread: [] });
  });

  const strange = plan({ traces: { places: [] }, tool: '0.0.9' });
  const first = `a0-${SERVER}-1`;
  const taken: Recorded = { at: 5, end: 'complete', links: { undoes: first } };
  const over: readonly (readonly [string, readonly Recorded[]])[] = [
    ['is complete', [{ end: 'complete' }]],
    ['never began', [{ at: null }]],
    ['was given up', [{ end: 'open', abandoned: true }]],
    ['was finished by a later one', [{ end: 'open' }, { at: 2, of: plan(), end: 'complete' }]],
    ['was gone on with', [{ end: 'open' }, { at: 2, of: plan(), end: 'open', links: { continues: first } }]],
    ['was complete, and taken back', [{ end: 'complete' }, { ...taken, of: plan() }]],
    ['was open, and taken back', [{ end: 'open' }, { ...taken, of: plan() }]],
    ['is the undo of another', [{ end: 'incomplete', links: { undoes: 'x' } }]],
  ];
  test.each(over)('is not asked of a run of another version that %s', async (_, recorded) => {
    const runs = tempFolder();
    for (const [i, one] of recorded.entries()) record(runs, `a${i}`, { of: strange, ...one });
    expect(await known(runs)).toMatchObject({ known: null });
    expect(await unfinished(runs)).not.toBe(first);
  });

  const left: readonly (readonly [string, readonly Recorded[]])[] = [
    ['is open', [{ end: 'open' }]],
    ['was cut', [{}]],
    ['could not do all', [{ end: 'incomplete' }]],
    ['is still going, perhaps', [{ host: 'ctl-9' }]],
    ['was taken back only in part', [{ end: 'open' }, { ...taken, of: plan(), end: 'incomplete' }]],
    [
      'was taken back, and that too',
      [
        { end: 'open' },
        { ...taken, of: plan() },
        { at: 6, of: plan(), end: 'complete', links: { undoes: `a1-${SERVER}-1` } },
      ],
    ],
  ];
  test.each(left)(
    'is not known when a run of another version %s, until that is given up',
    async (_, recorded) => {
      const runs = tempFolder();
      for (const [i, one] of recorded.entries()) record(runs, `a${i}`, { of: strange, ...one });
      await expect(known(runs)).rejects.toMatchObject({
        code: 'run-invalid',
        message: expect.stringContaining(join(runs, first)),
        hint: `finish it with expunge 0.0.9, or give it up: expunge abandon ${first}`,
      });
      expect(await unfinished(runs)).toBe(first);
      await abandonRun(join(runs, first), null, new Date());
      expect(await known(runs)).toMatchObject({ known: null });
    },
  );

  const fates: readonly (readonly [string, readonly Recorded[], boolean])[] = [
    ['by a run, done or not', [{}], true],
    ['by no run that never began', [{ at: null }], false],
    ['by no run that was given up', [{ abandoned: true }], false],
    [
      'by no run that was taken back',
      [{}, { at: 2, end: 'complete', links: { undoes: `a0-${SERVER}-1` } }],
      false,
    ],
    ['by no undo', [{ links: { undoes: 'x' } }], false],
    ['unless a later run keeps it by its name', [{}, decides(2, { named: { [VOLUME]: 'keep' } })], false],
    ['unless a later run keeps them all', [{}, decides(2, all)], false],
    [
      'also when a later run keeps the others',
      [{}, decides(2, { ...all, named: { [VOLUME]: 'delete' } })],
      true,
    ],
    ['also when a later run says nothing of it', [{}, { at: 2, of: plan() }], true],
    ['also when an earlier run kept it', [{}, decides(0, all)], true],
  ];
  test.each(fates)('a volume is doomed %s', async (_, recorded, is) => {
    const runs = tempFolder();
    for (const [i, one] of recorded.entries()) record(runs, `a${i}`, { of: deletes, ...one });
    expect((await known(runs)).doomed).toEqual(is ? [VOLUME] : []);
  });
});
