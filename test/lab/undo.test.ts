/** Undo on the real cloud: every row of the server in Nova's databases, and the port that the user made, are as before the purge. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { diffSnapshots, type Snapshot, settle, takeSnapshot } from '../../lab/delta.ts';
import { createNeighbours } from '../../lab/neighbours.ts';
import { openLab } from '../../lab/paths.ts';
import { deletingForever } from '../../lab/scenarios/deleting-forever.ts';
import type { LabServer } from '../../lab/servers.ts';
import { expunge } from './expunge.ts';

const lab = openLab();
let victim: LabServer;
let broken: Snapshot;

beforeAll(async () => {
  await createNeighbours(lab);
  victim = await deletingForever.make(lab, `vm-a-undone-${Date.now().toString(36)}`);
  await deletingForever.break(lab, victim);
  broken = await takeSnapshot(lab);
});

afterAll(async () => {
  await deletingForever.mend(lab);
});

test('rows and binding come back, what cannot is told, and it can be purged again', async () => {
  const purged = await expunge(['purge', victim.id, '--yes', '--format', 'json']);
  expect(purged, purged.err).toMatchObject({ exit: 0 });
  // Each command of the lab's tests is looked at for secrets (expunge.ts): that the look reaches what is run on a host is seen here.
  expect(purged.commands.filter((line) => line.includes('virsh'))).not.toEqual([]);
  await settle(lab);
  const run = (JSON.parse(purged.out) as { servers: { run: string }[] }).servers[0]?.run ?? '';

  const undone = await expunge(['undo', run, '--yes']);
  expect(undone, undone.out + undone.err).toMatchObject({ exit: 0 });
  expect(undone.out).toContain('Brought back');
  expect(undone.out).toMatch(/Does not come back: \d+ things/);
  const back = await takeSnapshot(lab);
  const inNova = diffSnapshots(broken, back).filter(({ place }) => place.startsWith('nova'));
  expect(inNova).toEqual([]);
  const port = (snapshot: Snapshot) => ({
    port: { ...snapshot.rows['neutron.ports']?.[victim.prePort ?? ''], status: '' },
    binding: Object.values(snapshot.rows['neutron.ml2_port_bindings'] ?? {}).filter(
      (row) => row['port_id'] === victim.prePort,
    ),
    levels: Object.values(snapshot.rows['neutron.ml2_port_binding_levels'] ?? {}).filter(
      (row) => row['port_id'] === victim.prePort,
    ),
  });
  // Nobody has plugged it again, so it is DOWN where it was ACTIVE.
  expect(port(back)).toEqual(port(broken));

  const inspected = await expunge(['verify', victim.id]);
  expect(inspected.exit).toBe(1);
  expect(inspected.out).toContain('live row in instances: active, deleting');

  const again = await expunge(['purge', victim.id, '--yes']);
  expect(again, again.out + again.err).toMatchObject({ exit: 0 });
});
