/** As many random worlds as fit fifteen seconds, the last ones included; `npm run test:chaos` plays ten thousand. The seed is in the name of the test. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Counters, purgeWorld } from '../chaos/worlds/purge-world.ts';
import { randomWorld } from '../chaos/worlds/worlds.ts';

const SECONDS = 13;
/** on a machine that is busy, too */
const AT_LEAST = 5;
/** The same for everybody: when it fails, it is by what was changed. The long run takes another each time. */
const seed = Number(process.env['WORLDS_SEED'] ?? 11);

test(`in random worlds exactly that goes which belongs to the server (WORLDS_SEED=${seed})`, async () => {
  const counters: Counters = new Map();
  const until = performance.now() + SECONDS * 1000;
  for (let more = 0; more === 0 || performance.now() < until; more++)
    await fc.assert(
      fc.asyncProperty(randomWorld, (world) => purgeWorld(world, counters)),
      { seed: seed + more, numRuns: AT_LEAST },
    );
  expect([...counters.values()].reduce((sum, n) => sum + n)).toBeGreaterThanOrEqual(AT_LEAST);
}, 120_000);
