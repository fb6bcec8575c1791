/** What an engine of containers says in place of a program, or makes of what it said. */
import { describe, expect, test } from 'vitest';
import type { LookError } from '../../src/plan/errors.ts';
import type { CommandAnswer } from '../../src/site/reader.ts';
import { hostsWith, VIRSH } from '../support/contained-hosts.ts';

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
    'failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory',
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
    ['virsh', '-c', 'qemu:///system', 'destroy', 'x'],
  ])('what may have nothing to say, or only acts: %s %s', async (...argv) => {
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

  test.each([
    'Error: non zero exit code: 255: OCI runtime error\n',
    'Error: exec session exited with non-zero exit code 255: OCI runtime error\n',
  ])('older podman says of it too that it failed: %s', async (remark) => {
    const said = 'iscsiadm: Could not logout of all requested sessions\n';
    const { hosts } = hostsWith(
      { containers: { deployment: 'kolla', engine: 'podman' } },
      { exit: 255, err: `${said}${remark}` },
    );
    const answer = await hosts.run('cmp-1', ['iscsiadm', '-m', 'session', '-r', '1', '--logout'], 1000);
    expect(answer).toMatchObject({ exit: 255, err: said });
  });

  test('what an engine would say is nothing special of the host’s own programs', async () => {
    const answer = { exit: 1, err: 'Error response from daemon: no\n' };
    const { hosts } = hostsWith({ containers: 'kolla' }, answer);
    expect(await hosts.run('cmp-1', ['ls', '/i'], 1000)).toMatchObject(answer);
  });
});
