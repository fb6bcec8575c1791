import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { Site } from '../site/connect.ts';
import type { Io } from './io.ts';

/** Where expunge keeps what outlives a command: `$XDG_STATE_HOME/expunge`, else `~/.local/state/expunge`. */
export function stateFolder({ env }: Pick<Io, 'env'>): string {
  const asked = env['XDG_STATE_HOME'] ?? '';
  // The XDG base directory specification has relative paths ignored.
  const state = isAbsolute(asked) ? asked : join(env['HOME'] || homedir(), '.local/state');
  return join(state, 'expunge');
}

/** Where runs are recorded: the site file may name another folder. */
export function runsFolder({ config }: Pick<Site, 'config'>, io: Pick<Io, 'env'>): string {
  return config.file.runs_dir ?? join(stateFolder(io), 'runs');
}
