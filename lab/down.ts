import { existsSync, rmSync } from 'node:fs';
import { stopCluster } from './ceph/cluster.ts';
import { takeCephFromNode } from './ceph/node.ts';
import { removeSecrets } from './ceph/secrets.ts';
import { turnOff } from './config/backends.ts';
import { removeContainers } from './containers.ts';
import { removeDomains, removeFirewall, removeInterfaces, removeSwitch } from './host-cleanup.ts';
import { removeNode } from './node/power.ts';
import type { Lab } from './paths.ts';
import { findPid, stopService, stopStragglers } from './process.ts';
import { listServices } from './services.ts';
import { removeSshUser } from './sshd.ts';
import { startService } from './start.ts';
import type { Say } from './up.ts';

/** Kept running until the end because they are asked, or must close their files in order. */
const last = new Set(['mariadb', 'rabbitmq', 'epmd', 'ovsdb', 'vswitchd', 'libvirtd', 'virtlogd']);

/** Ends every process of the lab by its own id and takes away what it made on the host; with `keep` the state stays. */
export async function bringDown(lab: Lab, say: Say, options: { readonly keep: boolean }): Promise<void> {
  if (!existsSync(lab.dir)) {
    say(`nothing to do: ${lab.dir} does not exist`);
    return;
  }
  const names = listServices(lab).map((service) => service.name);
  // A running compute would take the end of its domains for a crash, so it goes first.
  const first = names.filter((name) => !last.has(name));
  await Promise.all(first.map((name) => stopService(lab, name, options.keep ? 8000 : 0)));
  await removeDomains(lab, () => startLibvirt(lab));
  await removeInterfaces(lab);
  await removeContainers();
  await takeCephFromNode(lab);
  await removeNode(lab);
  // Its targets went with the node: `node lab/storage.ts up` gives them back.
  turnOff(lab, 'storage');
  await stopCluster(lab, { keep: options.keep });
  if (!options.keep) await removeSecrets(lab);
  await Promise.all([stopService(lab, 'libvirtd'), stopService(lab, 'vswitchd')]);
  await Promise.all([
    stopService(lab, 'virtlogd'),
    stopService(lab, 'ovsdb'),
    // RabbitMQ and MariaDB write their state when they end; without `keep` nobody will read it.
    stopService(lab, 'rabbitmq', options.keep ? 20_000 : 0).then(() => stopService(lab, 'epmd')),
    stopService(lab, 'mariadb', options.keep ? 20_000 : 0),
  ]);
  for (const line of await stopStragglers(lab)) say(`ended a process that was left: ${line}`);
  await removeSwitch();
  await removeFirewall();
  await removeSshUser();
  if (!options.keep) rmSync(lab.dir, { recursive: true, force: true });
  const alive = names.filter((name) => findPid(lab, name) !== undefined);
  if (alive.length > 0) throw new Error(`still running: ${alive.join(', ')}`);
  say(options.keep ? `down; the state stays in ${lab.dir}` : 'down; no state left');
}

/** After a crash QEMU processes may live on without their daemon; it must be asked to end them. */
async function startLibvirt(lab: Lab): Promise<void> {
  await startService(lab, 'virtlogd');
  await startService(lab, 'libvirtd');
}
