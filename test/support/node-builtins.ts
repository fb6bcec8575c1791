/** For what a test cannot have from its machine: a disk that is full, a user without a name. */
import { syncBuiltinESMExports } from 'node:module';
import { onTestFinished, vi } from 'vitest';

/** What `vi.spyOn` changed of a module of Node is seen by all who have loaded it, until the test has ended. */
export function changeBuiltins(): void {
  syncBuiltinESMExports();
  onTestFinished(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });
}
