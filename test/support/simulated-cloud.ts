/** A simulated cloud for one test, and expunge as its users run it on that cloud. */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import type { Plan } from '../../src/plan/types.ts';
import { type BuiltWorld, buildWorld, type WorldDescription } from '../../src/simulator/build.ts';
import { openWorld } from '../../src/simulator/world.ts';
import type { Wires } from '../../src/site/wires.ts';
import { type FakeProcessOptions, fakeProcess } from './fake-process.ts';
import { tempFolder } from './temp.ts';
import { copyOf } from './world-template.ts';

/** When nothing else is said: the clock of a simulated cloud stands here. */
export const NOW = new Date('2026-11-22T03:00:00Z');

export interface Ended {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

interface RunOptions extends FakeProcessOptions {
  /** puts something between expunge and the cloud */
  readonly rewire?: (wires: Wires) => Wires;
}

export interface SimulatedCloud extends BuiltWorld {
  /** the runs of this cloud */
  readonly runs: string;
  /** `expunge --site <this cloud> …` */
  expunge(argv: readonly string[], options?: RunOptions): Promise<Ended>;
  /** the plan as `--format json` gives it */
  plan(server: string, ...options: readonly string[]): Promise<Plan>;
}

/** The usual: `web` is deleting for ever, because the nova-compute of its host is dead. */
export function stuckCloud(): Promise<SimulatedCloud> {
  return simulateCloud({
    hosts: { 'cmp-1': 'dead' },
    servers: [{ name: 'web', state: 'deleting-forever', host: 'cmp-1' }],
  });
}

/** A twist is code, and may do something else each time: such a world is made anew. */
async function build(folder: string, description: WorldDescription): Promise<BuiltWorld> {
  if (description.servers.some(({ twists }) => twists !== undefined)) return buildWorld(folder, description);
  const servers = await copyOf(JSON.stringify(description), folder, async (template) => {
    const made = await buildWorld(template, description);
    made.world.close();
    return made.servers;
  });
  return { world: openWorld(folder), servers, site: join(folder, 'expunge.yaml') };
}

export async function simulateCloud(description: WorldDescription): Promise<SimulatedCloud> {
  const folder = tempFolder();
  const built = await build(join(folder, 'cloud'), { now: NOW, ...description });
  onTestFinished(() => built.world.close());
  const cloud: SimulatedCloud = {
    ...built,
    runs: join(folder, 'expunge', 'runs'),
    async expunge(argv, { rewire, ...options } = {}) {
      const process = fakeProcess({ ...options, env: { XDG_STATE_HOME: folder, ...options.env } });
      const exit = await runCli(['node', 'expunge', '--site', built.site, ...argv], process, rewire);
      return { exit, out: process.out(), err: process.err() };
    },
    async plan(server, ...options) {
      const { out } = await cloud.expunge(['plan', server, '--format', 'json', ...options]);
      const [plan] = (JSON.parse(out) as { servers: Plan[] }).servers;
      if (plan === undefined) throw new Error(`no plan came: ${out}`);
      return plan;
    },
  };
  return cloud;
}
