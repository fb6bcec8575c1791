/** One cloud, made once, in which the real program is cut again and again, and each time gone on with. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli } from '../../../src/cli/program.ts';
import { fakeProcess } from '../../support/fake-process.ts';
import { keepCloud, type Scene } from '../../support/kept-cloud.ts';
import { builtProgram } from '../../support/program.ts';

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

const preload = join(import.meta.dirname, 'cut-at.ts');

/**
 * What makes a process kill itself there: options of Node, before the program, and its environment.
 *
 * @param seen the file to which it tells its writes
 */
export function cutting({ at, how }: Cut, seen: string) {
  const env = { CUT_AT: String(at), CUT_HOW: how, CUT_SEEN: seen };
  return { options: ['--import', preload], env };
}

export async function openCutting(folder: string, scene: Scene) {
  const kept = await keepCloud(folder, scene, () => {});
  const { site, state } = kept;
  const seen = join(folder, 'seen');
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, XDG_STATE_HOME: state, NO_COLOR: '1' };

  return {
    ...kept,
    restore() {
      kept.restore();
      writeFileSync(seen, '');
    },
    /** The real program, killed where it is said. */
    cut: (argv: readonly string[], where: Cut): Promise<CutRun> =>
      new Promise((resolve, reject) => {
        const knife = cutting(where, seen);
        const child = spawn(process.execPath, [...knife.options, builtProgram(), '--site', site, ...argv], {
          env: { ...env, ...knife.env },
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
    /** In this process: what happens there is the same, and it begins at once. */
    async expunge(argv: readonly string[]) {
      const process = fakeProcess({ env });
      const exit = await runCli(['node', 'expunge', '--site', site, ...argv], process);
      return { exit, out: process.out(), err: process.err() };
    },
  };
}

export type Cutting = Awaited<ReturnType<typeof openCutting>>;

/** The five places at which a step can be cut. The act is between what follows its intent and what comes before its result. */
const WHERE = {
  'before intent': ['intent', 'before'],
  'after intent': ['intent', 'after'],
  'after act': ['result', 'before'],
  'after result': ['result', 'after'],
  torn: ['result', 'torn'],
} as const satisfies Record<string, readonly ['intent' | 'result', How]>;

export type Place = keyof typeof WHERE;

export const PLACES = Object.keys(WHERE) as readonly Place[];

/** Where to cut a step at this place. */
export function cutAt(step: string, place: Place): Cut {
  const [event, how] = WHERE[place];
  return { at: `"event":"${event}","step":${JSON.stringify(step)}`, how };
}

export function namePlace(step: string, place: Place): string {
  return `${step}: ${place}`;
}

interface Line {
  readonly event?: string;
  readonly step?: string;
  readonly outcome?: string;
}

function linesOf({ file, text }: Write): readonly Line[] {
  if (file !== 'journal.jsonl') return [];
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line): Line => JSON.parse(line));
}

/** Places that this write shows to be none: a step that was so already when its turn came has no intent. */
export function needless(write: Write): readonly string[] {
  return linesOf(write).flatMap(({ event, step, outcome }) =>
    event === 'result' && outcome === 'already' && step !== undefined
      ? PLACES.filter((place) => WHERE[place][0] === 'intent').map((place) => namePlace(step, place))
      : [],
  );
}

/** Which steps a cut at this write meets, and where: `step: place`. Torn is torn, whatever the line was to tell. */
export function placesOf(write: Write, how: How): readonly string[] {
  return linesOf(write).flatMap(({ event, step }) => {
    const place = PLACES.find(
      (each) => WHERE[each][1] === how && (how === 'torn' || WHERE[each][0] === event),
    );
    return step === undefined || place === undefined ? [] : [namePlace(step, place)];
  });
}

export function allCuts(writes: number): readonly Cut[] {
  return Array.from({ length: writes }, (_, i) => i + 1).flatMap((at) => HOWS.map((how) => ({ at, how })));
}
