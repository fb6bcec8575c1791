import * as z from '../../plan/zod.ts';
import { parseAnswer } from '../../site/parse.ts';
import type { Reader } from '../../site/reader.ts';
import { type Found, lookAt } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';
import type { Port, Trunk } from './port.ts';
import { type PortRows, readPortRows } from './read-rows.ts';
import { NEUTRON } from './references.ts';
import { asksNetwork } from './release.ts';

export interface PortFacts {
  readonly ports: readonly Port[];
  /** by port id, what Neutron's database has of each; null: the site does not say where that is, or there are no ports */
  readonly rows: ReadonlyMap<string, PortRows> | null;
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
  'binding:host_id': z.string().nullish(),
  'binding:vif_type': z.string().nullish(),
  'binding:profile': z.record(z.string(), z.json()).nullish(),
  trunk_details: z
    .object({ trunk_id: z.string(), sub_ports: z.array(z.object({ port_id: z.string() })) })
    .nullish(),
  dns_name: z.string().nullish(),
});

const networkAnswer = z.object({ network: z.object({ dns_domain: z.string().nullish() }) });
const trunkAnswer = z.object({ trunk: z.object({ admin_state_up: z.boolean() }) });
const floatingAnswer = z.object({
  floatingips: z.array(z.object({ floating_ip_address: z.string(), port_id: z.string().nullish() })),
});

/** Neutron writes `2026-11-01T10:00:05Z` (neutron 21 `services/timestamp/timestamp_db.py:_format_timestamp`), without the Z in Mitaka. */
function readTime(text: string | null | undefined): string | null {
  const parts = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)?$/.exec(text ?? '');
  return parts === null ? null : `${parts[1]} ${parts[2]}`;
}

/**
 * The ports that Nova would look at: all with the server as `device_id` (nova 26 `network/neutron.py:deallocate_for_instance`).
 *
 * Whether `dns-integration` is there shows in the port itself: its driver adds `dns_name` to every port (neutron 21
 * `plugins/ml2/extensions/dns_integration.py:extend_port_dict`), so the list of extensions need not be asked. In the same way
 * only a trunk's parent has `trunk_details` (neutron 21 `services/trunk/plugin.py:_extend_port_trunk_details`).
 */
export async function findPorts(look: Reader, subject: Subject): Promise<Found<PortFacts>> {
  const listed = await lookAt([`/v2.0/ports?device_id=${subject.uuid}`], async (path) =>
    parseAnswer('Neutron', z.array(portAnswer), await look.http.list('network', path, 'ports')),
  );
  // A filter that a proxy or an old plugin drops would hand every port of the cloud over.
  const own = listed.facts.flat().filter((port) => port.device_id === subject.uuid);
  const ids = own.map((port) => port.id);
  const [{ facts, unknown }, rows] = await Promise.all([
    lookAt(own, async (port): Promise<Port> => {
      const dnsName = port.dns_name ?? null;
      const [dnsDomain, trunk, floating] = await Promise.all([
        dnsName !== null && asksNetwork(subject.era) ? findDomain(look, port.network_id) : '',
        findTrunk(look, port.trunk_details),
        findFloating(look, port.id),
      ]);
      return {
        id: port.id,
        name: port.name ?? '',
        deviceOwner: port.device_owner ?? '',
        status: port.status ?? '',
        addresses: (port.fixed_ips ?? []).map((ip) => ip.ip_address),
        createdAt: readTime(port.created_at),
        profile: port['binding:profile'] ?? {},
        trunk,
        host: port['binding:vif_type'] === undefined ? null : (port['binding:host_id'] ?? ''),
        floating,
        dnsName,
        dnsDomain,
      };
    }),
    lookAt(ids.length > 0 && look.sql.names(NEUTRON) ? [ids] : [], (some) => readPortRows(look, some)),
  ]);
  return {
    facts: { ports: facts, rows: rows.facts[0] ?? null },
    unknown: [...listed.unknown, ...unknown, ...rows.unknown],
  };
}

async function findDomain(look: Reader, network: string): Promise<string> {
  const { body } = await look.http.get('network', `/v2.0/networks/${encodeURIComponent(network)}`);
  return parseAnswer('Neutron', networkAnswer, body).network.dns_domain ?? '';
}

async function findTrunk(
  look: Reader,
  details: z.infer<typeof portAnswer>['trunk_details'],
): Promise<Trunk | null> {
  if (!details) return null;
  const { body } = await look.http.get('network', `/v2.0/trunks/${encodeURIComponent(details.trunk_id)}`);
  return {
    id: details.trunk_id,
    subports: details.sub_ports.map((sub) => sub.port_id),
    changeable: parseAnswer('Neutron', trunkAnswer, body).trunk.admin_state_up,
  };
}

/** A Neutron without routers has no floating addresses, and answers 404. */
async function findFloating(look: Reader, port: string): Promise<readonly string[]> {
  const path = `/v2.0/floatingips?port_id=${encodeURIComponent(port)}`;
  const { status, body } = await look.http.get('network', path, { also: [404] });
  if (status === 404) return [];
  return parseAnswer('Neutron', floatingAnswer, body)
    .floatingips.filter((ip) => ip.port_id === port)
    .map((ip) => ip.floating_ip_address);
}
