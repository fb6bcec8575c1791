/** The files that describe a simulated cloud, in the very form in which an operator describes a real one. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { engineOf } from './hosts/containers.ts';
import { readMeta, type World } from './world.ts';

const SERVICE_USER = `
[service_user]
send_service_user_token = true
auth_type = password
auth_url = http://demo/identity
username = nova
password = demo
project_name = service
user_domain_name = Default
project_domain_name = Default
`;

/** Writes `expunge.yaml`, `clouds.yaml` and `nova.conf` into the world's folder. @returns the path of the first */
export function writeSiteFiles(world: World, home = world.folder): string {
  const path = (name: string) => join(home, name);
  const write = (name: string, text: string) =>
    writeFileSync(join(world.folder, name), text, { mode: 0o600 });
  const hosts = world.machines
    .prepare('SELECT name, images_pool, images_group FROM hosts ORDER BY name')
    .all()
    .flatMap((row) => {
      const images =
        row['images_pool'] === null
          ? row['images_group'] !== null && `images: { type: lvm, volume_group: ${row['images_group']} }`
          : `images: { type: rbd, pool: ${row['images_pool']}, user: nova }`;
      const engine = engineOf(world, String(row['name']));
      const containers = engine !== null && `containers: { deployment: kolla, engine: ${engine} }`;
      const said = [images, containers].filter((one) => one !== false);
      return said.length === 0 ? [] : [`  ${row['name']}: { ${said.join(', ')} }\n`];
    });
  const memcached = readMeta(world, 'memcached') ?? '[]';
  const serviceUser = readMeta(world, 'nova.service_user') === 'none' ? '' : SERVICE_USER;
  write(
    'expunge.yaml',
    `# An embedded cloud: nothing that is named here is ever connected to.
simulator: ${JSON.stringify(home)}
cloud: demo
clouds_file: ${JSON.stringify(path('clouds.yaml'))}
nova_conf: ${JSON.stringify(path('nova.conf'))}
databases:
  neutron: mysql://nova:nova@127.0.0.1/neutron
  cinder: mysql://nova:nova@127.0.0.1/cinder
memcached: ${memcached}
hosts:
  default: { transport: ssh, sudo: true }
${hosts.join('')}`,
  );
  write(
    'clouds.yaml',
    `clouds:
  demo:
    auth:
      auth_url: http://demo/identity/v3
      username: admin
      password: demo
      project_name: admin
      user_domain_name: Default
      project_domain_name: Default
    region_name: RegionOne
`,
  );
  write(
    'nova.conf',
    `[DEFAULT]
instances_path = /var/lib/nova/instances
service_down_time = 60

[api_database]
connection = mysql+pymysql://nova:nova@127.0.0.1/nova_api

[database]
connection = mysql+pymysql://nova:nova@127.0.0.1/nova
${serviceUser}`,
  );
  return path('expunge.yaml');
}
