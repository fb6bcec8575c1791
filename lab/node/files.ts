import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../command.ts';
import { type Lab, makeFolders } from '../paths.ts';
import { sshFiles, sshUser } from '../sshd.ts';
import { findAccount } from '../users.ts';
import { links, nodeName, nodePaths, nodeSshPort } from './paths.ts';

/** What a compute host with storage by iSCSI and a switch in the kernel loads. */
const modules = [
  'iscsi_tcp sd_mod',
  'dm-mod dm-multipath dm-round-robin dm-service-time dm-thin-pool dm-snapshot',
  'openvswitch bridge br_netfilter veth tun',
] as const;

/** Writes what the node has on top of the machine's own files, and the keys and the config that ssh finds it by. */
export async function writeNodeFiles(lab: Lab): Promise<void> {
  makeFolders(lab);
  const paths = nodePaths(lab);
  rmSync(paths.files, { recursive: true, force: true });
  for (const folder of [paths.files, paths.sockets, paths.disks]) mkdirSync(folder, { recursive: true });
  await writeSsh(lab);
  const write = (name: string, text: string, mode = 0o644): void => {
    const file = join(paths.files, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode });
    // The caller's umask must not decide what the node's services can read.
    chmodSync(file, mode);
  };
  write('usr/local/sbin/node-init', readFileSync(join(import.meta.dirname, 'init.sh'), 'utf8'), 0o755);
  write('etc/hostname', `${nodeName}\n`);
  write('etc/hosts', renderHosts());
  write('etc/node/network', renderNetwork());
  write('etc/node/modules', `${modules.join(' ').split(' ').join('\n')}\n`);
  write('etc/node/sshd_config', sshdConfig);
  write('etc/node/authorized_keys', readFileSync(`${sshFiles(lab).clientKey}.pub`, 'utf8'));
  write('etc/node/host_key', readFileSync(paths.hostKey, 'utf8'), 0o600);
  write('etc/passwd', renderPasswd());
  write(
    `etc/sudoers.d/${sshUser}`,
    `Defaults:${sshUser} !requiretty\n${sshUser} ALL=(root) NOPASSWD: ALL\n`,
    0o440,
  );
  write('etc/iscsi/initiatorname.iscsi', `InitiatorName=${initiator}\n`, 0o600);
  write('etc/multipath.conf', multipathConfig);
  // QEMU in namespaces and groups of its own needs mounts that the node does not have.
  write('etc/libvirt/qemu.conf', 'namespaces = []\ncgroup_controllers = []\n', 0o600);
}

/** By this name the node shows itself to a target. */
const initiator = `iqn.1993-08.org.debian:01:${nodeName}`;

/** Every disk with two paths becomes a map, also one that is seen for the first time and by one path only. */
const multipathConfig = `defaults {
  find_multipaths no
  user_friendly_names no
  polling_interval 2
}
blacklist {
  devnode "^(ubd|loop|ram|dm-)"
}
`;

const sshdConfig = `ListenAddress ${links[0].address}
HostKey /etc/node/host_key
AuthorizedKeysFile /etc/node/authorized_keys
AllowUsers ${sshUser} root
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
StrictModes no
PidFile none
MaxStartups 100
MaxSessions 100
`;

function renderHosts(): string {
  return `127.0.0.1 localhost\n${links[0].address} ${nodeName}\n${links[0].labAddress} lab\n`;
}

/** For `ip -batch`. */
function renderNetwork(): string {
  const lines = links.flatMap(({ device, address, mac }) => [
    `link set ${device} address ${mac}`,
    `link set ${device} up`,
    `address add ${address}/24 dev ${device}`,
  ]);
  return `${lines.join('\n')}\n`;
}

/** The machine's users; the one who signs in by ssh is there only while the lab's own sshd is. */
function renderPasswd(): string {
  const machine = readFileSync('/etc/passwd', 'utf8');
  if (findAccount(sshUser) !== undefined) return machine;
  const taken = new Set(machine.split('\n').map((line) => line.split(':')[2]));
  const free = Array.from({ length: 400 }, (_, at) => String(900 - at)).find((id) => !taken.has(id));
  // '*' is a password that nothing matches, and does not lock the account for keys.
  return `${machine}${sshUser}:*:${free}:65534::/tmp:/bin/bash\n`;
}

async function writeSsh(lab: Lab): Promise<void> {
  const paths = nodePaths(lab);
  const { clientKey } = sshFiles(lab);
  for (const key of [clientKey, paths.hostKey]) {
    if (!existsSync(key))
      await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'expunge-lab', '-f', key]);
  }
  writeFileSync(
    paths.knownHosts,
    `[127.0.0.1]:${nodeSshPort} ${readFileSync(`${paths.hostKey}.pub`, 'utf8')}`,
  );
  writeFileSync(
    paths.sshConfig,
    `Host ${nodeName}
  HostName 127.0.0.1
  Port ${nodeSshPort}
  User ${sshUser}
  IdentityFile ${clientKey}
  IdentitiesOnly yes
  UserKnownHostsFile ${paths.knownHosts}
  GlobalKnownHostsFile /dev/null
  BatchMode yes
  ConnectTimeout 10
  LogLevel ERROR
`,
  );
}
