/** The terminal, or whatever stands in for it. */

type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

export interface ProcessLike {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  on(signal: Signal, listener: () => void): unknown;
  off(signal: Signal, listener: () => void): unknown;
  exit(code: number): void;
}

/** What a renderer must know of where its text goes. */
export interface Screen {
  readonly paint: Paint;
  /** how long a line may be; Infinity in a pipe */
  readonly columns: number;
  /** lines of a tree may be drawn; elsewhere indentation says the same, to a screen reader and to grep */
  readonly draws: boolean;
}

export interface Io extends Screen {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** where `err` goes: a log, often, while standard output is a terminal, or the other way round */
  readonly onErr: Screen;
  readonly env: ProcessLike['env'];
  /** a person may be asked */
  readonly interactive: boolean;
  /** a line may be written over */
  readonly live: boolean;
  ask(question: string): Promise<string>;
  /** Calls back on Ctrl-C, SIGTERM, and a terminal that goes away; the function that comes back ends the watch. */
  onInterrupt(callback: () => void): () => void;
  /** Ends the process at once. Only for somebody who asked for it twice, or before anything was touched. */
  exit(code: number): void;
}

/** Colour only where a person sees it; the words say the same without. */
export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
}

const SIGNALS: readonly Signal[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Below this nothing is gained by breaking lines; a terminal of unknown size says 0. */
const NARROWEST = 40;

/** POSIX: the first of them that is set and not empty says how characters are written. */
function writesUtf8(env: ProcessLike['env']): boolean {
  return /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '');
}

function screenOf(stream: ProcessLike['stdout'], env: ProcessLike['env']): Screen {
  const terminal = stream.isTTY === true;
  const able = terminal && env['TERM'] !== 'dumb';
  const colour = able && !env['NO_COLOR'];
  const sgr = (on: number, off: number) => (text: string) =>
    colour ? `\x1b[${on}m${text}\x1b[${off}m` : text;
  return {
    paint: { bold: sgr(1, 22), dim: sgr(2, 22), good: sgr(32, 39), bad: sgr(31, 39), warn: sgr(33, 39) },
    // Asked each time: a window can become narrower while a run goes on.
    get columns() {
      const { columns = 0 } = stream;
      return terminal && columns >= NARROWEST ? columns : Number.POSITIVE_INFINITY;
    },
    draws: able && writesUtf8(env),
  };
}

interface Lines {
  /** null: there is no more */
  next(): Promise<string | null>;
}

/** One reader for all questions: what was typed ahead of the next one is not lost. Between questions it holds nothing up. */
async function readLines(input: ProcessLike['stdin']): Promise<Lines> {
  const { createInterface } = await import('node:readline');
  const lines = createInterface({ input, terminal: false });
  const all = lines[Symbol.asyncIterator]();
  let closed = false;
  lines.once('close', () => {
    closed = true;
  });
  return {
    async next() {
      if (!closed) lines.resume();
      const { value, done } = await all.next();
      if (!closed) lines.pause();
      return done === true ? null : value;
    },
  };
}

export function openIo(process: ProcessLike): Io {
  let answers: Lines | undefined;
  const { env } = process;
  const screen = screenOf(process.stdout, env);
  return {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    onErr: screenOf(process.stderr, env),
    env,
    // Node opens standard input when it is first spoken of.
    get interactive() {
      return process.stdout.isTTY === true && process.stdin.isTTY === true;
    },
    // A line of unknown room could wrap, and then it is two.
    live: Number.isFinite(screen.columns) && env['TERM'] !== 'dumb',
    paint: screen.paint,
    draws: screen.draws,
    get columns() {
      return screen.columns;
    },
    async ask(question) {
      process.stdout.write(question);
      answers ??= await readLines(process.stdin);
      const answer = await answers.next();
      if (answer === null) process.stdout.write('\n');
      return answer ?? '';
    },
    exit: (code) => process.exit(code),
    onInterrupt(callback) {
      for (const signal of SIGNALS) process.on(signal, callback);
      return () => {
        for (const signal of SIGNALS) process.off(signal, callback);
      };
    },
  };
}
