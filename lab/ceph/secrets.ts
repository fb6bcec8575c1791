import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type RunOptions, type RunResult, run } from '../command.ts';
import type { Lab } from '../paths.ts';
import { findPid } from '../process.ts';
import { type CephUser, cephUsers, keyring, secretIds } from './paths.ts';

/** Where libvirt keeps its secrets, compiled in. */
const folder = '/etc/libvirt/secrets';

/** Runs a command on the host whose libvirt is meant. */
type Runner = (argv: readonly string[], options?: RunOptions) => Promise<RunResult>;

/** Gives libvirt the keys by which QEMU signs in to Ceph. libvirtd must run; once more changes nothing. */
export async function defineSecrets(lab: Lab, onHost: Runner = run): Promise<void> {
  // A file on that host: an argument could be read by every user of it.
  const file = (await onHost(['mktemp'])).stdout.trim();
  const write = (text: string) => onHost(['dd', `of=${file}`, 'status=none'], { input: text });
  try {
    for (const user of cephUsers) {
      await write(renderSecret(user));
      await onHost(['virsh', 'secret-define', file]);
      const entity = `client.${user}`;
      // A key is base64 already, as virsh wants it.
      const key = await run(['ceph-authtool', '--print-key', '--name', entity, keyring(lab, entity)]);
      await write(key.stdout.trim());
      await onHost(['virsh', 'secret-set-value', secretIds[user], '--file', file]);
    }
  } finally {
    await onHost(['rm', '-f', file]);
  }
}

export async function removeSecrets(lab: Lab): Promise<void> {
  const isRunning = findPid(lab, 'libvirtd') !== undefined;
  for (const id of Object.values(secretIds)) {
    if (isRunning) await run(['virsh', 'secret-undefine', id], { allow: 'any' });
    for (const ending of ['xml', 'base64']) rmSync(join(folder, `${id}.${ending}`), { force: true });
  }
}

function renderSecret(user: CephUser): string {
  return `<secret ephemeral='no' private='yes'>
  <uuid>${secretIds[user]}</uuid>
  <usage type='ceph'>
    <name>client.${user} of the lab</name>
  </usage>
</secret>
`;
}
