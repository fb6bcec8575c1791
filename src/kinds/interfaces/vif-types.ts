/** What of a port is not in Open vSwitch nor a device of its own: said in words, by VIF type, never left out. */
import type { Kept, Manual } from '../../plan/types.ts';
import type { OtherSwitch, Subject, Vif } from '../subject/subject.ts';
import type { Plug } from './find.ts';
import { deviceNames } from './ports.ts';

/**
 * Types whose unplug leaves nothing to do here: what lives in Open vSwitch is found there, a tap of a shared bridge goes with its
 * qemu, and the others are no-ops in Nova too (nova 26 `virt/libvirt/vif.py:unplug`, os-vif 3.0 `vif_plug_linux_bridge`).
 */
const SILENT: readonly (string | null)[] = [
  null,
  'ovs',
  'vhostuser',
  'agilio_ovs',
  'bridge',
  'tap',
  'unbound',
  'binding_failed',
];

const UNKNOWN = 'this version does not know how that type is unplugged';

/** The next server that is given the function would have it too: Nova turns it off when it unplugs one, never when it plugs one. */
function trustOf(slot: string): string {
  return `the device is freed in Nova’s rows (pci_devices), and stays trusted as long as nobody takes that from it: on its host, ip link set <card> vf <number> trust off, for the function at ${slot}`;
}

const FREED = 'the device is freed in Nova’s rows (pci_devices) and stays on its host; Nova does no more';

/** What Nova's unplug does where nothing on a host shows whether it was done. */
const IN_WORDS: Readonly<Record<string, string>> = {
  // nova 26 virt/libvirt/vif.py: plug and unplug of these are empty
  hostdev_physical: FREED,
  hw_veb: `${FREED}, unless an address of the port is found on it`,
  macvtap: 'libvirt takes its macvtap device away with the domain',
  '802.1qbg': 'libvirt takes its macvtap device away with the domain',
  '802.1qbh': 'libvirt takes its macvtap device away with the domain, and the switch its profile',
  // nova 26 privsep/libvirt.py:unplug_infiniband_vif
  ib_hostdev:
    'nothing on a host shows it: there, ebrctl del-port <fabric> <address of the port> takes it off the InfiniBand switch',
};

/** The same of vhost-user ports that another program than Open vSwitch plugs (nova 26 `network/os_vif_util.py:_nova_to_osvif_vif_vhostuser`). */
const VHOST_USER: Readonly<Partial<Record<OtherSwitch, { readonly type: string; readonly why?: string }>>> = {
  vrouter: {
    type: 'vhostuser of vRouter',
    why: 'nothing on a host shows it: there, vrouter-port-control --oper=delete --uuid=<port> tells the vRouter',
  },
  'fast-path': { type: 'vhostuser of a fast path' },
};

/** Types with a tap that somebody besides the kernel knows (nova 26 `privsep/libvirt.py`): that one has to hear of it first. */
const BY_HAND: Readonly<Record<string, (port: string, tap: string) => string>> = {
  midonet: (port, tap) => `on that host: mm-ctl --unbind-port ${port}; then ip link delete dev ${tap}`,
  iovisor: (_, tap) =>
    `on that host: ifc_ctl gateway ifdown ${tap}; ifc_ctl gateway del_port ${tap}; then ip link delete dev ${tap}`,
  vrouter: (port, tap) =>
    `on that host: vrouter-port-control --oper=delete --uuid=${port}; then ip link delete dev ${tap}`,
};

/** Types that say for each port what becomes of it; once the row is deleted, there is nothing more to say. */
export function noteTypes({ vifs, row }: Subject): Omit<Kept, 'kind'>[] {
  const isLive = row !== null && row.deleted === 0;
  return vifs.flatMap((vif) => {
    const other = vif.otherSwitch === undefined ? undefined : VHOST_USER[vif.otherSwitch];
    if (vif.type === null || (SILENT.includes(vif.type) && other === undefined)) return [];
    const known = other === undefined ? IN_WORDS[vif.type] : other.why;
    if (known === undefined && BY_HAND[vif.type] !== undefined) return [];
    if (known !== undefined && !isLive) return [];
    return [
      {
        place: 'compute hosts',
        what: `what VIF type ${other?.type ?? vif.type} set up for port ${vif.portId}`,
        why: vif.trusted === undefined ? (known ?? UNKNOWN) : trustOf(vif.trusted),
      },
    ];
  });
}

function vifOf(plug: Plug, { vifs }: Subject): Vif | undefined {
  return vifs.find((vif) => vif.portId === plug.port.portId);
}

/** As network_info has it, and where that is lost, Neutron, as long as the port is bound. */
export function typeOf(plug: Plug, subject: Subject): string {
  return vifOf(plug, subject)?.type ?? plug.port.vifType ?? '';
}

/** Whether the port's tap stays when its qemu is gone. */
export function hasOwnTap(plug: Plug, subject: Subject): boolean {
  return vifOf(plug, subject)?.ownTap === true || typeOf(plug, subject) === 'tap';
}

/** Whether the port's tap is one that another program has to give up. */
export function isByHand(plug: Plug, subject: Subject): boolean {
  return BY_HAND[typeOf(plug, subject)] !== undefined;
}

/** What was found on this host and is done by hand. While the domain runs nothing of it is in the way. */
export function manualOf(plug: Plug, subject: Subject): Omit<Manual, 'kind'>[] {
  if (plug.active === true) return [];
  const place = `host ${plug.host}`;
  const { portId, short } = plug.port;
  const { tap } = deviceNames(short);
  const words = BY_HAND[typeOf(plug, subject)];
  const hasTap = plug.links.some((link) => link.name === tap);
  return [
    ...(words === undefined || portId === null || !hasTap
      ? []
      : [{ place, what: `${tap} of port ${portId}`, how: words(portId, tap) }]),
    // The card sends nothing to an address that one of its functions bears (nova 26 virt/libvirt/vif.py:unplug_hw_veb).
    ...plug.functions.map(({ card, index, mac }) => ({
      place,
      what: `virtual function ${index} of ${card} bears ${mac}, the address of port ${portId}`,
      how: `on that host, if no domain uses it: ip link set ${card} vf ${index} mac 00:00:00:00:00:00 vlan 0`,
    })),
  ];
}
