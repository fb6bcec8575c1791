/** One kind of remains at a time, put back beside a server that Nova has deleted properly: nothing else is left of it. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ask, call } from './api.ts';
import { run } from './command.ts';
import { type Lab, ports } from './paths.ts';
import { readSeed } from './seed.ts';
import type { LabServer } from './servers.ts';
import { change, query } from './sql.ts';

/** By the id of the kind that is to find it. */
export const plants: Readonly<Record<string, (lab: Lab, server: LabServer) => Promise<void>>> = {
  'console-tokens': plantToken,
  domain: plantDomain,
  interfaces: plantInterface,
  files: plantFolder,
  ports: plantPort,
  'shelve-snapshot': plantImage,
  allocations: plantAllocation,
  rows: plantRow,
  'build-request': plantBuildRequest,
  mapping: plantMapping,
};

async function plantToken(_lab: Lab, { id }: LabServer): Promise<void> {
  const token = randomUUID();
  const set = (key: string, value: string) => `set ${key} 0 600 ${value.length}\r\n${value}\r\n`;
  const input = `${set(id, JSON.stringify([token]))}${set(token, JSON.stringify({ instance_uuid: id }))}quit\r\n`;
  await run(['nc', '-q', '1', '127.0.0.1', String(ports.memcached)], { input });
}

async function plantDomain(lab: Lab, { id }: LabServer): Promise<void> {
  const [row] = await query(lab, 'nova', 'SELECT id FROM instances WHERE uuid = ?', [id]);
  const name = `instance-${Number(row?.['id']).toString(16).padStart(8, '0')}`;
  const file = join(lab.run, 'planted-domain.xml');
  writeFileSync(
    file,
    `<domain type='qemu'><name>${name}</name><uuid>${id}</uuid><memory unit='KiB'>65536</memory><os><type arch='x86_64'>hvm</type></os></domain>`,
  );
  await run(['virsh', 'define', file]);
}

async function plantInterface(_lab: Lab, { id }: LabServer): Promise<void> {
  const port = randomUUID();
  const device = `qvo${port.slice(0, 11)}`;
  const marks = { 'iface-id': port, 'vm-uuid': id, 'iface-status': 'active' };
  await run([
    'ovs-vsctl',
    '--no-wait',
    '--',
    'add-port',
    'br-int',
    device,
    '--',
    'set',
    'Interface',
    device,
    ...Object.entries(marks).map(([key, value]) => `external_ids:${key}="${value}"`),
  ]);
}

async function plantFolder(lab: Lab, { id }: LabServer): Promise<void> {
  mkdirSync(join(lab.instances, `${id}_resize`));
}

async function plantPort(lab: Lab, { id }: LabServer): Promise<void> {
  const { network } = await readSeed(lab);
  const port = { network_id: network, device_id: id, device_owner: 'compute:nova' };
  await call(lab, 'network', 'POST', '/ports', { body: { port } });
}

async function plantImage(lab: Lab, { id, name }: LabServer): Promise<void> {
  const body = {
    name: `${name}-shelved`,
    instance_uuid: id,
    disk_format: 'raw',
    container_format: 'bare',
  };
  const image = await ask(lab, 'image', 'POST', '/images', z.object({ id: z.string() }), body);
  await change(lab, 'nova', [
    [
      "INSERT INTO instance_system_metadata (created_at, deleted_at, instance_uuid, `key`, value, deleted) VALUES (UTC_TIMESTAMP(), UTC_TIMESTAMP(), ?, 'shelved_image_id', ?, 999999)",
      [id, image.id],
    ],
  ]);
}

async function plantAllocation(lab: Lab, { id }: LabServer): Promise<void> {
  const [provider] = await query(lab, 'placement', 'SELECT uuid FROM resource_providers ORDER BY id');
  const [owner] = await query(lab, 'nova', 'SELECT project_id, user_id FROM instances WHERE uuid = ?', [id]);
  await call(lab, 'placement', 'PUT', `/allocations/${id}`, {
    body: {
      allocations: { [provider?.['uuid'] ?? '']: { resources: { VCPU: 1 } } },
      project_id: owner?.['project_id'],
      user_id: owner?.['user_id'],
      consumer_generation: null,
    },
  });
}

async function plantRow(lab: Lab, { id }: LabServer): Promise<void> {
  await change(lab, 'nova', [["INSERT INTO tags (resource_id, tag) VALUES (?, 'left-behind')", [id]]]);
}

async function plantBuildRequest(lab: Lab, { id, name }: LabServer): Promise<void> {
  const instance = JSON.stringify({ 'nova_object.data': { display_name: name } });
  await change(lab, 'nova_api', [
    [
      "INSERT INTO build_requests (created_at, project_id, instance_uuid, instance) VALUES (UTC_TIMESTAMP() - INTERVAL 1 DAY, 'p', ?, ?)",
      [id, instance],
    ],
  ]);
}

async function plantMapping(lab: Lab, { id }: LabServer): Promise<void> {
  await change(lab, 'nova_api', [
    ['UPDATE instance_mappings SET queued_for_delete = 0 WHERE instance_uuid = ?', [id]],
  ]);
}
