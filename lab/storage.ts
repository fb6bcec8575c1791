import { openLab } from './paths.ts';
import { startStorage, stopStorage } from './storage/backends.ts';
import { setMultipath } from './storage/multipath.ts';
import { tryStorage } from './storage/try.ts';

const usage = `usage: node lab/storage.ts COMMAND
  up      gives the lab's Cinder volumes over iSCSI, for servers on the second machine
  try     attaches volumes to servers there and detaches them; exit 1 when something is not so
  multipath on | off
          servers there reach their volumes by both portals, or by one; only while nothing is attached
  down    deletes the volumes and takes it all back`;

function say(line: string): void {
  console.log(line);
}

async function main(words: readonly string[]): Promise<number> {
  const [command, ...rest] = words;
  const to = rest.find((word): word is 'on' | 'off' => word === 'on' || word === 'off');
  const takesMode = command === 'multipath';
  const known = command !== undefined && ['up', 'try', 'multipath', 'down'].includes(command);
  if (!known || rest.length !== (takesMode ? 1 : 0) || (takesMode && to === undefined)) {
    console.error(usage);
    return 2;
  }
  if (process.getuid?.() !== 0) throw new Error('the lab runs real services: be root');
  const lab = openLab();
  if (command === 'up') await startStorage(lab, say);
  if (to !== undefined) await setMultipath(lab, to, say);
  if (command === 'down') await stopStorage(lab, say);
  return command === 'try' && !(await tryStorage(lab, say)) ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`storage: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
