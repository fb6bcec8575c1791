import { existsSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { run } from './command.ts';
import { isMariadbUp, mariadbArgv } from './mariadb.ts';
import { type Lab, ports } from './paths.ts';
import type { Launch } from './process.ts';
import { epmdLaunch, rabbitLaunch } from './rabbitmq.ts';
import { sshdLaunch } from './sshd.ts';

export interface Service extends Launch {
  readonly port?: number;
  /** True when it does its work, not only when its process is there. */
  isReady(): Promise<boolean>;
}

export type ServiceName =
  | 'mariadb'
  | 'epmd'
  | 'rabbitmq'
  | 'memcached'
  | 'ovsdb'
  | 'vswitchd'
  | 'virtlogd'
  | 'libvirtd'
  | 'sshd'
  | 'keystone'
  | 'placement'
  | 'glance'
  | 'neutron'
  | 'nova-api'
  | 'nova-conductor'
  | 'nova-scheduler'
  | 'nova-novncproxy'
  | 'nova-compute'
  | 'ovs-agent'
  | 'cinder-api'
  | 'cinder-scheduler'
  | 'cinder-volume';

/**
 * Clients have this path compiled in, so the sockets are there and not in the lab's folder; the database itself is
 * in the lab's folder.
 */
export const ovsRunFolder = '/run/openvswitch';

/** Every process of the cloud, in the order in which they come up. */
export function listServices(lab: Lab): readonly (Service & { readonly name: ServiceName })[] {
  const conf = (name: string): readonly string[] => ['--config-file', join(lab.etc, name)];
  const python = (name: ServiceName, program: string, ...files: readonly string[]) => ({
    name,
    argv: [`/usr/bin/${program}`, ...files.flatMap(conf)],
    isReady: () => Promise.resolve(true),
  });
  const api = (name: ServiceName, port: number, program: string, ...files: readonly string[]) => ({
    ...python(name, program, ...files),
    port,
    isReady: () => answersHttp(port),
  });
  const wsgi = (name: ServiceName, port: number, script: string, configFolder: string) => ({
    name,
    argv: uwsgiArgv(port, script),
    // uWSGI passes no arguments on to these two: they read the folder of their config from the environment.
    env: { [configFolder]: lab.etc },
    port,
    isReady: () => answersHttp(port),
  });
  return [
    { name: 'mariadb', argv: mariadbArgv(lab), port: ports.mysql, isReady: () => isMariadbUp(lab) },
    { ...epmdLaunch(lab), name: 'epmd', port: ports.epmd, isReady: () => acceptsTcp(ports.epmd) },
    { ...rabbitLaunch(lab), name: 'rabbitmq', port: ports.amqp, isReady: () => acceptsTcp(ports.amqp) },
    {
      name: 'memcached',
      argv: [
        '/usr/bin/memcached',
        '-u',
        'nobody',
        '-l',
        '127.0.0.1',
        '-p',
        String(ports.memcached),
        '-m',
        '64',
      ],
      port: ports.memcached,
      isReady: () => acceptsTcp(ports.memcached),
    },
    {
      name: 'ovsdb',
      argv: [
        '/usr/sbin/ovsdb-server',
        `--remote=punix:${ovsRunFolder}/db.sock`,
        `--remote=ptcp:${ports.ovsdb}:127.0.0.1`,
        '--pidfile',
        '-vconsole:warn',
        join(lab.dir, 'ovs/conf.db'),
      ],
      port: ports.ovsdb,
      isReady: () => acceptsTcp(ports.ovsdb),
    },
    {
      name: 'vswitchd',
      argv: ['/usr/sbin/ovs-vswitchd', '--pidfile', '-vconsole:warn', `unix:${ovsRunFolder}/db.sock`],
      isReady: () => succeeds(['ovs-appctl', '-t', 'ovs-vswitchd', 'version']),
    },
    {
      name: 'virtlogd',
      argv: ['/usr/sbin/virtlogd'],
      isReady: () => Promise.resolve(existsSync('/run/libvirt/virtlogd-sock')),
    },
    {
      name: 'libvirtd',
      argv: ['/usr/bin/python3', join(import.meta.dirname, 'reaper.py'), '/usr/sbin/libvirtd'],
      isReady: () => succeeds(['virsh', '-c', 'qemu:///system', 'version']),
    },
    { ...sshdLaunch(lab), name: 'sshd', port: ports.sshd, isReady: () => acceptsTcp(ports.sshd) },
    wsgi('keystone', ports.keystone, '/usr/bin/keystone-wsgi-public', 'OS_KEYSTONE_CONFIG_DIR'),
    wsgi('placement', ports.placement, '/usr/bin/placement-api', 'OS_PLACEMENT_CONFIG_DIR'),
    api('glance', ports.glance, 'glance-api', 'glance-api.conf'),
    api('neutron', ports.neutron, 'neutron-server', 'neutron.conf', 'ml2.ini'),
    api('nova-api', ports.nova, 'nova-api', 'nova.conf'),
    api('cinder-api', ports.cinder, 'cinder-api', 'cinder.conf'),
    python('nova-conductor', 'nova-conductor', 'nova.conf'),
    python('nova-scheduler', 'nova-scheduler', 'nova.conf'),
    python('nova-compute', 'nova-compute', 'nova.conf'),
    python('ovs-agent', 'neutron-openvswitch-agent', 'neutron.conf', 'ml2.ini'),
    api('nova-novncproxy', ports.novnc, 'nova-novncproxy', 'nova.conf'),
    python('cinder-scheduler', 'cinder-scheduler', 'cinder.conf'),
    {
      ...python('cinder-volume', 'cinder-volume', 'cinder.conf'),
      // Python finds the lab's own driver by it, and must leave no compiled files beside the sources.
      env: { PYTHONPATH: join(import.meta.dirname, 'storage'), PYTHONDONTWRITEBYTECODE: '1' },
    },
  ];
}

export function readService(lab: Lab, name: ServiceName): Service {
  const service = listServices(lab).find((each) => each.name === name);
  if (service === undefined) throw new Error(`the lab has no service ${name}`);
  return service;
}

async function succeeds(argv: readonly string[]): Promise<boolean> {
  return (await run(argv, { allow: 'any', timeoutMs: 5000 })).code === 0;
}

/** Any answer below 500 will do: some of these APIs ask for a token on their first page. */
async function answersHttp(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/`, {
      signal: AbortSignal.timeout(3000),
      redirect: 'manual',
    });
    await answer.arrayBuffer();
    return answer.status < 500;
  } catch {
    return false;
  }
}

export function acceptsTcp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port, timeout: 2000 });
    const answer = (value: boolean): void => {
      socket.destroy();
      resolve(value);
    };
    socket.on('connect', () => answer(true));
    socket.on('error', () => answer(false));
    socket.on('timeout', () => answer(false));
  });
}

function uwsgiArgv(port: number, script: string): readonly string[] {
  return [
    '/usr/bin/uwsgi_python3',
    '--http-socket',
    `127.0.0.1:${port}`,
    '--wsgi-file',
    script,
    '--master',
    '--processes',
    '2',
    '--threads',
    '2',
    '--enable-threads',
    '--lazy-apps',
    '--die-on-term',
    '--need-app',
    '--buffer-size',
    '65535',
    // uWSGI closes after every answer; a client that is not told so fails when it asks again.
    '--add-header',
    'Connection: close',
  ];
}
