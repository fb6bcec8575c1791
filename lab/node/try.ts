import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { waitFor } from '../command.ts';
import type { Lab } from '../paths.ts';
import { type Claims, makeClaims } from './claims.ts';
import { login, logout, readMaps, readSessions, waitForDisk } from './iscsi.ts';
import { setCables } from './namespace.ts';
import { nodeName } from './paths.ts';
import { freezeNode, readPower, runOnNode, thawNode } from './power.ts';
import { addTarget, listSessions, portals, removeTarget, startTargets, type Target } from './target.ts';
import { tryDomain, trySwitch } from './try-host.ts';

type Say = (line: string) => void;

/** Shows on a running node what it is there for, with what was seen; false when something is not so. Cleans up behind itself. */
export async function tryNode(lab: Lab, say: Say): Promise<boolean> {
  if (readPower(lab) !== 'on') throw new Error(`${nodeName} does not run: \`node lab/node.ts up\` boots it`);
  const claims = makeClaims(say);
  const kernel = await runOnNode(lab, ['uname', '-n', '-r', '-v']);
  claims.claim(
    'the node answers by ssh, with a kernel of its own',
    kernel.stdout.startsWith(`${nodeName} `),
    kernel.stdout.trim(),
  );
  await startTargets(lab);
  const target = await addTarget(lab, 9, 'iqn.2026-01.lab.expunge:try', [64, 32]);
  try {
    await tryDisks(lab, target, claims);
    await tryMultipath(lab, target, claims);
    await tryDomain(lab, await loggedIn(lab, target), claims);
  } finally {
    await logout(lab, target);
    await removeTarget(lab, target);
  }
  await trySwitch(lab, claims);
  await tryHang(lab, claims);
  return claims.allHold();
}

/** Two units of one target: two disks, one session, and the same bytes on both sides. */
async function tryDisks(lab: Lab, target: Target, { claim }: Claims): Promise<void> {
  const portal = portals[0] ?? '';
  await login(lab, target, portal);
  const disks = await Promise.all([1, 2].map((lun) => waitForDisk(lab, target, portal, lun)));
  claim(
    'two units are two disks by their links in /dev/disk/by-path',
    new Set(disks).size === 2,
    disks.join(' '),
  );
  const sessions = await readSessions(lab);
  const served = await listSessions(lab, target);
  claim('both come over one session', sessions.length === 1 && served.length === 1, sessions.join(' '));
  const [disk = '', other = ''] = disks;
  const words = randomBytes(65_536);
  await runOnNode(lab, ['dd', 'of=/tmp/words', 'status=none'], { input: words.toString('hex') });
  await runOnNode(lab, ['dd', 'if=/tmp/words', `of=${disk}`, 'bs=64k', 'oflag=direct', 'status=none']);
  const written = readStart(target.files[0] ?? '', 131_072).toString();
  claim('what the node writes is in the file behind the unit', written === words.toString('hex'), '128 KiB');
  const back = randomBytes(32_768).toString('hex');
  writeStart(target.files[1] ?? '', back);
  const read = await runOnNode(lab, [
    'dd',
    `if=${other}`,
    'bs=64k',
    'count=1',
    'iflag=direct',
    'status=none',
  ]);
  claim('what is in the file, the node reads', read.stdout === back, '64 KiB');
  await logout(lab, target);
  const left = await runOnNode(lab, ['lsblk', '--noheadings', '--scsi'], { allow: 'any' });
  claim('after logout the disks are gone', left.stdout.trim() === '', left.stdout.trim());
}

/** Two portals: one map with two paths for each unit, which outlives the loss of one cable. */
async function tryMultipath(lab: Lab, target: Target, { claim }: Claims): Promise<void> {
  await runOnNode(lab, ['multipathd']);
  const states = async (): Promise<string> =>
    (await readMaps(lab)).map((map) => map.paths.map((path) => path.state).join('+')).join(' ');
  const settled = async (wanted: string): Promise<void> => {
    await waitFor(`the paths to be ${wanted}`, async () => (await states()) === wanted, {
      timeoutMs: 40_000,
    });
  };
  try {
    for (const portal of portals) await login(lab, target, portal);
    await settled('active+active active+active').catch(() => undefined);
    const maps = await readMaps(lab);
    const shown = maps
      .map((map) => `${map.name} ${map.paths.map((path) => path.device).join('+')}`)
      .join(', ');
    claim(
      'over two portals each unit is one map with two paths',
      (await states()) === 'active+active active+active',
      shown,
    );
    const [map] = maps;
    if (map === undefined) return;
    const device = `/dev/mapper/${map.name}`;
    await setCables(lab, 'out', 2);
    const write = ['dd', 'if=/dev/zero', `of=${device}`, 'bs=64k', 'count=16', 'oflag=direct', 'status=none'];
    const wrote = await runOnNode(lab, write, { allow: 'any' });
    claim('with one cable out the map still takes writes', wrote.code === 0, wrote.stderr.trim() || device);
    await settled('active+failed active+failed').catch(() => undefined);
    const lost = await states();
    claim('and says that a path is lost', /failed/.test(lost) && /active/.test(lost), lost);
    await setCables(lab, 'in', 2);
    await settled('active+active active+active').catch(() => undefined);
    claim(
      'with the cable back so is the path',
      (await states()) === 'active+active active+active',
      await states(),
    );
  } finally {
    await setCables(lab, 'in', 2);
    await runOnNode(lab, ['multipath', '-F'], { allow: 'any' });
    await runOnNode(lab, ['multipathd', 'shutdown'], { allow: 'any' });
    await logout(lab, target);
  }
}

async function loggedIn(lab: Lab, target: Target): Promise<string> {
  const portal = portals[0] ?? '';
  await login(lab, target, portal);
  return waitForDisk(lab, target, portal, 1);
}

/** A hung machine: connected, and without an answer until it goes on. */
async function tryHang(lab: Lab, { claim }: Claims): Promise<void> {
  freezeNode(lab);
  try {
    const answer = await runOnNode(lab, ['true'], { allow: 'any', timeoutMs: 3000 });
    claim('frozen, it gives no answer', answer.code !== 0, 'nothing for 3 s');
  } finally {
    thawNode(lab);
  }
  const back = await runOnNode(lab, ['cat', '/proc/uptime'], { allow: 'any', timeoutMs: 20_000 });
  claim('thawed, it goes on', back.code === 0, `${back.stdout.split(' ')[0]} s since its boot`);
}

function readStart(file: string, length: number): Buffer {
  return readFileSync(file).subarray(0, length);
}

function writeStart(file: string, text: string): void {
  const handle = openSync(file, 'r+');
  writeSync(handle, text, 0);
  closeSync(handle);
}
