/** The scenarios of the first compute host: no volumes, everything on the machine itself. */
import { beforeAll } from 'vitest';
import { createNeighbours } from '../../lab/neighbours.ts';
import { openLab } from '../../lab/paths.ts';
import { scenarios } from '../../lab/scenarios/index.ts';
import type { LabServer } from '../../lab/servers.ts';
import { describeScenarios } from './play-scenarios.ts';

const lab = openLab();
let neighbours: readonly LabServer[] = [];

beforeAll(async () => {
  neighbours = await createNeighbours(lab);
});

/** One scenario goes over ssh and sudo, against a real sshd; what it removes must be the same. */
const OVER_SSH = 'host-was-down';

describeScenarios(lab, scenarios, {
  neighbours: () => neighbours,
  site: ({ name }) => (name === OVER_SSH ? 'expunge-ssh' : undefined),
});
