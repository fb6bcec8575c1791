/** The real program on the real cloud, killed with SIGKILL in the middle of five of its steps, one process after the other, and each time gone on with. */
import { beforeAll, expect } from 'vitest';
import { createNeighbours } from '../../lab/neighbours.ts';
import { openLab } from '../../lab/paths.ts';
import { deletingForever } from '../../lab/scenarios/deleting-forever.ts';
import type { LabServer } from '../../lab/servers.ts';
import type { Plan } from '../../src/plan/types.ts';
import { cutAt, type Place } from '../chaos/cut/cut.ts';
import { wayOn } from '../support/kept-cloud.ts';
import { type Ended, expunge } from './expunge.ts';
import { describeScenarios } from './play-scenarios.ts';

/** Each of these phases waits for the one before, so none is over when the cut before it is made; the rows are cut twice. */
const CUTS = [
  ['stop', 'after intent'],
  ['files', 'after act'],
  ['undefine', 'torn'],
  ['rows', 'before intent'],
  ['rows', 'after result'],
] as const satisfies readonly (readonly [Plan['steps'][number]['phase'], Place])[];

const KILLED = 255;

const lab = openLab();
let neighbours: readonly LabServer[] = [];

beforeAll(async () => {
  neighbours = await createNeighbours(lab);
});

async function purgeInPieces(argv: readonly string[], site: string): Promise<Ended> {
  const [, server = ''] = argv;
  const planned = await expunge(['plan', server, '--format', 'json'], { site });
  const steps = (JSON.parse(planned.out) as { servers: Plan[] }).servers[0]?.steps ?? [];
  let next = argv;
  for (const [phase, place] of CUTS) {
    const step = steps.find((each) => each.phase === phase);
    if (step === undefined) throw new Error(`the plan has no step that is to ${phase}`);
    const ended = await expunge(next, { site, cut: cutAt(step.id, place) });
    const what = `${next.join(' ')}, cut ${place} of ${step.id}`;
    expect(ended.exit, `${what}\n${ended.out}${ended.err}`).toBe(KILLED);
    process.stdout.write(`${what}\n`);
    next = await wayOn((more) => expunge(more, { site }), argv, what);
  }
  return expunge(next, { site });
}

describeScenarios(lab, [deletingForever], { neighbours: () => neighbours, purge: purgeInPieces });
