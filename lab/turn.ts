import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from './command.ts';
import type { Lab } from './paths.ts';
import { readStartTime } from './process.ts';

/**
 * Waits until no other process plays on this lab, and then keeps it to this one until it ends. A scenario freezes
 * services that every other one needs, so two at a time would break each other.
 */
export async function takeTurn(lab: Lab): Promise<void> {
  const file = join(lab.run, 'turn');
  const mine = `${process.pid}\n${readStartTime(process.pid)}\n`;
  for (let told = false; ; told = true) {
    if (tryTake(file, mine)) return;
    const [pid, started] = readHolder(file).split('\n');
    if (Number(pid) === process.pid) return;
    if (readStartTime(Number(pid)) !== started) {
      rmSync(file, { force: true });
      continue;
    }
    if (!told) console.error(`waiting for process ${pid}, which plays on this lab`);
    await sleep(1000);
  }
}

/** A link is made whole or not at all, unlike a file that is opened first and written later. */
function tryTake(file: string, text: string): boolean {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text);
  try {
    linkSync(draft, file);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

function readHolder(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
