import { join } from 'node:path';
import { host, type Lab, ports, region } from '../paths.ts';
import { databaseUrl, type Ini, messageBus, serviceLogin, tokenCheck } from './ini.ts';

/** `disks`: what [libvirt] says of where a server's own disks lie. */
export function novaConfig(lab: Lab, disks: Ini[string]): Ini {
  return {
    DEFAULT: {
      transport_url: messageBus,
      my_ip: '127.0.0.1',
      host,
      state_path: join(lab.dir, 'nova'),
      instances_path: lab.instances,
      rootwrap_config: '/etc/nova/rootwrap.conf',
      enabled_apis: 'osapi_compute',
      osapi_compute_listen: '127.0.0.1',
      osapi_compute_workers: 1,
      compute_driver: 'libvirt.LibvirtDriver',
      debug: true,
      vif_plugging_is_fatal: true,
      vif_plugging_timeout: 120,
      // One small machine: let it take more servers than it could really carry.
      reserved_host_memory_mb: 0,
      ram_allocation_ratio: '4.0',
      cpu_allocation_ratio: '64.0',
      disk_allocation_ratio: '100.0',
      // Resize ends on the same host, which leaves the folder and its `_resize` twin side by side.
      allow_resize_to_same_host: true,
      // The guest is a disk of zeros and answers no request to shut down.
      shutdown_timeout: 0,
      service_down_time: 20,
      report_interval: 5,
      // Once a minute it would write what is new of a neighbour's ports into its row, in the middle of a comparison.
      heal_instance_info_cache_interval: -1,
    },
    api: { auth_strategy: 'keystone' },
    api_database: { connection: databaseUrl(lab, 'nova', 'nova_api') },
    // Also what the template in cell1's mapping is filled from.
    database: { connection: databaseUrl(lab, 'nova', 'nova') },
    // Victims that expunge did not purge yet must not keep the next one from being made.
    quota: { instances: -1, cores: -1, ram: -1 },
    conductor: { workers: 1 },
    scheduler: { workers: 1, discover_hosts_in_cells_interval: 10 },
    glance: { api_servers: `http://127.0.0.1:${ports.glance}` },
    vnc: {
      enabled: true,
      server_listen: '127.0.0.1',
      novncproxy_host: '127.0.0.1',
      novncproxy_port: ports.novnc,
      novncproxy_base_url: `http://127.0.0.1:${ports.novnc}/vnc_auto.html`,
    },
    libvirt: { virt_type: 'qemu', cpu_mode: 'none', ...disks },
    placement: serviceLogin(lab, 'placement'),
    neutron: serviceLogin(lab, 'neutron'),
    cinder: { os_region_name: region },
    // A neighbour's token that is older is deleted by nova-compute, every five minutes, also in the middle of a comparison.
    consoleauth: { token_ttl: 86_400 },
    service_user: { send_service_user_token: true, ...serviceLogin(lab, 'nova') },
    oslo_concurrency: { lock_path: join(lab.run, 'nova-locks') },
    compute: { resource_provider_association_refresh: 0 },
    keystone_authtoken: tokenCheck(lab, 'nova'),
  };
}
