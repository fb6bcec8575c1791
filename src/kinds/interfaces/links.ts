/** The network devices of a host, as `ip -o link show` tells them. */
import { LookError } from '../../plan/errors.ts';
import type { Reader } from '../../site/reader.ts';

export interface Link {
  readonly name: string;
  /** the bridge that it is a member of */
  readonly master: string | null;
}

/** One line per device; the text form, because the iproute2 of old hosts has no JSON. */
export function parseLinks(host: string, out: string): ReadonlyMap<string, Link> {
  const links = out
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line): Link => {
      // `8: qvoX@qvbX: <FLAGS> mtu 1500 … master qbrX …\    link/ether …`; the peer may be `NONE` or `if5`.
      const found = /^\d+: ([^:@\s]+)(?:@[^:\s]+)?: <[^>]*>([^\\]*)/.exec(line);
      if (found?.[1] === undefined)
        throw new LookError(`host ${host}`, `the list of network devices is not understood: ${line}`, {
          code: 'answer-not-understood',
        });
      return { name: found[1], master: /\smaster (\S+)/.exec(found[2] ?? '')?.[1] ?? null };
    });
  return new Map(links.map((link) => [link.name, link]));
}

/** @throws LookError when the host does not tell */
export async function readLinks(look: Reader, host: string): Promise<ReadonlyMap<string, Link>> {
  const { exit, out, err } = await look.command.run(host, ['ip', '-o', 'link', 'show']);
  if (exit !== 0)
    throw new LookError(`host ${host}`, `its network devices cannot be listed: ${err.trim() || exit}`, {
      code: 'links-unreadable',
    });
  return parseLinks(host, out);
}
