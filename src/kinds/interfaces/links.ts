/** The network devices of a host, as `ip -o link show` tells them. */
import { LookError } from '../../plan/errors.ts';
import { lineNotUnderstood, linesOf, whyFailed } from '../../site/command/lines.ts';
import type { Reader } from '../../site/reader.ts';

export interface Link {
  readonly name: string;
  /** the bridge that it is a member of */
  readonly master: string | null;
  /** virtual functions of a network card, with the address that each is set to */
  readonly functions: readonly { readonly index: number; readonly mac: string }[];
}

/** One line per device; the text form, because the iproute2 of old hosts has no JSON. */
export function parseLinks(host: string, out: string): ReadonlyMap<string, Link> {
  const links = linesOf(out).map((line): Link => {
    // `8: qvoX@qvbX: <FLAGS> mtu 1500 … master qbrX …\    link/ether …`; the peer may be `NONE` or `if5`.
    const found = /^\d+: ([^:@\s]+)(?:@[^:\s]+)?: <[^>]*>([^\\]*)/.exec(line);
    if (found?.[1] === undefined) throw lineNotUnderstood(host, 'the list of network devices', line);
    return {
      name: found[1],
      master: /\smaster (\S+)/.exec(found[2] ?? '')?.[1] ?? null,
      functions: functionsIn(line),
    };
  });
  return new Map(links.map((link) => [link.name, link]));
}

/** `\    vf 3     link/ether fa:16:3e:… brd …, vlan 7, …`; `vf 3 MAC fa:16:3e:…, vlan 7` before iproute2 5.0. */
function functionsIn(line: string): Link['functions'] {
  const found = line.matchAll(/\\\s*vf (\d+)\s+(?:link\/ether|MAC) ([0-9a-f:]{17})/g);
  return [...found].map(([, index, mac]) => ({ index: Number(index), mac: mac ?? '' }));
}

/** @throws LookError when the host does not tell */
export async function readLinks(look: Reader, host: string): Promise<ReadonlyMap<string, Link>> {
  const answer = await look.command.run(host, ['ip', '-o', 'link', 'show']);
  if (answer.exit !== 0)
    throw new LookError(`host ${host}`, `its network devices cannot be listed: ${whyFailed('ip', answer)}`, {
      code: 'links-unreadable',
    });
  return parseLinks(host, answer.out);
}
