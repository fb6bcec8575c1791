import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { quoteArgv } from '../../src/site/command/quote.ts';
import { type RunOptions, type RunResult, run, waitFor } from '../command.ts';
import type { Lab } from '../paths.ts';
import { findPid, isFrozen, readLogEnd, startProcess, stopService } from '../process.ts';
import { renewSiteFiles } from '../site-file.ts';
import { sshUser } from '../sshd.ts';
import { cloudPorts } from './config.ts';
import { writeNodeFiles } from './files.ts';
import { startForward } from './forward.ts';
import { installNode } from './install.ts';
import { insideArgv, makeNamespace, setCables } from './namespace.ts';
import { links, nodeName, nodePaths, nodeSshPort, processes } from './paths.ts';

type Say = (line: string) => void;

/** How a machine is from the outside. `frozen` is one that hangs: connected, and without an answer. */
export type Power = 'off' | 'frozen' | 'on';

export function readPower(lab: Lab): Power {
  if (findPid(lab, processes.machine) === undefined) return 'off';
  return isFrozen(lab, processes.machine) ? 'frozen' : 'on';
}

/** Boots the node and waits until its services run; one that runs is left alone. After a power cut it has the disk that it had. */
export async function startNode(lab: Lab, say: Say): Promise<void> {
  if (readPower(lab) === 'frozen') throw new Error(`${nodeName} is frozen: thaw it, or kill it first`);
  const begun = Date.now();
  await installNode(lab, say);
  if (readPower(lab) === 'off') {
    await writeNodeFiles(lab);
    await makeDisk(lab);
    await makeNamespace(lab);
    await setCables(lab, 'in');
    boot(lab);
  }
  startForwards(lab);
  renewSiteFiles(lab);
  await waitFor(
    `${nodeName} to start its services`,
    async () => {
      if (readPower(lab) === 'off') {
        throw new Error(
          `${nodeName} ended by itself. The end of its console:\n${readLogEnd(lab, processes.machine)}`,
        );
      }
      const look = ['test', '-e', '/run/node-ready'];
      return (await runOnNode(lab, look, { allow: 'any' })).code === 0;
    },
    { timeoutMs: 120_000, everyMs: 300 },
  );
  say(`${nodeName} is up after ${((Date.now() - begun) / 1000).toFixed(1)} s`);
}

/** Larger than the memory: Nova takes the size for the host's disk, and counts whole GiB. The file is sparse. */
async function makeDisk(lab: Lab): Promise<void> {
  const { disk } = nodePaths(lab);
  if (existsSync(disk)) return;
  const draft = `${disk}.new`;
  rmSync(draft, { force: true });
  closeSync(openSync(draft, 'wx', 0o600));
  truncateSync(draft, 8 * 2 ** 30);
  await run(['mkfs.ext4', '-q', '-F', draft]);
  renameSync(draft, disk);
}

function boot(lab: Lab): void {
  const paths = nodePaths(lab);
  const state = join(paths.dir, 'uml');
  mkdirSync(state, { recursive: true });
  const cards = links.map((link, at) => `vec${at}:transport=tap,ifname=${link.tap},depth=64,gro=1`);
  const argv = [
    paths.linux,
    'mem=2048M',
    `ubd0=${paths.disk}`,
    `umid=${nodeName}`,
    `uml_dir=${state}/`,
    'root=/dev/root rootfstype=hostfs rootflags=/ ro'.split(' '),
    `init=${join(paths.files, 'usr/local/sbin/node-init')}`,
    `NODE_LAB=${lab.dir}`,
    `NODE_DIR=${paths.dir}`,
    `NODE_KERNEL=${paths.kernel}`,
    `NODE_USER=${sshUser}`,
    ...cards,
    'con=null con0=null,fd:1 ssl=null panic=1'.split(' '),
  ].flat();
  startProcess(lab, {
    name: processes.machine,
    argv: insideArgv(lab, argv),
    // Where the node's memory lies: a file that is deleted as soon as it is open.
    env: { TMPDIR: '/dev/shm' },
  });
}

/** ssh into the node, and the cloud's services out of it. */
function startForwards(lab: Lab): void {
  const socket = (name: string | number): string => join(nodePaths(lab).sockets, `${name}.sock`);
  const [management] = links;
  startForward(lab, processes.insideForward, 'inside', [
    { from: socket('ssh'), to: `${management.address}:22` },
    ...cloudPorts.map((port) => ({ from: `${management.labAddress}:${port}`, to: socket(port) })),
  ]);
  startForward(lab, processes.outsideForward, 'outside', [
    { from: `127.0.0.1:${nodeSshPort}`, to: socket('ssh') },
    ...cloudPorts.map((port) => ({ from: socket(port), to: `127.0.0.1:${port}` })),
  ]);
}

/** Runs a command on the node, as root, by ssh. ssh's own failure is code 255. */
export function runOnNode(lab: Lab, argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const ssh = ['ssh', '-F', nodePaths(lab).sshConfig, '-l', 'root', nodeName, '--', quoteArgv(argv)];
  return run(ssh, { timeoutMs: 120_000, ...options });
}

/** Stops the node in its tracks: its connections stay open and nothing answers. */
export function freezeNode(lab: Lab): void {
  signalMachine(lab, 'SIGSTOP');
}

/** Lets a frozen node go on. */
export function thawNode(lab: Lab): void {
  signalMachine(lab, 'SIGCONT');
}

/** Only the kernel itself: its programs are processes that it holds by ptrace, and a signal to one would be a signal there. */
function signalMachine(lab: Lab, signal: 'SIGSTOP' | 'SIGCONT'): void {
  const pid = findPid(lab, processes.machine);
  if (pid === undefined) throw new Error(`${nodeName} does not run`);
  process.kill(pid, signal);
}

/** Ends the node without a word, as a power cut does. Its network and what serves it stay. */
export async function killNode(lab: Lab): Promise<void> {
  await stopService(lab, processes.machine, 0);
}

/** Ends every process of the node. With the last one the namespace and its taps are gone, and nothing else was made. */
export async function removeNode(lab: Lab): Promise<void> {
  const { machine, namespace, ...others } = processes;
  await stopService(lab, machine, 0);
  await Promise.all(Object.values(others).map((name) => stopService(lab, name, 0)));
  await stopService(lab, namespace, 0);
  const { dir } = nodePaths(lab);
  if (existsSync(dir)) rmSync(dir, { recursive: true });
  renewSiteFiles(lab);
}
