/**
 * A purge with exactly the rights that docs/reference.md asks for (its GRANTs and its sudoers lines are read from the page), over ssh,
 * of a server with what the scenarios do not have: memcached tokens, a snapshot that keeps libvirt from undefining, PCI devices.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../lab/command.ts';
import { createNeighbours } from '../../lab/neighbours.ts';
import { freezeCompute, reviveCompute, waitServiceDown } from '../../lab/nova-services.ts';
import { openLab, ports } from '../../lab/paths.ts';
import { createServer, type LabServer, requestDelete } from '../../lab/servers.ts';
import { change, query } from '../../lab/sql.ts';
import { sshUser } from '../../lab/sshd.ts';
import { expunge, siteFile } from './expunge.ts';

const lab = openLab();
const PAGE = readFileSync(join(import.meta.dirname, '../../docs/reference.md'), 'utf8');
const SUDOERS = `/etc/sudoers.d/${sshUser}`;
const USER = 'expunge_least';
const PASSWORD = 'least-rights-of-the-lab';
const folder = mkdtempSync(join(tmpdir(), 'expunge-least-'));
const TOKENS = [randomUUID(), randomUUID()];
const PF = '0000:81:00.0';
const VF = '0000:81:00.1';
let sudoersBefore: string;
let site: string;
let victim: LabServer;

/** The GRANTs for looking and those on exactly the tables written, for the lab's databases and the tables that Zed has. */
async function grantAsThePageSays(): Promise<void> {
  const present = new Set(
    (
      await query(
        lab,
        'nova',
        "SELECT CONCAT(table_schema, '.', table_name) AS name FROM information_schema.tables",
      )
    ).map((row) => row['name']),
  );
  const [look = '', , exact = ''] = [...PAGE.matchAll(/```sql\n([\s\S]*?)```/g)].map(
    (block) => block[1] ?? '',
  );
  const lines = [...look.split('\n'), ...exact.split('\n')].filter((line) => line.startsWith('GRANT '));
  expect(lines.length).toBeGreaterThan(15);
  const perCell = lines.flatMap((line) => [
    line,
    ...(line.includes(' ON nova.') ? [line.replace(' ON nova.', ' ON nova_cell0.')] : []),
  ]);
  const usable = perCell.filter((line) => {
    const table = / ON (\S+) /.exec(line)?.[1] ?? '';
    return table.endsWith('.*') || present.has(table);
  });
  await change(lab, 'nova', [
    [`DROP USER IF EXISTS '${USER}'@'127.0.0.1'`, []],
    [`CREATE USER '${USER}'@'127.0.0.1' IDENTIFIED BY '${PASSWORD}'`, []],
    ...usable.map((line) => [line.replace(/TO '.*$/, `TO '${USER}'@'127.0.0.1'`), []] as const),
  ] as never);
}

function allowAsThePageSays(): void {
  const lines = /```\n(# \/etc\/sudoers\.d\/expunge[\s\S]*?)```/.exec(PAGE)?.[1] ?? '';
  const own = lines
    .replaceAll('/var/lib/nova/instances', lab.instances)
    .replaceAll(/^Defaults:expunge\b/gm, `Defaults:${sshUser}`)
    .replaceAll(/^expunge\b/gm, sshUser);
  expect(own).toContain(`${sshUser} ALL=`);
  sudoersBefore = readFileSync(SUDOERS, 'utf8');
  writeFileSync(SUDOERS, own, { mode: 0o440 });
}

async function memcached(text: string): Promise<string> {
  return (await run(['nc', '-q', '1', '127.0.0.1', String(ports.memcached)], { input: text })).stdout;
}

function setKey(key: string, value: string): string {
  return `set ${key} 0 600 ${value.length}\r\n${value}\r\n`;
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

async function plantPciDevices(): Promise<void> {
  const insert = `INSERT INTO pci_devices (created_at, deleted, compute_node_id, address, product_id, vendor_id, dev_type, dev_id, label, status, extra_info, instance_uuid, request_id, parent_addr, uuid)
    SELECT UTC_TIMESTAMP(), 0, id, ?, '10ed', '8086', ?, ?, 'label', ?, '{}', ?, ?, ?, ? FROM compute_nodes WHERE deleted = 0 LIMIT 1`;
  await change(lab, 'nova', [
    [insert, [PF, 'type-PF', 'pci_pf', 'unavailable', null, null, null, randomUUID()]],
    [insert, [VF, 'type-VF', 'pci_vf', 'allocated', victim.id, randomUUID(), PF, randomUUID()]],
  ]);
}

beforeAll(async () => {
  await createNeighbours(lab);
  victim = await createServer(lab, { name: `vm-a-victim-least-${Date.now().toString(36)}` });
  await run(['virsh', '-c', 'qemu:///system', 'snapshot-create', victim.id]);
  freezeCompute(lab);
  await requestDelete(lab, victim);
  await waitServiceDown(lab, 'nova-compute');
  await plantPciDevices();
  const [plainToken = '', hashedToken = ''] = TOKENS;
  const value = (token: string) => JSON.stringify({ token, instance_uuid: victim.id, console_type: 'novnc' });
  await memcached(
    setKey(victim.id, JSON.stringify(TOKENS)) +
      setKey(sha1(victim.id), JSON.stringify(TOKENS)) +
      setKey(plainToken, value(plainToken)) +
      setKey(sha1(hashedToken), value(hashedToken)) +
      'quit\r\n',
  );
  await grantAsThePageSays();
  allowAsThePageSays();
  site = join(folder, 'expunge.yaml');
  const text = readFileSync(siteFile('expunge-ssh'), 'utf8')
    .replace(/nova_api: .*/, `nova_api: mysql://${USER}:${PASSWORD}@127.0.0.1:${ports.mysql}/nova_api`)
    .replace(/cell_user: .*/, `cell_user: ${USER}`)
    .replace(/cell_password: .*/, `cell_password: ${PASSWORD}`);
  writeFileSync(site, text, { mode: 0o600 });
});

afterAll(async () => {
  if (sudoersBefore !== undefined) writeFileSync(SUDOERS, sudoersBefore, { mode: 0o440 });
  await change(lab, 'nova', [
    [`DROP USER IF EXISTS '${USER}'@'127.0.0.1'`, []],
    ['DELETE FROM pci_devices WHERE address IN (?, ?)', [PF, VF]],
  ]);
  rmSync(folder, { recursive: true, force: true });
  await reviveCompute(lab);
});

test('doctor finds nothing missing that a look needs', async () => {
  const { out } = await expunge(['doctor'], { site });
  expect(out).not.toMatch(/^FAILS/m);
});

test('everything is found, and no console token is printed', async () => {
  const inspected = await expunge(['inspect', victim.id], { site });
  const planned = await expunge(['plan', victim.id, '--commands'], { site });
  expect([inspected.exit, planned.exit]).toEqual([0, 0]);
  const out = inspected.out + planned.out;
  expect(planned.out).toMatch(/stop domain instance-[0-9a-f]{8}/);
  expect(inspected.out).toContain(VF);
  expect(planned.out).toContain('memcached');
  for (const token of TOKENS) {
    expect(out).not.toContain(token);
    expect(out).not.toContain(sha1(token));
  }
});

test('purge does it with these rights and no more', async () => {
  const purged = await expunge(['purge', victim.id, '--yes'], { site });
  expect(purged, purged.out + purged.err).toMatchObject({ exit: 0 });

  const domains = await run(['virsh', '-c', 'qemu:///system', 'list', '--all', '--uuid']);
  expect(domains.stdout).not.toContain(victim.id);
  const keys = [victim.id, sha1(victim.id), ...TOKENS, ...TOKENS.map(sha1)];
  expect(await memcached(`get ${keys.join(' ')}\r\nquit\r\n`)).toBe('END\r\n');
  const devices = await query(
    lab,
    'nova',
    'SELECT address, status, instance_uuid, request_id FROM pci_devices WHERE address IN (?, ?) ORDER BY address',
    [PF, VF],
  );
  const free = { status: 'available', instance_uuid: null, request_id: null };
  expect(devices).toEqual([
    { address: PF, ...free },
    { address: VF, ...free },
  ]);
  expect(await expunge(['verify', victim.id], { site })).toMatchObject({ exit: 0 });
});
