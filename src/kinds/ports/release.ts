/** What differs between Nova's releases when it lets go of a port (`network/neutron.py:_unbind_ports`, `network/neutronv2/api.py` before 20). */
import type { Era } from '../subject/subject.ts';
import type { Json, Port } from './port.ts';

/** Keys of `binding:profile` that describe the physical device, with the release that began to remove them. */
const PROFILE_KEYS: readonly (readonly [since: number, key: string])[] = [
  [17, 'pci_vendor_info'],
  [17, 'pci_slot'],
  [20, 'allocation'],
  [24, 'arq_uuid'],
  [25, 'physical_network'],
  [25, 'card_serial_number'],
  [25, 'vf_num'],
  [25, 'pf_mac_address'],
  [25, 'device_mac_address'],
];

/** The newest release that the schema allows: it removes the most, and a key that was never set costs nothing. */
function newest(era: Era | null): number {
  return era === null ? Number.POSITIVE_INFINITY : era.below - 1;
}

/** Juno and older know no ports made beforehand and delete all (nova 2014.2 `network/neutronv2/api.py:deallocate_for_instance`). */
export function deletesAll(era: Era | null): boolean {
  return newest(era) <= 10;
}

/** From Train a network's `dns_domain` decides who resets `dns_name`. */
export function asksNetwork(era: Era | null): boolean {
  return newest(era) >= 20;
}

function cleanProfile(profile: Port['profile'], release: number): Record<string, Json> {
  // Newton to Pike throw the whole profile away.
  if (release < 17) return {};
  const gone = new Set(PROFILE_KEYS.flatMap(([since, key]) => (release >= since ? [key] : [])));
  return Object.fromEntries(Object.entries(profile).filter(([key]) => !gone.has(key)));
}

/** `binding:profile` without the device; null: it stays as it is. */
function newProfile(port: Port, era: Era | null): Record<string, Json> | null {
  const release = newest(era);
  if (release < 14) return null;
  const profile = cleanProfile(port.profile, release);
  return Object.keys(profile).length === Object.keys(port.profile).length ? null : profile;
}

/** The same as JSON for Neutron's row. */
export function profileOf(port: Port, era: Era | null): string | null {
  const profile = newProfile(port, era);
  return profile === null ? null : JSON.stringify(profile);
}

/** Since Newton, and not where the name is also in the records of the network's own domain. */
export function resetsDnsName({ dnsName, dnsDomain }: Port, era: Era | null): boolean {
  return newest(era) >= 14 && dnsName !== null && dnsDomain === '';
}

/**
 * The body of Nova's own PUT, made by the administrator: only one may set `binding:host_id`. Nova sends `binding:profile` also where
 * it stays as it is; from 2024.1 on Neutron lets nobody but a service send it (neutron 24 `conf/policies/port.py`,
 * `update_port:binding:profile`), and one that stays changes nothing (`plugins/ml2/plugin.py:_process_port_binding`).
 */
export function unbindBody(port: Port, era: Era | null): { readonly port: Readonly<Record<string, Json>> } {
  const profile = newProfile(port, era);
  return {
    port: {
      device_id: '',
      device_owner: '',
      'binding:host_id': null,
      ...(profile === null ? {} : { 'binding:profile': profile }),
      ...(resetsDnsName(port, era) ? { dns_name: '' } : {}),
    },
  };
}
