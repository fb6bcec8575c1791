import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { areBackendsUp } from '../cinder-backends.ts';
import { waitFor } from '../command.ts';
import { type Claims, makeClaims } from '../node/claims.ts';
import { isEnrolled } from '../node/cloud.ts';
import { readSessions } from '../node/iscsi.ts';
import { nodeName } from '../node/paths.ts';
import { runOnNode } from '../node/power.ts';
import { requestNodeServer } from '../node/server.ts';
import type { Lab } from '../paths.ts';
import { readSeed } from '../seed.ts';
import { deleteServer, type LabServer, waitForStatus } from '../servers.ts';
import { takeTurn } from '../turn.ts';
import { volumeFile } from './config.ts';
import { byPathLink, type IscsiConnection, type VolumeConnection } from './connection.ts';
import {
  attachVolume,
  createVolume,
  deleteVolume,
  detachVolume,
  type LabVolume,
  waitForAttached,
} from './volumes.ts';

interface Attached {
  readonly server: LabServer;
  readonly volume: LabVolume;
  readonly connection: VolumeConnection;
}

/**
 * Two servers on the node, three volumes of one target between them and one with a target of its own, attached and detached
 * by Nova; false when something is not so. Cleans up behind itself.
 */
export async function tryStorage(lab: Lab, say: (line: string) => void): Promise<boolean> {
  await takeTurn(lab);
  if (!(await isEnrolled(lab)))
    throw new Error(`${nodeName} is no compute host: \`node lab/node.ts enrol\` makes it one`);
  if (!(await areBackendsUp(lab, 'storage')))
    throw new Error('Cinder has no storage: `node lab/storage.ts up` gives it some');
  const claims = makeClaims(say);
  const mark = Date.now().toString(36);
  const servers: LabServer[] = [];
  const volumes: LabVolume[] = [];
  try {
    for (const at of [1, 2]) servers.push(await requestNodeServer(lab, `try-storage-${mark}-${at}`));
    for (const type of ['shared-target', 'shared-target', 'shared-target', 'one-target'] as const)
      volumes.push(await createVolume(lab, { name: `try-storage-${mark}`, type }));
    await tryImage(lab, mark, volumes, claims);
    for (const server of servers) await waitForStatus(lab, server, 'ACTIVE');
    const attached = await tryAttach(lab, servers, volumes, claims);
    await tryDetach(lab, attached, claims);
  } finally {
    // Nova lets go of the volumes of a server that it deletes.
    for (const server of servers) await deleteServer(lab, server);
    for (const volume of volumes) await deleteVolume(lab, volume);
  }
  const left = volumes.filter((volume) => existsSync(volumeFile(lab, volume)));
  claims.claim('deleted volumes leave no file', left.length === 0, left.map((volume) => volume.id).join(' '));
  return claims.allHold();
}

async function tryImage(lab: Lab, mark: string, volumes: LabVolume[], { claim }: Claims): Promise<void> {
  const { image } = await readSeed(lab);
  const options = { name: `try-storage-${mark}-image`, type: 'one-target', image } as const;
  const volume = await createVolume(lab, options);
  volumes.push(volume);
  claim('a volume is made of an image', existsSync(volumeFile(lab, volume)), volume.id);
}

async function tryAttach(
  lab: Lab,
  servers: readonly LabServer[],
  volumes: readonly LabVolume[],
  { claim }: Claims,
): Promise<readonly Attached[]> {
  const [server, other] = servers;
  const [first, second, third, own] = volumes;
  if (!server || !other || !first || !second || !third || !own)
    throw new Error('servers or volumes are missing');
  const pairs = [
    { server, volume: first },
    { server, volume: second },
    { server, volume: own },
    { server: other, volume: third },
  ];
  const attached: Attached[] = [];
  for (const { server, volume } of pairs) {
    await attachVolume(lab, server, volume);
    const connection = await waitForAttached(lab, server, volume);
    attached.push({ server, volume, connection });
    claim(
      `Nova attaches a volume of ${volume.type}, and Nova and Cinder have written down the same`,
      describe(connection.nova) === describe(connection.cinder),
      `${connection.devicePath} ${describe(connection.nova)}`,
    );
    claim(
      'by two portals, with CHAP',
      new Set(connection.nova.paths.map((path) => path.portal)).size === 2 &&
        connection.nova.account !== undefined,
    );
    await tryDisk(lab, { server, volume, connection }, { claim });
  }
  const shared = attached.filter(({ volume }) => volume.type === 'shared-target');
  const iqns = new Set(shared.map(iqnOf));
  const luns = new Set(shared.map(({ connection }) => connection.nova.paths[0]?.lun));
  claim(
    'three volumes are three units of one target',
    iqns.size === 1 && luns.size === 3,
    [...iqns].join(' '),
  );
  const sessions = await readSessions(lab);
  const wanted = [...new Set(attached.map(iqnOf))];
  claim(
    'each target has one session, whoever uses it',
    sessions.length === 2 && wanted.every((iqn) => sessions.some((session) => session.includes(` ${iqn} `))),
    sessions.join(' | '),
  );
  return attached;
}

/** The disk is the volume, by its bytes, and it is the domain's. */
async function tryDisk(
  lab: Lab,
  { server, volume, connection }: Attached,
  { claim }: Pick<Claims, 'claim'>,
): Promise<void> {
  const link = readLink(connection);
  claim(
    'its link in /dev/disk/by-path leads to that disk',
    await leadsTo(lab, link, connection.devicePath),
    link,
  );
  const file = openSync(volumeFile(lab, volume), 'r+');
  writeSync(file, volume.id, 0);
  closeSync(file);
  const dd = ['dd', `if=${connection.devicePath}`, 'bs=4096', 'count=1', 'iflag=direct', 'status=none'];
  const read = await runOnNode(lab, dd, { allow: 'any' });
  claim("the disk's bytes are the volume's", read.stdout.startsWith(volume.id), read.stderr.trim());
  const xml = (await runOnNode(lab, ['virsh', 'dumpxml', server.id])).stdout;
  claim(
    'the domain has it, with the volume as its serial number',
    xml.includes(`<source dev='${connection.devicePath}'`) && xml.includes(`<serial>${volume.id}</serial>`),
  );
}

async function tryDetach(lab: Lab, attached: readonly Attached[], { claim }: Claims): Promise<void> {
  const left = [...attached];
  for (let next = left.shift(); next !== undefined; next = left.shift()) {
    const begun = Date.now();
    await detachVolume(lab, next.server, next.volume);
    const seconds = ((Date.now() - begun) / 1000).toFixed(0);
    const isGone = await leadsTo(lab, readLink(next.connection), '');
    claim(`Nova detaches a volume of ${next.volume.type}, and its disk is gone`, isGone, `${seconds} s`);
    const sessions = await readSessions(lab);
    const wanted = new Set(left.map(iqnOf));
    claim(
      'a session stays as long as somebody uses its target',
      sessions.length === wanted.size,
      sessions.join(' | ') || 'none left',
    );
    for (const { connection } of left) {
      const stays = await leadsTo(lab, readLink(connection), connection.devicePath);
      claim('another disk stays', stays, connection.devicePath);
    }
  }
}

/** udev may be a moment behind. Without a disk: the link is gone. */
async function leadsTo(lab: Lab, link: string, disk: string): Promise<boolean> {
  const look = async (): Promise<boolean> =>
    (await runOnNode(lab, ['readlink', '-e', link], { allow: [1] })).stdout.trim() === disk;
  return waitFor(link, look, { timeoutMs: 10_000, everyMs: 500 }).then(
    () => true,
    () => false,
  );
}

function iqnOf({ connection }: Attached): string {
  return connection.nova.paths[0]?.iqn ?? '';
}

function readLink(connection: VolumeConnection): string {
  const [path] = connection.nova.paths;
  if (path === undefined) throw new Error('a connection without a path');
  return byPathLink(path);
}

function describe(connection: IscsiConnection): string {
  const paths = connection.paths.map((path) => `${path.portal} ${path.iqn} lun ${path.lun}`);
  return `${paths.join(', ')}, account ${connection.account ?? 'none'}`;
}
