import type { ChildProcess } from 'node:child_process';

/** Ends a process that was started `detached`, and what it has started, as far as that is in its group still. */
export function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended already, or is root's: then it ends by itself.
  }
}
