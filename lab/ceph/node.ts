import { join } from 'node:path';
import { run } from '../command.ts';
import { isTurnedOn } from '../config/backends.ts';
import { startForward } from '../node/forward.ts';
import { links, nodePaths, processes } from '../node/paths.ts';
import { readPower, runOnNode } from '../node/power.ts';
import type { Lab } from '../paths.ts';
import { stopService } from '../process.ts';
import { cephAddress, cephForwardedPorts } from './paths.ts';
import { defineSecrets } from './secrets.ts';

const [management] = links;

/** Lets servers on the node have volumes in Ceph. Does nothing when the lab has no Ceph or the node does not run. */
export async function giveCephToNode(lab: Lab): Promise<void> {
  if (!isTurnedOn(lab, 'ceph') || readPower(lab) !== 'on') return;
  // So that Ceph names the node as the watcher of an image, and not the forwarder's own host.
  await run(['ip', 'address', 'replace', `${management.address}/32`, 'dev', 'lo']);
  const socket = (port: number): string => join(nodePaths(lab).sockets, `${port}.sock`);
  startForward(
    lab,
    processes.cephOutsideForward,
    'outside',
    cephForwardedPorts.map((port) => ({
      from: socket(port),
      to: `${cephAddress}:${port},${management.address}`,
    })),
  );
  startForward(
    lab,
    processes.cephInsideForward,
    'inside',
    cephForwardedPorts.map((port) => ({ from: `${management.labAddress}:${port}`, to: socket(port) })),
  );
  await defineSecrets(lab, (argv, options) => runOnNode(lab, argv, options));
}

/** Takes the forwarders away again. The node keeps its keys until it ends: of a cluster that is gone they open nothing. */
export async function takeCephFromNode(lab: Lab): Promise<void> {
  await stopService(lab, processes.cephInsideForward, 0);
  await stopService(lab, processes.cephOutsideForward, 0);
  await run(['ip', 'address', 'delete', `${management.address}/32`, 'dev', 'lo'], { allow: 'any' });
}
