/** A terminal, or a pipe, that remembers what was written to it. */
import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import type { ProcessLike } from '../../src/cli/io.ts';

export interface FakeProcess extends ProcessLike {
  readonly out: () => string;
  readonly err: () => string;
  /** as Ctrl-C does, unless another signal is named */
  readonly interrupt: (signal?: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => void;
  /** how many still wait for Ctrl-C */
  readonly listening: () => number;
  /** the code with which it was told to end at once; null: it was not. A fake goes on all the same */
  readonly ended: () => number | null;
}

export interface FakeProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** a person sits there */
  readonly terminal?: boolean;
  /** what the person types */
  readonly typed?: string;
  /** how wide the terminal is: 80 unless told */
  readonly columns?: number;
}

export function fakeProcess({
  env = {},
  terminal = false,
  typed = '',
  columns = 80,
}: FakeProcessOptions = {}): FakeProcess {
  const written = { out: '', err: '' };
  let ended: number | null = null;
  const signals = new EventEmitter();
  const stdin = Object.assign(Readable.from(typed.split(/(?<=\n)/)), { isTTY: terminal });
  return {
    stdout: {
      isTTY: terminal,
      columns,
      write: (text) => {
        written.out += text;
      },
    },
    stderr: {
      isTTY: terminal,
      write: (text) => {
        written.err += text;
      },
    },
    stdin,
    env,
    on: (signal, listener) => signals.on(signal, listener),
    off: (signal, listener) => signals.off(signal, listener),
    exit: (code) => {
      ended ??= code;
    },
    ended: () => ended,
    out: () => written.out,
    err: () => written.err,
    interrupt: (signal = 'SIGINT') => void signals.emit(signal),
    listening: () => signals.eventNames().reduce((sum, name) => sum + signals.listenerCount(name), 0),
  };
}
