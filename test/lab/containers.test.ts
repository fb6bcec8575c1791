/**
 * A host on which virsh and ovs-vsctl are in containers, real ones of podman's: over ssh, by a user who may run the two there and nowhere else, as
 * docs/reference.md has it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../lab/command.ts';
import { labContainers, removeContainers, startContainers } from '../../lab/containers.ts';
import { diffSnapshots, takeSnapshot } from '../../lab/delta.ts';
import { createNeighbours } from '../../lab/neighbours.ts';
import { openLab, ports } from '../../lab/paths.ts';
import { deletingForever } from '../../lab/scenarios/deleting-forever.ts';
import { createServer, deleteServer, type LabServer } from '../../lab/servers.ts';
import { sshFiles, sshUser } from '../../lab/sshd.ts';
import { takeTurn } from '../../lab/turn.ts';
import { expunge, siteFile } from './expunge.ts';
import { describeScenarios } from './play-scenarios.ts';
import { takeStill } from './still.ts';

const lab = openLab();
const site = siteFile('expunge-containers');
const PAGE = readFileSync(join(import.meta.dirname, '../../docs/reference.md'), 'utf8');
const SUDOERS = `/etc/sudoers.d/${sshUser}`;
const say = (line: string) => process.stdout.write(`${line}\n`);
let sudoersBefore: string | undefined;
let neighbours: readonly LabServer[];

/** What the page has for hosts with containers, without the programs that are in some. */
function allowAsThePageSays(): void {
  const lines = /```\n(# \/etc\/sudoers\.d\/expunge[\s\S]*?)```/.exec(PAGE)?.[1] ?? '';
  const inContainers = /```\n(Cmnd_Alias EXPUNGE_CONTAINERS[\s\S]*?)```/.exec(PAGE)?.[1] ?? '';
  const own = `${lines}${inContainers}`
    .replace('/usr/bin/virsh, ', '')
    .replace('/usr/bin/ovs-vsctl, ', '')
    .replaceAll('/usr/bin/docker', '/usr/bin/podman')
    .replaceAll('/var/lib/nova/instances', lab.instances)
    .replaceAll(/^Defaults:expunge\b/gm, `Defaults:${sshUser}`)
    .replaceAll(/^expunge\b/gm, sshUser);
  expect(own).toContain('podman ^exec -u root nova_libvirt virsh');
  sudoersBefore = readFileSync(SUDOERS, 'utf8');
  writeFileSync(SUDOERS, own, { mode: 0o440 });
}

async function asThatUser(...words: readonly string[]): Promise<{ code: number; stderr: string }> {
  const { clientKey, knownHosts } = sshFiles(lab);
  const options = ['-i', clientKey, '-o', `UserKnownHostsFile=${knownHosts}`, '-p', String(ports.sshd)];
  const target = ['-l', sshUser, '127.0.0.1', 'sudo', '-n', '--', ...words];
  return run(['ssh', '-o', 'BatchMode=yes', ...options, ...target], { allow: 'any' });
}

beforeAll(async () => {
  await takeTurn(lab);
  neighbours = await createNeighbours(lab);
  await startContainers(lab, say);
  allowAsThePageSays();
});

afterAll(async () => {
  if (sudoersBefore !== undefined) writeFileSync(SUDOERS, sudoersBefore, { mode: 0o440 });
  await removeContainers();
});

test('the host’s own programs are not to be had', async () => {
  for (const program of [
    ['virsh', 'list'],
    ['ovs-vsctl', 'list-br'],
    ['podman', 'exec', '-u', 'root', 'nova_libvirt', 'rm', '/x'],
  ])
    expect(await asThatUser(...program)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('password'),
    });
});

test('doctor finds both containers', async () => {
  const { exit, out } = await expunge(['doctor'], { site });
  expect(exit, out).toBe(0);
  for (const [program, container] of Object.entries(labContainers))
    expect(out).toMatch(new RegExp(`container ${container} +runs, has ${program}`));
});

describe('where one does not run', () => {
  beforeAll(async () => {
    await run(['podman', 'stop', '--time', '0', 'openvswitch_vswitchd']);
  });
  afterAll(async () => {
    await run(['podman', 'start', 'openvswitch_vswitchd']);
  });

  test('doctor says which', async () => {
    const { exit, out } = await expunge(['doctor'], { site });
    expect(exit, out).toBe(4);
    expect(out).toMatch(/FAILS +host \S+ container openvswitch_vswitchd/);
    expect(out).toContain('container state improper');
  });

  test('nobody looked, and nothing is touched', async () => {
    const server = await createServer(lab, { name: `vm-a-victim-contained-${Date.now().toString(36)}` });
    const before = await takeStill(lab);
    const { exit, out, err } = await expunge(['purge', server.id, '--yes', '--even-healthy'], { site });
    expect(exit, out + err).toBe(4);
    expect(err).toContain('ovs-vsctl was not run in its container: Error: can only create exec sessions');
    expect(diffSnapshots(before, await takeSnapshot(lab))).toEqual([]);
    await deleteServer(lab, server);
  });
});

describe('in containers', () => {
  describeScenarios(lab, [deletingForever], {
    neighbours: () => neighbours,
    site: () => 'expunge-containers',
  });
});
