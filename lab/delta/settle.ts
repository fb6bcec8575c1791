import { isDeepStrictEqual } from 'node:util';
import { sleep } from '../command.ts';
import type { Lab } from '../paths.ts';
import { readSwitching } from './host.ts';

/** A little more than the agent's polling interval: what it has still to do begins within this time. */
const gapMs = 2300;

/** Waits until the network agent has finished: two looks at the host, one round of the agent apart, see the same. */
export async function settle(_lab: Lab, timeoutMs = 60_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let before = await readSwitching();
  for (;;) {
    await sleep(gapMs);
    const after = await readSwitching();
    if (isDeepStrictEqual(before, after)) return;
    if (Date.now() > deadline)
      throw new Error(`the host's bridges and rules still change after ${timeoutMs / 1000} s`);
    before = after;
  }
}
