/** Small steps and plans for tests that are not about a kind. */
import { digestPlan } from '../../src/plan/digest.ts';
import type { Check, Phase, Plan, Step } from '../../src/plan/types.ts';
import type { ActedStep, RunRecord } from '../../src/run/read-run.ts';
import { decisions } from './subjects.ts';

export const SERVER = '11111111-2222-4333-8444-555555555555';

/** In the order of work, written out: a phase that the schema lost would not be missed in a list that was made from it. */
export const PHASES: readonly Phase[] = [
  'secure',
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
  'rows',
  'volumes-late',
  'quota',
  'mapping',
];

/** Holds when the key is gone from memcached `m:11211`. */
export function gone(key: string): Check {
  return { door: 'cache', server: 'm:11211', key, absent: true };
}

export function step(id: string, changes: Partial<Step> = {}): Step {
  return {
    id,
    kind: 'console-tokens',
    phase: 'tokens',
    place: 'memcached m:11211',
    title: `delete ${id}`,
    why: 'It is still there.',
    act: { door: 'cache', server: 'm:11211', key: id },
    guards: [],
    settled: gone(id),
    before: [],
    needs: [],
    undo: 'never',
    ...changes,
  };
}

/** As a kind declares it: without what the order of work adds. */
export function draft(id: string, phase: Phase, needs: readonly string[] = []) {
  const { kind: _, needs: __, ...rest } = step(id, { phase });
  return { ...rest, needs };
}

/** A plan with its own digest, also when it is made from another plan. */
export function plan(changes: Partial<Plan> = {}): Plan {
  const { digest: _, ...parts } = changes;
  const bound = {
    format: 1 as const,
    tool: '0.1.0',
    site: 'lab',
    madeAt: '2026-11-22T10:00:00.000Z',
    server: {
      uuid: SERVER,
      name: 'web-1',
      project: 'p1',
      cell: 'cell1',
      state: 'active, deleting',
      hosts: ['compute1'],
    },
    decisions: decisions(),
    remains: [],
    kept: [],
    unknown: [],
    refusals: [],
    steps: [],
    ...parts,
  };
  return { ...bound, digest: digestPlan(bound) };
}

/** The record of a run that let these steps through the gate, and of which nothing more is said. */
export function recordOf(acted: readonly ActedStep[], changes: Partial<RunRecord> = {}): RunRecord {
  return {
    folder: '/runs/1',
    plan: plan({ steps: acted.map((one) => one.step) }),
    begunAt: null,
    by: null,
    links: {},
    end: null,
    announced: [],
    abandoned: null,
    acted,
    ...changes,
  };
}
