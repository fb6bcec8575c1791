/** The first thing that a command does: read the site's files and send the login on its way, before most of the code is loaded. */
import { loadSite, type SiteConfig } from '../site/config/load.ts';
import { ApiSession } from '../site/http/session.ts';
import type { Wires } from '../site/wires.ts';
import type { Io } from './io.ts';
import type { CommonOptions } from './options.ts';

export interface Begun {
  readonly config: SiteConfig;
  /** logging in already: Keystone thinks longest of all, so it is asked first */
  readonly api: ApiSession;
  /** an embedded cloud instead of the network */
  readonly wires: (Wires & { close(): void }) | undefined;
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
  const config = await loadSite(await siteOf(io, options), io.env);
  const { simulator } = config.file;
  const wires = simulator === undefined ? undefined : await openSimulator(simulator);
  const api = new ApiSession(config.auth, wires?.http);
  await api.warm();
  return { config, api, wires };
}

/** `--site demo` is the embedded cloud, made when there is none yet; a file of that name is `./demo`. */
async function siteOf(io: Io, { site }: CommonOptions): Promise<string | undefined> {
  if (site !== 'demo') return site;
  const { ensureDemo } = await import('./demo/site.ts');
  return ensureDemo(io);
}

async function openSimulator(folder: string): Promise<Wires & { close(): void }> {
  const { openWires } = await import('../simulator/wires.ts');
  return openWires(folder);
}
