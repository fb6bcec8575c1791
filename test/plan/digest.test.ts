import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestPlan } from '../../src/plan/digest.ts';
import type { Plan } from '../../src/plan/types.ts';
import { anyText } from '../support/any-text.ts';
import { plan, step } from '../support/plans.ts';

const PLAN = plan({
  remains: [{ kind: 'files', place: 'host compute1', what: 'folder /var/lib/nova/instances/1' }],
  refusals: [{ code: 'server-locked', kind: 'fence', sentence: 'It is locked.', flag: 'even-locked' }],
  steps: [
    step('one', {
      act: {
        door: 'sql',
        database: 'cell:c1',
        writes: [
          {
            verb: 'update',
            table: 'instances',
            set: { deleted: { column: 'id' }, task_state: null },
            where: [{ column: 'id', is: '=', value: 42 }],
            rows: 1,
          },
        ],
      },
    }),
    step('two', { needs: ['one'] }),
  ],
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([k, v]) => [k, reversed(v)]),
  );
}

/** Every leaf of a value, with a copy of the whole in which only this leaf is another. */
function* changed(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) for (const c of changed(item)) yield value.with(i, c);
    yield [...value, 'one more'];
    return;
  }
  if (value !== null && typeof value === 'object') {
    for (const [key, item] of Object.entries(value))
      for (const c of changed(item)) yield { ...value, [key]: c };
    return;
  }
  yield typeof value === 'number' ? value + 1 : `${value}x`;
}

test('it is the same in every version: a plan that was saved is still the plan', () => {
  expect(digestPlan(PLAN)).toBe('73363cc83c257224e7e6a4868d82fde6efea8162becc24c7b9f7f697c51c6181');
});

test('the order of keys is nothing', () => {
  expect(JSON.stringify(reversed(PLAN))).not.toBe(JSON.stringify(PLAN));
  expect(digestPlan(reversed(PLAN) as Plan)).toBe(digestPlan(PLAN));
});

test('the order of steps is something', () => {
  expect(digestPlan({ ...PLAN, steps: PLAN.steps.toReversed() })).not.toBe(digestPlan(PLAN));
});

test('a value that is not there and one that is undefined are the same: JSON knows no other', () => {
  const without = { ...PLAN, extra: undefined };
  expect(digestPlan(without)).toBe(digestPlan(JSON.parse(JSON.stringify(without))));
});

describe('when the plan was made', () => {
  test('does not count', () => {
    expect(digestPlan({ ...PLAN, madeAt: '2030-01-01T00:00:00.000Z' })).toBe(digestPlan(PLAN));
  });
  test('is the only thing that does not', () => {
    const { digest, madeAt: _, ...bound } = PLAN;
    const others = [...changed(bound)].map((other) => digestPlan(other as Plan));
    expect(others.length).toBeGreaterThan(50);
    expect(others).not.toContain(digest);
    expect(new Set(others).size).toBe(others.length);
  });
});

test('any text at all changes it', () => {
  fc.assert(
    fc.property(anyText, anyText, (a, b) => {
      fc.pre(a.toWellFormed() !== b.toWellFormed());
      expect(digestPlan({ ...PLAN, site: a })).not.toBe(digestPlan({ ...PLAN, site: b }));
    }),
  );
});
