/** What every user of a machine can see in `ps`, and root in `/proc`, while a program runs: its own command line and those of all that it starts. */
import { existsSync, readFileSync } from 'node:fs';

const EVERY_MS = 20;

export interface Watched {
  /** command lines, their words parted by blanks, each once */
  readonly commands: readonly string[];
  /** environments, `name=value` parted by blanks, each once */
  readonly environments: readonly string[];
}

/**
 * Looks at a process and its descendants until it is stopped. What lives for less than 20 ms may be missed.
 *
 * @throws Error when the kernel does not tell of children
 */
export function watchProcesses(pid: number): { stop(): Watched } {
  const commands = new Set<string>();
  const environments = new Set<string>();
  const look = (each: number): void => {
    note(commands, `/proc/${each}/cmdline`);
    note(environments, `/proc/${each}/environ`);
    for (const child of childrenOf(each)) look(child);
  };
  if (!existsSync(childrenFile(process.pid))) throw new Error('this kernel does not tell of children');
  const timer = setInterval(() => look(pid), EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      return { commands: [...commands], environments: [...environments] };
    },
  };
}

const childrenFile = (pid: number): string => `/proc/${pid}/task/${pid}/children`;

function childrenOf(pid: number): readonly number[] {
  return (read(childrenFile(pid)) ?? '').split(' ').filter(Boolean).map(Number);
}

function note(all: Set<string>, path: string): void {
  const text = read(path)?.replaceAll('\0', ' ').trim();
  if (text) all.add(text);
}

/** null: the process has ended. */
function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
