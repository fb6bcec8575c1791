import { startCeph, stopCeph } from './ceph/cloud.ts';
import { setDisks } from './ceph/disks.ts';
import { readCephStatus } from './ceph/status.ts';
import { tryCeph } from './ceph/try.ts';
import { assertLabUp } from './cinder-backends.ts';
import { openLab } from './paths.ts';
import { renderStatus } from './status.ts';
import { takeTurn } from './turn.ts';

const usage = `usage: node lab/ceph.ts COMMAND
  up      makes a Ceph cluster and gives it to the lab's Cinder and libvirt; the lab must be up
  status  one line per daemon; exit 1 when one is not up
  try     volumes and servers' own disks in Ceph, by Cinder and Nova; exit 1 when something is not so
  disks ceph | files
          where the first compute host keeps the disks of servers that are made from then on
  down    deletes the volumes and takes it all back`;

function say(line: string): void {
  console.log(line);
}

async function main(words: readonly string[]): Promise<number> {
  const [command, ...rest] = words;
  const to = rest.find((word): word is 'ceph' | 'files' => word === 'ceph' || word === 'files');
  const takesPlace = command === 'disks';
  const known = command !== undefined && ['up', 'status', 'try', 'disks', 'down'].includes(command);
  if (!known || rest.length !== (takesPlace ? 1 : 0) || (takesPlace && to === undefined)) {
    console.error(usage);
    return 2;
  }
  if (process.getuid?.() !== 0) throw new Error('the lab runs real services: be root');
  const lab = openLab();
  if (command === 'up') await startCeph(lab, say);
  if (command === 'down') await stopCeph(lab, say);
  if (to !== undefined) {
    assertLabUp(lab);
    await takeTurn(lab);
    await setDisks(lab, to);
  }
  if (command === 'try') return (await tryCeph(lab, say)) ? 0 : 1;
  if (command !== 'status') return 0;
  const statuses = await readCephStatus(lab);
  say(renderStatus(statuses));
  return statuses.every((status) => status.state === 'up') ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`ceph: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
