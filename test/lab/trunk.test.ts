/** A server that is plugged into a trunk: Neutron has the plug-in while this is played. */
import { afterAll, beforeAll } from 'vitest';
import { createNeighbours } from '../../lab/neighbours.ts';
import { openLab } from '../../lab/paths.ts';
import { trunkParent } from '../../lab/scenarios/trunk-parent.ts';
import type { LabServer } from '../../lab/servers.ts';
import { setServicePlugins } from '../../lab/service-plugins.ts';
import { describeScenarios } from './play-scenarios.ts';

const lab = openLab();
let neighbours: readonly LabServer[] = [];

beforeAll(async () => {
  neighbours = await createNeighbours(lab);
  await setServicePlugins(lab, ['trunk']);
});

afterAll(() => setServicePlugins(lab, []));

describeScenarios(lab, [trunkParent], { neighbours: () => neighbours });
