import type { DraftStep, Kept } from '../../plan/types.ts';
import { type KindPlan, NOTHING } from '../kind.ts';
import type { Subject, Vif } from '../subject/subject.ts';
import type { InterfaceFacts, Plug } from './find.ts';
import type { Link } from './links.ts';
import { isMarked, verdict } from './ownership.ts';
import { deviceNames } from './ports.ts';
import { bridgeStep, delPortStep, linkStep } from './steps.ts';

type Note = Omit<Kept, 'kind'>;

/**
 * VIF types whose unplug leaves nothing for us: what lives in Open vSwitch is found there, a tap of a shared bridge goes with its
 * qemu, and the others are no-ops in Nova too (nova 26 `virt/libvirt/vif.py:unplug`, os-vif `vif_plug_linux_bridge`).
 */
const KNOWN_TYPES: readonly (string | null)[] = [
  null,
  'ovs',
  'vhostuser',
  'agilio_ovs',
  'bridge',
  'macvtap',
  'hostdev_physical',
  '802.1qbg',
  '802.1qbh',
  'tap',
  'unbound',
  'binding_failed',
];

function unknownTypes(vifs: readonly Vif[]): Note[] {
  return vifs
    .filter((vif) => !KNOWN_TYPES.includes(vif.type))
    .map((vif) => ({
      place: 'compute hosts',
      what: `what VIF type ${vif.type} set up for port ${vif.portId}`,
      why: 'this version does not know how that type is unplugged',
    }));
}

function members(plug: Plug): readonly string[] {
  const { tap, inner } = deviceNames(plug.port.short);
  return (plug.members ?? []).filter((member) => member !== tap && member !== inner);
}

/** A tap in a bridge that others share (`brq…`) is left to its qemu: with nothing marked there, it may be anybody's. */
function isOwnTap(tap: Link, plug: Plug, subject: Subject): boolean {
  const { bridge } = deviceNames(plug.port.short);
  if (tap.master === bridge || plug.records.some((r) => isMarked(r, plug, subject.uuid))) return true;
  const routed = subject.vifs.some(
    (v) => v.portId === plug.port.portId && ['ovs', 'tap'].includes(v.type ?? ''),
  );
  return routed && tap.master === null;
}

function linkOf(plug: Plug, name: string): Link | undefined {
  return plug.links.find((link) => link.name === name);
}

/** A tap that is there while its domain runs goes with qemu; only one that was left behind is ours to delete. */
function leftTap(plug: Plug, subject: Subject): Link | undefined {
  const tap = linkOf(plug, deviceNames(plug.port.short).tap);
  return tap !== undefined && plug.active !== true && isOwnTap(tap, plug, subject) ? tap : undefined;
}

function stepsOf(plug: Plug, subject: Subject, disputed: boolean): DraftStep[] {
  const { uuid } = subject;
  const names = deviceNames(plug.port.short);
  const veth = linkOf(plug, names.outer) ?? linkOf(plug, names.inner);
  const tap = leftTap(plug, subject);
  return [
    ...(plug.members === null ? [] : [bridgeStep(plug, uuid)]),
    // A disputed record stays in the plan, behind its guard: what may not be touched is not gone.
    ...plug.records.filter((r) => disputed || isMarked(r, plug, uuid)).map((r) => delPortStep(plug, r, uuid)),
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
      : [linkStep(plug, tap.name, 'It outlived the qemu that it was made for.', uuid)]),
  ];
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
  if (tap !== undefined && plug.active !== true && !isOwnTap(tap, plug, subject))
    notes.push({ place, what: `${tap.name} in ${tap.master ?? 'no bridge'}`, why: 'it goes with its qemu' });
  for (const { bridge } of plug.records.filter((r) => r.bridge.startsWith('tbr-')))
    notes.push({ place, what: `trunk bridge ${bridge}`, why: 'the agent deletes it when its port is gone' });
  return notes;
}

function planPlug(plug: Plug, subject: Subject): KindPlan {
  const place = `host ${plug.host}`;
  const whose = verdict(plug, subject.uuid);
  if (whose.of === 'another') return { ...NOTHING, kept: [{ place, what: label(plug), why: whose.why }] };
  const disputed = whose.of === 'disputed';
  const steps = stepsOf(plug, subject, disputed);
  const foreign = members(plug);
  const { bridge } = deviceNames(plug.port.short);
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
      ...(foreign.length > 0
        ? [
            {
              code: 'bridge-foreign-member',
              flag: null,
              sentence: `${bridge} on ${plug.host} also holds ${foreign.join(', ')}, which is not this port's`,
            },
          ]
        : []),
    ],
    kept: keptOf(plug, subject, disputed),
  };
}

function describe(plug: Plug, subject: Subject): string {
  const tap = leftTap(plug, subject);
  return [
    ...plug.records.map((r) => `${r.name} in ${r.bridge}`),
    ...(plug.members === null ? [] : [`bridge ${deviceNames(plug.port.short).bridge}`]),
    ...plug.links
      .filter((l) => (!l.name.startsWith('tap') || l === tap) && !plug.records.some((r) => r.name === l.name))
      .map((l) => `device ${l.name}`),
  ].join(', ');
}

export function planInterfaces(facts: InterfaceFacts, subject: Subject): KindPlan {
  const plans = facts.plugs.map((plug) => planPlug(plug, subject));
  return {
    steps: plans.flatMap((p) => p.steps),
    remains: plans.flatMap((p) => p.remains),
    refusals: plans.flatMap((p) => p.refusals),
    kept: [...plans.flatMap((p) => p.kept), ...unknownTypes(subject.vifs)],
  };
}
