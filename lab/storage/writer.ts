import { closeSync, openSync, readSync } from 'node:fs';
import { runOnNode } from '../node/power.ts';
import type { Lab } from '../paths.ts';
import { volumeFile } from './config.ts';
import type { LabVolume } from './volumes.ts';

/** Somebody who writes to a disk of the node all the while. */
export interface Writer {
  /** How many blocks are written, read back and found right until now. @throws when one was not */
  progress(): Promise<number>;
  /** Ends it. @throws when anything of what it wrote is not in the volume */
  finish(): Promise<number>;
}

const BLOCK = 4096;
const BLOCKS = 64;
const files = { pid: '/run/expunge-writer.pid', log: '/run/expunge-writer.log' };

/** Every block is written past all caches, read back and compared; the first that fails ends it, with a word. */
const program = `
import mmap, os, sys, time
disk = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT | os.O_SYNC)
block = mmap.mmap(-1, ${BLOCK})
number = 0
while True:
    number += 1
    at = number % ${BLOCKS} * ${BLOCK}
    text = b'%020d' % number
    block[:20] = text
    try:
        os.pwritev(disk, [block], at)
        block[:20] = bytes(20)
        os.preadv(disk, [block], at)
    except OSError as error:
        print('error', number, error, flush=True)
        sys.exit(1)
    if block[:20] != text:
        print('error', number, 'other bytes came back', flush=True)
        sys.exit(1)
    print(number, flush=True)
    time.sleep(0.02)
`;

/** @param device as the node knows it: a link of udev that stays with the disk */
export async function startWriter(lab: Lab, volume: LabVolume, device: string): Promise<Writer> {
  await runOnNode(lab, ['rm', '-f', files.pid, files.log]);
  await runOnNode(lab, [
    ...['start-stop-daemon', '--start', '--background', '--make-pidfile', '--pidfile', files.pid],
    ...['--output', files.log, '--startas', '/usr/bin/python3', '--', '-c', program, device],
  ]);
  const progress = async (): Promise<number> => {
    const { stdout } = await runOnNode(lab, ['tail', '-n', '1', files.log]);
    const last = stdout.trim();
    if (!/^\d+$/.test(last)) throw new Error(`the writer to ${device} says: ${last || 'nothing'}`);
    return Number(last);
  };
  return {
    progress,
    async finish() {
      await runOnNode(lab, [
        ...['start-stop-daemon', '--stop', '--oknodo', '--retry', 'TERM/10/KILL/5', '--pidfile', files.pid],
      ]);
      const written = await progress();
      const found = readNumber(volumeFile(lab, volume), (written % BLOCKS) * BLOCK);
      // The last line may be cut by its end: then one more block than it said is there.
      if (found !== written && found !== written + BLOCKS)
        throw new Error(`block ${written} was written to ${device}, and ${found} is in the volume`);
      return written;
    },
  };
}

function readNumber(file: string, at: number): number {
  const buffer = Buffer.alloc(20);
  const opened = openSync(file, 'r');
  readSync(opened, buffer, 0, 20, at);
  closeSync(opened);
  return Number(buffer.toString());
}
