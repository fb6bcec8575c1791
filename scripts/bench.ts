/**
 * How quick expunge is where nothing but this machine counts: whole processes, start to exit, on the built program and the demo cloud.
 *
 *     npm run bench [-- ROUNDS]
 *
 * Ends with 1 when an aim is missed.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const program = join(root, 'dist/expunge.cjs');
const rounds = Number(process.argv[2] ?? 20);

interface Row {
  readonly what: string;
  readonly aim: string;
  readonly times: readonly number[];
  readonly met: boolean;
}

const state = mkdtempSync(join(tmpdir(), 'expunge-bench-'));

/** Seconds. @throws Error when the process does not end as it should */
function time(argv: readonly string[], exit = 0): number {
  const begun = performance.now();
  const [file = '', ...args] = argv;
  const ended = spawnSync(file, args, {
    cwd: root,
    env: { PATH: process.env['PATH'], HOME: state, XDG_STATE_HOME: state, NO_COLOR: '1' },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (ended.status !== exit)
    throw new Error(
      `${argv.join(' ')} ended with ${ended.status}: ${ended.stderr}${ended.stdout.slice(-2000)}`,
    );
  return (performance.now() - begun) / 1000;
}

function repeat(argv: readonly string[], times: number): readonly number[] {
  return Array.from({ length: times }, () => time(argv));
}

function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function measure(): readonly Row[] {
  const node = process.execPath;
  const demo = (...words: readonly string[]) => [node, program, '--site', 'demo', ...words];
  const firstScreen = time([node, program, 'demo', '--list', '--reset']);
  // The first of each fills caches, the compile cache among them, and does not count.
  for (const argv of [[node, '-e', '0'], [node, program, '--version'], demo('inspect', 'shop-db')])
    time(argv);
  const empty = repeat([node, '-e', '0'], rounds);
  const version = repeat([node, program, '--version'], rounds);
  const inspect = repeat(demo('inspect', 'shop-db'), rounds);
  const walk = time([node, program, 'demo', '--reset', '--no-input']);
  const test = time(['npm', 'test']);
  return [
    { what: 'an empty node', aim: '', times: empty, met: true },
    {
      what: 'expunge --version',
      aim: '1.5 × an empty node',
      times: version,
      met: median(version) <= 1.5 * median(empty),
    },
    { what: 'expunge --site demo inspect', aim: '0.300 s', times: inspect, met: median(inspect) < 0.3 },
    { what: 'expunge demo, to the list, new cloud', aim: '2 s', times: [firstScreen], met: firstScreen < 2 },
    { what: 'expunge demo --reset --no-input', aim: '', times: [walk], met: true },
    { what: 'npm test', aim: '60 s', times: [test], met: test < 60 },
  ];
}

function print(rows: readonly Row[]): void {
  const line = (cells: readonly string[]) => console.log(`| ${cells.join(' | ')} |`);
  console.log(
    `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}; seconds\n`,
  );
  line(['what', 'times', 'min', 'median', 'max', 'aim', 'met']);
  line(['---', '---', '---', '---', '---', '---', '---']);
  for (const { what, aim, times, met } of rows)
    line([
      what,
      String(times.length),
      Math.min(...times).toFixed(3),
      median(times).toFixed(3),
      Math.max(...times).toFixed(3),
      aim,
      aim === '' ? '' : met ? 'yes' : 'NO',
    ]);
}

try {
  const rows = measure();
  print(rows);
  process.exitCode = rows.every(({ met }) => met) ? 0 : 1;
} finally {
  rmSync(state, { recursive: true, force: true });
}
