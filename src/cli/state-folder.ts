import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Io } from './io.ts';

/** Where expunge keeps what outlives a command: `$XDG_STATE_HOME/expunge`, else `~/.local/state/expunge`. */
export function stateFolder({ env }: Pick<Io, 'env'>): string {
  const state = env['XDG_STATE_HOME'] || join(env['HOME'] || homedir(), '.local/state');
  return join(state, 'expunge');
}
