import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PlanError } from '../../src/plan/errors.ts';
import { orderSteps } from '../../src/plan/order.ts';
import type { Phase, Step } from '../../src/plan/types.ts';
import { draft as bare, PHASES } from '../support/plans.ts';

/** For the first of them all others wait: its own test is below. */
const LATER = PHASES.slice(1);

const draft = (id: string, phase: Phase, needs: readonly string[] = []) => ({
  kind: 'some',
  ...bare(id, phase, needs),
});

const needsOf = (steps: readonly Step[], id: string) => steps.find((s) => s.id === id)?.needs;

describe('what a step waits for, by its phase', () => {
  const all = orderSteps([...LATER].reverse().map((phase) => draft(phase, phase)));

  test.each<[Phase, readonly Phase[]]>([
    ['tokens', []],
    ['stop', []],
    ['unplug', ['stop']],
    ['disconnect', ['stop']],
    ['files', ['stop', 'disconnect']],
    ['undefine', ['stop', 'unplug', 'disconnect', 'files']],
    ['volumes', ['stop', 'disconnect', 'undefine']],
    ['ports', ['stop', 'unplug']],
    ['images', []],
    ['allocations', ['stop']],
    [
      'rows',
      [
        'tokens',
        'stop',
        'unplug',
        'disconnect',
        'files',
        'undefine',
        'volumes',
        'ports',
        'images',
        'allocations',
      ],
    ],
    ['volumes-late', ['rows']],
    ['quota', ['rows']],
    ['mapping', ['rows']],
  ])('%s', (phase, needs) => {
    expect(needsOf(all, phase)).toEqual(needs);
  });

  test('kinds may declare in any order: the plan is in the order of work', () => {
    expect(all.map(({ id }) => id)).toEqual(LATER);
  });
});

test.each(LATER)('%s waits until late actors are disarmed, whatever else there is', (phase) => {
  const steps = orderSteps([draft('late', phase), draft('disarm', 'secure')]);
  expect(steps.map(({ id }) => id)).toEqual(['disarm', 'late']);
  expect(needsOf(steps, 'late')).toEqual(['disarm']);
});

test('a step of the first phase that names no needs has none', () => {
  const { needs: _, ...first } = draft('a', 'secure');
  expect(orderSteps([first])).toMatchObject([{ id: 'a', needs: [] }]);
});

test('a phase with several steps is waited for whole', () => {
  const steps = orderSteps([draft('a', 'stop'), draft('b', 'stop'), draft('c', 'unplug')]);
  expect(needsOf(steps, 'c')).toEqual(['a', 'b']);
});

test("a step's own needs come on top, each once", () => {
  const steps = orderSteps([
    draft('stop', 'stop'),
    draft('token', 'tokens'),
    draft('plug', 'unplug', ['token', 'stop']),
  ]);
  expect(needsOf(steps, 'plug')).toEqual(['stop', 'token']);
});

test('a need within one phase puts the needed one first, whichever was declared first', () => {
  const steps = orderSteps([draft('list', 'tokens', ['token']), draft('token', 'tokens')]);
  expect(steps.map(({ id }) => id)).toEqual(['token', 'list']);
});

test('nothing to do is an empty plan', () => {
  expect(orderSteps([])).toEqual([]);
});

describe('a plan that cannot be is a fault, and named', () => {
  test.each([
    ['two steps of one id', [draft('a', 'stop'), draft('a', 'rows')], 'two steps are called a'],
    ['a need that is not there', [draft('a', 'stop', ['b'])], 'a needs b, which is not in the plan'],
    [
      'two that wait for each other',
      [draft('a', 'tokens', ['b']), draft('b', 'tokens', ['a'])],
      'steps wait for each other: a, b',
    ],
    [
      'one that needs what waits for its phase',
      [draft('a', 'stop', ['b']), draft('b', 'rows')],
      'steps wait for each other: a, b',
    ],
    ['one that needs itself', [draft('a', 'stop', ['a'])], 'steps wait for each other: a'],
  ])('%s', (_, drafts, says) => {
    expect(() => orderSteps(drafts)).toThrow(new PlanError(says));
  });
});

/** Any steps, with needs of their own that may point anywhere. */
const drafts = fc
  .uniqueArray(
    fc.record({ id: fc.string({ minLength: 1, maxLength: 4 }), phase: fc.constantFrom(...PHASES) }),
    {
      selector: ({ id }) => id,
      maxLength: 20,
    },
  )
  .chain((steps) =>
    fc
      .array(
        fc.subarray(
          steps.map(({ id }) => id),
          { maxLength: Math.min(2, steps.length) },
        ),
        {
          minLength: steps.length,
          maxLength: steps.length,
        },
      )
      .map((needs) => steps.map(({ id, phase }, i) => draft(id, phase, needs[i]))),
  );

test('whatever the kinds declare: every need comes earlier, nothing is lost, or the plan is refused', () => {
  let ordered = 0;
  fc.assert(
    fc.property(drafts, (given) => {
      let steps: Step[];
      try {
        steps = orderSteps(given);
      } catch (error) {
        expect(error).toBeInstanceOf(PlanError);
        return;
      }
      ordered++;
      expect(steps.map(({ id }) => id).sort()).toEqual(given.map(({ id }) => id).sort());
      const before = new Set<string>();
      for (const { id, needs } of steps) {
        expect(needs.filter((need) => !before.has(need))).toEqual([]);
        before.add(id);
      }
      for (const { id, needs } of given)
        expect(needsOf(steps, id)).toEqual(expect.arrayContaining([...needs]));
    }),
    { numRuns: 300 },
  );
  expect(ordered).toBeGreaterThan(20);
});
