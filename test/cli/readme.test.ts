/** What READMEs, docs/getting-started.md and docs/screens show is what the program says today. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { createDemo } from '../../src/simulator/demo/create.ts';
import { type FakeProcessOptions, fakeProcess } from '../support/fake-process.ts';
import { NOW } from '../support/simulated-cloud.ts';
import { tempFolder } from '../support/temp.ts';
import { copyOf } from '../support/world-template.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Runs are named by this machine's clock and by their process. */
function anyRun(text: string): string {
  return text.replaceAll(/\d{8}T\d{6}Z-(.{36})-\d+/g, 'RUN-$1');
}

function screen(columns: number, name: string): { readonly asked: string; readonly shown: string } {
  const text = readFileSync(join(ROOT, `docs/screens/${columns}/${name}.txt`), 'utf8');
  const [asked = '', ...lines] = text.split('\n');
  return { asked: asked.replace('$ expunge ', ''), shown: lines.join('\n') };
}

/** What the program says to a command on a new demo cloud. */
async function sayOf(asked: string, options: FakeProcessOptions): Promise<string> {
  const state = tempFolder();
  await copyOf('demo', join(state, 'expunge/demo'), (template) => createDemo(template, { now: NOW }));
  const env = { XDG_STATE_HOME: state, NO_COLOR: '1', LC_ALL: 'C.UTF-8' };
  const process = fakeProcess({ ...options, env });
  await runCli(['node', 'expunge', ...asked.split(' ')], process);
  return `${process.out()}${process.err()}`;
}

/** A terminal breaks what is longer than itself, in the middle of a word. */
function unbroken(text: string): string {
  return text.replaceAll(/\s+/g, '');
}

describe('docs/screens', () => {
  // Of the others each changes what the next one finds.
  const READING = [
    'demo-list',
    'doctor',
    'inspect',
    'plan',
    'plan-commands',
    'refused',
    'refused-healthy',
    'unreachable',
    'not-unique',
    'verify',
  ];
  test.each([80, 200].flatMap((columns) => READING.map((name) => [columns, name] as const)))(
    '%i/%s is what the program shows',
    async (columns, name) => {
      const { asked, shown } = screen(columns, name);
      expect(unbroken(await sayOf(asked, { terminal: true, columns }))).toBe(unbroken(shown));
    },
  );
});

interface Sample {
  readonly asked: string;
  /** line by line; one that begins with an ellipsis stands for some that are left out */
  readonly lines: readonly string[];
}

/** The commands on the demo cloud that a README shows with what they print. */
function samplesOf(file: string): Sample[] {
  const blocks = readFileSync(join(ROOT, file), 'utf8').match(/(?:^(?: {4}.*)?\n)+/gm) ?? [];
  return blocks.flatMap((block) => {
    const [asked = '', ...lines] = anyRun(block.replaceAll(/^ {4}/gm, '').trim()).split('\n');
    return asked.startsWith('$ expunge --site demo ')
      ? [{ asked: asked.slice('$ expunge '.length), lines }]
      : [];
  });
}

/** Where lines break depends on how long the number of a process is. */
function plain(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

/** All that stands between what is left out, in order. */
function expectParts(shown: string, lines: readonly string[]): void {
  let left = plain(shown);
  for (const part of lines.join('\n').split(/^\s*…+.*$/m)) {
    const at = left.indexOf(plain(part));
    expect(at, `it goes on with: ${part}`).toBeGreaterThan(-1);
    left = left.slice(at + plain(part).length);
  }
}

const SCREENS = readdirSync(join(ROOT, 'docs/screens/80')).map((file) =>
  screen(80, file.replace('.txt', '')),
);

describe.each(['README.md', 'README.zh-CN.md'])('%s', (file) => {
  const samples = samplesOf(file);
  test('shows the screens of the walk', () => {
    expect(samples.map(({ asked }) => asked.split(' ')[2])).toEqual(
      expect.arrayContaining(['inspect', 'plan', 'purge', 'verify', 'undo', 'doctor']),
    );
  });
  test.each(samples)('$asked', ({ asked, lines }) => {
    const shown = SCREENS.find((one) => anyRun(one.asked) === asked)?.shown;
    expect(shown, 'a screen of that command').toBeDefined();
    expectParts(anyRun(shown ?? ''), lines);
  });
});

test('both READMEs show the same', () => {
  const shown = (file: string) =>
    samplesOf(file).map(({ asked, lines }) => [asked, ...lines.filter((line) => !line.includes('…'))]);
  expect(shown('README.zh-CN.md')).toEqual(shown('README.md'));
});

test.each(samplesOf('docs/getting-started.md'))(
  'docs/getting-started.md: $asked',
  async ({ asked, lines }) => {
    expectParts(await sayOf(asked, {}), lines);
  },
);
