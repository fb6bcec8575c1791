import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fakeSite } from '../support/fake-site.ts';
import { memoryJournal } from '../support/memory-journal.ts';
import { plan, step } from '../support/plans.ts';

vi.mock('node:os', async (original) => ({
  ...(await original<typeof import('node:os')>()),
  userInfo: () => {
    throw Object.assign(new Error('uv_os_get_passwd returned ENOENT'), { code: 'ERR_SYSTEM_ERROR' });
  },
}));

// Test files share what they import: this one is to meet the module anew, and nobody after it the one that it met.
beforeEach(() => void vi.resetModules());
afterEach(() => void vi.resetModules());

test('a user without an entry in passwd is told by its uid', async () => {
  const journal = memoryJournal();
  const site = fakeSite({ there: ['a'] });
  const options = { journal, emit: () => {}, stopAsked: () => false, settleWithinMs: 0 };
  const { applyPlan } = await import('../../src/run/apply.ts');
  const [result] = await applyPlan(site, plan({ steps: [step('a')] }), options);
  expect(result?.outcome).toBe('done');
  expect(journal.entries[0]).toMatchObject({ event: 'begin', user: `uid ${process.getuid?.()}` });
});
