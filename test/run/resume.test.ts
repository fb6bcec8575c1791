/** What is looked at before a run is gone on with: hosts that were off, and steps of which the journal does not know the end. */
import { describe, expect, test } from 'vitest';
import { LookError } from '../../src/plan/errors.ts';
import type { Check, Step } from '../../src/plan/types.ts';
import { lookBefore } from '../../src/run/resume.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { gone, plan, recordOf, step } from '../support/plans.ts';
import { decisions } from '../support/subjects.ts';

const SILENT = new LookError('host a', 'ssh: connect to host a port 22: No route to host', {
  code: 'host-unreachable',
});

function lookAt(
  fenced: readonly string[] | undefined,
  hosts: Readonly<Record<string, LookError | string>>,
  announced: readonly Step[] = [],
  holds: (check: Check) => boolean = () => true,
) {
  const command = Object.fromEntries(Object.entries(hosts).map(([host, says]) => [`${host}: true`, says]));
  const look = { ...fakeReader({ command }), holds: async (check: Check) => holds(check) };
  const decided = decisions({ volumes: { named: {}, rest: 'keep' }, ...(fenced && { fenced: [...fenced] }) });
  const run = recordOf([], { plan: plan({ decisions: decided }), announced });
  // What was looked at before is old.
  return lookBefore(run, { ...fakeReader({}), fresh: () => look });
}

describe('hosts that were said to be off', () => {
  const others = decisions({ volumes: { named: {}, rest: 'keep' } });
  test('are still off, or back; what else was decided stays', async () => {
    expect(await lookAt(['a', 'b', 'c'], { a: SILENT, b: '', c: SILENT })).toEqual({
      decisions: { ...others, fenced: ['a', 'c'] },
      back: ['b'],
      off: ['a', 'c'],
      announced: [],
    });
  });
  test('are back, all of them, or there were none: nothing is said of it any more', async () => {
    for (const fenced of [['a', 'b'], undefined]) {
      const found = await lookAt(fenced, { a: '', b: '' });
      expect(found).toEqual({ decisions: others, back: fenced ?? [], off: [], announced: [] });
      expect(found.decisions).not.toHaveProperty('fenced');
    }
  });
});

describe('of a step that was announced, and no more', () => {
  const steps = [step('a'), step('b', { settled: gone('key of b') })];

  test('each says for itself whether it is so', async () => {
    const asked: Check[] = [];
    const { announced } = await lookAt([], {}, steps, (check) => asked.push(check) === 1);
    expect(asked).toEqual([gone('a'), gone('key of b')]);
    expect(announced).toEqual([
      { step: steps[0], settled: true, why: null },
      { step: steps[1], settled: false, why: null },
    ]);
  });
  test('it is not known where nobody can look, and the others are looked at all the same', async () => {
    const { announced } = await lookAt(['a'], { a: SILENT }, steps, (check) => {
      if (check.door === 'cache' && check.key === 'a')
        throw new LookError('memcached m:11211', 'no answer', { code: 'cache-unreachable' });
      return true;
    });
    expect(announced).toEqual([
      { step: steps[0], settled: null, why: 'no answer' },
      { step: steps[1], settled: true, why: null },
    ]);
  });
  test('a fault of expunge itself is not called a place where nobody can look', async () => {
    const fault = new TypeError('a fault');
    const looked = lookAt([], {}, steps, () => {
      throw fault;
    });
    await expect(looked).rejects.toBe(fault);
  });
});
