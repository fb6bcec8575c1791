/** Volumes and servers' own disks in Ceph, on the first compute host. */
import { afterAll, beforeAll, describe } from 'vitest';
import { startCeph, stopCeph } from '../../lab/ceph/cloud.ts';
import { setDisks } from '../../lab/ceph/disks.ts';
import { isTurnedOn } from '../../lab/config/backends.ts';
import { createNeighbours } from '../../lab/neighbours.ts';
import { openLab } from '../../lab/paths.ts';
import { rbdDisk, rbdVolume } from '../../lab/scenarios/ceph.ts';
import type { LabServer } from '../../lab/servers.ts';
import { describeScenarios } from './play-scenarios.ts';

const lab = openLab();
const say = (line: string) => process.stdout.write(`${line}\n`);
/** A lab that was brought up with it keeps it. */
const wasThere = isTurnedOn(lab, 'ceph');
let neighbours: readonly LabServer[] = [];
const company = { neighbours: () => neighbours };

beforeAll(async () => {
  neighbours = await createNeighbours(lab);
  await startCeph(lab, say);
});

afterAll(async () => {
  if (!wasThere) await stopCeph(lab, say);
});

describe('volumes', () => {
  describeScenarios(lab, [rbdVolume], company);
});

describe('disks of their own', () => {
  beforeAll(() => setDisks(lab, 'ceph'));
  afterAll(() => setDisks(lab, 'files'));
  describeScenarios(lab, [rbdDisk], company);
});
