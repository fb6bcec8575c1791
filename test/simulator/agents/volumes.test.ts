/** What Nova's own delete does to volumes: on the host, in Cinder, on the storage; and what it does to volumes that were to be kept. */
import { describe, expect, test } from 'vitest';
import { requestDelete } from '../../../src/simulator/agents/nova-api.ts';
import { terminateInstance } from '../../../src/simulator/agents/nova-compute.ts';
import { react } from '../../../src/simulator/agents/react.ts';
import { killCompute, reviveCompute } from '../../../src/simulator/agents/states.ts';
import { disksOf, mapsOf, sessionsOf } from '../../../src/simulator/hosts/disks.ts';
import type { Planted, PlantedVolume } from '../../../src/simulator/plant.ts';
import { keepDisksInCeph } from '../../../src/simulator/plant-images.ts';
import type { VolumeDescription } from '../../../src/simulator/plant-volumes.ts';
import type { State } from '../../../src/simulator/recordings.ts';
import { imagesOf } from '../../../src/simulator/storage/rbd.ts';
import type { World } from '../../../src/simulator/world.ts';
import { simulateCloud } from '../../support/simulated-cloud.ts';

interface Pair {
  readonly world: World;
  readonly victim: Planted;
  readonly other: Planted;
  readonly mine: PlantedVolume;
}

/** A server that is to go, and one that stays, on the same host unless it is said otherwise. */
async function twoServers(
  mine: VolumeDescription,
  others: readonly VolumeDescription[] = [],
  { host = 'cmp-1', state = 'healthy' }: { readonly host?: string; readonly state?: State } = {},
): Promise<Pair> {
  const { world, servers } = await simulateCloud({
    hosts: { 'cmp-1': 'alive', 'cmp-2': 'alive' },
    servers: [
      { name: 'victim', state, host: 'cmp-1', volumes: [mine] },
      { name: 'other', state: 'healthy', host, volumes: others },
    ],
  });
  const [victim, other] = servers;
  const [volume] = victim?.volumes ?? [];
  if (victim === undefined || other === undefined || volume === undefined) throw new Error('not all came');
  return { world, victim, other, mine: volume };
}

function statusOf(world: World, { id }: PlantedVolume): unknown {
  return world.db('cinder').prepare('SELECT status FROM volumes WHERE id = ?').get(id)?.['status'];
}

function attachmentsOf(world: World, { id }: PlantedVolume): unknown[] {
  return world
    .db('cinder')
    .prepare('SELECT instance_uuid FROM volume_attachment WHERE volume_id = ? AND deleted = 0 ORDER BY id')
    .all(id)
    .map((row) => row['instance_uuid']);
}

function units(world: World): unknown[] {
  return world.machines
    .prepare('SELECT volume FROM units ORDER BY iqn, lun')
    .all()
    .map((row) => row['volume']);
}

function names(world: World, host = 'cmp-1'): string[] {
  return disksOf(world, host).map(({ name }) => `/dev/${name}`);
}

describe('on the host', () => {
  test('a unit of a target that others use: the disk goes, the session and the disk of the other stay', async () => {
    const { world, victim, other, mine } = await twoServers({ target: 'shared' }, [{ target: 'shared' }]);
    expect(sessionsOf(world, 'cmp-1')).toHaveLength(1);
    terminateInstance(world, 'cmp-1', victim.uuid);
    expect(names(world)).toEqual([other.volumes[0]?.device]);
    expect(sessionsOf(world, 'cmp-1')).toHaveLength(1);
    expect(units(world)).toEqual([other.volumes[0]?.id]);
    expect(statusOf(world, mine)).toBe('available');
  });

  test('the only unit of its target: session and record go too', async () => {
    const { world, victim, mine } = await twoServers({ deleteOnTermination: true });
    terminateInstance(world, 'cmp-1', victim.uuid);
    expect([names(world), sessionsOf(world, 'cmp-1'), units(world)]).toEqual([[], [], []]);
    expect(world.machines.prepare('SELECT * FROM iscsi_nodes').all()).toEqual([]);
    expect(statusOf(world, mine)).toBe('deleted');
  });

  test('by two portals, encrypted: both maps, both disks, both sessions', async () => {
    const { world, victim } = await twoServers({ type: 'multipath', encrypted: true });
    expect(mapsOf(world, 'cmp-1').map(({ kind }) => kind)).toEqual(['multipath', 'crypt']);
    expect(sessionsOf(world, 'cmp-1')).toHaveLength(2);
    terminateInstance(world, 'cmp-1', victim.uuid);
    expect([mapsOf(world, 'cmp-1'), names(world), sessionsOf(world, 'cmp-1')]).toEqual([[], [], []]);
  });

  test('a volume that another server of the host has too stays there', async () => {
    const { world, victim, other, mine } = await twoServers({ name: 'both' }, [{ name: 'both' }]);
    terminateInstance(world, 'cmp-1', victim.uuid);
    expect(names(world)).toEqual([mine.device]);
    expect(attachmentsOf(world, mine)).toEqual([other.uuid]);
    expect([statusOf(world, mine), units(world)]).toEqual(['in-use', [mine.id]]);
  });

  test('one that a server of another host has goes from this host only', async () => {
    const { world, victim, other, mine } = await twoServers({ name: 'both' }, [{ name: 'both' }], {
      host: 'cmp-2',
    });
    terminateInstance(world, 'cmp-1', victim.uuid);
    expect([names(world), names(world, 'cmp-2')]).toEqual([[], [other.volumes[0]?.device]]);
    expect([attachmentsOf(world, mine), units(world)]).toEqual([[other.uuid], [mine.id]]);
  });

  test('in Ceph: nothing was there; the image stays, or goes with the server', async () => {
    for (const deleteOnTermination of [false, true]) {
      const { world, victim, mine } = await twoServers({ type: 'rbd', deleteOnTermination });
      terminateInstance(world, 'cmp-1', victim.uuid);
      expect(imagesOf(world, 'volumes').map(({ name }) => name)).toEqual(
        deleteOnTermination ? [] : [`volume-${mine.id}`],
      );
    }
  });

  test("a server's own disks in Ceph go, with the snapshot of a resize; one with another snapshot stays", async () => {
    const { world, victim, other } = await twoServers({});
    keepDisksInCeph(world, victim, [{ name: 'nova-resize' }]);
    keepDisksInCeph(world, other, [{ name: 'kept', clone: 'volume-x' }]);
    for (const { uuid } of [victim, other]) terminateInstance(world, 'cmp-1', uuid);
    expect(imagesOf(world, 'vms').map(({ name }) => name)).toEqual([`${other.uuid}_disk`]);
  });
});

test('deleted by the API alone, its host down: Cinder lets go, and the host keeps a disk that answers nothing', async () => {
  const { world, victim, mine } = await twoServers({ deleteOnTermination: true });
  killCompute(world, 'cmp-1');
  requestDelete(world, victim.uuid);
  expect([statusOf(world, mine), units(world)]).toEqual(['deleted', []]);
  expect([names(world), sessionsOf(world, 'cmp-1').length]).toEqual([[mine.device], 1]);
  const row = world
    .db('nova')
    .prepare('SELECT deleted, id FROM block_device_mapping WHERE volume_id = ?')
    .get(mine.id);
  expect(row?.['deleted']).toBe(row?.['id']);
});

test('off its host a server holds its volume by a reservation, and the host has nothing of it', async () => {
  const { world, victim, mine } = await twoServers({}, [], { state: 'shelved-offloaded' });
  const row = world.db('cinder').prepare('SELECT * FROM volume_attachment WHERE id = ?').get(mine.attachment);
  expect(row).toMatchObject({ instance_uuid: victim.uuid, attach_status: 'reserved', connector: null });
  // The reservation is made first, so that the driver took the volume for one that others use, and kept its export.
  expect([statusOf(world, mine), units(world), names(world)]).toEqual(['reserved', [mine.id], []]);
  requestDelete(world, victim.uuid);
  expect([statusOf(world, mine), attachmentsOf(world, mine)]).toEqual(['available', []]);
});

describe('late actors', () => {
  /** Somebody frees the volume with Cinder, and keeps it. */
  function free(world: World, mine: PlantedVolume): void {
    world.db('cinder').exec(`UPDATE volume_attachment SET deleted = 1 WHERE id = '${mine.attachment}'`);
    world
      .db('cinder')
      .exec(`UPDATE volumes SET status = 'available', attach_status = 'detached' WHERE id = '${mine.id}'`);
  }

  function mark(world: World, victim: Planted, goes: 0 | 1): void {
    world.db('nova').exec(
      `UPDATE block_device_mapping SET delete_on_termination = ${goes}, deleted = id WHERE instance_uuid = '${victim.uuid}';
       UPDATE instances SET deleted = id, deleted_at = '2026-11-22 02:00:00', vm_state = 'deleted' WHERE uuid = '${victim.uuid}'`,
    );
  }

  test('a request that waits knows its volumes: one that was freed and kept is deleted all the same', async () => {
    const { world, victim, mine } = await twoServers({ deleteOnTermination: true }, [], {
      state: 'deleting-forever',
    });
    free(world, mine);
    mark(world, victim, 0);
    react(world);
    expect(statusOf(world, mine)).toBe('deleted');
  });

  test('without such a request nothing happens to it', async () => {
    const { world, victim, mine } = await twoServers({ deleteOnTermination: true }, [], {
      state: 'deleting-forever',
    });
    world.machines.exec('DELETE FROM waiting');
    free(world, mine);
    mark(world, victim, 0);
    react(world);
    expect(statusOf(world, mine)).toBe('available');
  });

  test.each([
    [0, 'available'],
    [1, 'deleted'],
  ] as const)(
    'the search for deleted servers deletes what the marked mapping says: %s',
    async (goes, status) => {
      const { world, victim, mine } = await twoServers({ deleteOnTermination: true });
      mark(world, victim, goes);
      killCompute(world, 'cmp-1');
      reviveCompute(world, 'cmp-1');
      react(world);
      expect(statusOf(world, mine)).toBe(status);
      expect(names(world)).toEqual([]);
    },
  );
});
