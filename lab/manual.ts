/**
 * The manual procedure, scripted with the clients that an operator has: `node lab/manual.ts UUID`.
 *
 * It is the baseline that expunge is measured against, so it does what the procedure says and no more, without waiting
 * or asking twice. Two of its mistakes are mended, or it would leave the interfaces: the bridge commands name the bridge, and
 * the veth pair is deleted. What else it forgets, it forgets here too.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { type RunResult, run } from './command.ts';
import { readOpenrc } from './openrc.ts';
import { openLab, ports } from './paths.ts';

const lab = openLab();
const env = readOpenrc(lab);

const shown = z.object({ 'OS-EXT-SRV-ATTR:instance_name': z.string() });

function openstack(...words: readonly string[]): Promise<RunResult> {
  return run(['openstack', ...words], { env });
}

function mysql(statement: string, database: string): Promise<RunResult> {
  return run(['mysql', `--defaults-file=${join(lab.etc, 'mariadb.cnf')}`, '-N', '-e', statement, database]);
}

/** The last commands of a step that is already done may fail, as they do for an operator, who goes on. */
function attempt(...argv: readonly string[]): Promise<RunResult> {
  return run(argv, { allow: 'any' });
}

function words(result: RunResult): readonly string[] {
  return result.stdout.split(/\s+/).filter((word) => word !== '');
}

async function deleteConsoleToken(id: string): Promise<void> {
  const input = `delete ${id}\r\nquit\r\n`;
  await run(['nc', '127.0.0.1', String(ports.memcached)], { input, timeoutMs: 2000, allow: 'any' });
}

async function cleanHost(id: string): Promise<void> {
  const server = shown.parse(JSON.parse((await openstack('server', 'show', id, '-f', 'json')).stdout));
  const domain = server['OS-EXT-SRV-ATTR:instance_name'];
  const xml = await run(['virsh', 'dumpxml', domain]);
  if (!xml.stdout.includes(id)) throw new Error(`${domain} is not the domain of ${id}`);
  await attempt('virsh', 'destroy', domain);
  const cache = await mysql(
    `SELECT network_info FROM instance_info_caches WHERE instance_uuid = '${id}'`,
    'nova',
  );
  for (const match of cache.stdout.matchAll(/"devname": "tap([^"]*)"/g))
    await removeInterface(match[1] ?? '');
  const folders = ['', '_resize', '_del'].map((ending) => join(lab.instances, `${id}${ending}`));
  await run(['rm', '-rf', ...folders]);
  await attempt('virsh', 'undefine', domain);
}

async function removeInterface(stem: string): Promise<void> {
  await attempt('brctl', 'delif', `qbr${stem}`, `qvb${stem}`);
  await attempt('ip', 'link', 'set', `qbr${stem}`, 'down');
  await attempt('brctl', 'delbr', `qbr${stem}`);
  await attempt('ovs-vsctl', '--', '--if-exists', 'del-port', 'br-int', `qvo${stem}`);
  await attempt('ip', 'link', 'delete', `qvo${stem}`);
}

async function deleteVolumes(id: string): Promise<void> {
  for (const volume of words(
    await openstack('server', 'volume', 'list', id, '-f', 'value', '-c', 'Volume ID'),
  )) {
    await openstack('server', 'remove', 'volume', id, volume);
    await openstack('volume', 'delete', volume);
  }
}

async function deletePorts(id: string): Promise<void> {
  for (const port of words(await openstack('port', 'list', '--server', id, '-f', 'value', '-c', 'ID'))) {
    await openstack('port', 'delete', port);
  }
}

async function markRows(id: string): Promise<void> {
  const children = [
    'instance_faults',
    'instance_info_caches',
    'instance_system_metadata',
    'security_group_instance_association',
    'block_device_mapping',
    'virtual_interfaces',
  ];
  const statements = [
    'START TRANSACTION',
    `UPDATE instances SET vm_state = 'deleted', power_state = 0, task_state = NULL, deleted = id WHERE uuid = '${id}'`,
    ...children.map((table) => `UPDATE ${table} SET deleted = id WHERE instance_uuid = '${id}'`),
    'COMMIT',
  ];
  await mysql(statements.join('; '), 'nova');
}

async function deleteSnapshots(id: string): Promise<void> {
  const images = await openstack(
    'image',
    'list',
    '--property',
    `instance_uuid=${id}`,
    '-f',
    'value',
    '-c',
    'ID',
  );
  for (const image of words(images)) await openstack('image', 'delete', image);
}

const id = z.uuid().parse(process.argv[2]);
await deleteConsoleToken(id);
await cleanHost(id);
await deleteVolumes(id);
await deletePorts(id);
// The flavor says how much quota comes back; nothing is written for it on this release, which counts live.
await openstack('flavor', 'list', '-f', 'value', '-c', 'ID');
await markRows(id);
await deleteSnapshots(id);
