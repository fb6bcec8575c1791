import * as z from 'zod';
import { parseAnswer } from '../../site/parse.ts';
import type { Reader } from '../../site/reader.ts';
import { type Found, lookAt } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';
import type { Port } from './port.ts';
import { asksNetwork } from './release.ts';

export interface PortFacts {
  readonly ports: readonly Port[];
}

const portAnswer = z.object({
  id: z.string(),
  name: z.string().nullish(),
  device_id: z.string(),
  device_owner: z.string().nullish(),
  status: z.string().nullish(),
  network_id: z.string(),
  fixed_ips: z.array(z.object({ ip_address: z.string() })).nullish(),
  created_at: z.string().nullish(),
  'binding:profile': z.record(z.string(), z.json()).nullish(),
  trunk_details: z.unknown().optional(),
  dns_name: z.string().nullish(),
});

const networkAnswer = z.object({ network: z.object({ dns_domain: z.string().nullish() }) });

/** Neutron writes `2026-11-01T10:00:05Z` (neutron 21 `services/timestamp/timestamp_db.py:_format_timestamp`), without the Z in Mitaka. */
function readTime(text: string | null | undefined): string | null {
  const parts = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)?$/.exec(text ?? '');
  return parts === null ? null : `${parts[1]} ${parts[2]}`;
}

/**
 * The ports that Nova would look at: all with the server as `device_id` (nova 26 `network/neutron.py:deallocate_for_instance`).
 *
 * Whether `dns-integration` is there shows in the port itself: its driver adds `dns_name` to every port (neutron 21
 * `plugins/ml2/extensions/dns_integration.py:extend_port_dict`), so the list of extensions need not be asked.
 */
export async function findPorts(look: Reader, subject: Subject): Promise<Found<PortFacts>> {
  const listed = await lookAt([`/v2.0/ports?device_id=${subject.uuid}`], async (path) =>
    parseAnswer('Neutron', z.array(portAnswer), await look.http.list('network', path, 'ports')),
  );
  // A filter that a proxy or an old plugin drops would hand every port of the cloud over.
  const own = listed.facts.flat().filter((port) => port.device_id === subject.uuid);
  const { facts, unknown } = await lookAt(own, async (port): Promise<Port> => {
    const dnsName = port.dns_name ?? null;
    return {
      id: port.id,
      name: port.name ?? '',
      deviceOwner: port.device_owner ?? '',
      status: port.status ?? '',
      addresses: (port.fixed_ips ?? []).map((ip) => ip.ip_address),
      createdAt: readTime(port.created_at),
      profile: port['binding:profile'] ?? {},
      trunk: port.trunk_details !== undefined && port.trunk_details !== null,
      dnsName,
      dnsDomain: dnsName !== null && asksNetwork(subject.era) ? await findDomain(look, port.network_id) : '',
    };
  });
  return { facts: { ports: facts }, unknown: [...listed.unknown, ...unknown] };
}

async function findDomain(look: Reader, network: string): Promise<string> {
  const { body } = await look.http.get('network', `/v2.0/networks/${encodeURIComponent(network)}`);
  return parseAnswer('Neutron', networkAnswer, body).network.dns_domain ?? '';
}
