import type { Lab } from '../paths.ts';
import { findPid } from '../process.ts';
import { runInside } from './namespace.ts';
import { links, processes } from './paths.ts';
import { readPower, runOnNode } from './power.ts';

export interface NodePart {
  readonly name: string;
  readonly isUp: boolean;
  readonly detail: string;
}

/** Daemons of the node, as the kernel names their processes. */
const daemons = ['iscsid', 'ovsdb-server', 'ovs-vswitchd', 'virtlogd', 'libvirtd'] as const;

/** What the node is made of, seen from outside, and what runs on it, asked of it by ssh. */
export async function readNodeStatus(lab: Lab): Promise<readonly NodePart[]> {
  const power = readPower(lab);
  const pid = (name: string): string => String(findPid(lab, name) ?? '');
  const outside = [processes.namespace, processes.insideForward, processes.outsideForward].map((name) => ({
    name,
    isUp: findPid(lab, name) !== undefined,
    detail: pid(name),
  }));
  const machine = {
    name: processes.machine,
    isUp: power === 'on',
    detail: `${power} ${pid(processes.machine)}`,
  };
  if (findPid(lab, processes.namespace) === undefined) return [machine, ...outside];
  const cables = await Promise.all(links.map((link) => readCable(lab, link)));
  return [machine, ...outside, ...cables, ...(power === 'on' ? await readDaemons(lab) : [])];
}

async function readCable(lab: Lab, link: (typeof links)[number]): Promise<NodePart> {
  const { stdout } = await runInside(lab, ['ip', '-o', 'link', 'show', 'dev', link.tap]);
  return {
    name: link.tap,
    isUp: stdout.includes(` master ${link.bridge} `),
    detail: `${link.labAddress} – ${link.address}`,
  };
}

async function readDaemons(lab: Lab): Promise<readonly NodePart[]> {
  const answer = await runOnNode(lab, ['ps', '-eo', 'comm='], { allow: 'any', timeoutMs: 15_000 });
  if (answer.code !== 0) return [{ name: 'ssh', isUp: false, detail: answer.stderr.trim() }];
  const running = new Set(answer.stdout.split('\n'));
  return daemons.map((name) => ({ name, isUp: running.has(name), detail: 'on the node' }));
}
