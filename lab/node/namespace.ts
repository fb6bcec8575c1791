import { readlinkSync } from 'node:fs';
import { type RunOptions, type RunResult, run, waitFor } from '../command.ts';
import type { Lab } from '../paths.ts';
import { findPid, startProcess } from '../process.ts';
import { links, processes } from './paths.ts';

/**
 * A network namespace without a name: it lives as long as a process is in it, so that nothing is left to clean up, and it
 * has no link to any other, so that nothing of the lab's can reach the machine's network.
 */
export async function makeNamespace(lab: Lab): Promise<void> {
  startProcess(lab, { name: processes.namespace, argv: ['unshare', '--net', 'sleep', 'infinity'] });
  await waitFor('the namespace of the node', async () => namespaceFile(lab) !== undefined, {
    timeoutMs: 10_000,
    everyMs: 20,
  });
  const { stdout } = await runInside(lab, ['ip', '-o', 'link', 'show']);
  await runInside(lab, ['ip', 'link', 'set', 'lo', 'up']);
  for (const link of links.filter((each) => !stdout.includes(` ${each.bridge}:`))) {
    await runInside(lab, ['ip', 'tuntap', 'add', 'dev', link.tap, 'mode', 'tap']);
    await runInside(lab, ['ip', 'link', 'set', link.tap, 'up']);
    await runInside(lab, ['ip', 'link', 'add', link.bridge, 'type', 'bridge']);
    await runInside(lab, ['ip', 'address', 'add', `${link.labAddress}/24`, 'dev', link.bridge]);
    await runInside(lab, ['ip', 'link', 'set', link.bridge, 'up']);
  }
}

/**
 * Puts the cables into their bridge or takes them out: both, or one of them (1 or 2). The tap itself stays up: the node's
 * driver gives a card up for good whose tap goes down.
 */
export async function setCables(lab: Lab, state: 'in' | 'out', only?: 1 | 2): Promise<void> {
  const chosen = links.filter((_, at) => only === undefined || at === only - 1);
  for (const link of chosen) {
    const master = state === 'in' ? ['master', link.bridge] : ['nomaster'];
    await runInside(lab, ['ip', 'link', 'set', link.tap, ...master]);
  }
}

/** Runs a command on the lab's side of the cables. */
export function runInside(lab: Lab, argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return run(insideArgv(lab, argv), options);
}

/** nsenter becomes the program, so the id of the one is the id of the other. */
export function insideArgv(lab: Lab, argv: readonly string[]): readonly string[] {
  const file = namespaceFile(lab);
  if (file === undefined) throw new Error('the node has no network: `node lab/node.ts up` makes it');
  return ['nsenter', `--net=${file}`, ...argv];
}

/** Nothing while there is no namespace, or while its first process is still in the machine's own. */
function namespaceFile(lab: Lab): string | undefined {
  const pid = findPid(lab, processes.namespace);
  if (pid === undefined) return undefined;
  const file = `/proc/${pid}/ns/net`;
  return readlinkSync(file) === readlinkSync('/proc/self/ns/net') ? undefined : file;
}
