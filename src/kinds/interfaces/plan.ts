import type { DraftStep, Kept } from '../../plan/types.ts';
import { type KindPlan, NOTHING } from '../kind.ts';
import type { Subject } from '../subject/subject.ts';
import type { InterfaceFacts, Plug } from './find.ts';
import type { Link } from './links.ts';
import type { OvsRecord } from './ovs.ts';
import { ownBridgeStep } from './own-bridges.ts';
import { isMarked, verdict } from './ownership.ts';
import { deviceNames } from './ports.ts';
import { qosStep } from './qos.ts';
import { bridgeStep, delPortStep, linkStep } from './steps.ts';
import { hasOwnTap, isByHand, manualOf, noteTypes, typeOf } from './vif-types.ts';

type Note = Omit<Kept, 'kind'>;

function members(plug: Plug): readonly string[] {
  const { tap, inner } = deviceNames(plug.port.short);
  return (plug.members ?? []).filter((member) => member !== tap && member !== inner);
}

/** A tap in a bridge that others share (`brq…`) is left to its qemu: with nothing marked there, it may be anybody's. */
function isOwnTap(tap: Link, plug: Plug, subject: Subject): boolean {
  const { bridge } = deviceNames(plug.port.short);
  if (tap.master === bridge || plug.records.some((r) => isMarked(r, plug, subject.uuid))) return true;
  return ['ovs', 'tap'].includes(typeOf(plug, subject)) && tap.master === null;
}

function linkOf(plug: Plug, name: string): Link | undefined {
  return plug.links.find((link) => link.name === name);
}

/** A tap that is there while its domain runs goes with qemu, unless it was made before; of the others only one that was left behind is ours to delete. */
function leftTap(plug: Plug, subject: Subject): Link | undefined {
  const tap = linkOf(plug, deviceNames(plug.port.short).tap);
  if (tap === undefined || (plug.active === true && !hasOwnTap(plug, subject))) return undefined;
  return isOwnTap(tap, plug, subject) ? tap : undefined;
}

function stepsOf(plug: Plug, subject: Subject, disputed: boolean): DraftStep[] {
  const { uuid } = subject;
  const names = deviceNames(plug.port.short);
  const veth = linkOf(plug, names.outer) ?? linkOf(plug, names.inner);
  const tap = leftTap(plug, subject);
  // A disputed record stays in the plan, behind its guard: what may not be touched is not gone.
  const taken = plug.records.filter((r) => disputed || isMarked(r, plug, uuid));
  return [
    ...(plug.members === null ? [] : [bridgeStep(plug, uuid)]),
    ...taken.map((r) => delPortStep(plug, r, uuid)),
    ...qosSteps(plug, taken, uuid),
    ...plug.bridges.flatMap((bridge) => {
      const inIt = taken.filter((r) => r.bridge === bridge.name);
      const steps = inIt.map((r) => delPortStep(plug, r, uuid).id);
      return ownBridgeStep(plug.host, bridge, { names: inIt.map((r) => r.name), steps }, uuid) ?? [];
    }),
    ...(veth === undefined
      ? []
      : [
          linkStep(
            plug,
            veth.name,
            'Its pair joined the bridge to Open vSwitch for this one interface.',
            uuid,
          ),
        ]),
    ...(tap === undefined
      ? []
      : [
          linkStep(
            plug,
            tap.name,
            plug.active === true
              ? 'It was made before its qemu began, and stays when that has ended.'
              : 'It outlived the qemu that it was made for.',
            uuid,
          ),
        ]),
  ];
}

/** Not that of a record which stays: Open vSwitch would refuse it. */
function qosSteps(plug: Plug, taken: readonly OvsRecord[], uuid: string): DraftStep[] {
  return plug.qos.flatMap((qos) => {
    const bearers = plug.records.filter((r) => r.name === qos.device);
    if (bearers.some((r) => !taken.includes(r))) return [];
    const needs = bearers.map((r) => delPortStep(plug, r, uuid).id);
    return [qosStep(plug, qos, uuid, needs)];
  });
}

function label({ port }: Plug): string {
  return port.portId === null ? `port ${port.short}…` : `port ${port.portId}`;
}

/** What stays of a plug that is this server's, with the reason. */
function keptOf(plug: Plug, subject: Subject, disputed: boolean): Note[] {
  const place = `host ${plug.host}`;
  const names = deviceNames(plug.port.short);
  const tap = linkOf(plug, names.tap);
  // What is disputed says whose it is, and stands among the refusals.
  const notes: Note[] = (disputed ? [] : plug.records)
    .filter((r) => !isMarked(r, plug, subject.uuid))
    .map((r) => ({ place, what: `${r.name} in ${r.bridge}`, why: 'nothing in it says whose it is' }));
  if (tap !== undefined && plug.active !== true && !isOwnTap(tap, plug, subject) && !isByHand(plug, subject))
    notes.push({ place, what: `${tap.name} in ${tap.master ?? 'no bridge'}`, why: 'it goes with its qemu' });
  return notes;
}

function planPlug(plug: Plug, subject: Subject): KindPlan {
  const place = `host ${plug.host}`;
  const whose = verdict(plug, subject.uuid);
  if (whose.of === 'another') return { ...NOTHING, kept: [{ place, what: label(plug), why: whose.why }] };
  const disputed = whose.of === 'disputed';
  const steps = stepsOf(plug, subject, disputed);
  const held = [
    { bridge: deviceNames(plug.port.short).bridge, foreign: members(plug) },
    ...plug.bridges.map(({ name, strange }) => ({ bridge: name ?? '', foreign: strange })),
  ].filter(({ foreign }) => foreign.length > 0);
  const manual = manualOf(plug, subject);
  return {
    steps,
    remains:
      steps.length === 0 ? [] : [{ place, what: `interface of ${label(plug)}: ${describe(plug, subject)}` }],
    refusals: [
      ...(disputed
        ? [
            {
              code: 'interface-other-server',
              flag: null,
              sentence: `${label(plug)} is this server's in Neutron, but on ${plug.host} ${whose.why}`,
            },
          ]
        : []),
      ...held.map(({ bridge, foreign }) => ({
        code: 'bridge-foreign-member',
        flag: null,
        sentence: `${bridge} on ${plug.host} also holds ${foreign.join(', ')}, which is not this port's`,
      })),
    ],
    kept: keptOf(plug, subject, disputed),
    manual,
  };
}

function describe(plug: Plug, subject: Subject): string {
  const tap = leftTap(plug, subject);
  return [
    ...plug.records.map((r) => `${r.name} in ${r.bridge}`),
    ...plug.bridges.map(({ name, peers }) =>
      name === null
        ? peers.map((r) => `${r.name} in ${r.bridge}`).join(', ')
        : `bridge ${name} of Open vSwitch`,
    ),
    ...plug.qos.map(({ device }) => `QoS record of ${device}`),
    ...(plug.members === null ? [] : [`bridge ${deviceNames(plug.port.short).bridge}`]),
    ...plug.links
      .filter((l) => (!l.name.startsWith('tap') || l === tap) && !plug.records.some((r) => r.name === l.name))
      .map((l) => `device ${l.name}`),
  ].join(', ');
}

export function planInterfaces(facts: InterfaceFacts, subject: Subject): KindPlan {
  const plans = facts.plugs.map((plug) => planPlug(plug, subject));
  const manual = plans.flatMap((p) => p.manual ?? []);
  return {
    steps: plans.flatMap((p) => p.steps),
    remains: plans.flatMap((p) => p.remains),
    refusals: plans.flatMap((p) => p.refusals),
    kept: [...plans.flatMap((p) => p.kept), ...noteTypes(subject)],
    ...(manual.length === 0 ? {} : { manual }),
  };
}
