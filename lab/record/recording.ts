import type { RecordedRow, RecordedRows, Recording } from '../../src/simulator/recorded/types.ts';
import { findDifference, type Moment } from './difference.ts';
import type { TableFacts } from './facts.ts';
import { nameHost, nameServer } from './names.ts';
import { findOwn, findOwnThings } from './ownership.ts';
import { takeApart } from './parts.ts';
import { hideConnections, nameCloudPlaces, nameHostPlaces, type Places } from './places.ts';
import { makeReplacer, replaceHost, replaceRows } from './replace.ts';
import type { RawRows } from './rows.ts';
import { findTokens, findTokensIn } from './tokens.ts';

const release = 'zed';

const emptyHost: Recording['host'] = {
  domains: [],
  links: [],
  switchPorts: [],
  files: [],
  imageFiles: [],
  firewall: [],
  namespaces: [],
};

export interface Recorded {
  readonly recording: Recording;
  /** what changed or came besides, as lines for the console */
  readonly besides: readonly string[];
}

export interface Played {
  readonly name: string;
  readonly title: string;
  readonly server: { readonly id: string; readonly name: string; readonly prePort: string | undefined };
  readonly before: Moment;
  readonly after: Moment;
  readonly compute: Recording['compute'];
  readonly waiting: Recording['waiting'];
}

/** The cloud without its compute host and its servers: rows only. */
export function recordCloud(lab: Places, moment: Moment, facts: readonly TableFacts[]): Recording {
  const { cloud } = takeApart(moment, facts);
  const replacer = makeReplacer({ texts: nameCloudPlaces(lab), ids: new Map() }, moment.at);
  return {
    name: 'cloud',
    title: 'the cloud itself, seeded, without hosts and servers',
    release,
    rows: replaceRows(hideConnections(cloud), facts, replacer),
    host: emptyHost,
    compute: 'alive',
    waiting: [],
    prePort: null,
  };
}

/** The compute host without servers, with Glance's store, which is set up once. */
export function recordHost(lab: Places, moment: Moment, facts: readonly TableFacts[]): Recording {
  const { cloud, host } = takeApart(moment, facts);
  const names = nameHost(host.rows, host.things, facts, listTokens(cloud), nameHostPlaces(lab, host.rows));
  const replacer = makeReplacer(names, moment.at);
  return {
    name: 'host',
    title: 'a compute host without servers',
    release,
    rows: replaceRows(host.rows, facts, replacer),
    host: replaceHost(host.things, replacer),
    compute: 'alive',
    waiting: [],
    prePort: null,
  };
}

/** One server: what came between two moments and is its own. */
export function recordServer(lab: Places, played: Played, facts: readonly TableFacts[]): Recorded {
  const { server, before, after } = played;
  const { added, changed } = findDifference(before, after, facts);
  const parts = takeApart(before, facts);
  const cloud = listTokens(parts.cloud);
  const host = nameHost(
    parts.host.rows,
    parts.host.things,
    facts,
    cloud,
    nameHostPlaces(lab, parts.host.rows),
  );
  const first = [server.id, ...(server.prePort === undefined ? [] : [server.prePort])];
  const { own, rest, names: known } = findOwn(added.rows, facts, first);
  const foreign = listTokens(before.rows, [...cloud, ...host.texts.keys()]);
  const isOwnThing = (text: string): boolean =>
    [...known].some((name) => text.includes(name) || isNamedAfter(text, name)) ||
    listDomains(own).some((name) => text.includes(name));
  const things = findOwnThings(added.host, isOwnThing);
  const names = nameServer(
    { uuid: server.id, name: server.name, prePort: server.prePort, rows: own, host: things.own },
    facts,
    { host, cloud, foreign, isTenantAddress: makeAddressTest(parts.cloud) },
  );
  const replacer = makeReplacer(names, after.at);
  const recording: Recording = {
    name: played.name,
    title: played.title,
    release,
    rows: replaceRows(own, facts, replacer),
    host: replaceHost(things.own, replacer),
    compute: played.compute,
    waiting: played.waiting,
    prePort: server.prePort === undefined ? null : '{{uuid:1}}',
  };
  return { recording, besides: [...changed, ...describeRest(rest, things.rest)] };
}

/** Devices carry the first 11 characters of a port's uuid, the agent's chains the first 10. */
function isNamedAfter(text: string, uuid: string): boolean {
  return /^[0-9a-f]{8}-/.test(uuid) && text.includes(uuid.slice(0, 10));
}

function listDomains(rows: RawRows): readonly string[] {
  return (rows.get('nova.instances') ?? []).map(
    (row) => `instance-${Number(row['id']).toString(16).padStart(8, '0')}`,
  );
}

/** Every text in rows by which something is known, but these. */
export function listTokens(rows: RawRows | RecordedRows, except: Iterable<string> = []): ReadonlySet<string> {
  const lists: readonly (readonly RecordedRow[])[] =
    rows instanceof Map ? [...rows.values()] : Object.values(rows as RecordedRows);
  const tokens = new Set(lists.flat().flatMap(findTokens));
  for (const token of except) tokens.delete(token);
  return tokens;
}

/** Addresses that a port can have: within a subnet, but not its gateway or the bounds of its pool. */
function makeAddressTest(cloud: RawRows): (address: string) => boolean {
  const subnets = (cloud.get('neutron.subnets') ?? []).map((row) => toRange(String(row['cidr'])));
  return (address) => {
    const number = toNumber(address);
    return subnets.some(([first, last]) => number >= first && number <= last);
  };
}

function toRange(cidr: string): readonly [first: number, last: number] {
  const [address = '', bits = '32'] = cidr.split('/');
  const first = toNumber(address);
  return [first, first + 2 ** (32 - Number(bits)) - 1];
}

function toNumber(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}

function describeRest(rows: RawRows, things: Recording['host']): readonly string[] {
  const ofHost = Object.entries(things).flatMap(([section, list]) =>
    (list as readonly unknown[]).map((thing) => `came besides: host.${section} ${JSON.stringify(thing)}`),
  );
  const ofRows = [...rows].flatMap(([place, list]) =>
    list.map((row) => `came besides: ${place} ${JSON.stringify(row)}`),
  );
  return [...ofRows, ...ofHost];
}

/** Everything in a recording by which something of the lab could still be known. */
export function findLeftovers(
  recording: Recording,
  allowed: ReadonlySet<string>,
  forbidden: readonly string[],
): readonly string[] {
  const text = JSON.stringify(recording);
  const devices =
    text.match(
      /\b(tap|qbr|qvb|qvo)[0-9a-f]{8}-[0-9a-f]{0,2}|neutron-openvswi-[ios][0-9a-f]{8}-|"r-[a-z0-9]{8}\b/g,
    ) ?? [];
  // Addresses and hardware addresses that mean nobody or everybody.
  const common = /^(127\.0\.0\.1|0\.0\.0\.0|255\.255\.255\.255|(00|ff)(:\2){5})$/;
  const tokens = [...listTokens(recording.rows), ...findTokensIn(JSON.stringify(recording.host))].filter(
    (token) => !allowed.has(token) && !common.test(token),
  );
  return [...new Set([...devices, ...tokens, ...forbidden.filter((each) => text.includes(each))])];
}
