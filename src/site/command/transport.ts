import type { CommandAnswer, ImageStore } from '../reader.ts';
import type { Containers } from './containers.ts';

/** One way to a host. `run` rejects with LookError when the host cannot be reached or the answer was cut. */
export interface Transport {
  /** @param input what the program reads from its standard input; nothing when it is not there */
  run(argv: readonly string[], timeoutMs: number, input?: string): Promise<CommandAnswer>;
  close(): Promise<void>;
}

/** How a host is reached, all defaults filled in. */
export interface HostAccess {
  readonly name: string;
  readonly transport: 'local' | 'ssh';
  readonly address: string;
  readonly port: number | undefined;
  readonly user: string | undefined;
  readonly identityFile: string | undefined;
  readonly knownHostsFile: string | undefined;
  readonly sudo: boolean;
  readonly instancesPath: string;
  /** the same as Nova and libvirt have it; another where they are in containers */
  readonly novasInstancesPath: string;
  readonly containers: Containers | null;
  /** a proxy takes its connections: that one is refused or closed before ssh has begun says nothing of the host */
  readonly proxied?: boolean | undefined;
  readonly images: ImageStore | null;
}

/** Said of every failure of such a host: whoever reads that a connection was closed must know by whom. */
export const BEHIND_A_PROXY = 'a proxy takes its connections, also when it is off';

/** More than any command that expunge runs can have to say: a host that says without an end is not listened to without one. */
export const MOST_OUTPUT = 16 * 1024 ** 2;

/** sudo answers 1 for a program that is not there, where a shell says 127; both become 127. */
export function normaliseSudo(answer: CommandAnswer): CommandAnswer {
  return answer.exit === 1 && /^sudo: .*command not found/m.test(answer.err)
    ? { ...answer, exit: 127 }
    : answer;
}

/** A shell that finds no sudo says 127, which would be taken for the program that sudo was to run. */
export function lacksSudo({ exit, err }: CommandAnswer): boolean {
  return exit === 127 && /^(?:.*: )?sudo: (?:command )?not found$/m.test(err);
}

/** sudo's remarks on the machine, after which it runs the program all the same. */
const REMARKS = 'command not found|unable to resolve host|setrlimit';
const SUDO_SAYS = new RegExp(`^sudo: (?!.*(?:${REMARKS})).*$`, 'm');
const SUDO_DENIES =
  /^(?:Sorry, user .* is not allowed to execute|Sorry, user .* may not run sudo|\S+ is not (?:in the sudoers file|allowed to run sudo)).*$/m;

/** What sudo says when it does not run the program: that is "could not look", not an answer of the program. */
export function sudoRefusal(answer: CommandAnswer): string | null {
  if (answer.exit !== 1) return null;
  return (SUDO_DENIES.exec(answer.err) ?? SUDO_SAYS.exec(answer.err))?.[0] ?? null;
}
