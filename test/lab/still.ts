import { setTimeout as sleep } from 'node:timers/promises';
import { diffSnapshots, type Snapshot, takeSnapshot } from '../../lab/delta.ts';
import type { Lab } from '../../lab/paths.ts';

/** A snapshot that the next one equals: nobody is in the middle of anything. */
export async function takeStill(lab: Lab): Promise<Snapshot> {
  for (let tries = 0; ; tries++) {
    const first = await takeSnapshot(lab);
    await sleep(300);
    const second = await takeSnapshot(lab);
    if (diffSnapshots(first, second).length === 0 || tries === 20) return second;
  }
}
