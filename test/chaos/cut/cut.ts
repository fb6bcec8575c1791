/** One cloud, made once, in which the real program is cut again and again, and each time gone on with. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli } from '../../../src/cli/program.ts';
import { buildWorld } from '../../../src/simulator/build.ts';
import { openWorld } from '../../../src/simulator/world.ts';
import { fakeProcess } from '../../support/fake-process.ts';
import { NOW } from '../../support/simulated-cloud.ts';
import { dumpWorld } from '../../support/world-dump.ts';
import type { CutScene } from './scenes.ts';

const HOWS = ['before', 'torn', 'after'] as const;
export type How = (typeof HOWS)[number];

export interface Cut {
  /** which write, from 1 on; or the first that contains this piece of JSON */
  readonly at: number | string;
  readonly how: How;
}

/** A write into the record: which file, and the lines that it adds. */
export interface Write {
  readonly file: string;
  readonly text: string;
}

export interface CutRun {
  /** null: it was killed */
  readonly exit: number | null;
  readonly writes: readonly Write[];
  readonly said: string;
}

const root = join(import.meta.dirname, '../../..');
const preload = join(import.meta.dirname, 'cut-at.ts');

/** @param program the built program in the long run, its source in the short one */
export async function openCutting(folder: string, scene: CutScene, program = join(root, 'src/cli/main.ts')) {
  const [cloud, pristine, state] = [join(folder, 'cloud'), join(folder, 'pristine'), join(folder, 'state')];
  const built = await buildWorld(cloud, { now: NOW, ...scene.world });
  built.world.close();
  cpSync(cloud, pristine, { recursive: true });
  const server = built.servers[0]?.uuid ?? '';
  const seen = join(folder, 'seen');
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, XDG_STATE_HOME: state, NO_COLOR: '1' };

  const restore = () => {
    for (const each of [cloud, state]) rmSync(each, { recursive: true, force: true });
    cpSync(pristine, cloud, { recursive: true });
    writeFileSync(seen, '');
  };
  const dump = () => {
    const world = openWorld(cloud);
    const lines = dumpWorld(world);
    world.close();
    return lines;
  };

  return {
    restore,
    dump,
    /** The real program, killed where it is said. */
    cut: (argv: readonly string[], { at, how }: Cut): Promise<CutRun> =>
      new Promise((resolve, reject) => {
        const child = spawn(process.execPath, ['--import', preload, program, '--site', built.site, ...argv], {
          env: { ...env, CUT_AT: String(at), CUT_HOW: how, CUT_SEEN: seen },
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        let said = '';
        for (const stream of [child.stdout, child.stderr])
          stream.on('data', (text) => (said += String(text)));
        child.on('error', reject);
        child.on('close', (exit) => {
          const writes = readFileSync(seen, 'utf8')
            .split('\n')
            .filter((line) => line !== '')
            .map((line): Write => JSON.parse(line));
          writeFileSync(seen, '');
          resolve({ exit, writes, said });
        });
      }),
    purgeArgv: ['purge', server, '--yes', ...scene.options] as readonly string[],
    verifyArgv: ['verify', server, ...scene.options] as readonly string[],
    /** In this process: what happens there is the same, and it begins at once. */
    async expunge(argv: readonly string[]) {
      const process = fakeProcess({ env });
      const exit = await runCli(['node', 'expunge', '--site', built.site, ...argv], process);
      return { exit, out: process.out(), err: process.err() };
    },
    /** Names of the runs, the latest last. */
    runs(): readonly string[] {
      const folder = join(state, 'expunge/runs');
      return existsSync(folder)
        ? readdirSync(folder, { withFileTypes: true })
            .filter((entry) => entry.isDirectory())
            .map(({ name }) => name)
            .sort()
        : [];
    },
    hasBegun(run: string): boolean {
      const journal = join(state, 'expunge/runs', run, 'journal.jsonl');
      return existsSync(journal) && readFileSync(journal, 'utf8').includes('\n');
    },
  };
}

export type Cutting = Awaited<ReturnType<typeof openCutting>>;

/** The five places at which a step can be cut. The act is between what follows its intent and what comes before its result. */
export type Place = 'before intent' | 'after intent' | 'after act' | 'after result' | 'torn';

interface Line {
  readonly event?: string;
  readonly step?: string;
  readonly outcome?: string;
}

/** Where to cut a step at this place. */
export function cutAt(step: string, place: Place): Cut {
  const line = (event: string) => `"event":"${event}","step":${JSON.stringify(step)}`;
  switch (place) {
    case 'before intent':
      return { at: line('intent'), how: 'before' };
    case 'after intent':
      return { at: line('intent'), how: 'after' };
    case 'after act':
      return { at: line('result'), how: 'before' };
    case 'after result':
      return { at: line('result'), how: 'after' };
    case 'torn':
      return { at: line('result'), how: 'torn' };
  }
}

/** Which steps a cut at this write meets, and where: `step: place`. */
export function placesOf({ file, text }: Write, how: How): readonly string[] {
  if (file !== 'journal.jsonl') return [];
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Line => JSON.parse(line));
  return lines.flatMap(({ event, step }) => {
    if (step === undefined) return [];
    const place: Place | null =
      how === 'torn'
        ? 'torn'
        : event === 'intent'
          ? how === 'before'
            ? 'before intent'
            : 'after intent'
          : how === 'before'
            ? 'after act'
            : 'after result';
    return place === null ? [] : [`${step}: ${place}`];
  });
}

export const PLACES: readonly Place[] = [
  'before intent',
  'after intent',
  'after act',
  'after result',
  'torn',
];

export function allCuts(writes: number): readonly Cut[] {
  return Array.from({ length: writes }, (_, i) => i + 1).flatMap((at) => HOWS.map((how) => ({ at, how })));
}
