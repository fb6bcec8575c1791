import { join } from 'node:path';
import { host, type Lab, ports } from '../paths.ts';
import { databaseUrl, type Ini, messageBus, serviceLogin, tokenCheck } from './ini.ts';

/**
 * Cinder with its test-suite's driver (every call is answered, nothing is stored), and with more backends, each a section that
 * is named like its volume type.
 */
export function cinderConfig(lab: Lab, backends: Ini = {}): Ini {
  return {
    DEFAULT: {
      transport_url: messageBus,
      auth_strategy: 'keystone',
      my_ip: '127.0.0.1',
      host,
      osapi_volume_listen: '127.0.0.1',
      osapi_volume_listen_port: ports.cinder,
      osapi_volume_workers: 1,
      enabled_backends: ['fake', ...Object.keys(backends)].join(','),
      default_volume_type: 'fake',
      // Volumes that a server's end leaves behind stay until the lab goes.
      quota_volumes: -1,
      state_path: join(lab.dir, 'cinder'),
      glance_api_servers: `http://127.0.0.1:${ports.glance}`,
      debug: true,
    },
    fake: { volume_driver: 'cinder.tests.fake_driver.FakeLoggingVolumeDriver', volume_backend_name: 'fake' },
    ...backends,
    database: { connection: databaseUrl(lab, 'cinder', 'cinder') },
    oslo_concurrency: { lock_path: join(lab.run, 'cinder-locks') },
    service_user: { send_service_user_token: true, ...serviceLogin(lab, 'cinder') },
    nova: { interface: 'internal', ...serviceLogin(lab, 'nova') },
    keystone_authtoken: tokenCheck(lab, 'cinder'),
  };
}
