/** For what a test cannot have from its machine: a disk that is full, a user without a name. */
import { syncBuiltinESMExports } from 'node:module';
import { onTestFinished } from 'vitest';

/**
 * Puts functions in the place of those of a module of Node, for all who have loaded it, until the test has ended.
 *
 * @returns puts the module's own back before that
 */
export function putInPlace<T extends object>(module: T, others: Partial<T>): () => void {
  const set = (to: object) => {
    Object.assign(module, to);
    syncBuiltinESMExports();
  };
  const names = Object.keys(others) as (keyof T)[];
  const own = Object.fromEntries(names.map((name) => [name, module[name]]));
  const putBack = () => set(own);
  onTestFinished(putBack);
  set(others);
  return putBack;
}
