import type { BeforeImage, Check, DraftStep, Step } from '../../plan/types.ts';
import { domainNotActive } from '../domain/virsh.ts';
import { portIsOurs } from '../ports/steps.ts';
import type { Plug } from './find.ts';
import { type OvsRecord, SERVER_MARKS } from './ovs.ts';
import { deviceNames } from './ports.ts';

type Guard = Step['guards'][number];

function sysfsGone(host: string, device: string): Check {
  return {
    door: 'command',
    host,
    argv: ['test', '!', '-e', `/sys/class/net/${device}`],
    exit: [0],
    no: [1],
  };
}

export function ovsGet(host: string, table: string, record: string, ...columns: readonly string[]) {
  return {
    door: 'command' as const,
    host,
    argv: ['ovs-vsctl', '--timeout=10', '--if-exists', 'get', table, record, ...columns],
    exit: [0],
  };
}

/** A whole record, as it was. */
export function ovsSaved(host: string, table: string, record: string): BeforeImage {
  return {
    door: 'command',
    host,
    argv: ['ovs-vsctl', '--timeout=10', '--format=json', '--', 'list', table, record],
  };
}

export function stopped(host: string, uuid: string): Guard {
  return { must: "the server's domain is not active here", check: domainNotActive(host, uuid) };
}

/**
 * Of this port and this server, or not in Open vSwitch at all: `--if-exists` then says nothing, and nothing is within any set.
 * ovs-vsctl puts what looks like a uuid in double quotes. Of a record that names another server too Neutron has to say it once more.
 */
export function recordIsOurs({ host, port, records }: Plug, device: string, uuid: string): Guard[] {
  const [own] = records.filter((r) => r.name === device && r.servers.includes(uuid));
  const servers = [uuid, ...(own?.servers ?? []).filter((server) => server !== uuid)];
  const ids = port.portId === null ? servers : [port.portId, ...servers];
  const keys = port.portId === null ? SERVER_MARKS : (['iface-id', ...SERVER_MARKS] as const);
  const columns = keys.map((key) => `external_ids:${key}`);
  const inOvs: Guard = {
    must: `${device} in Open vSwitch is of this server and this port`,
    check: {
      ...ovsGet(host, 'Interface', device, ...columns),
      out: { linesWithin: ids.map((id) => `"${id}"`) },
    },
  };
  return port.portId === null || servers.length === 1 ? [inOvs] : [inOvs, portIsOurs(port.portId, uuid)];
}

/** Taken out of the bridge that it is really in: `br-int`, a trunk's `tbr-…`, or what network_info does not know. */
export function delPortStep(plug: Plug, record: OvsRecord, uuid: string): DraftStep {
  const { host } = plug;
  return {
    id: `interfaces/${host}/ovs/${record.name}`,
    phase: 'unplug',
    place: `host ${host}`,
    title: `take ${record.name} out of ${record.bridge}`,
    why: 'Open vSwitch keeps the port for ever, through reboots too.',
    act: {
      door: 'command',
      host,
      argv: ['ovs-vsctl', '--timeout=10', '--', '--if-exists', 'del-port', record.bridge, record.name],
      exit: [0],
    },
    guards: [stopped(host, uuid), ...recordIsOurs(plug, record.name, uuid)],
    settled: { ...ovsGet(host, 'Interface', record.name, 'name'), out: { equals: '' } },
    before: [ovsSaved(host, 'Interface', record.name)],
    undo: 'never',
  };
}

/** Deleting the bridge lets its members go; brctl is not needed (os-vif `vif_plug_ovs/linux_net.py:delete_bridge`). */
export function bridgeStep(plug: Plug, uuid: string): DraftStep {
  const { host } = plug;
  const names = deviceNames(plug.port.short);
  return {
    id: `interfaces/${host}/link/${names.bridge}`,
    phase: 'unplug',
    place: `host ${host}`,
    title: `delete bridge ${names.bridge}`,
    why: 'It was made for this one interface and nothing else removes it.',
    act: { door: 'command', host, argv: ['ip', 'link', 'delete', 'dev', names.bridge], exit: [0] },
    guards: [
      stopped(host, uuid),
      ...(plug.hasOvs ? recordIsOurs(plug, names.outer, uuid) : []),
      {
        must: `${names.bridge} has no member besides ${names.tap} and ${names.inner}`,
        check: {
          door: 'command',
          host,
          argv: ['ls', `/sys/class/net/${names.bridge}/brif`],
          exit: [0],
          out: { linesWithin: [names.tap, names.inner] },
        },
      },
    ],
    settled: sysfsGone(host, names.bridge),
    before: [],
    undo: 'never',
  };
}

/** A veth pair goes whole with either end; a tap that outlived its qemu goes alone. */
export function linkStep(plug: Plug, device: string, why: string, uuid: string): DraftStep {
  const { host } = plug;
  const names = deviceNames(plug.port.short);
  const record = device === names.tap ? names.tap : names.outer;
  return {
    id: `interfaces/${host}/link/${device}`,
    phase: 'unplug',
    place: `host ${host}`,
    title: `delete ${device}`,
    why,
    act: { door: 'command', host, argv: ['ip', 'link', 'delete', 'dev', device], exit: [0] },
    guards: [stopped(host, uuid), ...(plug.hasOvs ? recordIsOurs(plug, record, uuid) : [])],
    settled: sysfsGone(host, device),
    before: [],
    undo: 'never',
  };
}
