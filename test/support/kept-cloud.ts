/** A cloud that is made once and put back again and again: a purge goes wrong in it in many ways, and each time is gone on with. */
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { buildWorld, type WorldDescription } from '../../src/simulator/build.ts';
import { openWorld, type World } from '../../src/simulator/world.ts';
import { type Ended, NOW } from './simulated-cloud.ts';
import { dumpWorld } from './world-dump.ts';

/** A server to be purged, the first of the world. */
export interface Scene {
  readonly name: string;
  readonly world: WorldDescription;
  /** of `purge`, besides the server and `--yes` */
  readonly options: readonly string[];
}

/** @param change puts into the world what else is to be there, once */
export async function keepCloud<T>(folder: string, scene: Scene, change: (world: World) => T) {
  const [cloud, pristine, state] = [join(folder, 'cloud'), join(folder, 'pristine'), join(folder, 'state')];
  const { world, servers, site } = await buildWorld(cloud, { now: NOW, ...scene.world });
  const changed = change(world);
  world.close();
  cpSync(cloud, pristine, { recursive: true });
  const [victim, ...neighbours] = servers;
  if (victim === undefined) throw new Error(`${scene.name} has no victim`);
  const runs = join(state, 'expunge/runs');
  return {
    changed,
    site,
    /** where programs keep their state */
    state,
    runs,
    victim,
    neighbours,
    purgeArgv: ['purge', victim.uuid, '--yes', ...scene.options] as readonly string[],
    verifyArgv: ['verify', victim.uuid, ...scene.options] as readonly string[],
    restore() {
      for (const each of [cloud, state]) rmSync(each, { recursive: true, force: true });
      cpSync(pristine, cloud, { recursive: true });
    },
    dump(): readonly string[] {
      const opened = openWorld(cloud);
      const lines = dumpWorld(opened);
      opened.close();
      return lines;
    },
    /** Names of the runs, the latest last. */
    listRuns(): readonly string[] {
      if (!existsSync(runs)) return [];
      return readdirSync(runs, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
        .sort();
    },
  };
}

/** What its operator would say next: resume where there is something to be resumed, else purge. */
export async function wayOn(
  expunge: (argv: readonly string[]) => Promise<Ended>,
  purgeArgv: readonly string[],
  all: string,
): Promise<readonly string[]> {
  const listed = await expunge(['runs', '--format', 'json']);
  expect(listed.exit, `${all}\n${listed.out}${listed.err}`).toBe(0);
  const { runs } = JSON.parse(listed.out) as { runs: { run: string; state: string }[] };
  const last = runs.at(-1);
  const over = last === undefined || last.state === 'complete' || last.state === 'not-begun';
  return over ? purgeArgv : ['resume', last.run, '--yes'];
}

/** Says it, and it must end well. */
export async function goOn(
  expunge: (argv: readonly string[]) => Promise<Ended>,
  purgeArgv: readonly string[],
  all: string,
): Promise<Ended> {
  const argv = await wayOn(expunge, purgeArgv, all);
  const ended = await expunge(argv);
  expect(ended.exit, `${all}\n----- ${argv.join(' ')} -----\n${ended.out}\n${ended.err}`).toBe(0);
  return ended;
}
