/** Servers with volumes over real iSCSI, on the second machine: it is a compute host of the cloud while these tests run. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isTurnedOn } from '../../lab/config/backends.ts';
import {
  canonicalise,
  compareDeltas,
  completeNeutronDeletes,
  diffSnapshots,
  findRoles,
} from '../../lab/delta.ts';
import { enrolNode, waitNodeComputeDown, withdrawNode } from '../../lab/node/cloud.ts';
import { nodeName } from '../../lab/node/paths.ts';
import { killNode, runOnNode, startNode } from '../../lab/node/power.ts';
import { openLab } from '../../lab/paths.ts';
import {
  createServerWithVolumes,
  deleteWithVolumes,
  listVolumeIds,
  neighbourName,
} from '../../lab/scenarios/on-node.ts';
import { multipathVolume, volumeScenarios } from '../../lab/scenarios/volumes.ts';
import { type LabServer, requestDelete } from '../../lab/servers.ts';
import { startStorage, stopStorage } from '../../lab/storage/backends.ts';
import { byPathLink } from '../../lab/storage/connection.ts';
import { setMultipath } from '../../lab/storage/multipath.ts';
import { waitForAttached } from '../../lab/storage/volumes.ts';
import { startWriter, type Writer } from '../../lab/storage/writer.ts';
import { takeTurn } from '../../lab/turn.ts';
import { expunge } from './expunge.ts';
import { describeScenarios } from './play-scenarios.ts';
import { takeStill } from './still.ts';

const lab = openLab();
/** A lab that was brought up with it keeps it. */
const wasThere = isTurnedOn(lab, 'storage');
const say = (line: string) => process.stdout.write(`${line}\n`);

beforeAll(async () => {
  await takeTurn(lab);
  await startNode(lab, say);
  await startStorage(lab, say);
});

afterAll(async () => {
  if (!wasThere) await stopStorage(lab, say);
  await withdrawNode(lab);
});

describe('by both portals', () => {
  beforeAll(() => setMultipath(lab, 'on', say));
  describeScenarios(lab, [multipathVolume], { neighbours: () => [] });
});

describe('by one portal, with a neighbour on the shared target who writes to its disk all the while', () => {
  let neighbour: LabServer;
  let writer: Writer;
  let written = 0;

  beforeAll(async () => {
    await setMultipath(lab, 'off', say);
    neighbour = await createServerWithVolumes(lab, neighbourName, [
      { type: 'shared-target', deleteOnTermination: true },
    ]);
    const [id = ''] = await listVolumeIds(lab, neighbour);
    const volume = { id, type: 'shared-target' as const };
    const { nova } = await waitForAttached(lab, neighbour, volume);
    const [path] = nova.paths;
    if (path === undefined) throw new Error('the neighbour has no disk');
    writer = await startWriter(lab, volume, byPathLink(path));
  });

  afterAll(async () => {
    say(`the neighbour wrote ${await writer.finish()} blocks, each read back and found right`);
    await deleteWithVolumes(lab, neighbour);
  });

  describeScenarios(lab, volumeScenarios, {
    neighbours: () => [neighbour],
    async isWell() {
      const now = await writer.progress();
      expect(now).toBeGreaterThan(written);
      written = now;
    },
  });
});

describe('its host is cut off from power with the delete in its queue, and comes back', () => {
  test('deferred without a trace of doubt, resumed, and in the end as after Nova’s own delete', async () => {
    const wanted = [
      { type: 'one-target', deleteOnTermination: true },
      { type: 'one-target', deleteOnTermination: false },
    ] as const;
    await setMultipath(lab, 'off', say);
    const stamp = Date.now().toString(36);
    const victim = await createServerWithVolumes(lab, `vm-a-victim-power-cut-${stamp}`, wanted);
    const twin = await createServerWithVolumes(lab, `vm-a-twin-power-cut-${stamp}`, wanted);
    const whole = await takeStill(lab);
    await deleteWithVolumes(lab, twin);
    const twinGone = await takeStill(lab);

    // What Nova took away for the twin must not come back with the disk: the switch's database is flushed when the kernel finds time.
    await runOnNode(lab, ['sync']);
    await killNode(lab);
    await requestDelete(lab, victim);
    await waitNodeComputeDown(lab);
    const broken = await takeStill(lab);
    const decided = [victim.id, '--volumes', 'as-nova'];
    const refused = await expunge(['purge', ...decided, '--yes']);
    expect(refused, refused.out + refused.err).toMatchObject({ exit: 4 });
    expect(refused.err).toContain(`--fenced ${nodeName}`);
    expect(diffSnapshots(broken, await takeStill(lab))).toEqual([]);

    const open = await expunge(['purge', ...decided, '--fenced', nodeName, '--yes', '--format', 'json']);
    expect(open, open.out + open.err).toMatchObject({ exit: 4 });
    const [report] = (JSON.parse(open.out) as { servers: { run: string }[] }).servers;
    const run = report?.run ?? '';

    await startNode(lab, say);
    const resumed = await expunge(['resume', run, '--yes']);
    expect(resumed, resumed.out + resumed.err).toMatchObject({ exit: 0 });
    const purged = await takeStill(lab);
    const { missing, extra } = compareDeltas(
      canonicalise(
        completeNeutronDeletes(diffSnapshots(whole, twinGone), twinGone).changes,
        findRoles(whole, twin),
      ),
      canonicalise(diffSnapshots(twinGone, purged), findRoles(whole, victim)),
      [],
    );
    expect({ missing, extra }).toEqual({ missing: [], extra: [] });
    const verified = await expunge(['verify', ...decided]);
    expect(verified, verified.out).toMatchObject({ exit: 0 });
    await enrolNode(lab, say);
  });
});
