/** One random world through the front door, and what must be true of it afterwards. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '../../../src/cli/program.ts';
import { react } from '../../../src/simulator/agents/react.ts';
import { reviveCompute } from '../../../src/simulator/agents/states.ts';
import { buildWorld } from '../../../src/simulator/build.ts';
import { fakeProcess } from '../../support/fake-process.ts';
import { type Doors, openDoors } from '../../support/faults/faulty-wires.ts';
import { inNoTime } from '../../support/faults/virtual-time.ts';
import { NOW } from '../../support/simulated-cloud.ts';
import { dumpWorld } from '../../support/world-dump.ts';
import { type Belongings, belongingsOf, isOf, mayStay, readThings, type Thing } from './belongs.ts';
import type { RandomWorld } from './worlds.ts';

/** How often what came about: a thing that never did was not tested. */
export type Counters = Map<string, number>;

function countUp(counters: Counters, ...names: readonly string[]): void {
  for (const name of names) counters.set(name, (counters.get(name) ?? 0) + 1);
}

/** More goes on the same server than a call that fails and a nova-compute that wakes up in between can make necessary. */
const MOST_GOES = 4;

/**
 * A line that tells of a step. Not before the first one: a nova-compute that starts with an interrupted delete and the same delete in its
 * queue deletes twice, whoever looks on, and takes a volume from a neighbour that has it too.
 */
const STEP_DONE = /^ *\d+\. (?:already )?done\b/m;

/** What `verify` finds, and nothing else, when the purge before it could not ask the message bus. */
const ONLY_A_REQUEST =
  /^Still there: 1 thing in 1 place\n {2}message bus of \S+\n {4}request \w+ that waits for nova-compute on \S+$/m;

function changes(before: readonly string[], after: readonly string[]): readonly string[] {
  const [old, fresh] = [new Set(before), new Set(after)];
  return [...before.filter((line) => !fresh.has(line)), ...after.filter((line) => !old.has(line))];
}

/** @throws Error that says what was touched, or is left */
export async function purgeWorld(random: RandomWorld, counters: Counters): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'expunge-world-'));
  const built = await buildWorld(join(folder, 'cloud'), { now: NOW, ...random.world });
  try {
    const [victim, ...neighbours] = built.servers;
    if (victim === undefined) throw new Error('no victim');
    react(built.world);
    const before = dumpWorld(built.world);
    const things = readThings(before);
    const belongings = belongingsOf(things, victim.uuid);
    const others = neighbours.map(({ uuid }) => belongingsOf(things, uuid));
    const host = random.world.hosts['cmp-1'];
    let wakes = random.wakesAfter;
    let awake = false;
    const wake = () => {
      wakes = null;
      awake = true;
      countUp(counters, 'nova-compute woke up in between');
      reviveCompute(built.world, 'cmp-1');
    };
    const expunge = async (argv: readonly string[], doors?: Doors) => {
      const process = fakeProcess({ env: { XDG_STATE_HOME: folder } });
      const write = process.stdout.write.bind(process.stdout);
      let ended = 0;
      process.stdout.write = (text: string) => {
        if (STEP_DONE.test(text) && wakes !== null && ++ended > wakes) wake();
        return write(text);
      };
      const go = () => runCli(['node', 'expunge', '--site', built.site, ...argv], process, doors?.rewire);
      const exit = await (doors === undefined ? go() : inNoTime(go));
      return { exit, said: process.out() + process.err() };
    };
    const purge = ['purge', victim.uuid, '--yes', ...random.options];
    const doors = random.fault === null ? undefined : openDoors(random.fault);
    let last = await expunge(purge, doors);
    const failed = (doors?.met() ?? []).length > 0;
    countUp(counters, `first go: exit ${last.exit}`);
    if (failed) countUp(counters, `failed: ${random.fault?.door}`);
    // A right that is denied or an account that is refused is asked to be mended, before anything is begun.
    if (![0, 1, 3, 4, ...(failed ? [2] : [])].includes(last.exit))
      throw new Error(`exit ${last.exit}: ${last.said}`);
    const touched = changes(before, dumpWorld(built.world));
    if (!awake && last.exit >= 2 && touched.length > 0 && !/Record of this run/.test(last.said))
      throw new Error(`exit ${last.exit}: ${last.said}\nand yet touched:\n${touched.join('\n')}`);
    for (let go = 1; (awake || failed) && last.exit !== 0 && go < MOST_GOES; go++) {
      const run = /Record of this run: (\S+)/.exec(last.said)?.[1];
      const resumed = run === undefined ? null : await expunge(['resume', run, '--yes']);
      last = resumed === null || resumed.exit === 2 ? await expunge(purge) : resumed;
    }
    const after = dumpWorld(built.world);
    assertOnlyIts(belongings, others, changes(before, after));
    if (last.exit !== 0) return;
    countUp(counters, `purged: ${random.world.servers[0]?.state}`);
    const fate = random.options[1] ?? '';
    // The one place that may not answer and yet hinders nobody: the last line says so.
    const busNotAsked = last.said.includes('looked again everywhere but at the message bus');
    for (const thing of readThings(after)) {
      if (!isOf(belongings, thing)) continue;
      const why = mayStay(belongings, thing, fate, (host === 'frozen' && !awake) || busNotAsked);
      if (why !== null && !isToldOf(thing, last.said))
        throw new Error(`left, and said to be clean: ${why}: ${thing.table} ${JSON.stringify(thing.row)}`);
    }
    const verify = ['verify', victim.uuid, ...random.options];
    let verified = await expunge(verify);
    if (changes(after, dumpWorld(built.world)).length > 0) throw new Error('verify changed something');
    if (busNotAsked && verified.exit === 1 && ONLY_A_REQUEST.test(verified.said)) {
      countUp(counters, 'found on the bus when it answered again');
      last = await expunge(purge);
      if (last.exit !== 0) throw new Error(`exit ${last.exit}: ${last.said}`);
      assertOnlyIts(belongings, others, changes(before, dumpWorld(built.world)));
      verified = await expunge(verify);
    }
    if (verified.exit !== 0) throw new Error(`verify: exit ${verified.exit}\n${verified.said}`);
  } finally {
    built.world.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A volume that Nova let go of, in the middle of the run, before expunge came to delete it. */
function isToldOf({ table, row }: Thing, said: string): boolean {
  return (
    table === 'cinder.volumes' &&
    row['status'] === 'available' &&
    said.includes(`if it is still to go: openstack volume delete ${row['id']}`)
  );
}

function assertOnlyIts(own: Belongings, others: readonly Belongings[], changed: readonly string[]): void {
  for (const thing of readThings(changed)) {
    if (isOf(own, thing)) continue;
    const whose = others.find((each) => isOf(each, thing))?.uuid ?? 'nobody';
    throw new Error(`touched, and not its own but of ${whose}: ${thing.table} ${JSON.stringify(thing.row)}`);
  }
}
