import { join } from 'node:path';
import type { Lab } from '../paths.ts';

/** What the second machine is called: its host name, and later its name as a compute host. */
export const nodeName = 'node2';

/** The two cables between the lab's side (a network namespace) and the node. Each is a portal for storage. */
export const links = [
  {
    tap: 'cable1',
    bridge: 'bridge1',
    device: 'vec0',
    labAddress: '10.77.0.1',
    address: '10.77.0.2',
    mac: '52:54:00:77:00:02',
  },
  {
    tap: 'cable2',
    bridge: 'bridge2',
    device: 'vec1',
    labAddress: '10.77.1.1',
    address: '10.77.1.2',
    mac: '52:54:00:77:01:02',
  },
] as const;

/** Where ssh to the node is accepted, on 127.0.0.1 of the machine. */
export const nodeSshPort = 2223;

/** The processes of the node, by the names under which the lab knows its own. */
export const processes = {
  machine: 'node2',
  namespace: 'node2-namespace',
  insideForward: 'node2-forward-inside',
  outsideForward: 'node2-forward-outside',
  target: 'node2-target',
  cephInsideForward: 'node2-ceph-inside',
  cephOutsideForward: 'node2-ceph-outside',
} as const;

export interface NodePaths {
  /** Kernel, its C library, and programs that only the node has: survives `down`. */
  readonly kernel: string;
  readonly linux: string;
  readonly modules: string;
  /** Debian packages that the node has and the machine has not, unpacked. */
  readonly tools: string;
  /** All that is made anew with each `up`. */
  readonly dir: string;
  /** Files that the node has on top of the machine's own. */
  readonly files: string;
  readonly hostKey: string;
  readonly knownHosts: string;
  readonly sshConfig: string;
  /** Sockets that lead from the machine's network into the node's and back. */
  readonly sockets: string;
  readonly disks: string;
  /** The node's own disk: what it wrote. It stays through a power cut, and goes with `down`. */
  readonly disk: string;
}

export function nodePaths(lab: Lab): NodePaths {
  const kernel = join(lab.dir, 'uml');
  const dir = join(lab.dir, nodeName);
  return {
    kernel,
    linux: join(kernel, 'linux'),
    modules: join(kernel, 'modules'),
    tools: join(kernel, 'tools'),
    dir,
    files: join(dir, 'files'),
    hostKey: join(dir, 'host_key'),
    knownHosts: join(dir, 'known_hosts'),
    sshConfig: join(dir, 'ssh_config'),
    sockets: join(dir, 'sockets'),
    disks: join(dir, 'disks'),
    disk: join(dir, 'disk.img'),
  };
}
