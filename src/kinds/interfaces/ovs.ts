/** What Open vSwitch's database has on a host. It outlives reboots: a record stays when its device is long gone. */

import { LookError } from '../../plan/errors.ts';
import * as z from '../../plan/zod.ts';
import { whyFailed } from '../../site/command/lines.ts';
import { parseAnswer } from '../../site/parse.ts';
import type { Reader } from '../../site/reader.ts';
import { isUuid } from '../domain/host.ts';

/** One Interface record and the bridge that its port is in. */
export interface OvsRecord {
  readonly name: string;
  readonly bridge: string;
  /** the Neutron port, `external_ids:iface-id` */
  readonly ifaceId: string | null;
  /**
   * The server, once: `external_ids:vm-uuid` where Nova or os-vif plugged it, `vm-id` where libvirt did (`SERVER_MARKS`). Two are there when one of
   * them is left from another server, which had the port before.
   */
  readonly servers: readonly string[];
}

/**
 * Keys of `external_ids` that name the server. What is plugged natively libvirt plugs up to Wallaby, and for as long as such a
 * definition lives (libvirt 9.0 `util/virnetdevopenvswitch.c:virNetDevOpenvswitchAddPort`); nova 24 `network/neutron.py:
 * _build_vif_model` (`delegate_create`) has os-vif do it.
 */
export const SERVER_MARKS = ['vm-uuid', 'vm-id'] as const;

/** A record of QoS that bears an id, as those do that os-vif makes. */
export interface OvsQos {
  readonly uuid: string;
  /** `external_ids:id` */
  readonly id: string;
}

export interface OvsTables {
  readonly records: readonly OvsRecord[];
  readonly qos: readonly OvsQos[];
}

/** Four tables in one call: `ovs-vsctl` answers one line of JSON for each. */
export const OVS_LISTING: readonly string[] = [
  'ovs-vsctl',
  '--timeout=10',
  '--format=json',
  '--',
  '--columns=_uuid,name,external_ids',
  'list',
  'Interface',
  '--',
  '--columns=_uuid,interfaces',
  'list',
  'Port',
  '--',
  '--columns=name,ports',
  'list',
  'Bridge',
  '--',
  '--columns=_uuid,external_ids',
  'list',
  'QoS',
];

// RFC 7047 section 5.1: a set of one is written as its only element.
const uuid = z.tuple([z.literal('uuid'), z.string()]);
const uuids = z
  .union([uuid, z.tuple([z.literal('set'), z.array(uuid)])])
  .transform((value) => (value[0] === 'uuid' ? [value[1]] : value[1].map(([, id]) => id)));
const map = z
  .tuple([z.literal('map'), z.array(z.tuple([z.string(), z.string()]))])
  .transform(([, entries]) => new Map(entries));
const interfaceTable = z.object({ data: z.array(z.tuple([uuid, z.string(), map])) });
const portTable = z.object({ data: z.array(z.tuple([uuid, uuids])) });
const qosTable = z.object({ data: z.array(z.tuple([uuid, map])) });
const bridgeTable = z.object({ data: z.array(z.tuple([z.string(), uuids])) });

export function parseOvs(host: string, out: string): OvsTables {
  const place = `host ${host}`;
  const [interfaces, ports, bridges, qualities] = out
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => {
      try {
        return JSON.parse(line);
      } catch {
        throw new LookError(place, 'the answer of ovs-vsctl is not JSON', { code: 'answer-not-understood' });
      }
    });
  const bridgeOfPort = new Map<string, string>();
  for (const [name, members] of parseAnswer(place, bridgeTable, bridges).data)
    for (const id of members) bridgeOfPort.set(id, name);
  const bridgeOfInterface = new Map<string, string>();
  for (const [[, id], members] of parseAnswer(place, portTable, ports).data) {
    const bridge = bridgeOfPort.get(id);
    if (bridge !== undefined) for (const member of members) bridgeOfInterface.set(member, bridge);
  }
  const records = parseAnswer(place, interfaceTable, interfaces).data.flatMap(([[, id], name, ids]) => {
    const bridge = bridgeOfInterface.get(id);
    if (bridge === undefined) return [];
    const servers = new Set(SERVER_MARKS.flatMap((key) => ids.get(key) ?? []));
    return [{ name, bridge, ifaceId: ids.get('iface-id') ?? null, servers: [...servers] }];
  });
  const qos = parseAnswer(place, qosTable, qualities).data.flatMap(([[, own], ids]) => {
    const id = ids.get('id');
    return id === undefined || !isUuid(own) ? [] : [{ uuid: own, id }];
  });
  return { records, qos };
}

/**
 * null: there is no ovs-vsctl on the host.
 *
 * @throws LookError when Open vSwitch does not answer
 */
export async function readOvs(look: Reader, host: string): Promise<OvsTables | null> {
  const answer = await look.command.run(host, OVS_LISTING);
  const { exit, out } = answer;
  if (exit === 127) return null;
  if (exit !== 0)
    throw new LookError(`host ${host}`, `Open vSwitch does not answer: ${whyFailed('ovs-vsctl', answer)}`, {
      code: 'ovs-unreachable',
    });
  return parseOvs(host, out);
}

/** The devices that its datapaths bear, of the kernel and of user space (openvswitch 3.1 `ofproto/ofproto-dpif.c:open_dpif_backer`). */
const DATAPATHS = ['ovs-system', 'ovs-netdev'];

/** Open vSwitch is on the host, wherever its programs are. */
export function runsOvs(links: ReadonlyMap<string, unknown>): boolean {
  return DATAPATHS.some((name) => links.has(name));
}
