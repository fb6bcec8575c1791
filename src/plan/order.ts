/**
 * The order of work, Nova's own: host first, then what the APIs hold, database rows last.
 *
 * Nova 26 `compute/manager.py:_delete_instance` and `virt/libvirt/driver.py:_cleanup`: stop the domain, unplug, disconnect,
 * remove files, undefine, release ports, drop allocations, and only then the row.
 */
import { PlanError } from './errors.ts';
import type { DraftStep, Phase, Step } from './types.ts';

/**
 * What each phase waits for, beside `secure`: what may wake up late is disarmed before anything is taken from under it. A nova-compute
 * that starts with an interrupted delete of the server and the same delete in its queue deletes it twice, and the second time
 * disconnects a volume that a neighbour has too (see docs/reliability.md).
 */
const AFTER: Readonly<Record<Exclude<Phase, 'secure'>, readonly Phase[]>> = {
  tokens: [],
  stop: [],
  unplug: ['stop'],
  disconnect: ['stop'],
  files: ['stop', 'disconnect'],
  undefine: ['stop', 'unplug', 'disconnect', 'files'],
  // A domain that is still defined can be started again on its disks, and a late reaper finds volumes by it.
  volumes: ['stop', 'disconnect', 'undefine'],
  // A port that is freed while its interface is still plugged can be taken by another server too early.
  ports: ['stop', 'unplug'],
  images: [],
  allocations: ['stop'],
  // A row marked deleted makes every live nova-compute a second cleaner of what is left on its host.
  rows: [
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
  // Without a service token Cinder lets go of a volume only when Nova does not list it any more (CVE-2023-2088). Of one that others have
  // too, a nova-compute that starts while the row lives and the attachment does not disconnects theirs.
  'volumes-late': ['rows'],
  quota: ['rows'],
  mapping: ['rows'],
};

const PHASES = ['secure', ...Object.keys(AFTER)] as Phase[];

function before(phase: Phase): readonly Phase[] {
  return phase === 'secure' ? [] : ['secure', ...AFTER[phase]];
}

/**
 * Puts the drafts of all kinds in the order of work and writes down, step by step, what must have succeeded before.
 *
 * @throws PlanError when two steps have one id, or a step needs one that is not there or that waits for it in turn: a fault
 *   of a kind, never of a cloud
 */
export function orderSteps(drafts: readonly (DraftStep & { kind: string })[]): Step[] {
  const byPhase = new Map<Phase, (DraftStep & { kind: string })[]>(PHASES.map((phase) => [phase, []]));
  const ids = new Set<string>();
  for (const draft of drafts) {
    if (ids.has(draft.id)) throw new PlanError(`two steps are called ${draft.id}`);
    ids.add(draft.id);
    byPhase.get(draft.phase)?.push(draft);
  }
  const steps = PHASES.flatMap((phase) =>
    (byPhase.get(phase) ?? []).map((draft) => {
      const earlier = before(phase).flatMap((p) => (byPhase.get(p) ?? []).map((step) => step.id));
      const own = draft.needs ?? [];
      const missing = own.find((id) => !ids.has(id));
      if (missing !== undefined)
        throw new PlanError(`${draft.id} needs ${missing}, which is not in the plan`);
      return { ...draft, needs: [...new Set([...earlier, ...own])] };
    }),
  );
  return needsFirst(steps);
}

/** The same steps, each after all that it needs; those that wait for nothing keep their places. */
function needsFirst(steps: readonly Step[]): Step[] {
  const ordered: Step[] = [];
  const placed = new Set<string>();
  const waiting = [...steps];
  while (waiting.length > 0) {
    const next = waiting.findIndex((step) => step.needs.every((id) => placed.has(id)));
    if (next < 0)
      throw new PlanError(`steps wait for each other: ${waiting.map((step) => step.id).join(', ')}`);
    for (const step of waiting.splice(next, 1)) {
      ordered.push(step);
      placed.add(step.id);
    }
  }
  return ordered;
}
