/** The first thing that a command does: read the site's files and send the login on its way, before most of the code is loaded. */
import { isExpungeError, UsageError } from '../plan/errors.ts';
import { loadSite, type SiteConfig } from '../site/config/load.ts';
import { ApiSession } from '../site/http/session.ts';
import type { Wires } from '../site/wires.ts';
import type { Io } from './io.ts';
import type { CommonOptions } from './options.ts';
import { reasonOf } from './render/error.ts';
import { plain } from './render/plain.ts';
import { shellWord } from './render/shell-word.ts';

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

/**
 * @param logsIn the command asks the cloud: one that only reads the records of runs must not wait for a Keystone that is down
 * @throws UsageError when the site's files are not usable
 */
export async function beginSite(
  io: Io,
  options: CommonOptions,
  rewire: (wires: Wires) => Wires = (wires) => wires,
  logsIn = true,
): Promise<Begun> {
  const config = options.site === 'demo' ? await loadDemo(io) : await loadSite(options.site, io.env);
  for (const path of config.exposed)
    io.err(
      `expunge: others on this machine can read ${plain(path)}, and it holds passwords: chmod go= ${shellWord(path)}\n`,
    );
  const { simulator } = config.file;
  const simulated = simulator === undefined ? undefined : await openSimulator(simulator);
  const wires =
    simulated === undefined ? undefined : { ...rewire(simulated), close: () => simulated.close() };
  const api = new ApiSession(config.auth, wires?.http, config.serviceUser);
  if (logsIn) await api.warm();
  return { config, api, wires };
}

/**
 * `--site demo` is the embedded cloud, made when there is none yet; a file of that name is `./demo`. The environment does not count:
 * whatever has become of the demo's own files, it must never be a real cloud that is logged in to.
 */
async function loadDemo(io: Io): Promise<SiteConfig> {
  const { damagedDemo, ensureDemo } = await import('./demo/site.ts');
  const path = await ensureDemo(io);
  let config: SiteConfig;
  try {
    config = await loadSite(path, {});
  } catch {
    throw damagedDemo(io);
  }
  if (config.file.simulator === undefined) throw damagedDemo(io);
  return config;
}

/** @throws UsageError when there is no whole world in the folder */
async function openSimulator(folder: string): Promise<Wires & { close(): void }> {
  const { openWires } = await import('../simulator/wires.ts');
  try {
    return openWires(folder);
  } catch (error) {
    if (isExpungeError(error)) throw error;
    throw new UsageError(`the embedded cloud in ${folder} cannot be used: ${reasonOf(error)}`, {
      code: 'simulator-unusable',
      hint: 'the demo is made anew by: expunge demo --reset',
    });
  }
}
