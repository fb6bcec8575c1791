import { join } from 'node:path';
import type { Lab } from '../paths.ts';
import { databaseUrl, type Ini } from './ini.ts';

export function keystoneConfig(lab: Lab): Ini {
  return {
    DEFAULT: { log_dir: '' },
    database: { connection: databaseUrl(lab, 'keystone', 'keystone') },
    token: { provider: 'fernet' },
    fernet_tokens: { key_repository: join(lab.dir, 'keystone/fernet') },
    credential: { key_repository: join(lab.dir, 'keystone/credential') },
    cache: { enabled: true, backend: 'dogpile.cache.memory' },
  };
}
