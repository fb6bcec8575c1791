import { enrolNode, withdrawNode } from './node/cloud.ts';
import { forwardAll, parseForwards } from './node/forward.ts';
import { installNode } from './node/install.ts';
import { setCables } from './node/namespace.ts';
import { freezeNode, killNode, removeNode, startNode, thawNode } from './node/power.ts';
import { readNodeStatus } from './node/status.ts';
import { tryNode } from './node/try.ts';
import { tryCloud } from './node/try-cloud.ts';
import { type Lab, openLab } from './paths.ts';

const usage = `usage: node lab/node.ts COMMAND
  install          fetches the second machine's kernel and programs
  up               boots it
  status           one line per part; exit 1 when one is not up
  try              shows that storage, multipath, switch and hypervisor work on it
  freeze | thaw    it hangs, and goes on
  kill             a power cut; up boots it again, with the disk that it had
  cut | join [1|2] takes out the network cables, or one of them, and puts them back
  enrol            makes it a compute host of the lab's cloud
  withdraw         takes it out of the cloud again
  try-cloud        boots a server on it, and deletes that
  down             ends it and removes all that was made for it`;

function say(line: string): void {
  console.log(line);
}

async function main(words: readonly string[]): Promise<number> {
  const [command, ...options] = words;
  const only = options[0] === '1' ? 1 : options[0] === '2' ? 2 : undefined;
  const links = command === 'cut' || command === 'join';
  const known = [
    'install',
    'up',
    'status',
    'try',
    'freeze',
    'thaw',
    'kill',
    'cut',
    'join',
    'enrol',
    'withdraw',
    'try-cloud',
    'down',
  ];
  // Not for people: how the node's forwarders are started.
  if (command === 'forward') return forwardAll(parseForwards(options));
  const wrong = links
    ? options.length > 1 || (options.length === 1 && only === undefined)
    : options.length > 0;
  if (command === undefined || !known.includes(command) || wrong) {
    console.error(usage);
    return 2;
  }
  if (process.getuid?.() !== 0) throw new Error('the node is a machine with a network of its own: be root');
  return act(openLab(), command, only);
}

async function act(lab: Lab, command: string, only: 1 | 2 | undefined): Promise<number> {
  if (command === 'install') await installNode(lab, say);
  if (command === 'up') await startNode(lab, say);
  if (command === 'freeze') freezeNode(lab);
  if (command === 'thaw') thawNode(lab);
  if (command === 'kill') await killNode(lab);
  if (command === 'cut') await setCables(lab, 'out', only);
  if (command === 'join') await setCables(lab, 'in', only);
  if (command === 'enrol') await enrolNode(lab, say);
  if (command === 'withdraw') await withdrawNode(lab);
  if (command === 'try-cloud') return (await tryCloud(lab, say)) ? 0 : 1;
  if (command === 'down') await removeNode(lab);
  if (command === 'try') return (await tryNode(lab, say)) ? 0 : 1;
  if (command !== 'status') return 0;
  const parts = await readNodeStatus(lab);
  for (const part of parts) say(`${part.name.padEnd(24)} ${part.isUp ? 'up' : 'down'}  ${part.detail}`);
  return parts.every((part) => part.isUp) ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`node: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
