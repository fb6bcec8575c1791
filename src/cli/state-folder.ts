import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { UsageError } from '../plan/errors.ts';
import type { Site } from '../site/connect.ts';
import type { Io } from './io.ts';

/**
 * Where expunge keeps what outlives a command: `$XDG_STATE_HOME/expunge`, else `~/.local/state/expunge`.
 *
 * @throws UsageError for a user who has no home
 */
export function stateFolder({ env }: Pick<Io, 'env'>, home = homedir): string {
  const asked = env['XDG_STATE_HOME'] ?? '';
  // The XDG base directory specification has relative paths ignored.
  const state = isAbsolute(asked) ? asked : join(env['HOME'] || homeOfUser(home), '.local/state');
  return join(state, 'expunge');
}

/** Not every user of a container stands in passwd. */
function homeOfUser(home: () => string): string {
  try {
    return home();
  } catch {
    throw new UsageError('this user has no home, so there is no folder for records of runs', {
      code: 'no-state-folder',
      hint: 'set HOME or XDG_STATE_HOME, or runs_dir in the site file',
    });
  }
}

/** Where runs are recorded: the site file may name another folder. */
export function runsFolder({ config }: Pick<Site, 'config'>, io: Pick<Io, 'env'>): string {
  return config.file.runs_dir ?? join(stateFolder(io), 'runs');
}
