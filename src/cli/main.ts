#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

enableCompileCache();
// A reader that went away (`| head`, a terminal that was closed) must not end a run in the middle of a step.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
const { runCli } = await import('./program.ts');
process.exitCode = await runCli(process.argv, process);
