import { rmSync } from 'node:fs';
import { addBackends, areBackendsUp, assertLabUp, removeBackends } from '../cinder-backends.ts';
import { run } from '../command.ts';
import { isTurnedOn } from '../config/backends.ts';
import { nodeName, processes } from '../node/paths.ts';
import { readPower } from '../node/power.ts';
import { removeTarget, startTargets } from '../node/target.ts';
import type { Lab } from '../paths.ts';
import { findPid, stopService } from '../process.ts';
import { takeTurn } from '../turn.ts';
import { storageFolder, storageTypes, targetPrefix, tgtSocket } from './config.ts';

type Say = (line: string) => void;

/**
 * Gives the lab's Cinder both backends, and waits until volumes can be made. Once more, it exports anew what is in use: after
 * tgtd or cinder-volume ended. The lab and the node must be up.
 */
export async function startStorage(lab: Lab, say: Say): Promise<void> {
  assertLabUp(lab);
  if (readPower(lab) !== 'on') throw new Error(`${nodeName} does not run: \`node lab/node.ts up\` boots it`);
  await takeTurn(lab);
  // tgtd forgets its targets when it ends, and cinder-volume makes them anew when it begins.
  const isServed = findPid(lab, processes.target) !== undefined;
  await startTargets(lab);
  if (!isServed || !isTurnedOn(lab, 'storage') || !(await areBackendsUp(lab, 'storage')))
    await addBackends(lab, 'storage');
  say(`volume types ${storageTypes.join(' and ')} are there`);
}

/** Takes volumes, types, backends and targets away again. Throws when a volume is attached, and changes nothing then. */
export async function stopStorage(lab: Lab, say: Say): Promise<void> {
  assertLabUp(lab);
  await takeTurn(lab);
  await removeBackends(lab, 'storage', say);
  await removeTargets(lab);
  rmSync(storageFolder(lab), { recursive: true, force: true });
  say("the lab's Cinder has no iSCSI any more");
}

/** The storage's targets, and tgtd itself when nobody else has a target. */
async function removeTargets(lab: Lab): Promise<void> {
  if (findPid(lab, processes.target) === undefined) return;
  const env = { TGT_IPC_SOCKET: tgtSocket(lab) };
  const show = ['/usr/sbin/tgtadm', '--lld', 'iscsi', '--op', 'show', '--mode', 'target'];
  const targets = parseTargets((await run(show, { env, timeoutMs: 15_000 })).stdout);
  for (const target of targets.filter((each) => each.iqn.startsWith(targetPrefix)))
    await removeTarget(lab, { ...target, files: [] });
  if (targets.every((each) => each.iqn.startsWith(targetPrefix))) await stopService(lab, processes.target, 0);
}

/** tgt's number and the name of each target, of `tgtadm --op show --mode target`. */
export function parseTargets(text: string): readonly { readonly number: number; readonly iqn: string }[] {
  return [...text.matchAll(/^Target (\d+): (\S+)$/gm)].map((match) => ({
    number: Number(match[1]),
    iqn: match[2] ?? '',
  }));
}
