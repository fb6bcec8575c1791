/** A host of Kolla through the front door: what is done there is what is done on any other, and what cannot be looked at is said. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { WorldDescription } from '../../src/simulator/build.ts';
import { deployByKolla } from '../../src/simulator/hosts/containers.ts';
import { aroundCommand } from '../support/around-wires.ts';
import { type SimulatedCloud, simulateCloud } from '../support/simulated-cloud.ts';
import { dumpWorld } from '../support/world-dump.ts';

const AS_NOVA = ['--volumes', 'as-nova'];

interface Deployment {
  readonly engine?: 'docker' | 'podman';
  readonly stopped?: readonly string[];
  readonly missing?: readonly string[];
}

/** A server that hangs in deleting, with volumes over iSCSI, on a host whose nova-compute is dead. */
function stuck(deployment: Deployment | null): Promise<SimulatedCloud> {
  const description: WorldDescription = {
    hosts: { 'cmp-1': 'dead' },
    servers: [
      {
        name: 'victim',
        state: 'deleting-forever',
        host: 'cmp-1',
        volumes: [{ target: 'shared' }, { type: 'multipath', deleteOnTermination: true }],
        twists: [(world) => deployment !== null && deployByKolla(world, 'cmp-1', deployment)],
      },
      { name: 'vic', state: 'healthy', host: 'cmp-1', volumes: [{ target: 'shared' }] },
    ],
  };
  return simulateCloud(description);
}

const isPlace = (line: string): boolean => !line.startsWith('machines.meta ');

test.each(['docker', 'podman'] as const)(
  '%s: the purge ends as that of a host without containers',
  async (engine) => {
    const plain = await stuck(null);
    const kolla = await stuck({ engine });
    for (const cloud of [plain, kolla]) {
      const purged = await cloud.expunge(['purge', 'victim', '--yes', ...AS_NOVA]);
      expect(purged, purged.out + purged.err).toMatchObject({ exit: 0, err: '' });
    }
    expect(dumpWorld(kolla.world).filter(isPlace)).toEqual(dumpWorld(plain.world).filter(isPlace));
  },
);

test('the steps are shown as they are run', async () => {
  const cloud = await stuck({});
  const { exit, out } = await cloud.expunge(['plan', 'victim', '--commands', ...AS_NOVA], { columns: 400 });
  expect(exit).toBe(0);
  const [victim] = cloud.servers;
  const runs = out.split('\n').flatMap((line) => /^ +run +(.*)$/.exec(line)?.[1] ?? []);
  expect(runs).toContain(`docker exec -u root nova_libvirt virsh -c qemu:///system destroy ${victim?.uuid}`);
  expect(runs).toContain(
    `rm -rf --one-file-system -- /var/lib/docker/volumes/nova_compute/_data/instances/${victim?.uuid}`,
  );
  expect(runs.filter((line) => /^(?:virsh|ovs-vsctl|iscsiadm|multipath)/.test(line))).toEqual([]);
  expect(runs.some((line) => line.startsWith('docker exec -u root nova_compute iscsiadm -m '))).toBe(true);
});

test('a container that does not run is a place where nobody looked, and nothing is touched', async () => {
  const cloud = await stuck({ stopped: ['nova_compute'] });
  const before = dumpWorld(cloud.world);
  const purged = await cloud.expunge(['purge', 'victim', '--yes', ...AS_NOVA]);
  expect(purged.exit).toBe(4);
  expect(purged.out + purged.err).toContain(
    'iscsiadm was not run in its container: Error response from daemon: Container',
  );
  expect(dumpWorld(cloud.world)).toEqual(before);
});

test('without a word of containers in the site file, that is what is asked for', async () => {
  const cloud = await stuck({});
  writeFileSync(
    cloud.site,
    readFileSync(cloud.site, 'utf8').replace(
      /containers: \{.*?\}/,
      'instances_path: /var/lib/docker/volumes/nova_compute/_data/instances',
    ),
  );
  const { exit, out } = await cloud.expunge(['verify', 'victim', ...AS_NOVA]);
  expect(exit).toBe(4);
  expect(out).toContain('virsh is not there (in a container? then hosts.cmp-1.containers must say so)');
});

test('doctor tries each of them', async () => {
  const cloud = await stuck({ stopped: ['multipathd'] });
  const { exit, out } = await cloud.expunge(['doctor'], { columns: 200 });
  expect(exit).toBe(4);
  const lines = out.split('\n').filter((line) => line.includes('cmp-1'));
  expect(lines.join('\n')).toMatch(/host cmp-1, container nova_compute +runs, has iscsiadm, nvme, rbd/);
  expect(lines.join('\n')).toMatch(
    /host cmp-1, container multipathd +.*true was not run in its container: Error .* is not running/,
  );
});

test.each(['docker', 'podman'] as const)(
  '%s: Kolla has no container for multipath unless it is told to, and doctor finds nothing wrong with that',
  async (engine) => {
    const { expunge } = await stuck({ engine, missing: ['multipathd'] });
    const { out } = await expunge(['doctor'], { columns: 200 });
    expect(out).toMatch(
      /ok +host cmp-1, container multipathd +none on this host: multipath and multipathd only/,
    );
    const another = await stuck({ engine, missing: ['nova_compute'] });
    const { exit, out: told } = await another.expunge(['doctor'], { columns: 200 });
    expect(exit).toBe(4);
    expect(told).toMatch(/FAILS +host cmp-1, container nova_compute +.*no such container/i);
  },
);

test('a disk of another server is known by the path that libvirt has for it', async () => {
  const cloud = await stuck({});
  const [victim, neighbour] = cloud.servers;
  cloud.world.machines
    .prepare('UPDATE domains SET xml = replace(xml, ?, ?) WHERE uuid = ?')
    .run(
      `/var/lib/nova/instances/${victim?.uuid}/`,
      `/var/lib/nova/instances/${neighbour?.uuid}/`,
      victim?.uuid ?? '',
    );
  const { exit, err, out } = await cloud.expunge(['purge', 'victim', '--yes', ...AS_NOVA]);
  expect(exit, out + err).toBe(3);
  expect(out + err).toContain('domain-not-novas');
});

test('when one ends in the middle of a purge, resume does the rest once it runs again', async () => {
  const whole = await stuck({});
  expect(await whole.expunge(['purge', 'victim', '--yes', ...AS_NOVA])).toMatchObject({ exit: 0 });
  const cloud = await stuck({});
  const rewire = aroundCommand((run) => (argv, ...more) => {
    if (argv.includes('undefine')) deployByKolla(cloud.world, 'cmp-1', { stopped: ['nova_libvirt'] });
    return run(argv, ...more);
  });
  const cut = await cloud.expunge(['purge', 'victim', '--yes', '--format', 'json', ...AS_NOVA], { rewire });
  expect(cut.exit, cut.out).toBe(4);
  const [{ run, verified }] = (
    JSON.parse(cut.out) as { servers: [{ run: string; verified: { clean: boolean } }] }
  ).servers;
  expect(verified.clean).toBe(false);
  deployByKolla(cloud.world, 'cmp-1');
  const resumed = await cloud.expunge(['resume', run, '--yes']);
  expect(resumed, resumed.out + resumed.err).toMatchObject({ exit: 0 });
  expect(dumpWorld(cloud.world).filter(isPlace)).toEqual(dumpWorld(whole.world).filter(isPlace));
});

test('a folder that is left from before is not taken for an empty one', async () => {
  const cloud = await stuck({});
  for (const path of ['/srv', '/srv/old'])
    cloud.world.machines
      .prepare("INSERT INTO files VALUES ('cmp-1', ?, 'folder', '0755', 'root', NULL)")
      .run(path);
  const text = readFileSync(cloud.site, 'utf8');
  writeFileSync(cloud.site, text.replace(/containers: \{/, 'instances_path: /srv/old, containers: {'));
  const { exit, out } = await cloud.expunge(['verify', 'victim', ...AS_NOVA], { columns: 400 });
  expect(exit).toBe(4);
  expect(out).toContain(
    '/srv/old is not the folder that container nova_libvirt has as /var/lib/nova/instances (hosts.cmp-1.instances_path says which it is)',
  );
});
