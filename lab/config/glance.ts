import { join } from 'node:path';
import { type Lab, ports } from '../paths.ts';
import { databaseUrl, type Ini, tokenCheck } from './ini.ts';

export function glanceConfig(lab: Lab): Ini {
  return {
    DEFAULT: { bind_host: '127.0.0.1', bind_port: ports.glance, enabled_backends: 'fs:file', workers: 1 },
    database: { connection: databaseUrl(lab, 'glance', 'glance') },
    glance_store: { default_backend: 'fs' },
    fs: { filesystem_store_datadir: join(lab.dir, 'images') },
    paste_deploy: { flavor: 'keystone' },
    keystone_authtoken: tokenCheck(lab, 'glance'),
  };
}
