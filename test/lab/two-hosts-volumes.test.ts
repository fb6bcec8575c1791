/**
 * Volumes in Ceph that a server on another host has: at the same time, and after the purge, while the delete of their old server still
 * waits for its nova-compute, which brings its own list of volumes to delete.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCeph, stopCeph } from '../../lab/ceph/cloud.ts';
import { pools } from '../../lab/ceph/paths.ts';
import { listImages } from '../../lab/ceph/rbd.ts';
import { isTurnedOn } from '../../lab/config/backends.ts';
import { neighbourView, type Snapshot, settle, takeSnapshot } from '../../lab/delta.ts';
import { enrolNode, withdrawNode } from '../../lab/node/cloud.ts';
import { startNode } from '../../lab/node/power.ts';
import { requestNodeServer } from '../../lab/node/server.ts';
import { freezeCompute, killCompute, reviveCompute, waitServiceDown } from '../../lab/nova-services.ts';
import { host, openLab } from '../../lab/paths.ts';
import { rbdShared } from '../../lab/scenarios/ceph.ts';
import {
  createServerWithVolumes,
  deleteWithVolumes,
  listVolumeIds,
  neighbourName,
} from '../../lab/scenarios/on-node.ts';
import {
  deleteServer,
  type LabServer,
  requestDelete,
  waitForPorts,
  waitForStatus,
} from '../../lab/servers.ts';
import { query } from '../../lab/sql.ts';
import { detachVolume, waitForInUse } from '../../lab/storage/volumes.ts';
import { takeTurn } from '../../lab/turn.ts';
import { expunge } from './expunge.ts';
import { describeScenarios } from './play-scenarios.ts';
import { takeStill } from './still.ts';

const lab = openLab();
/** A lab that was brought up with it keeps it. */
const wasThere = isTurnedOn(lab, 'ceph');
const say = (line: string) => process.stdout.write(`${line}\n`);

beforeAll(async () => {
  await takeTurn(lab);
  await startNode(lab, say);
  await startCeph(lab, say);
  await enrolNode(lab, say);
});

afterAll(async () => {
  if (!wasThere) await stopCeph(lab, say);
  await withdrawNode(lab);
});

describe('a volume that a server of the other host uses too', () => {
  let neighbour: LabServer;

  beforeAll(async () => {
    neighbour = await createServerWithVolumes(lab, neighbourName, []);
  });

  afterAll(async () => {
    for (const id of await listVolumeIds(lab, neighbour))
      await detachVolume(lab, neighbour, { id, type: 'ceph-several-servers' });
    await deleteServer(lab, neighbour);
  });

  describeScenarios(lab, [rbdShared], { neighbours: () => [neighbour] });
});

describe('a volume that was kept and is another server’s before its old host wakes up', () => {
  afterAll(() => reviveCompute(lab));

  test('the late nova-compute finds nothing to do, and the volume stays as it is', async () => {
    const stamp = Date.now().toString(36);
    const old = await createServerWithVolumes(
      lab,
      `vm-a-victim-kept-${stamp}`,
      [{ type: 'ceph', deleteOnTermination: true }],
      host,
    );
    const other = await createServerWithVolumes(lab, `vm-a-victim-kept-${stamp}-other`, [], host);
    const [id = ''] = await listVolumeIds(lab, old);
    freezeCompute(lab);
    await requestDelete(lab, old);
    await requestDelete(lab, other);
    await killCompute(lab);
    await waitServiceDown(lab, 'nova-compute');
    const purged = await expunge(['purge', old.id, '--volumes', 'keep', '--yes']);
    expect(purged, purged.out + purged.err).toMatchObject({ exit: 0 });

    const name = `vm-b-kept-${stamp}`;
    const heir = await requestNodeServer(lab, name, { volumes: [{ id, deleteOnTermination: false }] });
    await waitForStatus(lab, heir, 'ACTIVE');
    await waitForPorts(lab, heir, 'native');
    await waitForInUse(lab, { id, type: 'ceph' });
    const seen = (of: Snapshot) => neighbourView(of, [heir]);
    const before = seen(await takeStill(lab));

    await reviveCompute(lab, { dropQueue: false });
    // The other's delete stands behind it in the queue.
    const isGone = async () => {
      const [row] = await query(lab, 'nova', 'SELECT deleted FROM instances WHERE uuid = ?', [other.id]);
      return row?.['deleted'] !== '0';
    };
    await expect.poll(isGone, { timeout: 300_000, interval: 2_000 }).toBe(true);
    await settle(lab);
    expect(seen(await takeSnapshot(lab))).toEqual(before);
    expect(await listImages(lab, pools.cinder)).toContain(`volume-${id}`);
    expect(await listVolumeIds(lab, heir)).toEqual([id]);
    expect(await expunge(['verify', old.id])).toMatchObject({ exit: 0 });
    await deleteWithVolumes(lab, heir);
  });
});
