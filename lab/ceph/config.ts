import type { Ini } from '../config/ini.ts';
import type { Lab } from '../paths.ts';
import { cephAddress, cephPaths, cephPorts, fsid, keyring, pools, secretIds } from './paths.ts';

/** The volume type, and the backend, whose volumes are images in Cinder's pool. */
export const cephTypes = ['ceph'] as const;

/** Bytes that the OSD's file may grow to; it is sparse. */
const diskSize = 4 * 1024 ** 3;

const mebibyte = 1024 ** 2;

/** One file for daemons and clients alike. It holds no key. */
export function cephConfig(lab: Lab): Ini {
  const paths = cephPaths(lab);
  const daemon = { admin_socket: `${paths.run}/$name.asok` };
  return {
    global: {
      fsid,
      mon_host: `[v2:${cephAddress}:${cephPorts.monitorV2},v1:${cephAddress}:${cephPorts.monitorV1}]`,
      public_addr: cephAddress,
      cluster_addr: cephAddress,
      ms_bind_port_min: cephPorts.first,
      ms_bind_port_max: cephPorts.last,
      auth_cluster_required: 'cephx',
      auth_service_required: 'cephx',
      auth_client_required: 'cephx',
      keyring: keyring(lab, '$name'),
      run_dir: paths.run,
      crash_dir: paths.run,
      log_file: '',
      log_to_stderr: true,
      // One OSD, so one copy, and no second host to look for.
      osd_pool_default_size: 1,
      osd_pool_default_min_size: 1,
      osd_pool_default_pg_num: 8,
      osd_pool_default_pg_autoscale_mode: 'off',
      osd_crush_chooseleaf_type: 0,
    },
    mon: {
      ...daemon,
      mon_data: paths.monitor,
      keyring: `${paths.monitor}/keyring`,
      mon_allow_pool_size_one: true,
      mon_allow_pool_delete: true,
      mon_warn_on_pool_no_redundancy: false,
      auth_allow_insecure_global_id_reclaim: false,
      mon_cluster_log_to_file: false,
      // The machine's disk is not the cluster's own: how full it is says nothing here.
      mon_data_avail_warn: 1,
      mon_data_avail_crit: 0,
      mon_memory_autotune: false,
      rocksdb_cache_size: 16 * mebibyte,
    },
    mgr: { ...daemon, mgr_data: paths.manager },
    osd: {
      ...daemon,
      osd_data: paths.osd,
      keyring: `${paths.osd}/keyring`,
      osd_objectstore: 'bluestore',
      bluestore_block_size: diskSize,
      bluestore_cache_autotune: false,
      bluestore_cache_size: 32 * mebibyte,
      // The least that Ceph takes.
      osd_memory_target: 896 * mebibyte,
      osd_op_num_shards: 2,
      osd_op_num_threads_per_shard: 1,
    },
  };
}

/** The backend's section of cinder.conf. */
export function cephBackends(lab: Lab): Ini {
  return {
    ceph: {
      volume_driver: 'cinder.volume.drivers.rbd.RBDDriver',
      volume_backend_name: 'ceph',
      rbd_pool: pools.cinder,
      rbd_user: 'cinder',
      rbd_ceph_conf: cephPaths(lab).conf,
      rbd_secret_uuid: secretIds.cinder,
      rados_connect_timeout: 10,
    },
  };
}

/** What [libvirt] of nova.conf says when servers' own disks are images in Nova's pool. */
export function cephDisks(lab: Lab): Readonly<Record<string, string>> {
  return {
    images_type: 'rbd',
    images_rbd_pool: pools.nova,
    images_rbd_ceph_conf: cephPaths(lab).conf,
    rbd_user: 'nova',
    rbd_secret_uuid: secretIds.nova,
  };
}
