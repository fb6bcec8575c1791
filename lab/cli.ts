import { bringDown } from './down.ts';
import { type Extra, extras, parseWith } from './extras.ts';
import { install } from './install.ts';
import { openLab } from './paths.ts';
import { readStatus, renderStatus } from './status.ts';
import { bringUp } from './up.ts';

const usage = `usage: node lab/cli.ts COMMAND
  install           the packages
  up [--with ${extras.join(',')}]
                    brings everything up; with these besides, or some of them (\`storage\` brings the node)
  status            one line per service; exit 1 when one is not up
  down [--keep]     ends everything and removes all state, or keeps it for the next up
The state lies in /var/lib/expunge-lab, or where EXPUNGE_LAB says.`;

function say(line: string): void {
  console.log(line);
}

async function main(words: readonly string[]): Promise<number> {
  const [command, ...options] = words;
  const known = ['install', 'up', 'down', 'status'];
  const wanted = command === 'up' ? parseWith(options) : new Set<Extra>();
  const rest = options.filter((option) => !(command === 'down' && option === '--keep'));
  const isKnown = command !== undefined && known.includes(command);
  if (!isKnown || wanted === undefined || (command !== 'up' && rest.length > 0)) {
    console.error(usage);
    return 2;
  }
  if (process.getuid?.() !== 0) throw new Error('the lab runs real services: be root');
  const lab = openLab();
  if (command === 'install') await install(say);
  if (command === 'up') await bringUp(lab, say, wanted);
  if (command === 'down') await bringDown(lab, say, { keep: options.includes('--keep') });
  if (command !== 'status') return 0;
  const statuses = await readStatus(lab);
  say(renderStatus(statuses));
  return statuses.every((status) => status.state === 'up') ? 0 : 1;
}

/** With its cause: `fetch failed` alone says nothing. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describe(error.cause)}`;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`lab: ${describe(error)}`);
  process.exitCode = 1;
}
// Work that a failed phase left behind must not hold the process.
if (process.exitCode !== 0) process.exit();
