/** Bridges of Open vSwitch that were made for one port alone, and the patch ports that join them to the others. */
import type { Check, DraftStep } from '../../plan/types.ts';
import type { OvsRecord } from './ovs.ts';
import { type Candidate, deviceNames } from './ports.ts';
import { stopped } from './steps.ts';

export interface OwnBridge {
  /** null: the bridge is gone, and ends of its patches are left in others */
  readonly name: string | null;
  /** what belongs in it besides the server's interface: its ends of the patches */
  readonly inside: readonly string[];
  /** what is in it and does not belong there */
  readonly strange: readonly string[];
  /** the other ends of its patches */
  readonly peers: readonly OvsRecord[];
}

/** The agent's names, cut to 15 characters (neutron 21 `services/trunk/drivers/openvswitch/agent/trunk_manager.py`): `t` in the trunk's bridge, `i` in br-int. */
const INSIDE_TRUNK = /^[ts]pt-/;
const TRUNK_BRIDGE = 'tbr-';

/**
 * A trunk's `tbr-…`, known by the parent's patch or interface in it, and the `pb…` of os-vif's `per_port_bridge` (os-vif 3.0
 * `vif_plug_ovs/ovs.py:_plug_port_bridge`).
 *
 * @param subports ids of the trunk's subports, as far as Neutron tells them
 */
export function findOwnBridges(
  all: readonly OvsRecord[],
  port: Candidate,
  own: readonly OvsRecord[],
  subports: readonly string[],
): readonly OwnBridge[] {
  return [...trunkBridge(all, port, own, subports), ...portBridge(all, port)];
}

function trunkBridge(
  all: readonly OvsRecord[],
  { portId }: Candidate,
  own: readonly OvsRecord[],
  subports: readonly string[],
): OwnBridge[] {
  if (portId === null) return [];
  const parent = all.find((r) => r.name.startsWith('tpt-') && r.ifaceId === portId);
  const name = (parent ?? own.find((r) => r.bridge.startsWith(TRUNK_BRIDGE)))?.bridge ?? null;
  const inside = name === null ? [] : membersOf(all, name).filter((r) => INSIDE_TRUNK.test(r.name));
  const names = new Set(inside.map((r) => r.name.replace(/^(.)pt-/, '$1pi-')));
  const peers = all.filter(
    (r) =>
      names.has(r.name) ||
      (r.name.startsWith('tpi-') && r.ifaceId === portId) ||
      (r.name.startsWith('spi-') && r.ifaceId !== null && subports.includes(r.ifaceId)),
  );
  if (name === null && peers.length === 0) return [];
  return [assemble(all, name, inside, own, peers)];
}

function portBridge(all: readonly OvsRecord[], port: Candidate): OwnBridge[] {
  const { portId, short } = port;
  const { portBridge: name, tap } = deviceNames(short);
  const isThere = all.some((r) => r.bridge === name);
  const peers = all.filter((r) => portId !== null && r.name === `ibp${portId}`);
  if (!isThere && peers.length === 0) return [];
  const inside = membersOf(all, name).filter((r) => portId !== null && r.name === `pbp${portId}`);
  const own = all.filter((r) => r.name === tap);
  return [assemble(all, isThere ? name : null, inside, own, peers)];
}

function membersOf(all: readonly OvsRecord[], bridge: string): readonly OvsRecord[] {
  return all.filter((r) => r.bridge === bridge && r.name !== bridge);
}

function assemble(
  all: readonly OvsRecord[],
  name: string | null,
  inside: readonly OvsRecord[],
  own: readonly OvsRecord[],
  peers: readonly OvsRecord[],
): OwnBridge {
  const known = new Set([...inside, ...own].map((r) => r.name));
  const members = name === null ? [] : membersOf(all, name);
  return {
    name,
    inside: inside.map((r) => r.name),
    strange: members.filter((r) => !known.has(r.name)).map((r) => r.name),
    peers,
  };
}

function ovs(host: string, ...words: readonly string[]) {
  return { door: 'command' as const, host, argv: ['ovs-vsctl', '--timeout=10', ...words] };
}

/** A question within a call, after what parts it from the one before. It prints nothing of an interface that is not there. */
function askFor(name: string): string[] {
  return ['--', '--if-exists', 'get', 'Interface', name, 'name'];
}

/**
 * One transaction, as the agent does it (`trunk_manager.py:dispose_trunk`); an agent that lives does it by itself within seconds.
 * Never a bridge with anything else in it, so never br-int.
 *
 * @param taken names of the server's own interfaces in it, and the steps that take them out
 */
export function ownBridgeStep(
  host: string,
  { name, inside, peers }: OwnBridge,
  taken: { readonly names: readonly string[]; readonly steps: readonly string[] },
  uuid: string,
): DraftStep | null {
  const [first] = peers;
  const id = name ?? first?.name;
  if (id === undefined) return null;
  const ends = peers.map((r) => r.name);
  const words = [
    ...peers.flatMap((r) => ['--', '--if-exists', 'del-port', r.bridge, r.name]),
    ...(name === null ? [] : ['--', '--if-exists', 'del-br', name]),
  ];
  const settled: Check =
    name === null
      ? { ...ovs(host, ...ends.flatMap(askFor).slice(1)), exit: [0], out: { equals: '' } }
      : { ...ovs(host, 'br-exists', name), exit: [2], no: [0] };
  return {
    id: `interfaces/${host}/bridge/${id}`,
    phase: 'unplug',
    place: `host ${host}`,
    title:
      name === null
        ? `take ${ends.join(', ')} out of Open vSwitch`
        : `delete bridge ${name} of Open vSwitch${ends.length === 0 ? '' : ` and ${ends.join(', ')}`}`,
    why: 'It was made for this one port, and an agent that is down does not remove it.',
    act: { ...ovs(host, ...words), exit: [0] },
    guards: [
      stopped(host, uuid),
      ...(name === null
        ? []
        : [
            {
              must: `${name} holds nothing besides its own patch ports`,
              // 1: the bridge is gone meanwhile, because the agent was quicker.
              check: {
                ...ovs(host, 'list-ports', name),
                exit: [0, 1],
                out: { linesWithin: [...inside, ...taken.names] },
              },
            },
          ]),
    ],
    settled,
    before: [],
    needs: [...taken.steps],
    undo: 'never',
  };
}
