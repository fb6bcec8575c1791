/** Runs that did not end as they should: what resume makes of them, and what `runs` says. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import type { Plan } from '../../src/plan/types.ts';
import { openJournal, type RunLinks } from '../../src/run/journal.ts';
import { stopDomain } from '../../src/simulator/hosts/domains.ts';
import { fakeProcess } from '../support/fake-process.ts';
import { plan as planned } from '../support/plans.ts';
import { type SimulatedCloud, stuckCloud } from '../support/simulated-cloud.ts';
import { tempFolder } from '../support/temp.ts';
import { difference, dumpWorld } from '../support/world-dump.ts';

const dead = spawnSync('true').pid;

interface Cut {
  readonly intents?: readonly string[];
  readonly pid?: number;
  readonly host?: string;
  readonly links?: RunLinks;
}

/** The record of a run that has no end. @returns its name */
async function recordCut(cloud: SimulatedCloud, plan: Plan, cut: Cut = {}): Promise<string> {
  const { intents = [], pid = dead, host = hostname(), links = {} } = cut;
  const journal = await openJournal(cloud.runs, plan, new Date());
  await journal.write([
    { event: 'begin', digest: plan.digest, host, user: 'u', pid, ...links },
    ...intents.map((step) => ({ event: 'intent' as const, step })),
  ]);
  await journal.save(
    plan.steps
      .filter(({ id }) => intents.includes(id))
      .flatMap(({ id, before }) => before.map((of) => ({ step: id, of, image: null }))),
  );
  await journal.close();
  return basename(journal.folder);
}

function idOf({ steps }: Plan, part: string): string {
  const step = steps.find(({ id }) => id.includes(part));
  if (step === undefined) throw new Error(`no step ${part}`);
  return step.id;
}

describe('a run whose process was killed', () => {
  test('what was announced is looked at, and what is left is done', async () => {
    const whole = await stuckCloud();
    expect(await whole.expunge(['purge', 'web', '--yes'])).toMatchObject({ exit: 0 });

    const cloud = await stuckCloud();
    const plan = await cloud.plan('web');
    const [stop, bridge] = [idOf(plan, '/stop'), idOf(plan, '/link/qbr')];
    const run = await recordCut(cloud, plan, { intents: [stop, bridge] });
    // Of the two the first took effect before the end.
    stopDomain(cloud.world, 'cmp-1', plan.server.uuid);
    const resumed = await cloud.expunge(['resume', run, '--yes']);
    expect(resumed, resumed.out + resumed.err).toMatchObject({ exit: 0, err: '' });
    expect(resumed.out).toContain('cut: its process ended without a word');
    expect(resumed.out).toMatch(
      /begun without a word of its end, and looked at now:\n {4}.*stop domain \S+: done\n/,
    );
    expect(resumed.out).toMatch(/delete bridge \S+: not done\n/);
    expect(difference(dumpWorld(whole.world), dumpWorld(cloud.world))).toEqual([]);
    expect(await cloud.expunge(['verify', cloud.servers[0]?.uuid ?? ''])).toMatchObject({ exit: 0 });
    const listed = await cloud.expunge(['runs']);
    expect(listed.out).toContain('cut: its process ended without a word; finished by');
  });

  test('the same to a program: what its process did not get to say', async () => {
    const cloud = await stuckCloud();
    const plan = await cloud.plan('web');
    const [stop, bridge] = [idOf(plan, '/stop'), idOf(plan, '/link/qbr')];
    const run = await recordCut(cloud, plan, { intents: [stop, bridge] });
    stopDomain(cloud.world, 'cmp-1', plan.server.uuid);
    const { exit, out } = await cloud.expunge(['resume', run, '--yes', '--format', 'json']);
    expect(exit).toBe(0);
    expect((JSON.parse(out) as { servers: object[] }).servers).toMatchObject([
      {
        resumed: {
          run,
          back: [],
          off: [],
          announced: [
            { step: stop, settled: true, why: null },
            { step: bridge, settled: false, why: null },
          ],
        },
      },
    ]);
  });

  test('what cannot be looked at now is UNKNOWN, and nothing is touched', async () => {
    const cloud = await stuckCloud();
    const plan = await cloud.plan('web');
    const run = await recordCut(cloud, plan, { intents: [idOf(plan, '/stop')] });
    cloud.world.machines.exec('UPDATE hosts SET reachable = 0');
    const before = dumpWorld(cloud.world);
    const ended = await cloud.expunge(['resume', run, '--yes']);
    expect(ended.exit).toBe(4);
    expect(ended.out).toMatch(/stop domain \S+: UNKNOWN: ssh ended with 255/);
    expect(difference(before, dumpWorld(cloud.world))).toEqual([]);
  });

  test('when all of it was done: that is written down, and nobody is asked', async () => {
    const cloud = await stuckCloud();
    const plan = await cloud.plan('web');
    const run = await recordCut(cloud, plan);
    // By a run that is recorded where this one does not look.
    const elsewhere = { env: { XDG_STATE_HOME: tempFolder() } };
    expect(await cloud.expunge(['purge', 'web', '--yes'], elsewhere)).toMatchObject({ exit: 0 });
    const ended = await cloud.expunge(['resume', run], { terminal: true });
    expect(ended, ended.out + ended.err).toMatchObject({ exit: 0, err: '' });
    expect(ended.out).toContain('Verified');
    expect(await cloud.expunge(['resume', run, '--yes'])).toMatchObject({ exit: 2 });
  });
});

test('a run that was asked to stop says how to go on, and resume does the rest', async () => {
  const cloud = await stuckCloud();
  const process = fakeProcess({ env: { XDG_STATE_HOME: join(cloud.runs, '../..') } });
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = (text: string) => {
    if (text.includes('stop domain') && text.includes(' done ')) process.interrupt();
    return write(text);
  };
  const exit = await runCli(['node', 'expunge', '--site', cloud.site, 'purge', 'web', '--yes'], process);
  expect(exit, process.out() + process.err()).toBe(130);
  const [run = ''] = readdirSync(cloud.runs);
  expect(process.out().trimEnd().split('\n').at(-1)).toBe(`Next: expunge resume ${run} --site ${cloud.site}`);
  const resumed = await cloud.expunge(['resume', run, '--yes']);
  expect(resumed, resumed.out + resumed.err).toMatchObject({ exit: 0, err: '' });
  expect(resumed.out).toContain('interrupted: it was asked to stop');
  expect((await cloud.expunge(['runs'])).out).toContain('interrupted: it was asked to stop; finished by');
});

describe('a run that is not resumed', () => {
  const refusal = async (cut: Cut) => {
    const cloud = await stuckCloud();
    const run = await recordCut(cloud, await cloud.plan('web'), cut);
    const ended = await cloud.expunge(['resume', run, '--yes']);
    expect(ended).toMatchObject({ exit: 2, out: '' });
    return ended.err;
  };
  test('it is still going', async () => {
    expect(await refusal({ pid: process.pid })).toContain(`is still going, as process ${process.pid}`);
  });
  test('it was begun on another machine, where its process may live', async () => {
    expect(await refusal({ host: 'ctl-9' })).toContain('was begun on ctl-9');
  });
  test('it is an undo', async () => {
    expect(await refusal({ links: { undoes: 'another' } })).toContain('is the undo of a run');
  });
  test('it is complete', async () => {
    const cloud = await stuckCloud();
    await cloud.expunge(['purge', 'web', '--yes']);
    const [run = ''] = readdirSync(cloud.runs);
    expect(await cloud.expunge(['resume', run, '--yes'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('is complete'),
    });
  });
  test('without a terminal it wants --yes', async () => {
    const cloud = await stuckCloud();
    expect(await cloud.expunge(['resume', 'x'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('say --yes'),
    });
  });
});

test('a process that was started after the run began only has its number', async () => {
  const cloud = await stuckCloud();
  const run = await recordCut(cloud, await cloud.plan('web'), { pid: process.pid });
  const path = join(cloud.runs, run, 'journal.jsonl');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/"at":"[^"]+"/, '"at":"2020-01-01T00:00:00.000Z"'));
  expect((await cloud.expunge(['runs'])).out).toContain('cut: its process ended without a word');
});

describe('the list of runs', () => {
  test('none yet', async () => {
    const cloud = await stuckCloud();
    expect(await cloud.expunge(['runs'])).toEqual({ exit: 0, out: `0 runs in ${cloud.runs}.\n`, err: '' });
  });

  test('each with when, which server, by whom and how it stands; the one to go on with is named', async () => {
    const cloud = await stuckCloud();
    const plan = await cloud.plan('web');
    const run = await recordCut(cloud, plan, { host: 'ctl-9' });
    const cut = await recordCut(cloud, plan);
    const bad = join(cloud.runs, '20200101T000000Z-empty-1');
    mkdirSync(bad);
    await openJournal(cloud.runs, planned({ site: 'another' }), new Date()).then((j) => j.close());
    const { exit, out, err } = await cloud.expunge(['runs']);
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    expect(out).toMatch(
      new RegExp(
        `${run}\n {2}web, \\S+ \\S+ UTC, by u on ctl-9\n {2}without an end; .* can be seen on ctl-9\n`,
      ),
    );
    expect(out).toContain('20200101T000000Z-empty-1\n  cannot be read: ');
    expect(out).toContain(`2 runs in ${cloud.runs}, and 1 on other sites.`);
    expect(out.trimEnd().split('\n').at(-1)).toBe(`Next: expunge resume ${cut} --site ${cloud.site}`);
  });

  test('for programs', async () => {
    const cloud = await stuckCloud();
    const plan = await cloud.plan('web');
    const run = await recordCut(cloud, plan, { intents: [idOf(plan, '/stop')] });
    const { exit, out } = await cloud.expunge(['runs', '--format', 'json']);
    expect(exit).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      format: 1,
      command: 'runs',
      folder: cloud.runs,
      runs: [
        {
          run,
          server: { uuid: plan.server.uuid, name: 'web' },
          by: { host: hostname(), user: 'u', pid: dead },
          state: 'cut',
          waitsFor: [],
          steps: { planned: plan.steps.length, withoutResult: [idOf(plan, '/stop')] },
          followedBy: null,
        },
      ],
      unreadable: [],
    });
  });

  test('a torn last line is of something that had not begun', async () => {
    const cloud = await stuckCloud();
    const run = await recordCut(cloud, await cloud.plan('web'));
    appendFileSync(join(cloud.runs, run, 'journal.jsonl'), '{"at":"2026-1');
    expect((await cloud.expunge(['runs'])).out).toContain('cut: its process');
  });
});
