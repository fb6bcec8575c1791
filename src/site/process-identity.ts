/** Which process a number means: numbers come round again, a start in one boot of one machine does not. */
import { readFileSync } from 'node:fs';
import { hasCode } from '../plan/errors.ts';

/** Somebody else's process is one too. */
export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

/** Clock ticks from the boot to the start of a process (proc(5), field 22 of stat). Null where /proc does not tell, or there is none. */
export function startTicks(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The program's name stands in parentheses and may hold anything.
    return (
      stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .at(19) ?? null
    );
  } catch {
    return null;
  }
}

/**
 * Boot and clock tick in which a process was started, as one word; the machine's clock may be set meanwhile. Null where /proc does not tell,
 * or there is no such process.
 */
export function startOf(pid: number): string | null {
  const ticks = startTicks(pid);
  if (ticks === null) return null;
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${ticks}`;
  } catch {
    return null;
  }
}

/** Whether that very process lives. One that cannot be told from another counts as alive. @param start as `startOf` gave it */
export function isSameProcess(pid: number, start: string | null): boolean {
  if (!processExists(pid)) return false;
  const now = startOf(pid);
  return start === null || now === null || start === now;
}
