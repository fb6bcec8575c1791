/** expunge as its users run it: the built program, as a process of its own. */
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openLab } from '../../lab/paths.ts';

export interface Ended {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
  readonly seconds: number;
}

const PROGRAM = resolve(import.meta.dirname, '../../dist/expunge.js');

/** State of its own, so that runs of a test never mix with an operator's. */
const stateFolder = mkdtempSync(join(tmpdir(), 'expunge-test-'));

/** Site files that the lab writes (`lab/site-file.ts`). */
export type SiteName =
  | 'expunge'
  | 'expunge-ssh'
  | 'expunge-ro'
  | 'expunge-ceph'
  | 'expunge-node'
  | 'expunge-no-token';

export function siteFile(name: SiteName = 'expunge'): string {
  return join(openLab().dir, `${name}.yaml`);
}

/** Runs expunge against the lab; `site` defaults to the local transport. */
export function expunge(
  args: readonly string[],
  options: { site?: string; input?: string } = {},
): Promise<Ended> {
  const started = performance.now();
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [PROGRAM, ...args, '--site', options.site ?? siteFile()], {
      env: { PATH: process.env['PATH'], HOME: stateFolder, XDG_STATE_HOME: stateFolder },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', fail);
    child.on('close', (code) =>
      done({
        exit: code ?? 255,
        out: Buffer.concat(out).toString(),
        err: Buffer.concat(err).toString(),
        seconds: (performance.now() - started) / 1000,
      }),
    );
    child.stdin.end(options.input ?? '');
  });
}
