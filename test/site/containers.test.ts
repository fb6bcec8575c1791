/** Programs of a host that are in containers: what is sent there. */
import { describe, expect, test } from 'vitest';
import { actInContainers, enterContainer, programsByContainer } from '../../src/site/command/containers.ts';
import { Hosts } from '../../src/site/command/hosts.ts';
import { isReading } from '../../src/site/command/reading.ts';
import { siteFile } from '../../src/site/config/site-file.ts';
import { hostsWith, VIRSH } from '../support/contained-hosts.ts';
import { siteConfig } from '../support/sites.ts';

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
    ['Kolla', 'containers: is neither kolla nor none, nor has keys'],
    [true, 'containers: is neither kolla nor none, nor has keys'],
    [{ deployment: 'tripleo' }, 'containers.deployment: Invalid input: expected "kolla"'],
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

  test('only whether a container runs, and which folder a path is, are reading commands of an engine', () => {
    const { containers: kolla } = hostsWith({ containers: 'kolla' }).hosts.access('cmp-1') ?? {};
    const probes = programsByContainer(kolla ?? null);
    expect(probes.map(({ container, programs }) => `${container}: ${programs.join(' ')}`)).toEqual([
      'nova_libvirt: virsh',
      'openvswitch_vswitchd: ovs-vsctl',
      'nova_compute: iscsiadm nvme rbd',
      'multipathd: multipath multipathd',
    ]);
    expect(probes.every(({ probe }) => isReading(probe))).toBe(true);
    const inside = ['docker', 'exec', '-u', 'root', 'a'];
    expect(isReading([...inside, 'stat', '-L', '-c', '%d:%i', '--', '/i'])).toBe(true);
    for (const argv of [
      ['docker', 'exec', '-u', 'root', 'a', 'virsh', 'list'],
      ['docker', 'rm', '-u', 'root', 'a', 'true'],
      ['podman', 'exec', '-u', 'root', '--privileged', 'true'],
      ['podman', 'exec', '-u', 'root', 'a', 'true', 'x'],
      ['podman', 'exec', '--privileged', 'root', 'a', 'true'],
      [...inside, 'stat', '-L', '-c', '%d:%i', '--', '-i'],
      [...inside, 'stat', '-c', '%d:%i', '/i'],
    ])
      expect(isReading(argv)).toBe(false);
  });
});
