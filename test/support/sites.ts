/** A site of this machine's stand-ins, connected through the real doors. */
import { onTestFinished } from 'vitest';
import type { SiteConfig } from '../../src/site/config/load.ts';
import { connectSite, type Site } from '../../src/site/connect.ts';
import { ApiSession } from '../../src/site/http/session.ts';

export const PASSWORD_OF_DATABASE = 'db-pass-do-not-print';

export function siteConfig(changes: Partial<SiteConfig> = {}): SiteConfig {
  return {
    name: 'lab',
    file: {},
    auth: {
      auth: { auth_url: 'http://127.0.0.1:1/v3', username: 'admin', password: 'x', project_name: 'admin' },
      region: undefined,
      interface: 'public',
      tls: { verify: true },
    },
    novaConf: null,
    serviceUser: null,
    exposed: [],
    ...changes,
  };
}

export function connect(changes: Partial<SiteConfig> = {}): Site {
  const config = siteConfig(changes);
  const site = connectSite(config, new ApiSession(config.auth), {
    spans: [],
    clock: () => performance.now(),
  });
  onTestFinished(() => site.close());
  return site;
}

export function databaseUrl(port: number, name = 'nova_api'): string {
  return `mysql+pymysql://nova:${PASSWORD_OF_DATABASE}@127.0.0.1:${port}/${name}?charset=utf8`;
}
