/** `ip` of iproute2 6.1: the list of devices, one line each, and the deletion of one. */
import type { CommandAnswer } from '../../site/reader.ts';
import type { World } from '../world.ts';
import { fails, sameWords, says, untaught } from './answer.ts';
import { deleteLink, findLink, type LinkRow, linksOf } from './links.ts';

/** @throws LookError for words that are not modelled */
export function runIp(world: World, host: string, args: readonly string[]): CommandAnswer {
  if (sameWords(args, '-o', 'link', 'show')) return says(linksOf(world, host).map(line).join(''));
  const [object, verb, dev, name] = args;
  if (object !== 'link' || verb !== 'delete' || dev !== 'dev' || name === undefined || args.length !== 4)
    throw untaught(host, ['ip', ...args]);
  const link = findLink(world, host, name);
  if (link === null) return fails(1, `Cannot find device "${name}"`);
  // Hardware, lo, and Open vSwitch's own devices have no `dellink` (Linux 6.1 `net/core/rtnetlink.c:rtnl_delete_link`).
  if (link.kind === null || link.kind === 'openvswitch')
    return fails(2, 'RTNETLINK answers: Operation not supported');
  deleteLink(world, host, name);
  return says('');
}

function line(link: LinkRow): string {
  const flags = link.flags.split(',');
  const shown = link.kind === 'veth' && link.peer !== null ? `${link.name}@${link.peer}` : link.name;
  return [
    `${link.ifindex}: ${shown}: <${link.flags}> mtu ${link.mtu} qdisc ${queueing(link, flags)}`,
    ...(link.master === null ? [] : [`master ${link.master}`]),
    `state ${operationalState(link, flags)} mode DEFAULT group default qlen ${queueLength(link)}\\    ${address(link, flags)}\n`,
  ].join(' ');
}

/** Until it is brought up a device has no queue; devices without hardware behind them never get one of their own. */
function queueing(link: LinkRow, flags: readonly string[]): string {
  if (!flags.includes('UP')) return 'noop';
  return link.kind === null && !flags.includes('LOOPBACK') ? 'pfifo_fast' : 'noqueue';
}

/** Linux 6.1 `drivers/net/ifb.c:TX_Q_LIMIT`; all others have DEFAULT_TX_QUEUE_LEN. */
function queueLength({ kind }: LinkRow): number {
  return kind === 'ifb' ? 32 : 1000;
}

function operationalState(link: LinkRow, flags: readonly string[]): string {
  if (!flags.includes('UP')) return 'DOWN';
  if (flags.includes('M-DOWN')) return 'LOWERLAYERDOWN';
  if (!flags.includes('LOWER_UP')) return 'DOWN';
  // What never tells the kernel of a carrier is neither up nor down to it.
  return flags.includes('LOOPBACK') || link.kind === 'tun' || link.kind === 'openvswitch' ? 'UNKNOWN' : 'UP';
}

function address({ mac }: LinkRow, flags: readonly string[]): string {
  if (flags.includes('LOOPBACK')) return 'link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00';
  return mac === null ? 'link/none' : `link/ether ${mac} brd ff:ff:ff:ff:ff:ff`;
}
