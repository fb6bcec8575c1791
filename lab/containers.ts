/** Containers with the programs of the lab's host, called as Kolla calls its own. Their files are the host's. */
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { install } from './install.ts';
import type { Lab } from './paths.ts';
import { markEnv } from './process.ts';

/** program → container, as the site file `expunge-containers.yaml` says it */
export const labContainers = { virsh: 'nova_libvirt', 'ovs-vsctl': 'openvswitch_vswitchd' } as const;

const LABEL = 'expunge-lab';

/** Installs podman where it is missing, and starts them. */
export async function startContainers(lab: Lab, say: (line: string) => void): Promise<void> {
  await install(say, 'containers');
  await removeContainers();
  const root = makeRoot(lab);
  for (const name of Object.values(labContainers))
    await podman(lab, [
      ...['run', '--detach', '--name', name, '--label', LABEL],
      // podman asks for more open files than a machine may allow.
      ...['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024', '--log-driver', 'none'],
      // As Kolla starts nova_libvirt.
      ...['--privileged', '--network', 'host', '--pid', 'host', '--ipc', 'host', '--uts', 'host'],
      ...['/usr:/usr:ro', '/etc:/etc:ro', '/run:/run', '/var:/var'].flatMap((mount) => ['--volume', mount]),
      ...['--rootfs', root, 'sleep', 'infinity'],
    ]);
}

/** Ends and removes those of the lab, known by their label. Without podman there are none. */
export async function removeContainers(): Promise<void> {
  if (!existsSync('/usr/bin/podman')) return;
  const { stdout } = await run(['podman', 'ps', '--all', '--quiet', '--filter', `label=${LABEL}`]);
  const ids = stdout.split('\n').filter((id) => id !== '');
  if (ids.length > 0) await run(['podman', 'rm', '--force', '--time', '0', ...ids]);
}

async function podman(lab: Lab, words: readonly string[]): Promise<void> {
  // A machine without systemd, and with both versions of cgroups, which crun does not take.
  const global = ['--cgroup-manager', 'cgroupfs', '--runtime', 'runc'];
  await run(['podman', ...global, ...words], { env: markEnv(lab, 'containers') });
}

/** Empty folders to mount the host's own on: a root of its own needs no image. */
function makeRoot(lab: Lab): string {
  const root = join(lab.dir, 'containers');
  for (const folder of ['usr', 'etc', 'run', 'var', 'dev', 'sys', 'proc', 'tmp'])
    mkdirSync(join(root, folder), { recursive: true });
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    const link = join(root, name);
    // Outside of the container it leads nowhere, and passes for one that is not there.
    rmSync(link, { force: true });
    symlinkSync(`usr/${name}`, link);
  }
  return root;
}
