import type { Lab } from '../paths.ts';
import { databaseUrl, type Ini, tokenCheck } from './ini.ts';

export function placementConfig(lab: Lab): Ini {
  return {
    placement_database: { connection: databaseUrl(lab, 'placement', 'placement') },
    api: { auth_strategy: 'keystone' },
    keystone_authtoken: tokenCheck(lab, 'placement'),
  };
}
