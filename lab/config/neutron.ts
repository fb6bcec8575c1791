import { join } from 'node:path';
import { host, type Lab, ports } from '../paths.ts';
import { databaseUrl, type Ini, messageBus, serviceLogin, tokenCheck } from './ini.ts';

export function neutronConfig(lab: Lab): Ini {
  return {
    DEFAULT: {
      transport_url: messageBus,
      bind_host: '127.0.0.1',
      bind_port: ports.neutron,
      core_plugin: 'ml2',
      service_plugins: '',
      api_workers: 1,
      rpc_workers: 1,
      debug: true,
      notify_nova_on_port_status_changes: true,
      notify_nova_on_port_data_changes: true,
      host,
      state_path: join(lab.dir, 'neutron'),
    },
    database: { connection: databaseUrl(lab, 'neutron', 'neutron') },
    quotas: { quota_port: -1 },
    nova: serviceLogin(lab, 'nova'),
    placement: serviceLogin(lab, 'placement'),
    oslo_concurrency: { lock_path: join(lab.run, 'neutron-locks') },
    agent: { root_helper: 'sudo /usr/bin/neutron-rootwrap /etc/neutron/rootwrap.conf' },
    keystone_authtoken: tokenCheck(lab, 'neutron'),
  };
}

/** The plug-in's and the agent's file: hybrid plug, so that a port is tap – qbr – qvb/qvo – br-int. */
export function ml2Config(): Ini {
  return {
    ml2: {
      type_drivers: 'flat,vlan,vxlan,local',
      tenant_network_types: 'local,vxlan',
      mechanism_drivers: 'openvswitch',
      extension_drivers: 'port_security',
    },
    ml2_type_vxlan: { vni_ranges: '1:1000' },
    ovs: {
      // The userspace datapath: needs no kernel module.
      datapath_type: 'netdev',
      local_ip: '127.0.0.1',
      ovsdb_connection: `tcp:127.0.0.1:${ports.ovsdb}`,
    },
    agent: { tunnel_types: '' },
    securitygroup: { enable_security_group: true, firewall_driver: 'iptables_hybrid' },
  };
}
