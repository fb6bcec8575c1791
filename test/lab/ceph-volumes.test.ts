/** Volumes and servers' own disks in Ceph, on the first compute host. */
import { afterAll, beforeAll, describe } from 'vitest';
import { startCeph, stopCeph } from '../../lab/ceph/cloud.ts';
import { setDisks } from '../../lab/ceph/disks.ts';
import { createNeighbours } from '../../lab/neighbours.ts';
import { openLab } from '../../lab/paths.ts';
import { rbdDisk, rbdVolume } from '../../lab/scenarios/ceph.ts';
import type { LabServer } from '../../lab/servers.ts';
import { describeScenarios } from './play-scenarios.ts';

const lab = openLab();
const say = (line: string) => process.stdout.write(`${line}\n`);
const SLOW_MS = 600_000;
let neighbours: readonly LabServer[] = [];
const company = { neighbours: () => neighbours };

beforeAll(async () => {
  neighbours = await createNeighbours(lab);
  await startCeph(lab, say);
}, SLOW_MS);

afterAll(() => stopCeph(lab, say), SLOW_MS);

describe('volumes', () => {
  describeScenarios(lab, [rbdVolume], company);
});

describe('disks of their own', () => {
  beforeAll(() => setDisks(lab, 'ceph'), SLOW_MS);
  afterAll(() => setDisks(lab, 'files'), SLOW_MS);
  describeScenarios(lab, [rbdDisk], company);
});
