/**
 * Builds the program out of src/, in CommonJS: it starts sooner. An ES module that imports node:fs loads all of Node's streams with it,
 * and many small modules are slower than a big one.
 *
 * - `expunge.cjs`, the entry, small: old versions of Node must be able to read it;
 * - `program.cjs`, everything else;
 * - beside it what only some commands need, and big: clients of databases and message buses, what was recorded for the embedded cloud.
 */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';

const SOURCE = join(import.meta.dirname, '../src/cli');

/** Packages that the program loads when it needs them, and their files. */
const CLIENTS: Readonly<Record<string, string>> = { 'mysql2/promise': 'mysql2', amqplib: 'amqplib' };

const COMMON: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  // What is imported later is required later.
  supported: { 'dynamic-import': false },
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
};

/** @returns the path of the program, in `folder` */
export async function bundle(folder: string): Promise<string> {
  const recordings = new Set<string>();
  await Promise.all([
    build({
      ...COMMON,
      entryPoints: { expunge: join(SOURCE, 'main.ts') },
      plugins: [apartFromProgram],
      outdir: folder,
    }),
    build({
      ...COMMON,
      entryPoints: { program: join(SOURCE, 'program.ts') },
      plugins: [loadLater(recordings), withoutChildProcess],
      outdir: folder,
    }),
    build({
      ...COMMON,
      entryPoints: Object.fromEntries(Object.entries(CLIENTS).map(([name, file]) => [file, name])),
      outdir: join(folder, 'clients'),
    }),
  ]);
  await mkdir(join(folder, 'recorded'), { recursive: true });
  for (const path of recordings)
    await writeFile(
      join(folder, 'recorded', basename(path)),
      JSON.stringify(JSON.parse(await readFile(path, 'utf8'))),
    );
  const program = join(folder, 'expunge.cjs');
  await chmod(program, 0o755);
  return program;
}

/** The entry loads the program by its name. */
const apartFromProgram: Plugin = {
  name: 'apart-from-program',
  setup(building) {
    building.onResolve({ filter: /^\.\/program\.ts$/ }, () => ({ path: './program.cjs', external: true }));
  },
};

/** Leaves the clients and the recordings to be loaded while the program runs. */
function loadLater(recordings: Set<string>): Plugin {
  return {
    name: 'load-later',
    setup(building) {
      building.onResolve({ filter: /./ }, ({ path, kind, resolveDir }) => {
        if (kind !== 'dynamic-import') return null;
        const client = CLIENTS[path];
        if (client !== undefined) return { path: `./clients/${client}.cjs`, external: true };
        if (!path.endsWith('.json')) return null;
        recordings.add(join(resolveDir, path));
        return { path: `./recorded/${basename(path)}`, external: true };
      });
    },
  };
}

/** commander can start programs as subcommands. expunge has none, and what it would need for that is slow to load. */
const withoutChildProcess: Plugin = {
  name: 'without-child-process',
  setup(building) {
    building.onResolve({ filter: /^node:child_process$/ }, ({ path, importer }) =>
      importer.includes('/node_modules/commander/') ? { path, namespace: 'left-out' } : null,
    );
    building.onLoad({ filter: /./, namespace: 'left-out' }, () => ({ contents: 'module.exports = {};' }));
  },
};
