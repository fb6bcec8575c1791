import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ask, call } from './api.ts';
import { type Lab, ports, region } from './paths.ts';

const catalog = [
  ['nova', 'compute', `http://127.0.0.1:${ports.nova}/v2.1`],
  ['neutron', 'network', `http://127.0.0.1:${ports.neutron}`],
  ['glance', 'image', `http://127.0.0.1:${ports.glance}`],
  ['placement', 'placement', `http://127.0.0.1:${ports.placement}`],
  ['cinderv3', 'volumev3', `http://127.0.0.1:${ports.cinder}/v3/%(project_id)s`],
  ['cinder', 'block-storage', `http://127.0.0.1:${ports.cinder}/v3/%(project_id)s`],
] as const;

const serviceUsers = ['nova', 'neutron', 'cinder', 'glance', 'placement'] as const;
const serviceRoles = ['admin', 'service'] as const;

const entity = z.object({ id: z.string() });

/** Makes the services' project, users, roles and catalogue; what is there already stays. */
export async function setUpKeystone(lab: Lab): Promise<void> {
  const done = join(lab.done, 'keystone-setup');
  if (existsSync(done)) return;
  const project = await ensure(lab, 'projects', 'project', 'service', { domain_id: 'default' });
  const roles = new Map<string, string>();
  for (const role of serviceRoles) roles.set(role, await ensure(lab, 'roles', 'role', role, {}));
  const users = serviceUsers.map(async (name) => {
    const user = await ensure(lab, 'users', 'user', name, {
      password: lab.secrets.service,
      domain_id: 'default',
    });
    for (const role of roles.values())
      await call(lab, 'identity', 'PUT', `/projects/${project}/users/${user}/roles/${role}`);
  });
  const services = catalog.map(async ([name, type, url]) => {
    const service = await ensure(lab, 'services', 'service', name, { type });
    const { endpoints } = await ask(
      lab,
      'identity',
      'GET',
      `/endpoints?service_id=${service}`,
      z.object({ endpoints: z.array(z.object({ interface: z.string() })) }),
    );
    for (const face of ['public', 'internal', 'admin']) {
      if (endpoints.some((endpoint) => endpoint.interface === face)) continue;
      const endpoint = { service_id: service, interface: face, url, region_id: region };
      await call(lab, 'identity', 'POST', '/endpoints', { body: { endpoint } });
    }
  });
  await Promise.all([...users, ...services]);
  writeFileSync(done, '');
}

async function ensure(
  lab: Lab,
  collection: string,
  kind: string,
  name: string,
  fields: Readonly<Record<string, string>>,
): Promise<string> {
  const path = `/${collection}?name=${name}`;
  const found = await ask(lab, 'identity', 'GET', path, z.record(z.string(), z.unknown()));
  const [first] = z.array(entity).parse(found[collection]);
  if (first !== undefined) return first.id;
  const made = await ask(lab, 'identity', 'POST', `/${collection}`, z.record(z.string(), z.unknown()), {
    [kind]: { name, ...fields },
  });
  return entity.parse(made[kind]).id;
}
