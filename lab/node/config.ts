import { join } from 'node:path';
import { disksConfig } from '../config/disks.ts';
import type { Ini } from '../config/ini.ts';
import { ml2Config, neutronConfig } from '../config/neutron.ts';
import { novaConfig } from '../config/nova.ts';
import { type Lab, ports } from '../paths.ts';
import { links, nodeName } from './paths.ts';

const [management] = links;

/** What a compute host asks of the rest of the cloud; all of it listens on 127.0.0.1 of the machine. */
export const cloudPorts = [
  ports.amqp,
  ports.keystone,
  ports.glance,
  ports.placement,
  ports.neutron,
  ports.cinder,
] as const;

/**
 * The lab's nova.conf as a second compute host has it: the services at the address by which it reaches them, instead of
 * the catalogue's, and no database (nova-compute has none, it asks the conductor).
 */
export function nodeNovaConfig(lab: Lab): Ini {
  const { api_database: _, database: __, ...base } = reachable(novaConfig(lab, disksConfig(lab, 'files')));
  const at = (port: number): string => `http://${management.labAddress}:${port}`;
  // nova-compute is root there. By the usual way, sudo and rootwrap, two more programs in Python start before each helper.
  const helper = `/usr/bin/privsep-helper --config-file ${join(lab.etc, 'nova.conf')}`;
  const helpers = ['nova_sys_admin', 'privsep_osbrick', 'vif_plug_ovs_privileged'];
  return {
    ...base,
    ...Object.fromEntries(helpers.map((name) => [name, { helper_command: helper }])),
    DEFAULT: {
      ...base['DEFAULT'],
      host: nodeName,
      my_ip: management.address,
      // Every minute otherwise, and it starts a Python and a qemu-img for each disk: half of what the node can do.
      update_resources_interval: 600,
    },
    placement: { ...base['placement'], endpoint_override: at(ports.placement) },
    neutron: { ...base['neutron'], endpoint_override: at(ports.neutron) },
    cinder: { ...base['cinder'], endpoint_template: `${at(ports.cinder)}/v3/%(project_id)s` },
  };
}

export function nodeNeutronConfig(lab: Lab): Ini {
  const { database: _, ...base } = reachable(neutronConfig(lab));
  return { ...base, DEFAULT: { ...base['DEFAULT'], host: nodeName } };
}

/**
 * The kernel's datapath, taps directly in br-int, and no firewall. Debian's User-Mode Linux 7.2 is built without iptables' tables
 * (NETFILTER_XTABLES_LEGACY, NF_TABLES_IPV4) and without NF_CONNTRACK_ZONES, so neither `iptables_hybrid` nor `openvswitch` can work:
 * of the latter's flows the switch says that the datapath does not support ct zones.
 */
export function nodeMl2Config(): Ini {
  const base = ml2Config();
  return {
    ...base,
    ovs: { ...base['ovs'], datapath_type: 'system', local_ip: management.address },
    securitygroup: { ...base['securitygroup'], firewall_driver: 'noop' },
  };
}

/** The same settings with the cloud's addresses as the node reaches them; what listens on the node itself stays. */
function reachable(ini: Ini): Ini {
  const pattern = new RegExp(`127\\.0\\.0\\.1:(${cloudPorts.join('|')})(?!\\d)`, 'g');
  const replace = (value: string | number | boolean): string | number | boolean =>
    typeof value === 'string' ? value.replaceAll(pattern, `${management.labAddress}:$1`) : value;
  const sections = Object.entries(ini).map(([section, options]) => [
    section,
    Object.fromEntries(Object.entries(options).map(([name, value]) => [name, replace(value)])),
  ]);
  return Object.fromEntries(sections);
}
