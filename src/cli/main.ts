#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

enableCompileCache();
// A reader that went away (`| head`, a terminal that was closed) must not end a run in the middle of a step.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
const [only, ...others] = process.argv.slice(2);
if ((only === '--version' || only === '-V') && others.length === 0) {
  // Asked by scripts, and often: the parser of command lines is more than half of the time that it takes.
  const { default: packageJson } = await import('../../package.json', { with: { type: 'json' } });
  process.stdout.write(`${packageJson.version}\n`);
} else {
  const { runCli } = await import('./program.ts');
  process.exitCode = await runCli(process.argv, process);
}
