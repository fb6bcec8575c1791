import type { RecordedHost, RecordedRow } from '../../src/simulator/recorded/types.ts';
import type { Moment } from './difference.ts';
import type { TableFacts } from './facts.ts';
import { findOwn, findOwnThings } from './ownership.ts';
import type { RawRows } from './rows.ts';
import { findTokens } from './tokens.ts';

/** A cloud taken apart: what is the cloud's own, its compute host's, and its servers'. */
export interface Parts {
  readonly cloud: RawRows;
  readonly host: { readonly rows: RawRows; readonly things: RecordedHost };
  readonly servers: RawRows;
}

/** Rows that nobody needs: Neutron keeps one for each number that a VXLAN network could have, and counts none of them. */
const bulk: ReadonlySet<string> = new Set(['neutron.ml2_vxlan_allocations']);

/** Devices and chains that an agent or Nova named after a port: nova 26 `network/neutron.py`, neutron 21 `agent/linux/iptables_firewall.py`. */
const ofPort = /\b(tap|qbr|qvb|qvo)[0-9a-f]{8}-[0-9a-f]{2}|neutron-openvswi-[ios][0-9a-f]{8}-[0-9a-f]/;

const ofDomain = /instance-[0-9a-f]{8}/;

export function takeApart(moment: Moment, facts: readonly TableFacts[]): Parts {
  const servers = findOwn(moment.rows, facts, findServerNames(moment.rows));
  const host = findOwn(servers.rest, facts, [], isHostRow);
  const cloud = new Map([...host.rest].filter(([place]) => !bulk.has(place)));
  const things = findOwnThings(
    moment.host,
    (text) =>
      ofPort.test(text) ||
      ofDomain.test(text) ||
      findTokens({ text }).some((token) => servers.names.has(token)),
  );
  return { cloud, host: { rows: host.own, things: things.rest }, servers: servers.own };
}

/** Every server that there is or was, and every port that is not the network's own. */
function findServerNames(rows: RawRows): ReadonlySet<string> {
  const names = new Set<string>();
  const add = (value: unknown): void => {
    if (typeof value === 'string' && value !== '') names.add(value);
  };
  for (const [place, all] of rows)
    for (const row of all) {
      add(row['instance_uuid']);
      if (/^nova(_cell0)?\.instances$/.test(place)) add(row['uuid']);
      if (place === 'placement.consumers') add(row['uuid']);
      if (place === 'neutron.ports' && !String(row['device_owner']).startsWith('network:')) {
        add(row['id']);
        add(row['device_id']);
      }
    }
  return names;
}

function isHostRow(row: RecordedRow, place: string): boolean {
  if (place === 'nova.services') return row['binary'] === 'nova-compute';
  if (place === 'neutron.agents') return row['binary'] === 'neutron-openvswitch-agent';
  return ['nova.compute_nodes', 'nova_api.host_mappings', 'placement.resource_providers'].includes(place);
}
