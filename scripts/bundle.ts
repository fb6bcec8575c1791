/** Bundles src/: one small entry and chunks that a command loads only when it needs them. */
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/** @returns the path of the program, in `folder` */
export async function bundle(folder: string): Promise<string> {
  await build({
    entryPoints: { expunge: join(import.meta.dirname, '../src/cli/main.ts') },
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    chunkNames: 'chunks/[name]-[hash]',
    // mysql2 and commander are CommonJS; an ES module has no require of its own.
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
    },
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  const program = join(folder, 'expunge.js');
  await chmod(program, 0o755);
  return program;
}
