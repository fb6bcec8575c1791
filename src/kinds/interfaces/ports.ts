/** Which ports the server has or had, and the names that their devices bear on a host. */

import { LookError } from '../../plan/errors.ts';
import * as z from '../../plan/zod.ts';
import { parseAnswer } from '../../site/parse.ts';
import type { Reader } from '../../site/reader.ts';
import { isUuid } from '../domain/host.ts';
import { otherSwitchOf } from '../subject/parse.ts';
import type { OtherSwitch, Subject } from '../subject/subject.ts';

/** `tap|qbr|qvb|qvo|vhu` + port id, cut to 14 characters (nova 26 `network/model.py:NIC_NAME_LEN`). */
const ID_LENGTH = 11;

export interface DeviceNames {
  readonly tap: string;
  readonly bridge: string;
  /** end of the veth pair that is in the bridge */
  readonly inner: string;
  /** end of the veth pair that is in Open vSwitch */
  readonly outer: string;
  readonly vhost: string;
  /** bridge of Open vSwitch that os-vif makes for the port with `per_port_bridge` */
  readonly portBridge: string;
}

export function deviceNames(short: string): DeviceNames {
  return {
    tap: `tap${short}`,
    bridge: `qbr${short}`,
    inner: `qvb${short}`,
    outer: `qvo${short}`,
    vhost: `vhu${short}`,
    portBridge: `pb${short}`,
  };
}

function shortId(portId: string): string {
  return portId.slice(0, ID_LENGTH);
}

/** The first 11 characters of a port id from the name of one of its devices, or null: the name is not of that kind. */
export function shortIdOf(device: string): string | null {
  return /^(?:tap|qbr|qvb|qvo|vhu)([0-9a-f]{8}-[0-9a-f]{2})$/.exec(device)?.[1] ?? null;
}

/** A port to look for on the hosts. */
export interface Candidate {
  readonly short: string;
  /** null: only a device's name is known */
  readonly portId: string | null;
  /** Neutron says at this moment that the port is this server's */
  readonly claimed: boolean;
  /** VIF type that Neutron has for it at this moment; null: none, or not told */
  readonly vifType: string | null;
}

/** Ports that Neutron has for the server; null: Neutron could not be asked (the kind `ports` says so). */
export interface NeutronPort {
  readonly id: string;
  readonly vifType: string | null;
  /** Open vSwitch has nothing of it, whatever the type */
  readonly otherSwitch: OtherSwitch | undefined;
  /** ids of the ports that are subports of the trunk whose parent it is */
  readonly subports: readonly string[];
}

const listed = z.object({
  id: z.string(),
  'binding:vif_type': z.string().nullish(),
  'binding:vnic_type': z.string().nullish(),
  'binding:vif_details': z.unknown().optional(),
  trunk_details: z.object({ sub_ports: z.array(z.object({ port_id: z.string() })) }).nullish(),
});
const single = z.object({ port: z.object({ device_id: z.string() }) });

export async function readPorts(look: Reader, subject: Subject): Promise<NeutronPort[] | null> {
  try {
    const ports = await look.http.list('network', `/v2.0/ports?device_id=${subject.uuid}`, 'ports');
    return parseAnswer('Neutron', z.array(listed), ports).map((p) => ({
      id: p.id,
      vifType: p['binding:vif_type'] ?? null,
      otherSwitch: otherSwitchOf({
        type: p['binding:vif_type'],
        vnicType: p['binding:vnic_type'],
        details: p['binding:vif_details'],
      }),
      subports: (p.trunk_details?.sub_ports ?? []).map((sub) => sub.port_id),
    }));
  } catch (error) {
    if (error instanceof LookError) return null;
    throw error;
  }
}

/** The server that Neutron says a port belongs to now; null: none, or no such port. @throws LookError */
export async function readOwner(look: Reader, portId: string): Promise<string | null> {
  const { status, body } = await look.http.get('network', `/v2.0/ports/${portId}`, { also: [404] });
  if (status === 404) return null;
  return parseAnswer('Neutron', single, body).port.device_id || null;
}

/**
 * Every source counts: the cached network_info may be empty or broken, Neutron may have forgotten the port, which an earlier run then
 * remembers, and a half-done delete leaves devices whose only trace is the domain's XML or a record of Open vSwitch.
 */
export function candidates(
  subject: Subject,
  neutron: readonly NeutronPort[] | null,
  seen: { readonly ports: readonly string[]; readonly devices: readonly string[] },
): Candidate[] {
  const claimed = new Map(neutron?.map((p) => [p.id, p.vifType]) ?? []);
  const found = new Map<string, Candidate>();
  const remembered = [...subject.vifs.map((v) => v.portId), ...(subject.portIds ?? [])];
  for (const portId of [...claimed.keys(), ...remembered, ...seen.ports])
    if (isUuid(portId) && !found.has(portId)) {
      const vifType = claimed.get(portId) ?? null;
      found.set(portId, { short: shortId(portId), portId, claimed: claimed.has(portId), vifType });
    }
  const known = new Set([...found.values()].map((c) => c.short));
  for (const device of seen.devices) {
    const short = shortIdOf(device);
    if (short !== null && !known.has(short)) {
      known.add(short);
      found.set(short, { short, portId: null, claimed: false, vifType: null });
    }
  }
  return [...found.values()];
}
