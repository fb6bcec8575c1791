import type { RecordedHost } from '../../src/simulator/recorded/types.ts';
import type { TableFacts } from './facts.ts';
import type { RawRows } from './rows.ts';
import { findTokens, findTokensIn, isAddress, isHex, isMac, isUuid } from './tokens.ts';

/** What stands for what: texts wherever they stand, and numbers in columns that refer to a row. */
export interface Names {
  readonly texts: ReadonlyMap<string, string>;
  /** `nova.instances:26` to `{{id:nova.instances:1}}` */
  readonly ids: ReadonlyMap<string, string>;
}

export interface ServerParts {
  readonly uuid: string;
  readonly name: string;
  readonly prePort: string | undefined;
  readonly rows: RawRows;
  readonly host: RecordedHost;
}

export interface Surroundings {
  /** names of the host and of the lab's places */
  readonly host: Names;
  /** uuids and the like of the cloud itself, which stay as they are */
  readonly cloud: ReadonlySet<string>;
  /** what was there before and belongs to another server */
  readonly foreign: ReadonlySet<string>;
  /** whether an address is one of the cloud's networks, and not the gateway */
  isTenantAddress(address: string): boolean;
}

/** Texts that must differ from server to server and are no uuids: how they are found in a row's JSON, and named. */
const codes: readonly (readonly [form: RegExp, keep: string, words: number])[] = [
  // Also inside the JSON of a build request, with its quotes escaped.
  [/reservation_id\\?": ?\\?"(r-[a-z0-9]{8})\b/g, 'r-', 1],
  // A hash is 64 hex digits, two of the placeholder's.
  [/"token_hash":"([0-9a-f]{64})"/g, '', 2],
];

/**
 * Names everything that is new with a server. Its ports come first, the one that the user made before the others, so that
 * `{{uuid:1}}`, `{{mac:1}}` and `{{ip:1}}` are of one port.
 *
 * @throws Error for a uuid, a hardware address or a domain of another server
 */
export function nameServer(server: ServerParts, facts: readonly TableFacts[], around: Surroundings): Names {
  const texts = new Map(around.host.texts);
  const counts = new Map<string, number>();
  const next = (kind: string): number => {
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    return count;
  };
  texts.set(server.uuid, '{{server}}');
  texts.set(server.name, '{{name}}');
  for (const row of server.rows.get('nova.instances') ?? []) texts.set(domainName(row['id']), '{{domain}}');
  const name = (token: string): void => {
    if (texts.has(token) || around.cloud.has(token)) return;
    // An address may be given again when its server is gone; the others never are.
    if (!isAddress(token) && around.foreign.has(token))
      throw new Error(`${server.name} has something of another server: ${token}`);
    if (isUuid(token)) texts.set(token, `{{uuid:${next('uuid')}}}`);
    else if (isHex(token)) texts.set(token, `{{hex:${next('hex')}}}`);
    else if (isMac(token)) nameMac(texts, token, next('mac'));
    else if (!isAddress(token)) throw new Error(`${server.name} has another server's ${token}`);
    else if (around.isTenantAddress(token)) texts.set(token, `{{ip:${next('ip')}}}`);
  };
  for (const port of listPorts(server)) {
    name(port);
    for (const [kind, length] of [
      ['short', 11],
      ['chain', 10],
    ] as const)
      texts.set(port.slice(0, length), (texts.get(port) ?? '').replace('uuid', kind));
  }
  for (const place of ['neutron.ports', 'neutron.ipallocations', ...server.rows.keys()])
    for (const row of sortByPort(place, server)) {
      for (const token of findTokens(row)) name(token);
      for (const [form, keep, words] of codes)
        for (const [, code = ''] of JSON.stringify(row).matchAll(form)) {
          if (texts.has(code)) continue;
          const hexes = Array.from({ length: words }, () => `{{hex:${next('hex')}}}`);
          texts.set(code, keep + hexes.join(''));
        }
    }
  for (const token of findTokensIn(JSON.stringify(server.host))) name(token);
  return { texts, ids: new Map([...around.host.ids, ...nameIds(server.rows, facts, 'id')]) };
}

/** Names what came with the compute host. Its hardware addresses are counted apart: a server's recording counts its own. */
export function nameHost(
  rows: RawRows,
  host: RecordedHost,
  facts: readonly TableFacts[],
  cloud: ReadonlySet<string>,
  places: ReadonlyMap<string, string>,
): Names {
  const texts = new Map(places);
  let uuids = 0;
  let macs = 0;
  const order = ['placement.resource_providers', 'nova.compute_nodes', ...rows.keys()];
  for (const row of order.flatMap((place) => rows.get(place) ?? []))
    for (const token of findTokens(row))
      if (isUuid(token) && !texts.has(token) && !cloud.has(token))
        texts.set(token, `{{host.uuid:${++uuids}}}`);
  for (const { mac } of host.links)
    if (mac !== null && !texts.has(mac) && !/^(00|ff)(:\1)*$/.test(mac))
      texts.set(mac, `{{mac:host.${++macs}}}`);
  return { texts, ids: nameIds(rows, facts, 'host.id') };
}

function nameIds(rows: RawRows, facts: readonly TableFacts[], kind: string): ReadonlyMap<string, string> {
  const ids = new Map<string, string>();
  for (const { place, counted } of facts) {
    if (counted === null) continue;
    for (const [at, row] of (rows.get(place) ?? []).entries())
      ids.set(`${place}:${row[counted]}`, `{{${kind}:${place}:${at + 1}}}`);
  }
  return ids;
}

function nameMac(texts: Map<string, string>, mac: string, count: number): void {
  texts.set(mac.toUpperCase(), `{{MAC:${count}}}`);
  // Last, because one without letters is its own capitals.
  texts.set(mac, `{{mac:${count}}}`);
}

/** Its ports' uuids: a port that is gone is still known by Nova's `virtual_interfaces`, whose uuid is the port's. */
function listPorts({ prePort, rows }: ServerParts): readonly string[] {
  const uuids = [
    ...(rows.get('neutron.ports') ?? []).map((row) => row['id']),
    ...(rows.get('nova.virtual_interfaces') ?? []).map((row) => row['uuid']),
  ].filter((uuid) => typeof uuid === 'string');
  return [...new Set([...(prePort === undefined ? [] : [prePort]), ...uuids])];
}

/** Addresses must be counted in the order of the ports, not of the tables that hold them. */
function sortByPort(
  place: string,
  server: ServerParts,
): RawRows extends ReadonlyMap<string, infer R> ? R : never {
  const rows = server.rows.get(place) ?? [];
  const order = listPorts(server);
  const portOf = (row: (typeof rows)[number]): number =>
    order.indexOf(String(row[place === 'neutron.ports' ? 'id' : 'port_id']));
  const isPorts = place === 'neutron.ports' || place === 'neutron.ipallocations';
  return isPorts ? rows.toSorted((a, b) => portOf(a) - portOf(b)) : rows;
}

/** nova.conf's `instance_name_template`, by default `instance-%08x` of the row's number. */
function domainName(id: unknown): string {
  return `instance-${Number(id).toString(16).padStart(8, '0')}`;
}
