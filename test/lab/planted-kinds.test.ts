/** On the real cloud: each kind of remains alone, beside a server that Nova deleted properly, is named by verify, and purge takes it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createNeighbours } from '../../lab/neighbours.ts';
import { killCompute, reviveCompute, waitServiceDown } from '../../lab/nova-services.ts';
import { openLab } from '../../lab/paths.ts';
import { plants } from '../../lab/plants.ts';
import { createServer, deleteServer, type LabServer } from '../../lab/servers.ts';
import { KINDS } from '../../src/kinds/registry.ts';
import type { Plan } from '../../src/plan/types.ts';
import { expunge } from './expunge.ts';

const lab = openLab();
let victim: LabServer;

/** Kinds that cannot be planted here, and why. */
const ELSEWHERE = {
  fence: 'it has no remains: it refuses',
  disks: 'they lie in Ceph or LVM, which the base of the lab has not; planted on the simulator',
  'volume-connections': 'the first host has no iSCSI; planted on the simulator',
  volumes: 'the base of the lab stores no volumes; planted on the simulator',
  'waiting-requests': 'a request speaks of a row that lives; late-delete.test.ts has them wait',
  quota: 'this release has given up the table; planted on the simulator, on a schema of Ocata',
};

beforeAll(async () => {
  await createNeighbours(lab);
  victim = await createServer(lab, { name: `vm-a-planted-${Date.now().toString(36)}` });
  await deleteServer(lab, victim);
  // A live nova-compute would reap what is planted on its host.
  await killCompute(lab);
  await waitServiceDown(lab, 'nova-compute');
});

afterAll(() => reviveCompute(lab));

async function verify(): Promise<{ exit: number; plan: Plan | undefined }> {
  const { exit, out } = await expunge(['verify', victim.id, '--format', 'json']);
  return { exit, plan: (JSON.parse(out) as { servers: Plan[] }).servers[0] };
}

test('every registered kind is planted, here or elsewhere; and what Nova deleted is clean', async () => {
  expect([...Object.keys(plants), ...Object.keys(ELSEWHERE)].sort()).toEqual(
    KINDS.map(({ id }) => id).sort(),
  );
  expect(await verify()).toMatchObject({ exit: 0, plan: { remains: [], unknown: [], refusals: [] } });
});

describe.each(Object.entries(plants))('%s alone', (kind, plant) => {
  test('is named by verify, and nothing else is; then purged', async () => {
    await plant(lab, victim);
    const { exit, plan } = await verify();
    expect(plan?.unknown).toEqual([]);
    expect([...new Set(plan?.remains.map((remain) => remain.kind))]).toEqual([kind]);
    expect(exit).toBe(1);
    const purged = await expunge(['purge', victim.id, '--yes']);
    expect(purged, purged.out + purged.err).toMatchObject({ exit: 0 });
    expect((await verify()).exit).toBe(0);
  });
});
