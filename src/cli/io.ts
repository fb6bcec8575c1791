/** The terminal, or whatever stands in for it. */

export interface ProcessLike {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  off(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
}

export interface Io {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly env: ProcessLike['env'];
  /** a person may be asked */
  readonly interactive: boolean;
  /** a line may be written over */
  readonly live: boolean;
  readonly paint: Paint;
  ask(question: string): Promise<string>;
  /** Calls back on the first SIGINT or SIGTERM; the function that comes back ends the watch. */
  onInterrupt(callback: () => void): () => void;
}

/** Colour only where a person sees it; the words say the same without. */
export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
}

export function openIo(process: ProcessLike): Io {
  const { env } = process;
  const colour = process.stdout.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  const sgr = (on: number, off: number) => (text: string) =>
    colour ? `\x1b[${on}m${text}\x1b[${off}m` : text;
  return {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    env,
    interactive: process.stdin.isTTY === true && process.stdout.isTTY === true,
    live: process.stdout.isTTY === true && env['TERM'] !== 'dumb',
    paint: { bold: sgr(1, 22), dim: sgr(2, 22), good: sgr(32, 39), bad: sgr(31, 39), warn: sgr(33, 39) },
    async ask(question) {
      const { createInterface } = await import('node:readline/promises');
      const lines = createInterface({ input: process.stdin, terminal: false });
      process.stdout.write(question);
      try {
        for await (const line of lines) return line;
        return '';
      } finally {
        lines.close();
      }
    },
    onInterrupt(callback) {
      process.on('SIGINT', callback);
      process.on('SIGTERM', callback);
      return () => {
        process.off('SIGINT', callback);
        process.off('SIGTERM', callback);
      };
    },
  };
}
