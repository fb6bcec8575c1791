/** Each kind of remains alone, beside a server that Nova deleted properly, is named by verify, and purge takes it and nothing else. */
import { describe, expect, test } from 'vitest';
import { KINDS } from '../../src/kinds/registry.ts';
import type { Plan } from '../../src/plan/types.ts';
import * as plants from '../support/plants.ts';
import { type SimulatedCloud, simulateCloud } from '../support/simulated-cloud.ts';

const PLANTED: Readonly<Record<string, plants.Plant>> = {
  'console-tokens': plants.plantToken,
  'waiting-requests': plants.plantRequest,
  domain: plants.plantDomain,
  interfaces: plants.plantInterface,
  'volume-connections': plants.plantConnection,
  files: plants.plantFolder,
  disks: plants.plantDisk,
  volumes: plants.plantAttachment,
  ports: plants.plantPort,
  'shelve-snapshot': plants.plantImage,
  allocations: plants.plantAllocation,
  rows: plants.plantRow,
  'build-request': plants.plantBuildRequest,
  quota: plants.plantQuota,
  mapping: plants.plantMapping,
};

async function cloudWithCleanServer(): Promise<SimulatedCloud> {
  return simulateCloud({
    hosts: { 'cmp-1': 'dead' },
    servers: [
      { name: 'victim', state: 'already-clean', host: 'cmp-1' },
      { name: 'vic', state: 'healthy', host: 'cmp-1' },
      { name: 'victim-2', state: 'healthy', host: 'cmp-1' },
    ],
  });
}

async function verify(cloud: SimulatedCloud, server: string): Promise<{ exit: number; plan: Plan }> {
  const { exit, out } = await cloud.expunge(['verify', server, '--format', 'json']);
  const [plan] = (JSON.parse(out) as { servers: Plan[] }).servers;
  if (plan === undefined) throw new Error(`no answer: ${out}`);
  return { exit, plan };
}

test('as many kinds are planted as are registered; fence has no remains, it refuses', () => {
  expect([...Object.keys(PLANTED), 'fence'].sort()).toEqual(KINDS.map(({ id }) => id).sort());
});

test('with nothing planted verify is clean', async () => {
  const cloud = await cloudWithCleanServer();
  const { exit, plan } = await verify(cloud, cloud.servers[0]?.uuid ?? '');
  expect({ exit, remains: plan.remains, unknown: plan.unknown, refusals: plan.refusals }).toEqual({
    exit: 0,
    remains: [],
    unknown: [],
    refusals: [],
  });
});

describe.each(Object.entries(PLANTED))('%s alone', (kind, plant) => {
  test('is named by verify, and nothing else is; then purged', async () => {
    const cloud = await cloudWithCleanServer();
    const [victim] = cloud.servers;
    if (victim === undefined) throw new Error('no server');
    plant(cloud.world, victim);
    const { exit, plan } = await verify(cloud, victim.uuid);
    expect(plan.unknown).toEqual([]);
    expect([...new Set(plan.remains.map((remain) => remain.kind))]).toEqual([kind]);
    expect(exit).toBe(1);
    const purged = await cloud.expunge(['purge', victim.uuid, '--yes', '--volumes', 'as-nova']);
    expect(purged, purged.out + purged.err).toMatchObject({ exit: 0 });
    expect((await verify(cloud, victim.uuid)).exit).toBe(0);
  });
});

test('fence: a server that works is refused by name', async () => {
  const cloud = await simulateCloud({
    hosts: { 'cmp-1': 'alive' },
    servers: [{ name: 'vic', state: 'healthy', host: 'cmp-1' }],
  });
  const { exit, plan } = await verify(cloud, 'vic');
  expect(exit).toBe(1);
  expect(plan.refusals.map(({ kind, code }) => ({ kind, code }))).toEqual([
    { kind: 'fence', code: 'server-healthy' },
  ]);
});
