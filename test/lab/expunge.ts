/** expunge as its users run it: the built program, as a process of its own. No command may show a secret, neither in what it says nor in `ps`. */
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openLab } from '../../lab/paths.ts';
import { type Cut, cutting } from '../chaos/cut/cut.ts';
import { findSecrets } from '../support/secrets.ts';
import { watchProcesses } from '../support/watch-processes.ts';

interface Options {
  readonly site?: string;
  readonly input?: string;
  /** where it keeps its state, where that is not to be with the other runs of this file */
  readonly state?: string;
  /** where it is killed with SIGKILL */
  readonly cut?: Cut;
}

export interface Ended {
  /** 255: it was killed */
  readonly exit: number;
  readonly out: string;
  readonly err: string;
  readonly seconds: number;
  /** command lines of it and of what it started, as `ps` showed them */
  readonly commands: readonly string[];
}

const PROGRAM = resolve(import.meta.dirname, '../../dist/expunge.cjs');

/** State of its own, so that runs of a test never mix with an operator's. */
const stateFolder = mkdtempSync(join(tmpdir(), 'expunge-test-'));

/** Site files that the lab writes (`lab/site-file.ts`). */
export type SiteName =
  | 'expunge'
  | 'expunge-ssh'
  | 'expunge-containers'
  | 'expunge-ro'
  | 'expunge-ceph'
  | 'expunge-node'
  | 'expunge-no-token';

export function siteFile(name: SiteName = 'expunge'): string {
  return join(openLab().dir, `${name}.yaml`);
}

/** How a token of Keystone's begins, which is a secret while it lives. */
const TOKEN = /gAAAAA[\w-]{20}/;

/** @throws Error when one of the lab's passwords or a token is in the text */
function assertNoSecret(where: string, text: string): void {
  const found = findSecrets(text, Object.values(openLab().secrets));
  const token = TOKEN.exec(text);
  if (token !== null || found.length > 0)
    throw new Error(`a secret is in ${where}: ${token?.[0] ?? found.join(', ')}`);
}

/** Runs expunge against the lab; `site` defaults to the local transport. @throws Error when a secret was to be seen */
export function expunge(
  args: readonly string[],
  { site = siteFile(), input = '', state = stateFolder, cut }: Options = {},
): Promise<Ended> {
  const started = performance.now();
  return new Promise((done, fail) => {
    const knife = cut === undefined ? { options: [], env: {} } : cutting(cut, join(stateFolder, 'seen'));
    const child = spawn(process.execPath, [...knife.options, PROGRAM, ...args, '--site', site], {
      env: { PATH: process.env['PATH'], HOME: state, XDG_STATE_HOME: state, ...knife.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const watch = watchProcesses(child.pid ?? 0);
    const chunks: { readonly out: Buffer[]; readonly err: Buffer[] } = { out: [], err: [] };
    child.stdout.on('data', (chunk: Buffer) => chunks.out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.err.push(chunk));
    child.on('error', (error) => {
      watch.stop();
      fail(error);
    });
    child.on('close', (code) => {
      const { commands, environments } = watch.stop();
      const out = Buffer.concat(chunks.out).toString();
      const err = Buffer.concat(chunks.err).toString();
      try {
        assertNoSecret('what it says', `${out}\n${err}`);
        assertNoSecret('ps', [...commands, ...environments].join('\n'));
      } catch (error) {
        fail(error as Error);
        return;
      }
      const seconds = (performance.now() - started) / 1000;
      done({ exit: code ?? 255, out, err, seconds, commands });
    });
    child.stdin.end(input);
  });
}
