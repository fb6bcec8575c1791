/**
 * Where compiled code is kept between commands. What is in there is run, by root as a rule: a folder that somebody else may write to, as
 * Node's own in `/tmp` is for whoever makes it first, will not do.
 */
import { mkdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** @returns `$XDG_CACHE_HOME/expunge`, else `~/.cache/expunge`; null when it cannot be had for this user alone, or is not to be had */
export function cacheFolder(env: NodeJS.ProcessEnv, home = homedir): string | null {
  if (env['NODE_DISABLE_COMPILE_CACHE'] !== undefined) return null;
  const asked = env['XDG_CACHE_HOME'] ?? '';
  try {
    // A user without an entry in passwd, as containers have them, has no home either: then `homedir` throws.
    const folder = join(isAbsolute(asked) ? asked : join(env['HOME'] || home(), '.cache'), 'expunge');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = statSync(folder);
    return uid === process.geteuid?.() && (mode & 0o022) === 0 ? folder : null;
  } catch {
    return null;
  }
}
