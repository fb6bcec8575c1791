import { type Lab, ports, region } from '../paths.ts';

export type Ini = Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;

export function renderIni(ini: Ini): string {
  const sections = Object.entries(ini).map(([section, options]) => {
    const lines = Object.entries(options).map(([name, value]) => `${name} = ${value}`);
    return `[${section}]\n${lines.join('\n')}\n`;
  });
  return sections.join('\n');
}

export const authUrl = `http://127.0.0.1:${ports.keystone}`;

export const messageBus = `rabbit://guest:guest@127.0.0.1:${ports.amqp}/`;

/** A database url as the services' files have it, with the password percent-encoded. */
export function databaseUrl(lab: Lab, user: string, database: string): string {
  const password = encodeURIComponent(databasePassword(lab, user));
  return `mysql+pymysql://${user}:${password}@127.0.0.1:${ports.mysql}/${database}?charset=utf8`;
}

export function databasePassword(lab: Lab, user: string): string {
  return user === 'nova' ? lab.secrets.novaDatabase : lab.secrets.database;
}

/** How a service signs in as itself to call another one. */
export function serviceLogin(lab: Lab, user: string): Record<string, string> {
  return {
    auth_url: authUrl,
    auth_type: 'password',
    project_domain_name: 'Default',
    user_domain_name: 'Default',
    region_name: region,
    project_name: 'service',
    username: user,
    password: lab.secrets.service,
  };
}

/** How a service checks the tokens that it is shown. */
export function tokenCheck(lab: Lab, user: string): Record<string, string> {
  const { region_name: _, ...login } = serviceLogin(lab, user);
  return { ...login, www_authenticate_uri: authUrl, memcached_servers: `127.0.0.1:${ports.memcached}` };
}
