/** One cloud, made once, in which a purge is let fail again and again, each time at another call or in another way. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli } from '../../../src/cli/program.ts';
import { buildWorld } from '../../../src/simulator/build.ts';
import type { Planted } from '../../../src/simulator/plant.ts';
import { openWorld } from '../../../src/simulator/world.ts';
import type { Wires } from '../../../src/site/wires.ts';
import { fakeProcess } from '../fake-process.ts';
import { type Ended, NOW } from '../simulated-cloud.ts';
import { dumpWorld, linesOf } from '../world-dump.ts';
import { failBelow } from './failing-disk.ts';
import type { Strike } from './fault.ts';
import { type Doors, openDoors } from './faulty-wires.ts';
import { plantSecrets, type Secrets } from './plant-secrets.ts';
import type { FaultScene } from './scenes.ts';
import { useVirtualTime, type VirtualTime } from './virtual-time.ts';

/** A purge that was let fail. */
export interface Failed extends Ended {
  readonly reach: Doors['reach'];
  /** the calls that it met; empty: the purge was over before */
  readonly met: readonly string[];
  /** milliseconds that it waited for something */
  readonly waited: number;
}

/** How long a run may take on a machine that is busy, pauses not counted. */
const HANGS_MS = 120_000;
const dead = spawnSync('true').pid;

export async function openBench(folder: string, scene: FaultScene) {
  const [cloud, pristine, state] = [join(folder, 'cloud'), join(folder, 'pristine'), join(folder, 'state')];
  const built = await buildWorld(cloud, { now: NOW, ...scene.world });
  const secrets = plantSecrets(built.world);
  built.world.close();
  cpSync(cloud, pristine, { recursive: true });
  const [victim, ...neighbours] = built.servers;
  if (victim === undefined) throw new Error(`${scene.name} has no victim`);
  const runs = join(state, 'expunge/runs');

  async function expunge(
    argv: readonly string[],
    rewire: (wires: Wires) => Wires = (w) => w,
  ): Promise<Ended> {
    const process = fakeProcess({ env: { XDG_STATE_HOME: state } });
    const end = runCli(['node', 'expunge', '--site', built.site, ...argv], process, (wires) =>
      rewire(secrets.translate(wires)),
    );
    const exit = await Promise.race([end, hangsAfter(HANGS_MS, argv)]);
    return { exit, out: process.out(), err: process.err() };
  }

  /** In a time that passes only while somebody waits. */
  async function inNoTime<T>(body: (time: VirtualTime) => Promise<T>): Promise<T> {
    const time = useVirtualTime();
    try {
      return await body(time);
    } finally {
      time.restore();
    }
  }

  return {
    victim,
    neighbours: neighbours as readonly Planted[],
    secrets: secrets as Secrets,
    runs,
    expunge: (argv: readonly string[]) => inNoTime(() => expunge(argv)),
    restore() {
      for (const each of [cloud, state]) rmSync(each, { recursive: true, force: true });
      cpSync(pristine, cloud, { recursive: true });
    },
    dump(): readonly string[] {
      const world = openWorld(cloud);
      const lines = dumpWorld(world);
      world.close();
      return lines;
    },
    purgeArgv: ['purge', victim.uuid, '--yes', ...scene.options] as readonly string[],
    verifyArgv: ['verify', victim.uuid, ...scene.options] as readonly string[],
    fail: (strike: Strike, argv: readonly string[]): Promise<Failed> =>
      inNoTime(async (time) => {
        const doors = openDoors(strike);
        const mend = failBelow(state, doors.journal);
        try {
          const ended = await expunge(argv, doors.rewire);
          return { ...ended, reach: doors.reach, met: doors.met(), waited: time.waited() };
        } finally {
          mend();
        }
      }),
    /** As if the process of every run had ended: the numbers of this one stand in their journals. */
    endProcesses() {
      for (const run of listRuns(runs)) {
        const journal = join(runs, run, 'journal.jsonl');
        if (existsSync(journal))
          writeFileSync(
            journal,
            readFileSync(journal, 'utf8').replace(`"pid":${process.pid}`, `"pid":${dead}`),
          );
      }
    },
    listRuns: () => listRuns(runs),
    /** Everything that is written down of all runs. */
    records: () =>
      listRuns(runs).flatMap((run) =>
        readdirSync(join(runs, run)).map((name) => readFileSync(join(runs, run, name), 'utf8')),
      ),
  };
}

export type Bench = Awaited<ReturnType<typeof openBench>>;

function listRuns(runs: string): readonly string[] {
  if (!existsSync(runs)) return [];
  return readdirSync(runs, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

function hangsAfter(ms: number, argv: readonly string[]): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`it hangs: ${argv.join(' ')}`)), ms).unref();
  });
}

/** Lines of the dump that tell of a neighbour: what a purge of the victim must leave as it was. */
export function ofNeighbours({ neighbours }: Bench, dump: readonly string[]): readonly string[] {
  return linesOf(neighbours, dump);
}
