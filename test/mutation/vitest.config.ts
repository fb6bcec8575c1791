import { defineConfig } from 'vitest/config';

/**
 * Tests that stay in their process, where Stryker switches its mutants on, and say directly what is asked of a module. `TESTS` narrows
 * them down: a mutant in what a module does when it is loaded is shown to all of them.
 */
export default defineConfig({
  test: {
    include: process.env['TESTS']?.split(' ') ?? [
      'test/{plan,kinds}/**/*.test.ts',
      'test/run/{apply,gate,journal,limits,make-plan,undo-compare,undo-record}.test.ts',
    ],
    testTimeout: 30_000,
    // A module that was loaded for one mutant must be loaded anew for the next.
    isolate: true,
    globalSetup: 'test/support/global-setup.ts',
  },
});
