/** One line of a terminal that is written over: what is under way, and for how long. Elsewhere it says nothing. */
import type { Io } from '../io.ts';
import { clip } from './lines.ts';

/** The terminal's own line clearing. */
const CLEAR_LINE = '\r\x1b[2K';

const SECOND_MS = 1000;

export interface LiveLine {
  /** Stands until it is cleared or shown anew; from the second second on with the time that it stands. */
  readonly show: (sentence: string, more?: string) => void;
  /** The same, but nothing at all in the first second: most looks are over by then. */
  readonly showLater: (sentence: string) => void;
  /** Before something else is printed, and at the end. */
  readonly clear: () => void;
}

/** `more` stays whole when the sentence has to be cut to fit: a line that wraps cannot be written over. */
export function openLiveLine(io: Io): LiveLine {
  let timer: NodeJS.Timeout | undefined;
  let written = false;
  const write = (sentence: string, more: string) => {
    written = true;
    io.out(`${CLEAR_LINE}${clip(sentence, io.columns - 1 - more.length)}${more}`);
  };
  const clear = () => {
    clearInterval(timer);
    if (written) io.out(CLEAR_LINE);
    written = false;
  };
  const start = (sentence: string, more: string) => {
    clearInterval(timer);
    let seconds = 0;
    timer = setInterval(() => {
      seconds += 1;
      write(sentence, `${more}, ${seconds} s`);
    }, SECOND_MS);
    // A clock is no reason for the program to stay.
    timer.unref();
  };
  return {
    show: (sentence, more = '') => {
      if (!io.live) return;
      write(sentence, more);
      start(sentence, more);
    },
    showLater: (sentence) => {
      if (io.live) start(sentence, '');
    },
    clear,
  };
}

/** While it lasts, a terminal shows that something is under way: a host that does not answer takes its time. */
export async function whileLooking<T>(io: Io, shown: boolean, look: () => Promise<T>): Promise<T> {
  const line = openLiveLine(io);
  if (shown) line.showLater('looking everywhere');
  try {
    return await look();
  } finally {
    line.clear();
  }
}
