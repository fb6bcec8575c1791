/** One cloud, made once, in which a purge is let fail again and again, each time at another call or in another way. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli } from '../../../src/cli/program.ts';
import type { Wires } from '../../../src/site/wires.ts';
import { fakeProcess } from '../fake-process.ts';
import { keepCloud, type Scene } from '../kept-cloud.ts';
import type { Ended } from '../simulated-cloud.ts';
import { linesOf } from '../world-dump.ts';
import { failBelow } from './failing-disk.ts';
import type { Strike } from './fault.ts';
import { type Doors, openDoors } from './faulty-wires.ts';
import { plantSecrets, type Secrets } from './plant-secrets.ts';
import { inNoTime } from './virtual-time.ts';

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

export async function openBench(folder: string, scene: Scene) {
  const kept = await keepCloud(folder, scene, plantSecrets);
  const { changed: secrets, runs, site, state } = kept;

  async function expunge(
    argv: readonly string[],
    rewire: (wires: Wires) => Wires = (w) => w,
  ): Promise<Ended> {
    const process = fakeProcess({ env: { XDG_STATE_HOME: state } });
    const end = runCli(['node', 'expunge', '--site', site, ...argv], process, (wires) =>
      rewire(secrets.translate(wires)),
    );
    const exit = await Promise.race([end, hangsAfter(HANGS_MS, argv)]);
    return { exit, out: process.out(), err: process.err() };
  }

  return {
    ...kept,
    secrets: secrets as Secrets,
    expunge: (argv: readonly string[]) => inNoTime(() => expunge(argv)),
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
      for (const run of kept.listRuns()) {
        const journal = join(runs, run, 'journal.jsonl');
        if (existsSync(journal))
          writeFileSync(
            journal,
            readFileSync(journal, 'utf8').replace(`"pid":${process.pid}`, `"pid":${dead}`),
          );
      }
    },
    /** Everything that is written down of all runs. */
    records: () =>
      kept
        .listRuns()
        .flatMap((run) =>
          readdirSync(join(runs, run)).map((name) => readFileSync(join(runs, run, name), 'utf8')),
        ),
  };
}

export type Bench = Awaited<ReturnType<typeof openBench>>;

function hangsAfter(ms: number, argv: readonly string[]): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`it hangs: ${argv.join(' ')}`)), ms).unref();
  });
}

/** Lines of the dump that tell of a neighbour: what a purge of the victim must leave as it was. */
export function ofNeighbours({ neighbours }: Bench, dump: readonly string[]): readonly string[] {
  return linesOf(neighbours, dump);
}
