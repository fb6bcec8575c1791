import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { run } from './command.ts';

const groups = {
  base: [
    'mariadb-server',
    'rabbitmq-server',
    'memcached',
    'keystone',
    'glance-api',
    'placement-api',
    'nova-api',
    'nova-conductor',
    'nova-scheduler',
    'nova-compute',
    'nova-consoleproxy',
    'neutron-server',
    'neutron-openvswitch-agent',
    'cinder-api',
    'cinder-scheduler',
    'cinder-volume',
    'python3-openstackclient',
    'python3-osc-placement',
    'python3-pymysql',
    'uwsgi-plugin-python3',
    'libvirt-daemon-system',
    'libvirt-clients',
    'qemu-system-x86',
    'qemu-utils',
    'openvswitch-switch',
    'bridge-utils',
    'iproute2',
    'iptables',
    'ebtables',
    'ipset',
    'open-iscsi',
    'tgt',
    'netcat-openbsd',
    'openssh-server',
    'openssh-client',
    'sudo',
  ],
  ceph: [
    'ceph-mon',
    'ceph-mgr',
    'ceph-osd',
    'ceph-common',
    'python3-rados',
    'python3-rbd',
    'qemu-block-extra',
  ],
  containers: ['podman', 'runc'],
} as const;

/** `ceph` is wanted only by a lab that has it, `containers` by the tests of containers, besides `base`. */
export type PackageGroup = keyof typeof groups;

const policy = '/usr/sbin/policy-rc.d';
const ourPolicy = '#!/bin/sh\n# Written by the lab of expunge while it installs packages.\nexit 101\n';
const policyKept = `${policy}.before-expunge-lab`;

/** Installs the packages of a group that are missing, without letting any of them start its services. */
export async function install(say: (line: string) => void, group: PackageGroup = 'base'): Promise<void> {
  const missing = await listMissing(groups[group]);
  if (missing.length === 0) return;
  say(`installing ${missing.length} packages: ${missing.join(' ')}`);
  // apt needs the caller's own settings (proxies, certificates), which the lab's services do not get.
  const env = { ...readOwnEnv(), DEBIAN_FRONTEND: 'noninteractive' };
  forbidStarts();
  try {
    await run(['apt-get', 'update', '-q'], { env });
    const quiet = ['-o', 'Dpkg::Options::=--force-confold', '-o', 'Dpkg::Use-Pty=0'];
    await run(['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...quiet, ...missing], {
      env,
      timeoutMs: 1_800_000,
    });
  } finally {
    allowStarts();
  }
}

async function listMissing(packages: readonly string[]): Promise<readonly string[]> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const format = '${Package} ${db:Status-Status}\n';
  const { stdout } = await run(['dpkg-query', '-W', '-f', format, ...packages], {
    allow: [1],
  });
  const installed = new Set(
    stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return packages.filter((name) => !installed.has(name));
}

/** The machine's own policy is put aside; an interrupted install finds it there the next time. */
function forbidStarts(): void {
  const foreign = existsSync(policy) && readFileSync(policy, 'utf8') !== ourPolicy;
  if (foreign) renameSync(policy, policyKept);
  writeFileSync(policy, ourPolicy, { mode: 0o755 });
}

function allowStarts(): void {
  if (existsSync(policyKept)) renameSync(policyKept, policy);
  else rmSync(policy, { force: true });
}

function readOwnEnv(): Record<string, string> {
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && name !== 'PATH') own[name] = value;
  }
  return own;
}
