/**
 * Commands on a host through the system's OpenSSH: the operator's own keys, agent, jump hosts and known_hosts count.
 *
 * One connection per host and run: a `sh` at the far end reads commands from its input, one at a time, and frames what each
 * says with a mark that only this run knows. A batch of commands costs one round trip.
 */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { LookError, messageOf } from '../../plan/errors.ts';
import { childProcess } from '../builtins.ts';
import type { CommandAnswer } from '../reader.ts';
import { killGroup } from './kill-group.ts';
import { quoteCommand } from './quote.ts';
import { BEHIND_A_PROXY, type HostAccess, MOST_OUTPUT, type Transport } from './transport.ts';
import { openTurns } from './turns.ts';

const CONNECT_TIMEOUT_S = 10;
/** from the start of ssh to the first command: connecting, keys, login scripts */
const OPENING_MS = 40_000;
/**
 * An sshd drops some of the connections beyond ten that have not logged in yet (`MaxStartups 10:30:100`, openssh 9.2
 * `servconf.c:fill_default_server_options`), and behind a jump host all hosts of a cloud come to one.
 */
const OPENING_AT_ONCE = 8;
/** A host that lost its power keeps the connection that a `ControlPersist` of ssh_config shares alive, until the kernel gives it up. */
const FROM_BEFORE =
  'where ssh_config shares connections (ControlPath), one from before may be dead: ssh -O exit <host>';
/** a mark with its exit code is shorter */
const END_OF_STREAM = 64;

interface Waiting {
  readonly program: string;
  readonly timeoutMs: number;
  readonly resolve: (answer: CommandAnswer) => void;
  readonly reject: (error: LookError) => void;
}

/** What ssh is started with. `BatchMode` so that it never waits for a person, host keys checked as ssh_config says. */
export function sshArgv(host: HostAccess): string[] {
  return [
    'ssh',
    '-T',
    '-o',
    'BatchMode=yes',
    '-o',
    `ConnectTimeout=${CONNECT_TIMEOUT_S}`,
    '-o',
    'ServerAliveInterval=5',
    '-o',
    'ServerAliveCountMax=3',
    ...(host.port === undefined ? [] : ['-p', String(host.port)]),
    ...(host.user === undefined ? [] : ['-l', host.user]),
    ...(host.identityFile === undefined ? [] : ['-i', host.identityFile, '-o', 'IdentitiesOnly=yes']),
    ...(host.knownHostsFile === undefined ? [] : ['-o', `UserKnownHostsFile=${host.knownHostsFile}`]),
    '--',
    host.address,
    'exec sh',
  ];
}

const openings = openTurns(OPENING_AT_ONCE);

export function openSsh(host: HostAccess, openingMs = OPENING_MS): Transport {
  let session: Promise<SshSession> | null = null;
  let current: SshSession | null = null;
  let closed = false;
  const open = async (): Promise<SshSession> => {
    const endTurn = await openings.take();
    if (closed) {
      endTurn();
      throw new LookError(`host ${host.name}`, 'it was not asked any more', { code: 'host-unreachable' });
    }
    try {
      current = new SshSession(host, openingMs, endTurn);
    } catch (error) {
      // This machine has no process or file to give; a moment later it may.
      endTurn();
      session = null;
      const why = messageOf(error);
      throw new LookError(`host ${host.name}`, `ssh cannot be started: ${why}`, { code: 'host-unreachable' });
    }
    return current;
  };
  return {
    async run(argv, timeoutMs, input) {
      if (session === null || current?.ended) {
        current = null;
        session = open();
      }
      return (await session).run(host.sudo ? ['sudo', '-n', '--', ...argv] : argv, timeoutMs, input);
    },
    async close() {
      closed = true;
      current?.end();
    },
  };
}

class SshSession {
  ended = false;
  #opened = false;
  readonly #host: HostAccess;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #mark = `expunge-${randomBytes(12).toString('hex')}`;
  readonly #waiting: Waiting[] = [];
  /** of the command that runs now; those behind it have all their time before them */
  #timer: NodeJS.Timeout | undefined;
  #out = '';
  #err = '';
  readonly #outEnd = { text: '' };
  readonly #errEnd = { text: '' };

  /** @param opened is called once: the first command has run, or none will */
  constructor(host: HostAccess, openingMs: number, opened: () => void) {
    this.#host = host;
    const [program = 'ssh', ...args] = sshArgv(host);
    this.#child = childProcess().spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group of its own: Ctrl-C asks expunge to stop, and does not cut the act that is under way.
      detached: true,
    });
    this.#child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      this.#out += chunk;
      this.#hear(this.#outEnd, chunk);
    });
    this.#child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.#err += chunk;
      this.#hear(this.#errEnd, chunk);
    });
    this.#child.stdin.on('error', () => {});
    this.#child.on('error', (error: NodeJS.ErrnoException) =>
      this.#fail(error.code === 'ENOENT' ? 'there is no ssh on this machine' : error.message),
    );
    this.#child.on('close', (code, signal) =>
      this.#fail(
        `ssh ended with ${code ?? signal}: ${tellingLine(this.#err) || this.#greeting() || 'no message'}`,
      ),
    );
    this.#child.stdin.write('LC_ALL=C; export LC_ALL; PATH=$PATH:/usr/sbin:/sbin; export PATH\n');
    // What a banner or a login script says before the first command is the answer to this one, which nobody reads.
    this.run(['true'], openingMs)
      .then(() => {
        this.#opened = true;
      })
      .catch(() => {})
      .finally(opened);
  }

  /** Before the first command a host may say on standard output why it has none (`This account is currently not available.`). */
  #greeting(): string {
    return this.#opened ? '' : tellingLine(this.#out);
  }

  /** What ssh has started, a proxy or a jump host's ssh, must not hold the pipes open: nobody waits for it. */
  #cut(why: string, hint?: string): void {
    this.#fail(why, hint);
    killGroup(this.#child);
    for (const stream of this.#child.stdio) stream?.destroy();
    this.#child.unref();
  }

  run(argv: readonly string[], timeoutMs: number, input?: string): Promise<CommandAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ program: argv[0] ?? '', timeoutMs, resolve, reject });
      if (this.#waiting.length === 1) this.#watch();
      this.#child.stdin.write(
        `${quoteCommand(argv, input)}; printf '\\n%s %d\\n' ${this.#mark} $?; printf '\\n%s\\n' ${this.#mark} >&2\n`,
      );
    });
  }

  /** Starts the clock of the command at the head. */
  #watch(): void {
    clearTimeout(this.#timer);
    const [head] = this.#waiting;
    if (head === undefined) return;
    this.#timer = setTimeout(() => {
      const seconds = head.timeoutMs / 1000;
      if (this.#opened) this.#cut(`${head.program} gave no answer in ${seconds} s`);
      else this.#cut(`ssh began, and no command ran in ${seconds} s`, FROM_BEFORE);
    }, head.timeoutMs);
  }

  /** With nothing under way nobody waits for the host to end its side: one that froze would hold the program up. */
  end(): void {
    if (this.ended) return;
    this.#child.stdin.end();
    if (this.#waiting.length > 0) return;
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream.destroy();
    this.#child.unref();
  }

  /** Looks only into what is new: all that came so far, looked through for each piece, keeps a host that talks much busy for minutes. */
  #hear(end: { text: string }, chunk: string): void {
    const fresh = end.text + chunk;
    end.text = fresh.slice(-END_OF_STREAM);
    if (fresh.includes(this.#mark)) this.#deliver();
    if (this.#out.length + this.#err.length <= MOST_OUTPUT) return;
    const program = this.#waiting[0]?.program ?? 'ssh';
    [this.#out, this.#err] = ['', ''];
    this.#cut(`${program} said more than ${MOST_OUTPUT / 1024 ** 2} MiB`);
  }

  /** Hands out every answer whose mark has come on both streams. */
  #deliver(): void {
    for (;;) {
      const out = new RegExp(`\\n${this.#mark} (\\d+)\\n`).exec(this.#out);
      const endOfErr = this.#err.indexOf(`\n${this.#mark}\n`);
      if (out === null || endOfErr < 0) return;
      const answer = {
        exit: Number(out[1]),
        out: this.#out.slice(0, out.index),
        err: this.#err.slice(0, endOfErr),
      };
      this.#out = this.#out.slice(out.index + out[0].length);
      this.#err = this.#err.slice(endOfErr + this.#mark.length + 2);
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#watch();
      next.resolve(answer);
    }
  }

  #fail(why: string, hint?: string): void {
    this.ended = true;
    clearTimeout(this.#timer);
    for (const { reject } of this.#waiting.splice(0))
      reject(
        new LookError(`host ${this.#host.name}`, why, {
          code: 'host-unreachable',
          hint: this.#host.proxied === true ? BEHIND_A_PROXY : hint,
        }),
      );
  }
}

/** Behind a jump host the last line says only that the connection ended; a line above it says why. */
function tellingLine(text: string): string {
  const lines = text
    .trim()
    .split('\n')
    .map((line) => line.trim());
  const cause =
    /: (?:No route to host|Connection refused|\w+ timed out|Network is unreachable|Host is down)$/;
  return lines.findLast((line) => cause.test(line)) ?? lines.at(-1) ?? '';
}
