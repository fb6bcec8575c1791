/** Where the time went, for `--timings`: per place, how many exchanges, from when to when. */

export interface Span {
  readonly what: string;
  readonly startMs: number;
  readonly endMs: number;
}

export interface Timings {
  readonly spans: Span[];
  /** milliseconds since the process began */
  readonly clock: () => number;
}

export async function timed<T>(timings: Timings, what: string, work: () => Promise<T>): Promise<T> {
  const startMs = timings.clock();
  try {
    return await work();
  } finally {
    timings.spans.push({ what, startMs, endMs: timings.clock() });
  }
}
