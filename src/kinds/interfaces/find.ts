import type { Unknown } from '../../plan/types.ts';
import { perhapsInContainer } from '../../site/command/containers.ts';
import type { Reader } from '../../site/reader.ts';
import { isUuid, knownHost } from '../domain/host.ts';
import { type HostDomains, readOwnDomain } from '../domain/virsh.ts';
import { type Found, lookAt } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';
import { type Link, readLinks } from './links.ts';
import { type OvsRecord, type OvsTables, readOvs, runsOvs } from './ovs.ts';
import { findOwnBridges, type OwnBridge } from './own-bridges.ts';
import { isOf } from './ownership.ts';
import { type Candidate, candidates, deviceNames, type NeutronPort, readOwner, readPorts } from './ports.ts';
import { type DeviceQos, qosOf } from './qos.ts';

/** What one port of the server has on one host. Nothing at all makes no plug. */
export interface Plug {
  readonly host: string;
  readonly port: Candidate;
  /** another server that Neutron says the port belongs to now; null: none, or not asked */
  readonly neutronOwner: string | null;
  /** records of Open vSwitch with one of the port's device names, or with the port's id and the server's uuid */
  readonly records: readonly OvsRecord[];
  /** devices that are there: of tap, qvb, qvo */
  readonly links: readonly Link[];
  /** members of the port's own bridge; null: there is no such bridge */
  readonly members: readonly string[] | null;
  /** bridges of Open vSwitch that are this port's alone */
  readonly bridges: readonly OwnBridge[];
  /** records of QoS that were made for its devices */
  readonly qos: readonly DeviceQos[];
  /** virtual functions that bear the port's address */
  readonly functions: readonly { readonly card: string; readonly index: number; readonly mac: string }[];
  /** Open vSwitch answered on this host */
  readonly hasOvs: boolean;
  /** the server's domain is active here; null: libvirt did not tell */
  readonly active: boolean | null;
}

export interface InterfaceFacts {
  readonly plugs: readonly Plug[];
}

interface HostAnswers {
  readonly host: string;
  readonly links: ReadonlyMap<string, Link>;
  readonly ovs: OvsTables | null;
  readonly own: HostDomains['own'] | undefined;
}

/** VIF types that live in Open vSwitch (nova 26 `network/os_vif_util.py`). */
const OVS_TYPES: readonly (string | null)[] = ['ovs', 'vhostuser', 'agilio_ovs'];

function plugsOf(
  at: HostAnswers,
  port: Candidate,
  { uuid, vifs }: Subject,
  neutron: readonly NeutronPort[] | null,
): Plug | null {
  const names = deviceNames(port.short);
  const devices = [names.tap, names.inner, names.outer];
  const { records: all, qos: qualities } = at.ovs ?? { records: [], qos: [] };
  const records = all.filter(
    (r) =>
      ([names.tap, names.outer, names.vhost].includes(r.name) && !isOfAnother(r, port, uuid)) ||
      (isOf(r, uuid) && port.portId !== null && r.ifaceId === port.portId),
  );
  const links = devices.flatMap((name) => at.links.get(name) ?? []);
  const members = at.links.has(names.bridge)
    ? [...at.links.values()].filter((link) => link.master === names.bridge).map((link) => link.name)
    : null;
  const subports = neutron?.find((p) => p.id === port.portId)?.subports ?? [];
  const bridges = findOwnBridges(all, port, records, subports);
  const named = [names.tap, names.outer].filter(
    (name) => !all.some((r) => r.name === name && isOfAnother(r, port, uuid)),
  );
  const qos = qosOf(qualities, [...named, ...records.map((r) => r.name)]);
  const mac = vifs.find((v) => v.portId === port.portId)?.mac;
  const functions = [...at.links.values()].flatMap((card) =>
    card.functions.filter((f) => f.mac === mac).map((f) => ({ card: card.name, ...f })),
  );
  const parts = [records, links, bridges, functions, qos];
  if (members === null && parts.every((list) => list.length === 0)) return null;
  const active = at.own === undefined ? null : at.own?.active === true;
  return {
    host: at.host,
    port,
    neutronOwner: null,
    records,
    links,
    members,
    bridges,
    qos,
    functions,
    hasOvs: at.ovs !== null,
    active,
  };
}

/** A record that is the server's bears the id of its port: a name that looks like one of another port's does not make it two. */
function isOfAnother(record: OvsRecord, port: Candidate, uuid: string): boolean {
  return port.portId === null && isOf(record, uuid) && isUuid(record.ifaceId ?? '');
}

/** A port that only the server's own cached record still names may have been given to another server since. */
function isDoubtful({ port, records }: Plug, uuid: string): boolean {
  return port.portId !== null && !port.claimed && !records.some((r) => isOf(r, uuid));
}

/** A plug whose owner Neutron does not tell is not taken for the server's: it is not known. */
async function withOwners(look: Reader, plugs: readonly Plug[], uuid: string) {
  return lookAt(plugs, async (plug): Promise<Plug> => {
    if (plug.port.portId === null || !isDoubtful(plug, uuid)) return plug;
    const owner = await readOwner(look, plug.port.portId);
    return owner === null || owner === uuid ? plug : { ...plug, neutronOwner: owner };
  });
}

function withoutOvs(
  answers: readonly HostAnswers[],
  subject: Subject,
  neutron: readonly NeutronPort[] | null,
): Omit<Unknown, 'kind'>[] {
  const isTold =
    subject.vifs.some((v) => OVS_TYPES.includes(v.type) && v.otherSwitch === undefined) ||
    (neutron ?? []).some((p) => OVS_TYPES.includes(p.vifType) && p.otherSwitch === undefined);
  return answers.flatMap(({ host, ovs, links }) => {
    // What Nova and Neutron have forgotten of the server has no type any more; its record in Open vSwitch may still be there.
    if (ovs !== null || !(isTold || runsOvs(links))) return [];
    const but = isTold ? 'the server’s interfaces are in Open vSwitch' : 'Open vSwitch runs there';
    return [
      { place: `host ${host}`, why: `ovs-vsctl is not there, but ${but} (${perhapsInContainer(host)})` },
    ];
  });
}

/** @see candidates for where the names come from */
export async function findInterfaces(look: Reader, subject: Subject): Promise<Found<InterfaceFacts>> {
  const [neutron, { facts: answers, unknown }] = await Promise.all([
    readPorts(look, subject),
    lookAt(subject.hosts, async (host): Promise<HostAnswers> => {
      const { name } = knownHost(host);
      const [links, ovs, own] = await Promise.all([
        readLinks(look, name),
        readOvs(look, name),
        readOwnDomain(look, name, subject),
      ]);
      return { host: name, links, ovs, own };
    }),
  ]);
  const records = answers.flatMap(({ ovs }) => (ovs?.records ?? []).filter((r) => isOf(r, subject.uuid)));
  const ports = candidates(subject, neutron, {
    ports: [...records.flatMap((r) => r.ifaceId ?? []), ...answers.flatMap(({ own }) => own?.ports ?? [])],
    devices: [...records.map((r) => r.name), ...answers.flatMap(({ own }) => own?.taps ?? [])],
  });
  const plugs = answers.flatMap((at) => ports.flatMap((port) => plugsOf(at, port, subject, neutron) ?? []));
  const owned = await withOwners(look, plugs, subject.uuid);
  return {
    facts: { plugs: owned.facts },
    unknown: [...unknown, ...owned.unknown, ...withoutOvs(answers, subject, neutron)],
  };
}
