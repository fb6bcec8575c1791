#!/usr/bin/env node
import * as nodeModule from 'node:module';
import { cacheFolder } from './cache-folder.ts';

/** As package.json has it. An older one does not know what the program is built with, and would end in an error of its own. */
const OLDEST = [22, 18] as const;

void start();

async function start(): Promise<void> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    process.stderr.write(
      `expunge: needs Node ${OLDEST.join('.')} or newer, and this is ${process.versions.node}\n  in a clone, npx expunge uses the Node that npm ci brought\n`,
    );
    process.exitCode = 2;
    return;
  }
  const folder = cacheFolder(process.env);
  if (folder !== null) nodeModule.enableCompileCache(folder);
  let lost = false;
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // A reader that went away (`| head`, a terminal that was closed) must not end a run in the middle of a step, and knows what it did
      // not read. A full disk does not: whoever reads the file would take it for the whole answer.
      if (error.code === 'EPIPE' || error.code === 'EIO' || lost) return;
      lost = true;
      process.exitCode = 1;
      process.stderr.write(`expunge: the output cannot be written: ${error.message}\n`);
    });
  const exitCode = await run(process.argv.slice(2));
  process.exitCode = lost && exitCode === 0 ? 1 : exitCode;
}

async function run([only, ...others]: readonly string[]): Promise<number> {
  if ((only === '--version' || only === '-V') && others.length === 0) {
    // Asked by scripts, and often: the parser of command lines is more than half of the time that it takes.
    const { default: packageJson } = await import('../../package.json', { with: { type: 'json' } });
    process.stdout.write(`${packageJson.version}\n`);
    return 0;
  }
  const { runCli } = await import('./program.ts');
  return runCli(process.argv, process);
}
