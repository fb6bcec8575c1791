import { call } from '../api.ts';
import { areBackendsUp } from '../cinder-backends.ts';
import { run, waitFor } from '../command.ts';
import { readDisks } from '../config/disks.ts';
import { type Claims, makeClaims } from '../node/claims.ts';
import { host, type Lab } from '../paths.ts';
import { readSeed } from '../seed.ts';
import { createServer, createSnapshot, deleteServer, type LabServer } from '../servers.ts';
import {
  attachVolume,
  createVolume,
  deleteVolume,
  detachVolume,
  type LabVolume,
  waitForInUse,
} from '../storage/volumes.ts';
import { takeTurn } from '../turn.ts';
import { readClusterStatus } from './cluster.ts';
import { setDisks } from './disks.ts';
import { cephAddress, cephPorts, pools, secretIds } from './paths.ts';
import { listImages, listSnapshots, listWatchers, rbd } from './rbd.ts';

/**
 * Volumes of type ceph attached and detached by Nova, and a server whose own disk is in Ceph, on the first compute host; false
 * when something is not so. Cleans up behind itself.
 */
export async function tryCeph(lab: Lab, say: (line: string) => void): Promise<boolean> {
  await takeTurn(lab);
  if (!(await areBackendsUp(lab, 'ceph')))
    throw new Error('Cinder has no Ceph: `node lab/ceph.ts up` gives it some');
  const claims = makeClaims(say);
  const { isUsable, summary } = await readClusterStatus(lab);
  claims.claim('the cluster takes writes', isUsable, summary);
  const mark = Date.now().toString(36);
  await tryVolumes(lab, mark, claims);
  const before = readDisks(lab);
  await setDisks(lab, 'ceph');
  try {
    await tryDisk(lab, `try-ceph-disk-${mark}`, claims);
  } finally {
    await setDisks(lab, before);
  }
  return claims.allHold();
}

async function tryVolumes(lab: Lab, mark: string, { claim }: Claims): Promise<void> {
  const volumes: LabVolume[] = [];
  let server: LabServer | undefined;
  try {
    const name = `try-ceph-${mark}`;
    const { image } = await readSeed(lab);
    const empty = await createVolume(lab, { name, type: 'ceph' });
    volumes.push(empty);
    const full = await createVolume(lab, { name: `${name}-image`, type: 'ceph', image });
    volumes.push(full);
    const images = await listImages(lab, pools.cinder);
    claim(
      'a volume, empty or made of an image, is an RBD image',
      volumes.every((volume) => images.includes(imageOf(volume))),
      images.join(' '),
    );
    server = await createServer(lab, { name, host });
    for (const volume of volumes) await tryVolume(lab, server, volume, { claim });
  } finally {
    // Nova lets go of the volumes of a server that it deletes.
    if (server !== undefined) await deleteServer(lab, server);
    for (const volume of volumes) await deleteVolume(lab, volume);
  }
  const left = await listImages(lab, pools.cinder);
  claim('deleted volumes leave no image', !volumes.some((volume) => left.includes(imageOf(volume))));
}

async function tryVolume(
  lab: Lab,
  server: LabServer,
  volume: LabVolume,
  { claim }: Pick<Claims, 'claim'>,
): Promise<void> {
  const image = imageOf(volume);
  await attachVolume(lab, server, volume);
  await waitForInUse(lab, volume);
  const disk = await readDisk(server, `${pools.cinder}/${image}`);
  claim('Nova attaches it: the domain has it by the network, with a key of libvirt', isSound(disk, 'cinder'));
  const watchers = await listWatchers(lab, pools.cinder, image);
  claim('QEMU watches the image', watchers.length === 1, watchers.join(' '));
  await detachVolume(lab, server, volume);
  const isLeft = (await readDisk(server, `${pools.cinder}/${image}`)) !== undefined;
  claim('Nova detaches it, and nobody watches the image', !isLeft && (await isUnwatched(lab, image)));
}

async function tryDisk(lab: Lab, name: string, { claim }: Claims): Promise<void> {
  const server = await createServer(lab, { name, host });
  const image = `${server.id}_disk`;
  try {
    const disk = await readDisk(server, `${pools.nova}/${image}`);
    claim('a server boots from an RBD image of its own', isSound(disk, 'nova'), image);
    const watchers = await listWatchers(lab, pools.nova, image);
    claim('QEMU watches it', watchers.length === 1, watchers.join(' '));
    const snapshot = await createSnapshot(lab, server, `${name}-snapshot`);
    claim('Nova makes a snapshot of it in Glance', true, snapshot);
    await call(lab, 'image', 'DELETE', `/images/${snapshot}`);
    await rbd(lab, 'nova', pools.nova, ['snap', 'create', `${image}@by-hand`, '--no-progress']);
    const snapshots = await listSnapshots(lab, pools.nova, image);
    claim('an RBD snapshot can be made under it', snapshots.length === 1, snapshots[0]?.name);
    await rbd(lab, 'nova', pools.nova, ['snap', 'rm', `${image}@by-hand`, '--no-progress']);
  } finally {
    await deleteServer(lab, server);
  }
  const left = (await listImages(lab, pools.nova)).filter((each) => each.startsWith(server.id));
  claim('Nova deletes the server and its image', left.length === 0, left.join(' '));
}

function imageOf(volume: LabVolume): string {
  return `volume-${volume.id}`;
}

/** What a running domain's definition says of the disk whose source is this image. */
async function readDisk(server: LabServer, name: string): Promise<string | undefined> {
  const xml = (await run(['virsh', 'dumpxml', server.id])).stdout;
  const disks = xml.split('</disk>');
  return disks.find((part) => part.includes(`<source protocol='rbd' name='${name}'`));
}

function isSound(disk: string | undefined, user: 'cinder' | 'nova'): boolean {
  return [
    `<auth username='${user}'>`,
    `uuid='${secretIds[user]}'`,
    `<host name='${cephAddress}' port='${cephPorts.monitorV1}'/>`,
  ].every((part) => disk?.includes(part) === true);
}

/** QEMU closes the image a moment after libvirt has reported the disk gone. */
function isUnwatched(lab: Lab, image: string): Promise<boolean> {
  const look = async (): Promise<boolean> => (await listWatchers(lab, pools.cinder, image)).length === 0;
  return waitFor(image, look, { timeoutMs: 10_000, everyMs: 500 }).then(
    () => true,
    () => false,
  );
}
