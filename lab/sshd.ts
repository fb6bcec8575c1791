import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { type Lab, ports } from './paths.ts';
import type { Launch } from './process.ts';
import { findAccount, readAccount } from './users.ts';

/** The user that signs in over ssh and may use sudo: made by `up`, removed by `down`. */
export const sshUser = 'expunge-lab';
const sudoers = `/etc/sudoers.d/${sshUser}`;

export interface SshFiles {
  readonly hostKey: string;
  readonly clientKey: string;
  readonly knownHosts: string;
  readonly config: string;
}

export function sshFiles(lab: Lab): SshFiles {
  const folder = join(lab.dir, 'ssh');
  return {
    hostKey: join(folder, 'host_key'),
    clientKey: join(folder, 'client_key'),
    knownHosts: join(folder, 'known_hosts'),
    config: join(folder, 'sshd_config'),
  };
}

export function sshdLaunch(lab: Lab): Launch {
  return { name: 'sshd', argv: ['/usr/sbin/sshd', '-D', '-e', '-f', sshFiles(lab).config] };
}

/** Keys, config and user for an sshd of the lab's own, which only its one key opens. */
export async function prepareSshd(lab: Lab): Promise<void> {
  const files = sshFiles(lab);
  for (const key of [files.hostKey, files.clientKey]) {
    if (!existsSync(key))
      await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'expunge-lab', '-f', key]);
  }
  const hostKey = readFileSync(`${files.hostKey}.pub`, 'utf8');
  writeFileSync(files.knownHosts, `[127.0.0.1]:${ports.sshd} ${hostKey}`);
  const authorized = join(lab.dir, 'ssh/authorized_keys');
  writeFileSync(authorized, readFileSync(`${files.clientKey}.pub`));
  chmodSync(authorized, 0o644);
  writeFileSync(
    files.config,
    `ListenAddress 127.0.0.1:${ports.sshd}
HostKey ${files.hostKey}
AuthorizedKeysFile ${authorized}
AllowUsers ${sshUser}
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PidFile none
MaxStartups 100
MaxSessions 100
`,
  );
  // sshd insists on this folder; nothing of ours is kept in it.
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  await makeUser(lab);
}

async function makeUser(lab: Lab): Promise<void> {
  const home = join(lab.dir, 'ssh/home');
  if (findAccount(sshUser) === undefined) {
    // '*' is a password that nothing matches, but unlike '!' it does not lock the account for keys.
    await run([
      'useradd',
      '--system',
      '--no-create-home',
      '--home-dir',
      home,
      '--shell',
      '/bin/bash',
      '--password',
      '*',
      sshUser,
    ]);
  }
  const { uid, gid } = readAccount(sshUser);
  mkdirSync(home, { recursive: true });
  chownSync(home, uid, gid);
  writeFileSync(sudoers, `Defaults:${sshUser} !requiretty\n${sshUser} ALL=(root) NOPASSWD: ALL\n`, {
    mode: 0o440,
  });
}

export async function removeSshUser(): Promise<void> {
  rmSync(sudoers, { force: true });
  if (findAccount(sshUser) !== undefined) await run(['userdel', sshUser], { allow: 'any' });
}
