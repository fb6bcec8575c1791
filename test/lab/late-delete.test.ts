/**
 * What waits for a dead nova-compute: a purge takes the delete of its server out of the queue, with the rights that docs/reference.md asks for,
 * and leaves the others' in their order. Started again, nova-compute does theirs and knows nothing of the purged one.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { messageBus } from '../../lab/config/ini.ts';
import { diffSnapshots, type Snapshot, settle, takeSnapshot } from '../../lab/delta.ts';
import { createNeighbours } from '../../lab/neighbours.ts';
import { freezeCompute, killCompute, reviveCompute, waitServiceDown } from '../../lab/nova-services.ts';
import { host, openLab } from '../../lab/paths.ts';
import { rabbitctl } from '../../lab/rabbitmq.ts';
import { createServer, type LabServer, requestDelete, serverAction } from '../../lab/servers.ts';
import { query } from '../../lab/sql.ts';
import { openBus } from '../../src/site/queue/amqp.ts';
import { readRequest } from '../../src/site/queue/request.ts';
import { parseBusUrl } from '../../src/site/queue/url.ts';
import { expunge, siteFile } from './expunge.ts';

const lab = openLab();
const USER = 'expunge_late';
const PASSWORD = 'p@ss:of/the%lab';
const QUEUE = `compute.${host}`;
const folder = mkdtempSync(join(tmpdir(), 'expunge-late-'));
const site = join(folder, 'expunge.yaml');
let victim: LabServer;
let other: LabServer;
let purged: Snapshot;

/** `set_permissions` as the page has it, for a user of this test. */
async function allowAsThePageSays(): Promise<void> {
  const page = readFileSync(join(import.meta.dirname, '../../docs/reference.md'), 'utf8');
  const line = /^rabbitmqctl set_permissions -p \/ expunge (.*)$/m.exec(page)?.[1] ?? '';
  const patterns = [...line.matchAll(/'([^']*)'/g)].map(([, pattern]) => pattern ?? '');
  expect(patterns).toHaveLength(3);
  // A run that was cut may have left it.
  await rabbitctl(lab, 'delete_user', USER).catch(() => {});
  await rabbitctl(lab, 'add_user', USER, PASSWORD);
  await rabbitctl(lab, 'set_permissions', '-p', '/', USER, ...patterns);
}

async function listWaiting(): Promise<string[]> {
  const bus = await openBus('the lab', parseBusUrl('the lab', messageBus));
  const requests: string[] = [];
  await bus.visit(QUEUE, (message) => {
    const { method, server } = readRequest(message);
    requests.push(`${method} ${server === victim.id ? 'victim' : server === other.id ? 'other' : server}`);
    return false;
  });
  await bus.close();
  // Neutron tells of ports when it likes.
  return requests.filter((request) => request !== 'external_instance_event null');
}

beforeAll(async () => {
  await createNeighbours(lab);
  const suffix = Date.now().toString(36);
  victim = await createServer(lab, { name: `vm-a-victim-late-${suffix}` });
  other = await createServer(lab, { name: `vm-a-victim-late-${suffix}-other` });
  freezeCompute(lab);
  // The API takes a host for dead after a minute; until then it sends.
  await serverAction(lab, other, 'reboot', { type: 'HARD' });
  await requestDelete(lab, victim);
  await requestDelete(lab, other);
  await killCompute(lab);
  await waitServiceDown(lab, 'nova-compute');
  await allowAsThePageSays();
  const text = readFileSync(siteFile(), 'utf8');
  const own = `message_bus:\n  user: ${USER}\n  password: ${JSON.stringify(PASSWORD)}\n`;
  writeFileSync(site, `${text}${own}`, { mode: 0o600 });
}, 900_000);

afterAll(async () => {
  await rabbitctl(lab, 'delete_user', USER).catch(() => {});
  await reviveCompute(lab);
  rmSync(folder, { recursive: true, force: true });
});

test('everything waits, in the order in which it was asked', async () => {
  const all = ['reboot_instance other', 'terminate_instance victim', 'terminate_instance other'];
  expect(await listWaiting()).toEqual(all);
  const doctor = await expunge(['doctor'], { site });
  expect(doctor.out).toMatch(/^ok +message bus of cell1 +answers, its queues may be read$/m);
  const { out } = await expunge(['plan', victim.id], { site });
  expect(out).toContain(`take the request terminate_instance out of queue ${QUEUE}`);
  // Looking has changed nothing.
  expect(await listWaiting()).toEqual(all);
});

test('a user without the right is told apart from an empty queue', async () => {
  await rabbitctl(lab, 'set_permissions', '-p', '/', USER, '^$', '^$', '^$');
  try {
    const doctor = await expunge(['doctor'], { site });
    expect(doctor.out).toMatch(/^FAILS +message bus of cell1 +this user may not read the queue/m);
    const { out } = await expunge(['inspect', victim.id], { site });
    expect(out).toContain('the delete request that may still wait for its nova-compute');
    expect(out).toContain('nobody could look');
  } finally {
    await rabbitctl(lab, 'set_permissions', '-p', '/', USER, '^$', '^$', '^compute\\.');
  }
});

test('a purge takes out what is about its server, and nothing else', async () => {
  const ended = await expunge(['purge', victim.id, '--yes'], { site });
  expect(ended, ended.out + ended.err).toMatchObject({ exit: 0 });
  expect(ended.out + ended.err).not.toContain(PASSWORD);
  expect(await listWaiting()).toEqual(['reboot_instance other', 'terminate_instance other']);
  await settle(lab);
  purged = await takeSnapshot(lab);
});

test('nova-compute starts, does what the other is owed, and touches nothing of the purged one', async () => {
  await reviveCompute(lab, { dropQueue: false });
  const isGone = async () =>
    (await query(lab, 'nova', 'SELECT deleted FROM instances WHERE uuid = ?', [other.id]))[0]?.['deleted'] !==
    '0';
  await expect.poll(isGone, { timeout: 300_000, interval: 2_000 }).toBe(true);
  await settle(lab);
  const changes = diffSnapshots(purged, await takeSnapshot(lab));
  expect(changes.filter((change) => JSON.stringify(change).includes(victim.id))).toEqual([]);
  expect(await expunge(['verify', victim.id], { site })).toMatchObject({ exit: 0 });
}, 600_000);
