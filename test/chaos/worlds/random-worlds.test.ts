/** Thousands of random worlds: exactly what belongs to the victim goes. `WORLDS` and `WORLDS_SEED` say how many, and which. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Counters, purgeWorld } from './purge-world.ts';
import { randomWorld } from './worlds.ts';

const numRuns = Number(process.env['WORLDS'] ?? '10000');
const seed = Number(process.env['WORLDS_SEED'] ?? Date.now() % 2 ** 31);

const MUST_COME_ABOUT = [
  'first go: exit 0',
  'first go: exit 3',
  'first go: exit 4',
  'nova-compute woke up in between',
  'failed: http',
  'failed: sql',
  'failed: command',
  'failed: queue',
  'failed: cache',
  'purged: deleting-forever',
  'purged: host-was-down',
  'purged: row-gone-domain-runs',
  'purged: error-never-scheduled',
  'purged: build-request-only',
  'purged: shelved-offloaded',
  'purged: shelving-stuck',
  'purged: resize-both-dirs',
  'purged: half-cleaned',
  'purged: native-plug',
];

test(`in ${numRuns} random worlds exactly that goes which belongs to the server (WORLDS_SEED=${seed})`, async () => {
  const counters: Counters = new Map();
  await fc.assert(
    fc.asyncProperty(randomWorld, (world) => purgeWorld(world, counters)),
    { numRuns, seed },
  );
  process.stdout.write(
    `${[...counters]
      .sort()
      .map(([name, n]) => `${name}: ${n}`)
      .join('\n')}\n`,
  );
  expect(MUST_COME_ABOUT.filter((name) => !counters.has(name))).toEqual([]);
});
