/**
 * Time that passes only while somebody waits: pauses of minutes end at once, in their order, and `performance.now` says that they were
 * as long as they are. Otherwise a fault that lasts would be waited out, twenty seconds for each step.
 */

import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';

export interface VirtualTime {
  /** milliseconds that were waited for so far */
  waited(): number;
}

/** Each pause lasts so many times longer than it was meant to: five minutes of looking again and again are then fewer looks. */
const SLOWER = 10;

/** Does something in a time that passes only while somebody waits. */
export async function inNoTime<T>(body: (time: VirtualTime) => Promise<T>): Promise<T> {
  const { restore, ...time } = useVirtualTime();
  try {
    return await body(time);
  } finally {
    restore();
  }
}

function useVirtualTime(): VirtualTime & { restore(): void } {
  const [realSleep, realNow] = [timers.setTimeout, performance.now];
  const sleepers: { until: number; wake: () => void }[] = [];
  let waited = 0;
  const now = () => realNow.call(performance) + waited;
  const wakeNext = () => {
    sleepers.sort((a, b) => a.until - b.until);
    const next = sleepers.shift();
    if (next === undefined) return;
    waited += Math.max(0, next.until - now());
    next.wake();
  };
  const sleep = <T>(ms = 0, value?: T): Promise<T | undefined> =>
    new Promise((resolve) => {
      sleepers.push({ until: now() + ms * SLOWER, wake: () => resolve(value) });
      setImmediate(wakeNext);
    });
  Object.assign(timers, { setTimeout: sleep });
  performance.now = now;
  syncBuiltinESMExports();
  return {
    waited: () => waited,
    restore() {
      Object.assign(timers, { setTimeout: realSleep });
      performance.now = realNow;
      syncBuiltinESMExports();
    },
  };
}
