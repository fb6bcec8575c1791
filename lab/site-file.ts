import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { host, type Lab, ports } from './paths.ts';
import { sshFiles, sshUser } from './sshd.ts';

type Host = Readonly<Record<string, string | number | boolean>>;

/** The lab as expunge's own config describes a cloud: by local commands, by ssh with sudo, and with a user that may only read. */
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
  const write = (name: string, text: string): void =>
    writeFileSync(join(lab.dir, name), text, { mode: 0o600 });
  write('expunge.yaml', renderSite(lab, 'expunge', lab.secrets.expunge, local));
  write('expunge-ssh.yaml', renderSite(lab, 'expunge', lab.secrets.expunge, remote));
  write('expunge-ro.yaml', renderSite(lab, 'expunge_ro', lab.secrets.expungeReadOnly, local));
}

function renderSite(lab: Lab, user: string, password: string, compute: Host): string {
  const hostLines = Object.entries(compute).map(([name, value]) => `    ${name}: ${JSON.stringify(value)}`);
  const url = (name: string) =>
    `mysql://${user}:${encodeURIComponent(password)}@127.0.0.1:${ports.mysql}/${name}`;
  return `cloud: lab
clouds_file: ${join(lab.dir, 'clouds.yaml')}
nova_conf: ${join(lab.etc, 'nova.conf')}
databases:
  nova_api: "${url('nova_api')}"
  cell_user: ${JSON.stringify(user)}
  cell_password: ${JSON.stringify(password)}
  neutron: "${url('neutron')}"
  cinder: "${url('cinder')}"
memcached: ["127.0.0.1:${ports.memcached}"]
hosts:
  ${host}:
${hostLines.join('\n')}
`;
}
