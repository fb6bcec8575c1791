/** A user without an entry in passwd and without HOME, as in a container that runs as any uid. */
import { expect, test } from 'vitest';
import { cacheFolder } from '../../src/cli/cache-folder.ts';
import { stateFolder } from '../../src/cli/state-folder.ts';
import { UsageError } from '../../src/plan/errors.ts';

function nowhere(): never {
  throw new Error('uv_os_homedir returned ENOENT');
}

test('compiled code is kept nowhere', () => {
  expect(cacheFolder({}, nowhere)).toBeNull();
});

test('what is missing is said, unless there is another place for it', () => {
  expect(() => stateFolder({ env: {} }, nowhere)).toThrow(UsageError);
  expect(() => stateFolder({ env: {} }, nowhere)).toThrow(
    expect.objectContaining({ code: 'no-state-folder', exitCode: 2 }),
  );
  expect(stateFolder({ env: { HOME: '/h' } }, nowhere)).toBe('/h/.local/state/expunge');
  expect(stateFolder({ env: { XDG_STATE_HOME: '/s' } }, nowhere)).toBe('/s/expunge');
});
