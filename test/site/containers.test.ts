/** Programs of a host that are in containers: what is sent there, and what an engine says in place of the program. */
import { describe, expect, test } from 'vitest';
import type { LookError } from '../../src/plan/errors.ts';
import { actInContainers, enterContainer, programsByContainer } from '../../src/site/command/containers.ts';
import { Hosts } from '../../src/site/command/hosts.ts';
import { isReading } from '../../src/site/command/reading.ts';
import { siteFile } from '../../src/site/config/site-file.ts';
import type { CommandAnswer } from '../../src/site/reader.ts';
import { siteConfig } from '../support/sites.ts';

const VIRSH = ['virsh', 'list', '--all'];

/** Hosts with this entry, which answer every command so; and what they were asked. */
function hostsWith(entry: unknown, answer: Partial<CommandAnswer> = {}) {
  const asked: string[] = [];
  const file = siteFile.parse({ hosts: { default: entry } });
  const hosts = new Hosts(siteConfig({ file }), () => ({
    async run(argv) {
      asked.push(argv.join(' '));
      return { exit: 0, out: '\n', err: '', ...answer };
    },
    async close() {},
  }));
  return { hosts, asked };
}

function problems(containers: unknown): string[] {
  return (
    siteFile
      .safeParse({ hosts: { default: { containers } } })
      .error?.issues.map(({ path, message }) => `${path.slice(2).join('.')}: ${message}`) ?? []
  );
}

describe('the site file', () => {
  test.each([
    ['kolla', 'docker exec -u root nova_libvirt virsh list --all'],
    [{ deployment: 'kolla', engine: 'podman' }, 'podman exec -u root nova_libvirt virsh list --all'],
    [{ deployment: 'kolla', programs: { virsh: 'libvirt' } }, 'docker exec -u root libvirt virsh list --all'],
    [
      { engine: 'podman', programs: { virsh: 'nova_virtqemud' } },
      'podman exec -u root nova_virtqemud virsh list --all',
    ],
    [{ programs: { iscsiadm: 'iscsid' } }, 'virsh list --all'],
    [{ deployment: 'kolla', programs: { virsh: 'none' } }, 'virsh list --all'],
    ['none', 'virsh list --all'],
  ])('%j runs %s', async (containers, line) => {
    const { hosts, asked } = hostsWith({ containers });
    await hosts.run('cmp-1', VIRSH, 1000);
    expect(asked).toEqual([line]);
  });

  test('of a host it counts as a whole, in the place of that of default', async () => {
    const file = siteFile.parse({
      hosts: { default: { containers: 'kolla' }, packages: { containers: 'none' } },
    });
    const hosts = new Hosts(siteConfig({ file }), () => {
      throw new Error('nobody is asked');
    });
    expect(hosts.access('other')?.containers?.engine).toBe('docker');
    expect(hosts.access('packages')?.containers).toBeNull();
  });

  test.each([
    ['quadlet', 'containers: Invalid input: expected object, received string'],
    [{}, 'containers: does not say which program is in which container: name programs, or a deployment'],
    [
      { engine: 'podman' },
      'containers: does not say which program is in which container: name programs, or a deployment',
    ],
    [{ programs: { rm: 'nova_compute' } }, 'containers.programs: Unrecognized key: "rm"'],
    [{ programs: { virsh: '--privileged' } }, 'containers.programs.virsh: is not a plain name'],
    [{ programs: { virsh: 'a b' } }, 'containers.programs.virsh: is not a plain name'],
    [
      { deployment: 'kolla', engine: 'lxc' },
      'containers.engine: Invalid option: expected one of "docker"|"podman"',
    ],
  ])('%j is an error', (containers, problem) => {
    expect(problems(containers)).toEqual([problem]);
  });

  test.each([
    ['kolla', '/var/lib/docker/volumes/nova_compute/_data/instances', '/var/lib/nova/instances'],
    [
      { deployment: 'kolla', engine: 'podman' },
      '/var/lib/containers/storage/volumes/nova_compute/_data/instances',
      '/var/lib/nova/instances',
    ],
    [{ programs: { virsh: 'libvirt' } }, '/var/lib/nova/instances', '/var/lib/nova/instances'],
    [{ programs: { virsh: 'libvirt' }, instances_path: '/i' }, '/var/lib/nova/instances', '/i'],
    [{ deployment: 'kolla', instances_path: '/data/i' }, '/data/i', '/data/i'],
  ])(
    '%j: servers’ folders are in %s, which Nova has as %s',
    (containers, instancesPath, novasInstancesPath) => {
      expect(hostsWith({ containers }).hosts.access('cmp-1')).toMatchObject({
        instancesPath,
        novasInstancesPath,
      });
    },
  );

  test('doctor tries no container for a program that is in none', () => {
    const { hosts } = hostsWith({
      containers: { deployment: 'kolla', programs: { virsh: 'none', 'ovs-vsctl': 'none' } },
    });
    const tried = programsByContainer(hosts.access('cmp-1')?.containers ?? null);
    expect(tried.map(({ container }) => container)).toEqual(['nova_compute', 'multipathd']);
  });

  test('a path that is said counts for the host, and nova.conf’s for Nova', () => {
    const { hosts } = hostsWith({ containers: 'kolla', instances_path: '/var/lib/nova/instances' });
    expect(hosts.access('cmp-1')).toMatchObject({
      instancesPath: '/var/lib/nova/instances',
      novasInstancesPath: '/var/lib/nova/instances',
    });
  });
});

describe('what is run', () => {
  const containers = { engine: 'docker', programs: { virsh: 'nova_libvirt' } } as const;

  test('what works on paths and processes is the host’s own', () => {
    for (const argv of [
      ['rm', '-rf', '--', '/i/x'],
      ['find', '/proc'],
      ['ip', 'link'],
      ['tee', '/sys/x'],
    ])
      expect(enterContainer(containers, argv)).toEqual(argv);
  });

  test('what a program reads is handed on', () => {
    expect(enterContainer(containers, VIRSH, true)).toEqual([
      'docker',
      'exec',
      '-i',
      '-u',
      'root',
      'nova_libvirt',
      ...VIRSH,
    ]);
  });

  test('every command of an act is shown as it is run', () => {
    const act = actInContainers(containers, {
      door: 'command',
      host: 'cmp-1',
      argv: VIRSH,
      exit: [0],
      first: [{ argv: ['virsh', 'a'], exit: [0] }],
      otherwise: [
        ['virsh', 'b'],
        ['ip', 'c'],
      ],
    });
    expect(act).toMatchObject({
      argv: ['docker', 'exec', '-u', 'root', 'nova_libvirt', ...VIRSH],
      first: [{ argv: ['docker', 'exec', '-u', 'root', 'nova_libvirt', 'virsh', 'a'], exit: [0] }],
      otherwise: [
        ['docker', 'exec', '-u', 'root', 'nova_libvirt', 'virsh', 'b'],
        ['ip', 'c'],
      ],
    });
  });

  test('only whether a container runs is a reading command of an engine', () => {
    const { containers: kolla } = hostsWith({ containers: 'kolla' }).hosts.access('cmp-1') ?? {};
    const probes = programsByContainer(kolla ?? null);
    expect(probes.map(({ container, programs }) => `${container}: ${programs.join(' ')}`)).toEqual([
      'nova_libvirt: virsh',
      'openvswitch_vswitchd: ovs-vsctl',
      'nova_compute: iscsiadm nvme rbd',
      'multipathd: multipath multipathd',
    ]);
    expect(probes.every(({ probe }) => isReading(probe))).toBe(true);
    for (const argv of [
      ['docker', 'exec', '-u', 'root', 'a', 'virsh', 'list'],
      ['docker', 'rm', '-u', 'root', 'a', 'true'],
      ['podman', 'exec', '-u', 'root', '--privileged', 'true'],
      ['podman', 'exec', '-u', 'root', 'a', 'true', 'x'],
      ['podman', 'exec', '--privileged', 'root', 'a', 'true'],
    ])
      expect(isReading(argv)).toBe(false);
  });
});

/** As docker 20.10 (its own client, and that of 28.2) and podman 4.3 answer when they have run nothing. */
const REFUSALS: readonly (readonly [engine: string, why: string, answer: Partial<CommandAnswer>])[] = [
  ['docker', 'Error response from daemon: No such container: nova_libvirt', { exit: 1 }],
  ['docker', 'Error: No such container: nova_libvirt', { exit: 1 }],
  ['docker', 'Error response from daemon: Container 4a4a is not running', { exit: 1 }],
  [
    'docker',
    'Error response from daemon: Container 4a4a is restarting, wait until the container is running',
    { exit: 1 },
  ],
  [
    'docker',
    'Error response from daemon: Container nova_libvirt is paused, unpause the container before exec',
    { exit: 1 },
  ],
  [
    'docker',
    'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
    { exit: 1 },
  ],
  [
    'docker',
    'Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: …',
    { exit: 1 },
  ],
  ['podman', 'Error: no container with name or ID "nova_libvirt" found: no such container', { exit: 125 }],
  [
    'podman',
    'Error: can only create exec sessions on running containers: container state improper',
    { exit: 255 },
  ],
];

describe('an engine that has run nothing', () => {
  test.each(REFUSALS)('%s: %s', async (engine, err, answer) => {
    const { hosts } = hostsWith(
      { containers: { deployment: 'kolla', engine } },
      { ...answer, err: `${err}\n` },
    );
    const failed = await hosts.run('cmp-1', VIRSH, 1000).catch((error: LookError) => error);
    expect(failed).toMatchObject({
      code: /no such container/i.test(err) ? 'container-missing' : 'container-refused',
      message: `virsh was not run in its container: ${err}`,
      hint: 'hosts.cmp-1.containers of the site file says which one it is',
    });
  });

  test('docker says on standard output why it could not begin', async () => {
    const out =
      'OCI runtime exec failed: exec failed: container_linux.go:380: permission denied: unknown\r\n';
    const { hosts } = hostsWith({ containers: 'kolla' }, { exit: 126, out });
    await expect(hosts.run('cmp-1', VIRSH, 1000)).rejects.toMatchObject({
      code: 'container-refused',
      message: `virsh was not run in its container: ${out.trim()}`,
    });
  });

  test.each([
    [false, { exit: 127, err: 'sh: 1: docker: not found\n' }],
    [false, { exit: 127, err: 'docker: command not found\n' }],
    [true, { exit: 1, err: 'sudo: docker: command not found\n' }],
  ])('it is not there, with sudo %s: %j', async (sudo, answer) => {
    const { hosts } = hostsWith({ sudo, containers: 'kolla' }, answer);
    await expect(hosts.run('cmp-1', VIRSH, 1000)).rejects.toMatchObject({
      message: 'virsh was not run in its container: docker is not there',
    });
  });
});

test('docker’s daemon ended under the program: nobody knows what became of it', async () => {
  const { hosts } = hostsWith({ containers: 'kolla' }, { exit: 255, out: '' });
  await expect(hosts.run('cmp-1', VIRSH, 1000)).rejects.toMatchObject({
    code: 'command-cut',
    message: 'docker went away while virsh ran',
  });
});

describe('docker 1.12 hands on nothing of what a program said', () => {
  test.each([
    ['virsh', '-c', 'qemu:///system', 'list', '--all', '--uuid', '--name'],
    ['virsh', '-c', 'qemu:///system', 'destroy', 'x'],
    ['iscsiadm', '-m', 'node'],
  ])('%s %s %s', async (...argv) => {
    const { hosts } = hostsWith({ containers: 'kolla' }, { out: '' });
    await expect(hosts.run('cmp-1', argv, 1000)).rejects.toMatchObject({
      code: 'command-cut',
      message: `docker handed on nothing of what ${argv[0]} said`,
    });
  });

  test.each([
    ['iscsiadm', '-m', 'node', '-T', 'iqn.x', '-p', '10.0.0.1:3260', '--op', 'delete'],
    ['ovs-vsctl', '--timeout=10', '--if-exists', 'get', 'Interface', 'tapx', 'name'],
    ['ip', '-o', 'link', 'show'],
  ])('what may have nothing to say: %s %s', async (...argv) => {
    const { hosts } = hostsWith({ containers: 'kolla' }, { out: '' });
    expect(await hosts.run('cmp-1', argv, 1000)).toMatchObject({ exit: 0, out: '' });
  });

  test('no line but the empty one is a host without domains', async () => {
    const { hosts } = hostsWith({ containers: 'kolla' }, { out: '\n' });
    expect(await hosts.run('cmp-1', VIRSH, 1000)).toMatchObject({ exit: 0 });
  });
});

describe('an answer of the program itself', () => {
  const NOT_FOUND =
    'exec failed: unable to start container process: exec: "virsh": executable file not found in $PATH';

  test.each([
    ['docker', { exit: 126, out: `OCI runtime exec failed: ${NOT_FOUND}: unknown\r\n` }],
    ['docker', { exit: 127, out: `OCI runtime exec failed: ${NOT_FOUND}: unknown\r\n` }],
    [
      'podman',
      {
        exit: 127,
        err: `Error: runc: ${NOT_FOUND}: OCI runtime attempted to invoke a command that was not found\n`,
      },
    ],
  ])('%s: a program that its container has not is as one that the host has not', async (engine, answer) => {
    const { hosts } = hostsWith({ containers: { deployment: 'kolla', engine } }, answer);
    expect(await hosts.run('cmp-1', VIRSH, 1000)).toMatchObject({ exit: 127 });
  });

  test.each([
    [
      'docker',
      { exit: 1, err: 'error: failed to connect to the hypervisor\nerror: Operation not supported\n' },
    ],
    ['podman', { exit: 1, err: 'Error: domain is busy\n' }],
    ['docker', { exit: 21, err: 'iscsiadm: No active sessions.\n' }],
    ['docker', { exit: 0, out: 'Error response from daemon: a domain of this name\n' }],
  ])('%s %j', async (engine, answer) => {
    const { hosts } = hostsWith({ containers: { deployment: 'kolla', engine } }, answer);
    expect(await hosts.run('cmp-1', VIRSH, 1000)).toMatchObject(answer);
  });

  test('what an engine would say is nothing special of the host’s own programs', async () => {
    const answer = { exit: 1, err: 'Error response from daemon: no\n' };
    const { hosts } = hostsWith({ containers: 'kolla' }, answer);
    expect(await hosts.run('cmp-1', ['ls', '/i'], 1000)).toMatchObject(answer);
  });
});
