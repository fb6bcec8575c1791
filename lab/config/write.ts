import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readOpenrc } from '../openrc.ts';
import { type Lab, region } from '../paths.ts';
import { fullCinderConfig } from './backends.ts';
import { disksConfig, readDisks } from './disks.ts';
import { glanceConfig } from './glance.ts';
import { authUrl, type Ini, renderIni } from './ini.ts';
import { keystoneConfig } from './keystone.ts';
import { ml2Config, neutronConfig } from './neutron.ts';
import { novaConfig } from './nova.ts';
import { placementConfig } from './placement.ts';

/** Writes every service's file, and the two files by which clients find the cloud. */
export function writeConfigs(lab: Lab): void {
  const nova = novaConfig(lab, disksConfig(lab, readDisks(lab)));
  const { service_user: _, ...withoutServiceUser } = nova;
  const files: Readonly<Record<string, Ini>> = {
    'keystone.conf': keystoneConfig(lab),
    'glance-api.conf': glanceConfig(lab),
    'placement.conf': placementConfig(lab),
    'nova.conf': nova,
    // As an operator's copy of it may be: with no account by which Cinder knows a service.
    'nova-without-service-user.conf': withoutServiceUser,
    'neutron.conf': neutronConfig(lab),
    'ml2.ini': ml2Config(),
    'cinder.conf': fullCinderConfig(lab),
  };
  for (const [name, ini] of Object.entries(files)) {
    writeFileSync(join(lab.etc, name), renderIni(ini), { mode: 0o640 });
  }
  writeFileSync(join(lab.dir, 'openrc'), renderOpenrc(lab), { mode: 0o600 });
  writeFileSync(join(lab.dir, 'clouds.yaml'), renderClouds(lab), { mode: 0o600 });
}

function renderOpenrc(lab: Lab): string {
  const lines = Object.entries(readOpenrc(lab)).map(([name, value]) => `export ${name}='${value}'`);
  return `${lines.join('\n')}\n`;
}

function renderClouds(lab: Lab): string {
  return `clouds:
  lab:
    auth:
      auth_url: ${authUrl}/v3
      username: admin
      password: '${lab.secrets.admin}'
      project_name: admin
      user_domain_name: Default
      project_domain_name: Default
    region_name: ${region}
    identity_api_version: 3
    interface: public
`;
}
