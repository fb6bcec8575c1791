import os from 'node:os';
import { expect, test } from 'vitest';
import { applyPlan } from '../../src/run/apply.ts';
import { fakeSite } from '../support/fake-site.ts';
import { memoryJournal } from '../support/memory-journal.ts';
import { putInPlace } from '../support/node-builtins.ts';
import { plan, step } from '../support/plans.ts';

/** As in a container that runs as a uid of which passwd knows nothing; until the end of the test. */
function loseUserName(): void {
  putInPlace(os, {
    userInfo: () => {
      throw Object.assign(new Error('uv_os_get_passwd returned ENOENT'), { code: 'ERR_SYSTEM_ERROR' });
    },
  });
}

test('a user without an entry in passwd is told by its uid', async () => {
  loseUserName();
  const journal = memoryJournal();
  const site = fakeSite({ there: ['a'] });
  const options = { journal, emit: () => {}, stopAsked: () => false, settleWithinMs: 0 };
  const [result] = await applyPlan(site, plan({ steps: [step('a')] }), options);
  expect(result?.outcome).toBe('done');
  expect(journal.entries[0]).toMatchObject({ event: 'begin', user: `uid ${process.getuid?.()}` });
});
