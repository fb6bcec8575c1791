import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/sequencer.ts';

const STORAGE = 'test/lab/*-volumes.test.ts';

/** There is one lab, and a scenario freezes what every other one needs. */
const ONE_BY_ONE = {
  fileParallelism: false,
  sequence: { concurrent: false },
  testTimeout: 300_000,
  hookTimeout: 300_000,
};

export default defineConfig({
  test: {
    // vitest leaves one core free, which on a machine of two is half of it.
    maxWorkers: '100%',
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/lab/**', 'test/chaos/**'],
          // Whole commands on whole clouds: on a machine that is busy one of them may take its time.
          testTimeout: 30_000,
          // A third of the time went into reading the same modules anew for every file. No test changes one.
          isolate: false,
          // Node reads the modules itself, as it does for users: they start sooner, and run as they are written.
          experimental: { viteModuleRunner: false },
          globalSetup: 'test/support/global-setup.ts',
        },
      },
      {
        test: {
          // Every cut, every fault, ten thousand worlds: hours.
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          testTimeout: 4 * 3_600_000,
          globalSetup: 'test/support/global-setup.ts',
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          exclude: [STORAGE],
          ...ONE_BY_ONE,
        },
      },
      {
        test: {
          // What needs the second machine or Ceph, and half an hour.
          name: 'lab-storage',
          include: [STORAGE],
          ...ONE_BY_ONE,
          // Programs in Python take a minute to start on the second machine, and a play starts several.
          testTimeout: 1_200_000,
          hookTimeout: 1_200_000,
        },
      },
    ],
  },
});
