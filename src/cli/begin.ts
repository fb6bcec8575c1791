/** The first thing that a command does: read the site's files and send the login on its way, before most of the code is loaded. */
import { loadSite, type SiteConfig } from '../site/config/load.ts';
import { ApiSession } from '../site/http/session.ts';
import type { Io } from './io.ts';
import type { CommonOptions } from './options.ts';

export interface Begun {
  readonly config: SiteConfig;
  /** logging in already: Keystone thinks longest of all, so it is asked first */
  readonly api: ApiSession;
}

/** What a command is given. */
export interface Given {
  readonly io: Io;
  readonly options: Record<string, unknown>;
  readonly args: readonly unknown[];
  readonly begun: Begun;
}

/** @throws UsageError when the site's files are not usable */
export async function beginSite(io: Io, options: CommonOptions): Promise<Begun> {
  const config = await loadSite(options.site, io.env);
  const api = new ApiSession(config.auth);
  await api.warm();
  return { config, api };
}
