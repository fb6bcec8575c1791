import { openLab } from './paths.ts';
import { startStorage, stopStorage } from './storage/backends.ts';
import { tryStorage } from './storage/try.ts';

const usage = `usage: node lab/storage.ts COMMAND
  up      gives the lab's Cinder volumes over iSCSI, for servers on the second machine
  try     attaches volumes to servers there and detaches them; exit 1 when something is not so
  down    deletes the volumes and takes it all back`;

function say(line: string): void {
  console.log(line);
}

async function main(words: readonly string[]): Promise<number> {
  const [command, ...rest] = words;
  if (command === undefined || !['up', 'try', 'down'].includes(command) || rest.length > 0) {
    console.error(usage);
    return 2;
  }
  if (process.getuid?.() !== 0) throw new Error('the lab runs real services: be root');
  const lab = openLab();
  if (command === 'up') await startStorage(lab, say);
  if (command === 'down') await stopStorage(lab, say);
  return command === 'try' && !(await tryStorage(lab, say)) ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`storage: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
