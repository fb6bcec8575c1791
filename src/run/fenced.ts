/** Hosts that the operator says are powered off: they are not looked at, and asked only whether they really are silent. */
import { reason } from '../kinds/kind.ts';
import { LookError } from '../plan/errors.ts';
import type { Plan } from '../plan/types.ts';
import { BEHIND_A_PROXY } from '../site/command/transport.ts';
import type { Reader } from '../site/reader.ts';

/** The same doors, but for these hosts: whoever asks one of them has not looked. */
export function withoutHosts(look: Reader, off: readonly string[]): Reader {
  if (off.length === 0) return look;
  return {
    ...look,
    command: {
      async run(host, argv) {
        if (!off.includes(host)) return look.command.run(host, argv);
        throw new LookError(`host ${host}`, 'powered off, by --fenced', { code: 'host-fenced' });
      },
    },
    fresh: () => withoutHosts(look.fresh(), off),
  };
}

/**
 * What a host that should be off answers; null: nothing comes from it, or the site file does not say how to reach it.
 *
 * Only silence is no answer. Whoever refuses a login, a connection or a key is there, and its servers may run.
 */
export async function askFenced(look: Reader, host: string): Promise<string | null> {
  try {
    await look.command.run(host, ['true']);
    return 'it runs commands';
  } catch (error) {
    if (!(error instanceof LookError)) throw error;
    return isSilence(error, look.host(host)?.proxied ?? false) ? null : reason(error);
  }
}

function isSilence({ code, message }: LookError, proxied: boolean): boolean {
  if (code === 'host-unknown') return true;
  return code === 'host-unreachable' && tellOfSilence(message, proxied);
}

/** Whether nothing came from the host itself; what a proxy in front of it says does not count. */
function tellOfSilence(words: string, proxied: boolean): boolean {
  return soundsOff(words) || (proxied && endedBeforeSsh(words));
}

/**
 * Whether these words of ssh tell of a host from which nothing comes: the kernel's reason why it could not connect (openssh 9.2
 * `sshconnect.c:ssh_connect_direct`), or a jump host's (`channels.c`, `open failed: connect failed`). Of a host that took the connection and
 * then hangs it says `Connection to … timed out`.
 */
function soundsOff(words: string): boolean {
  return /(?:connect to host .*|failed): (?:No route to host|(?:Connection|Operation) timed out|Host is down|Network is unreachable)|Could not resolve hostname/i.test(
    words,
  );
}

/** What becomes of a connection that a proxy took and could not pass on. */
function endedBeforeSsh(words: string): boolean {
  return /Connection refused|Connection (?:closed|reset) by|kex_exchange_identification|port \d+ timed out/i.test(
    words,
  );
}

/** Hosts of the server from which nothing came, so that a plan does not know what is on them. They may be powered off. */
export function silentHosts({ unknown, server }: Plan): readonly string[] {
  return server.hosts.filter((host) =>
    unknown.some(
      ({ place, why }) => place === `host ${host}` && tellOfSilence(why, why.includes(BEHIND_A_PROXY)),
    ),
  );
}
