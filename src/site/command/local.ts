/** Commands on this very machine: the controller is also the compute host. */
import { LookError } from '../../plan/errors.ts';
import { childProcess } from '../builtins.ts';
import type { CommandAnswer } from '../reader.ts';
import { killGroup } from './kill-group.ts';
import { type HostAccess, MOST_OUTPUT, type Transport } from './transport.ts';

export function openLocal(host: HostAccess): Transport {
  return {
    run: (argv, timeoutMs, input) =>
      runLocal(host, host.sudo ? ['sudo', '-n', '--', ...argv] : argv, timeoutMs, input),
    async close() {},
  };
}

function runLocal(
  host: HostAccess,
  argv: readonly string[],
  timeoutMs: number,
  input?: string,
): Promise<CommandAnswer> {
  const [program = 'false', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = childProcess().spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
      // A group of its own: Ctrl-C asks expunge to stop, and does not cut the act that is under way.
      detached: true,
    });
    // One that ends before it has read all has said what it had to say by its exit code.
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    const giveUp = (why: string, code: string) => {
      clearTimeout(timer);
      killGroup(child);
      // A child of the child, or one that sudo made root's, may hold the pipes open: nobody waits for it.
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      reject(new LookError(`host ${host.name}`, `${program} ${why}`, { code }));
    };
    const timer = setTimeout(
      () => giveUp(`gave no answer in ${timeoutMs / 1000} s`, 'command-timeout'),
      timeoutMs,
    );
    let size = 0;
    const listen = (to: Buffer[]) => (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MOST_OUTPUT) to.push(chunk);
      // What it did is as little known as after a silence.
      else giveUp(`said more than ${MOST_OUTPUT / 1024 ** 2} MiB`, 'command-timeout');
    };
    child.stdout.on('data', listen(out));
    child.stderr.on('data', listen(err));
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      if (error.code === 'ENOENT') resolve({ exit: 127, out: '', err: `${program}: command not found` });
      else reject(new LookError(`host ${host.name}`, error.message, { code: 'command-not-started' }));
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({
        exit: code ?? 255,
        out: Buffer.concat(out).toString('utf8'),
        err: Buffer.concat(err).toString('utf8'),
      });
    });
  });
}
