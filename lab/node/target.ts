import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunResult, run, waitFor } from '../command.ts';
import type { Lab } from '../paths.ts';
import { findPid, readLogEnd, startProcess } from '../process.ts';
import { insideArgv } from './namespace.ts';
import { links, nodePaths, processes } from './paths.ts';

/** An iSCSI target with its logical units, served at both cables' addresses on the lab's side. */
export interface Target {
  /** tgt's own number of it, from 1. */
  readonly number: number;
  readonly iqn: string;
  /** The files behind the units: the first is LUN 1 (LUN 0 is tgt's controller). */
  readonly files: readonly string[];
}

/** Address and port of each portal, as iscsiadm takes them. */
export const portals = links.map((link) => `${link.labAddress}:3260`);

/** Starts tgtd in the node's network; leaves one alone that runs. */
export async function startTargets(lab: Lab): Promise<void> {
  // One option: of several tgtd takes only the last.
  const portal = portals.map((each) => `portal=${each}`).join(',');
  const argv = ['/usr/sbin/tgtd', '--foreground', '--iscsi', portal];
  startProcess(lab, { name: processes.target, argv: insideArgv(lab, argv), env: socketEnv(lab) });
  await waitFor(
    'tgtd to answer',
    async () => {
      if (findPid(lab, processes.target) === undefined)
        throw new Error(`tgtd ended by itself:\n${readLogEnd(lab, processes.target)}`);
      return (await askTgt(lab, ['--op', 'show', '--mode', 'sys'], 'any')).code === 0;
    },
    { timeoutMs: 15_000, everyMs: 100 },
  );
}

/** Makes a target that any initiator may use, with one fresh unit of zeros for each size (MiB). */
export async function addTarget(
  lab: Lab,
  number: number,
  iqn: string,
  sizes: readonly number[],
): Promise<Target> {
  const target = ['--mode', 'target', '--tid', String(number)];
  await askTgt(lab, ['--op', 'new', ...target, '--targetname', iqn]);
  const files = sizes.map((_, at) => join(nodePaths(lab).disks, `target${number}-lun${at + 1}`));
  for (const [at, size] of sizes.entries()) {
    const file = files[at] ?? '';
    mkdirSync(nodePaths(lab).disks, { recursive: true });
    writeFileSync(file, '');
    truncateSync(file, size * 1_048_576);
    const unit = ['--mode', 'logicalunit', '--tid', String(number), '--lun', String(at + 1)];
    await askTgt(lab, ['--op', 'new', ...unit, '--backing-store', file]);
  }
  await askTgt(lab, ['--op', 'bind', ...target, '--initiator-address', 'ALL']);
  return { number, iqn, files };
}

/** Takes a target away, also from those who are logged in, and its files. */
export async function removeTarget(lab: Lab, target: Target): Promise<void> {
  await askTgt(lab, ['--op', 'delete', '--force', '--mode', 'target', '--tid', String(target.number)]);
  for (const file of target.files) rmSync(file, { force: true });
}

/** Initiators that are logged in, by target, as tgt sees them: one entry for each session. */
export async function listSessions(lab: Lab, target: Target): Promise<readonly string[]> {
  const { stdout } = await askTgt(lab, ['--op', 'show', '--mode', 'target']);
  const [, mine = ''] = stdout.split(`Target ${target.number}: ${target.iqn}\n`);
  const [section = ''] = mine.split(/^Target /m);
  return [...section.matchAll(/^\s+Initiator: (\S+)/gm)].map((match) => match[1] ?? '');
}

/** What is exported: each unit by its target and the file behind it. Nothing when no tgtd runs. */
export async function listExports(lab: Lab): Promise<readonly string[]> {
  if (findPid(lab, processes.target) === undefined) return [];
  const { stdout } = await askTgt(lab, ['--op', 'show', '--mode', 'target']);
  return stdout.split(/^(?=Target )/m).flatMap((section) => {
    const iqn = /^Target \d+: (\S+)/.exec(section)?.[1];
    const files = [...section.matchAll(/^\s+Backing store path: (\/\S+)$/gm)].map((match) => match[1] ?? '');
    return iqn === undefined ? [] : [iqn, ...files.map((file) => `${iqn} ${file}`)];
  });
}

function askTgt(lab: Lab, args: readonly string[], allow?: 'any'): Promise<RunResult> {
  const options = { env: socketEnv(lab), timeoutMs: 15_000 };
  return run(
    ['/usr/sbin/tgtadm', '--lld', 'iscsi', ...args],
    allow === undefined ? options : { ...options, allow },
  );
}

/** tgtd and tgtadm find each other by this; otherwise they use a socket in /run, which another tgtd may have. */
function socketEnv(lab: Lab): Record<string, string> {
  return { TGT_IPC_SOCKET: join(nodePaths(lab).sockets, 'tgtd.sock') };
}
