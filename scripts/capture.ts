/**
 * The main screens as a terminal shows them, at 80 and at 200 columns: on the demo cloud with its clock standing still, through
 * tmux, into docs/screens/.
 *
 *     npm run build && node scripts/capture.ts
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDemo, listDemo } from '../src/simulator/demo/create.ts';
import { openWorld } from '../src/simulator/world.ts';

const root = resolve(import.meta.dirname, '..');
const out = join(root, 'docs/screens');
const socket = `expunge-capture-${process.pid}`;
const state = mkdtempSync(join(tmpdir(), 'expunge-capture-'));

/**
 * Screens in the order in which one person sees them; what a command changes, the next one finds. `@shop-db` is the uuid of that
 * server, `@web 2` that of the second of its name, `@run` the run before.
 */
const SCREENS: readonly {
  readonly name: string;
  readonly argv: readonly string[];
  readonly typed?: string;
}[] = [
  { name: 'help', argv: ['--help'] },
  { name: 'demo-list', argv: ['demo', '--list'] },
  { name: 'doctor', argv: ['--site', 'demo', 'doctor'] },
  { name: 'inspect', argv: ['--site', 'demo', 'inspect', 'shop-db'] },
  { name: 'plan', argv: ['--site', 'demo', 'plan', 'shop-db'] },
  { name: 'plan-commands', argv: ['--site', 'demo', 'plan', 'wiki', '--commands'] },
  { name: 'purge', argv: ['--site', 'demo', 'purge', 'shop-db'], typed: 'shop-db' },
  { name: 'verify-clean', argv: ['--site', 'demo', 'verify', '@shop-db'] },
  { name: 'undo', argv: ['--site', 'demo', 'undo', '@run'], typed: 'shop-db' },
  { name: 'verify', argv: ['--site', 'demo', 'verify', 'batch-41'] },
  { name: 'not-unique', argv: ['--site', 'demo', 'inspect', 'web'] },
  { name: 'refused-healthy', argv: ['--site', 'demo', 'plan', '@web 2'] },
  { name: 'refused', argv: ['--site', 'demo', 'plan', 'tangled'] },
  { name: 'unreachable', argv: ['--site', 'demo', 'inspect', 'cache-3'] },
  {
    name: 'fenced',
    argv: ['--site', 'demo', 'purge', 'cache-3', '--fenced', 'cmp-4'],
    typed: 'cache-3',
  },
  { name: 'runs', argv: ['--site', 'demo', 'runs'] },
  { name: 'power-on', argv: ['demo', '--power-on', 'cmp-4'] },
  { name: 'resume', argv: ['--site', 'demo', 'resume', '@run'], typed: 'cache-3' },
];

function tmux(...argv: readonly string[]): string {
  return execFileSync('tmux', ['-L', socket, ...argv], { encoding: 'utf8' });
}

/** Runs one command in a terminal of this width and gives what then stands on it. */
async function capture(argv: readonly string[], columns: number, typed: string | undefined): Promise<string> {
  const node = process.execPath;
  const env = ['env', `XDG_STATE_HOME=${state}`, 'LC_ALL=C.UTF-8', 'NO_COLOR=1'];
  tmux('new-session', '-d', '-s', 'screen', '-x', String(columns), '-y', '200', 'cat');
  try {
    tmux('set-option', '-t', 'screen', 'remain-on-exit', 'on');
    const command = [...env, node, join(root, 'dist/expunge.cjs'), ...argv];
    tmux('respawn-pane', '-k', '-t', 'screen', ...command);
    if (typed !== undefined) {
      await until('the question', () => /to (go on|bring this back): *$/m.test(pane().trimEnd()));
      tmux('send-keys', '-t', 'screen', typed, 'Enter');
    }
    await until('the end', () => tmux('list-panes', '-t', 'screen', '-F', '#{pane_dead}').trim() === '1');
    return pane();
  } finally {
    tmux('kill-session', '-t', 'screen');
  }
}

function pane(): string {
  // From the beginning: when the command ends, tmux moves its screen up by a line to say so.
  return tmux('capture-pane', '-p', '-S', '-', '-t', 'screen');
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}:\n${pane()}`);
    await sleep(50);
  }
}

/** Without tmux's own last line, and with the folder that an operator's runs are in. */
function tidy(text: string): string {
  return `${text
    .replace(/^Pane is dead.*$/m, '')
    .replaceAll(state, '~/.local/state')
    .trimEnd()}\n`;
}

/** What stands for something of this demo cloud, as what it is. */
function resolveWord(word: string): string {
  if (!word.startsWith('@')) return word;
  if (word === '@run') return readdirSync(join(state, 'expunge/runs')).sort().at(-1) ?? '';
  const world = openWorld(join(state, 'expunge/demo'));
  const entries = listDemo(world) ?? [];
  world.close();
  const [name, which = '1'] = word.slice(1).split(' ');
  return entries.filter((entry) => entry.name === name)[Number(which) - 1]?.uuid ?? '';
}

// A server without a session ends; this one keeps it.
tmux('-f', '/dev/null', 'new-session', '-d', '-s', 'keep', 'cat');
try {
  for (const columns of [80, 200]) {
    const folder = join(out, String(columns));
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    rmSync(join(state, 'expunge/runs'), { recursive: true, force: true });
    await createDemo(join(state, 'expunge/demo'), { now: new Date('2026-11-22T03:00:00Z') });
    for (const { name, argv: words, typed } of SCREENS) {
      const argv = words.map(resolveWord);
      const text = tidy(await capture(argv, columns, typed));
      writeFileSync(join(folder, `${name}.txt`), `$ expunge ${argv.join(' ')}\n${text}`);
      console.log(`${columns} ${name}: ${text.split('\n').length} lines`);
    }
  }
} finally {
  tmux('kill-server');
  rmSync(state, { recursive: true, force: true });
}
