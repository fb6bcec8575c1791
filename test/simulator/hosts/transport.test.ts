import { expect, test } from 'vitest';
import { LookError } from '../../../src/plan/errors.ts';
import { openSimulatedHost } from '../../../src/simulator/hosts/transport.ts';
import { hostAccess } from '../../support/host-access.ts';
import { count, hostsWorld, outOf, runOn } from '../../support/hosts-world.ts';

test('what was not taught is refused by name, and changes nothing', async () => {
  const world = await hostsWorld('compute1');
  for (const words of [
    'lvs',
    'virsh list --all',
    'virsh -c qemu:///system list',
    'virsh -c qemu:///system list --uuid --uuid',
    'virsh -c qemu:///system start x',
    'virsh -c qemu:///system undefine x --remove-all-storage',
    'virsh -c qemu:///system dominfo',
    'virsh -c qemu:///system version --daemon',
    'ip link set eth0 down',
    'ip link delete eth0',
    'ovs-vsctl --timeout=10 show',
    'ovs-vsctl --timeout=10 list Interface',
    'ovs-vsctl --timeout=10 --format=json list Port',
    'ovs-vsctl --timeout=10 --format=json -- --columns=qos list Port',
    'ovs-vsctl --timeout=10 -- --all del-port br-int x',
    'ovs-vsctl --timeout=10 get Interface x options',
    'find / -delete',
    'findmnt',
    'findmnt -n -o TARGET -T /proc/1',
    'realpath /',
    'rm -rf --no-preserve-root --one-file-system -- /',
    'rm -rf --one-file-system -- /',
    'rm -rf -- /var',
    'rm -rf --one-file-system -- /var/..',
    'test -f /etc/passwd',
    'ls /',
    'stat /',
    'id',
    'true x',
  ]) {
    const error = await runOn(world, words).catch((thrown: unknown) => thrown);
    expect(error, words).toBeInstanceOf(LookError);
    expect(error).toMatchObject({ code: 'simulator-untaught', place: 'host compute1' });
    expect(String(error)).toContain(words);
  }
});

test('a host that does not answer is as unreachable as one of ssh', async () => {
  const world = await hostsWorld('compute1');
  world.machines.exec('UPDATE hosts SET reachable = 0');
  await expect(runOn(world, 'true')).rejects.toMatchObject({
    code: 'host-unreachable',
    place: 'host compute1',
    message: 'ssh ended with 255: ssh: connect to host 10.0.0.1 port 22: No route to host',
  });
  await expect(runOn(world, 'true', 'nowhere')).rejects.toMatchObject({
    code: 'host-unreachable',
    message: expect.stringContaining('Could not resolve hostname'),
  });
});

test('a program that a host lacks is missing as a shell says it', async () => {
  const world = await hostsWorld('compute1');
  world.machines.exec("UPDATE hosts SET libvirt = 'absent', openvswitch = 'absent'");
  for (const program of ['virsh', 'ovs-vsctl'])
    expect(await runOn(world, `${program} --version`)).toEqual({
      exit: 127,
      out: '',
      err: `${program}: command not found\n`,
    });
});

test('whoever logs in is told, and sudo makes him root', async () => {
  const world = await hostsWorld('compute1');
  const whoami = async (changes: Parameters<typeof hostAccess>[0]) =>
    (await openSimulatedHost(world, hostAccess(changes), () => {}).run(['id', '-un'], 1000)).out;
  expect(await whoami({ user: 'ops' })).toBe('ops\n');
  expect(await whoami({ user: 'ops', sudo: true })).toBe('root\n');
  expect(await outOf(world, 'true')).toBe('');
});

test('what happens by itself happens before and after each command', async () => {
  const world = await hostsWorld('compute1');
  const seen: number[] = [];
  const transport = openSimulatedHost(world, hostAccess(), () => seen.push(count(world, 'domains')));
  world.machines.exec("INSERT INTO domains VALUES ('compute1', 'u', 'n', 'running', 1, 0, 0, 0, 0, '')");
  await transport.run(['virsh', '-c', 'qemu:///system', 'destroy', 'u'], 1000);
  expect(seen).toEqual([1, 0]);
  await transport.close();
});
