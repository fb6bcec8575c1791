/** What is advised by a command that takes no flags can be done; and what cannot be seen any more is not said to be gone. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Plan } from '../../src/plan/types.ts';
import { type End, openJournal } from '../../src/run/journal.ts';
import { cutHost, restoreHost } from '../../src/simulator/agents/states.ts';
import { type Ended, type SimulatedCloud, simulateCloud, stuckCloud } from '../support/simulated-cloud.ts';
import { difference, dumpWorld } from '../support/world-dump.ts';

const dead = spawnSync('true').pid;

/** A run that did none of its steps, and was cut unless it has an end. @returns its name */
async function record(cloud: SimulatedCloud, plan: Plan, end?: End): Promise<string> {
  const journal = await openJournal(cloud.runs, plan, new Date());
  const { digest } = plan;
  await journal.write([
    { event: 'begin', digest, host: hostname(), user: 'u', pid: dead },
    ...(end === undefined ? [] : [{ event: 'end' as const, outcome: end }]),
  ]);
  await journal.close();
  return basename(journal.folder);
}

function healthyCloud(): Promise<SimulatedCloud> {
  return simulateCloud({
    hosts: { 'cmp-1': 'alive' },
    servers: [{ name: 'web', state: 'healthy', host: 'cmp-1' }],
  });
}

async function touchesNothing(cloud: SimulatedCloud, argv: readonly string[]): Promise<Ended> {
  const before = dumpWorld(cloud.world);
  const ended = await cloud.expunge(argv);
  expect(difference(before, dumpWorld(cloud.world))).toEqual([]);
  return ended;
}

/** The options that stand in an advice, as they would be typed. */
function flagsIn(err: string): readonly string[] {
  return [...err.matchAll(/--(?:fenced \S+?(?=[:;\s])|even-\S+)/g)].flatMap(([flag]) => flag.split(' '));
}

describe('resume, when the host of a run that was cut does not answer', () => {
  test('the run is given up, and the purge takes the flag', async () => {
    const cloud = await stuckCloud();
    const run = await record(cloud, await cloud.plan('web'));
    cutHost(cloud.world, 'cmp-1');
    const { exit, err } = await touchesNothing(cloud, ['resume', run, '--yes']);
    expect(exit).toBe(4);
    const giveUp = `expunge abandon ${run} --site ${cloud.site}`;
    expect(err).toContain(
      `when cmp-1 is powered off, give this run up (${giveUp}) and purge anew with --fenced cmp-1: then the rest is purged`,
    );
    expect(await cloud.expunge(['abandon', run])).toMatchObject({ exit: 0 });
    const purged = await cloud.expunge(['purge', 'web', '--yes', ...flagsIn(err)]);
    expect(purged, purged.out + purged.err).toMatchObject({ exit: 4, err: '' });
  });

  test('a run that ended in order need not be given up', async () => {
    const cloud = await stuckCloud();
    const run = await record(cloud, await cloud.plan('web'), 'incomplete');
    cutHost(cloud.world, 'cmp-1');
    const { err } = await touchesNothing(cloud, ['resume', run, '--yes']);
    expect(err).toContain('when cmp-1 is powered off, purge anew with --fenced cmp-1');
    expect(await cloud.expunge(['purge', 'web', '--yes', ...flagsIn(err)])).toMatchObject({ exit: 4 });
  });
});

test('resume, when the server is refused by now: flags are for a purge', async () => {
  const cloud = await healthyCloud();
  const run = await record(cloud, await cloud.plan('web'));
  const { exit, err } = await touchesNothing(cloud, ['resume', run, '--yes']);
  expect(exit).toBe(3);
  expect(err).toContain(
    `flags are part of a plan: give this run up (expunge abandon ${run} --site ${cloud.site}) and purge anew with what lifts this`,
  );
  await cloud.expunge(['abandon', run]);
  expect(await cloud.expunge(['purge', 'web', '--yes', ...flagsIn(err)])).toMatchObject({ exit: 0, err: '' });
});

describe('apply', () => {
  const fileOf = (cloud: SimulatedCloud, name = 'plan.json') => join(cloud.runs, '../..', name);

  test('of a plan that was refused: it is made again with the flag', async () => {
    const cloud = await healthyCloud();
    await cloud.expunge(['plan', 'web', '-o', fileOf(cloud)]);
    const { exit, err } = await touchesNothing(cloud, ['apply', fileOf(cloud), '--yes']);
    expect(exit).toBe(3);
    expect(err).toContain('flags are part of a plan: plan again with what lifts this');
    await cloud.expunge(['plan', 'web', '-o', fileOf(cloud, 'again.json'), ...flagsIn(err)]);
    expect(await cloud.expunge(['apply', fileOf(cloud, 'again.json'), '--yes'])).toMatchObject({ exit: 0 });
  });

  test('with a host that does not answer any more: it is not known, not gone', async () => {
    const cloud = await stuckCloud();
    await cloud.expunge(['plan', 'web', '-o', fileOf(cloud)]);
    cutHost(cloud.world, 'cmp-1');
    const { exit, err } = await touchesNothing(cloud, ['apply', fileOf(cloud), '--yes']);
    expect(exit, err).toBe(4);
    expect(err).toMatch(/Could not look\n {2}host cmp-1: ssh ended with 255/);
    expect(err).not.toContain('no longer');
    expect(err).toContain('when cmp-1 is powered off, plan again with --fenced cmp-1');
    const data = await cloud.expunge(['apply', fileOf(cloud), '--yes', '--format', 'json']);
    expect(JSON.parse(data.out)).toMatchObject({
      error: { code: 'knowledge-incomplete' },
      servers: [{ unknown: [{ place: 'host cmp-1' }, {}, {}] }],
    });
    restoreHost(cloud.world, 'cmp-1');
    expect(await cloud.expunge(['apply', fileOf(cloud), '--yes'])).toMatchObject({ exit: 0 });
  });
});

test('undo of a run that another went on with: that one is named, and is taken back first', async () => {
  const cloud = await simulateCloud({
    hosts: { 'cmp-1': 'cut' },
    servers: [{ name: 'web', state: 'deleting-forever', host: 'cmp-1' }],
  });
  await cloud.expunge(['purge', 'web', '--yes', '--fenced', 'cmp-1']);
  const [first = ''] = readdirSync(cloud.runs);
  restoreHost(cloud.world, 'cmp-1');
  expect(await cloud.expunge(['resume', first, '--yes'])).toMatchObject({ exit: 0 });
  const second = readdirSync(cloud.runs).find((name) => name !== first) ?? '';
  const { exit, err } = await touchesNothing(cloud, ['undo', first, '--yes']);
  expect(exit).toBe(3);
  expect(err).toContain(`${second} came after it on this server: undo that first`);
  for (const run of [second, first])
    expect(await cloud.expunge(['undo', run, '--yes'])).toMatchObject({ exit: 0 });
});
