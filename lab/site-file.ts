import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cephPaths, pools } from './ceph/paths.ts';
import { labContainers } from './containers.ts';
import { nodeName, nodePaths, nodeSshPort } from './node/paths.ts';
import { host, type Lab, ports } from './paths.ts';
import { sshFiles, sshUser } from './sshd.ts';

type Host = Readonly<Record<string, string | number | boolean | object>>;

/**
 * The lab as expunge's own config describes a cloud: by local commands, by ssh with sudo, the same with virsh and ovs-vsctl in containers, with a user that may only read, without an
 * account whose token Cinder takes for a service's, and with the first host's disks in Ceph. The second machine is in each of them from its `up` to its `down`, by ssh with sudo.
 */
export function writeSiteFiles(lab: Lab): void {
  const ssh = sshFiles(lab);
  const local: Host = { transport: 'local', instances_path: lab.instances };
  const remote: Host = {
    transport: 'ssh',
    address: '127.0.0.1',
    port: ports.sshd,
    user: sshUser,
    identity_file: ssh.clientKey,
    known_hosts_file: ssh.knownHosts,
    sudo: true,
    instances_path: lab.instances,
  };
  const node: Host = {
    ...remote,
    port: nodeSshPort,
    known_hosts_file: nodePaths(lab).knownHosts,
    // A forwarder takes the connections of a machine that is off.
    proxied: true,
  };
  const second = existsSync(nodePaths(lab).knownHosts) ? { [nodeName]: node } : {};
  const write = (name: string, user: string, password: string, first: Host, conf = 'nova.conf'): void => {
    const text = renderSite(lab, { user, password, conf }, { [host]: first, ...second });
    writeFileSync(join(lab.dir, name), text, { mode: 0o600 });
  };
  write('expunge.yaml', 'expunge', lab.secrets.expunge, local);
  write('expunge-ssh.yaml', 'expunge', lab.secrets.expunge, remote);
  const containers = { engine: 'podman', programs: labContainers };
  write('expunge-containers.yaml', 'expunge', lab.secrets.expunge, { ...remote, containers });
  write('expunge-ro.yaml', 'expunge_ro', lab.secrets.expungeReadOnly, local);
  const images = { type: 'rbd', pool: pools.nova, user: 'nova', conf: cephPaths(lab).conf };
  write('expunge-ceph.yaml', 'expunge', lab.secrets.expunge, { ...local, images });
  write('expunge-no-token.yaml', 'expunge', lab.secrets.expunge, local, 'nova-without-service-user.conf');
}

/** Writes them again, for a second machine that came or went. Without a lab there are none: the machine needs no cloud. */
export function renewSiteFiles(lab: Lab): void {
  if (existsSync(join(lab.dir, 'expunge.yaml'))) writeSiteFiles(lab);
}

interface Access {
  readonly user: string;
  readonly password: string;
  readonly conf: string;
}

function renderSite(
  lab: Lab,
  { user, password, conf }: Access,
  hosts: Readonly<Record<string, Host>>,
): string {
  const hostLines = Object.entries(hosts).flatMap(([name, keys]) => [
    `  ${name}:`,
    ...Object.entries(keys).map(([key, value]) => `    ${key}: ${JSON.stringify(value)}`),
  ]);
  const url = (name: string) =>
    `mysql://${user}:${encodeURIComponent(password)}@127.0.0.1:${ports.mysql}/${name}`;
  return `cloud: lab
clouds_file: ${join(lab.dir, 'clouds.yaml')}
nova_conf: ${join(lab.etc, conf)}
databases:
  nova_api: "${url('nova_api')}"
  cell_user: ${JSON.stringify(user)}
  cell_password: ${JSON.stringify(password)}
  neutron: "${url('neutron')}"
  cinder: "${url('cinder')}"
memcached: ["127.0.0.1:${ports.memcached}"]
hosts:
${hostLines.join('\n')}
`;
}
