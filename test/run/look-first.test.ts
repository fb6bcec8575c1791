/** A fault of expunge itself in the last look before an act: no verdict on the step, as a place that cannot be looked at is. */
import { expect, test } from 'vitest';
import { LookError } from '../../src/plan/errors.ts';
import type { Check } from '../../src/plan/types.ts';
import { lookFirst } from '../../src/run/look-first.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { gone, step } from '../support/plans.ts';

const guarded = step('a', { guards: [{ must: 'b is gone', check: gone('b') }] });

/** @param failing the key that is asked for when it fails */
function look(failing: string, error: Error) {
  const holds = async (check: Check) => {
    if (check.door === 'cache' && check.key === failing) throw error;
    return false;
  };
  return lookFirst({ ...fakeReader({}), holds }, guarded);
}

test.each([
  ['it is done already', 'a', 'no answer'],
  ['a guard holds', 'b', 'could not check that b is gone: no answer'],
])('whether %s', async (_, key, detail) => {
  const fault = new TypeError('a fault');
  await expect(look(key, fault)).rejects.toBe(fault);
  expect(await look(key, new LookError('memcached', 'no answer', { code: 'x' }))).toMatchObject({
    verdict: { outcome: 'failed', detail },
  });
});
