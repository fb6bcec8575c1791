/** Whose a plug is. Names are cut from port ids and ports move between servers, so that a name alone proves nothing. */

import type { Plug } from './find.ts';
import type { OvsRecord } from './ovs.ts';
import { deviceNames } from './ports.ts';

export type Verdict =
  | { readonly of: 'this server' }
  /** somebody else's, plainly: a bystander */
  | { readonly of: 'another'; readonly why: string }
  /** Neutron says ours, Open vSwitch says another's */
  | { readonly of: 'disputed'; readonly why: string };

/** The record names this server, and no other. */
export function isOf({ servers }: OvsRecord, uuid: string): boolean {
  return servers.length === 1 && servers[0] === uuid;
}

/**
 * Of a port that had another server before, the older mark stays beside the newer one where its record outlived a crash: os-vif and libvirt
 * write each their own key, and neither takes out the other's. Which of two is the newer one Neutron says.
 */
function isLeftFromBefore({ servers }: OvsRecord, { port }: Plug, uuid: string): boolean {
  return servers.length > 1 && servers.includes(uuid) && port.claimed;
}

function otherServer(record: OvsRecord, plug: Plug, uuid: string): string | null {
  const other = isLeftFromBefore(record, plug, uuid)
    ? undefined
    : record.servers.find((server) => server !== uuid);
  if (other !== undefined) return `${record.name} is of server ${other}`;
  const { portId } = plug.port;
  if (portId !== null && record.ifaceId !== null && record.ifaceId !== portId)
    return `${record.name} is of port ${record.ifaceId}`;
  return null;
}

/**
 * Both marks, as a plug by os-vif or libvirt leaves them. A record without them is not proven to be anybody's, but in the bridge that was
 * made for the port alone: there os-vif marks only the patch (os-vif 3.0 `vif_plug_ovs/ovs.py:_plug_port_bridge`, `set_ids=False`).
 */
export function isMarked(record: OvsRecord, plug: Plug, uuid: string): boolean {
  const isBare = record.servers.length === 0 && record.ifaceId === null;
  if (isBare && record.bridge === deviceNames(plug.port.short).portBridge) return true;
  const isServers = isOf(record, uuid) || isLeftFromBefore(record, plug, uuid);
  return isServers && (plug.port.portId === null || record.ifaceId === plug.port.portId);
}

/**
 * os-vif writes iface-id and vm-uuid on every interface that it plugs (os-vif `vif_plug_ovs/ovsdb/ovsdb_lib.py:create_ovs_vif_port`),
 * libvirt iface-id and vm-id; they are believed before Neutron and before the server's cached network_info.
 */
export function verdict(plug: Plug, uuid: string): Verdict {
  const others = plug.records.flatMap((record) => otherServer(record, plug, uuid) ?? []);
  const [why] = others;
  if (why !== undefined) return { of: plug.port.claimed ? 'disputed' : 'another', why };
  if (plug.neutronOwner !== null)
    return { of: 'another', why: `Neutron gives port ${plug.port.portId} to ${plug.neutronOwner}` };
  return { of: 'this server' };
}
