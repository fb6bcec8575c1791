import { authUrl } from './config/ini.ts';
import { type Lab, region } from './paths.ts';

/** What the standard clients read from their environment; `openrc` in the lab's folder says the same to a shell. */
export function readOpenrc(lab: Lab): Record<string, string> {
  return {
    OS_USERNAME: 'admin',
    OS_PASSWORD: lab.secrets.admin,
    OS_PROJECT_NAME: 'admin',
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PROJECT_DOMAIN_NAME: 'Default',
    OS_AUTH_URL: `${authUrl}/v3`,
    OS_IDENTITY_API_VERSION: '3',
    OS_REGION_NAME: region,
    OS_INTERFACE: 'public',
  };
}
