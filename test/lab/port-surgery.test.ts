/**
 * Ports that are let go of past Neutron's API, on its real schema: what the rows' way changes equals, row by row, what the API's own
 * delete and Nova's own unbinding change on an equal port. And ports that have lost their active binding, and trunks.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ask, call } from '../../lab/api.ts';
import { canonicalise, compareDeltas, diffSnapshots, findRoles, takeSnapshot } from '../../lab/delta.ts';
import { nodeName } from '../../lab/node/paths.ts';
import { openLab } from '../../lab/paths.ts';
import { readSeed } from '../../lab/seed.ts';
import { createTrunk } from '../../lab/servers.ts';
import { setServicePlugins } from '../../lab/service-plugins.ts';
import { change, query } from '../../lab/sql.ts';
import { takeTurn } from '../../lab/turn.ts';
import { expunge as run, siteFile } from './expunge.ts';

const lab = openLab();
const made: { readonly ports: string[]; readonly floating: string[] } = { ports: [], floating: [] };
const withPort = z.object({ port: z.object({ id: z.string() }) });
let network: string;

/** Of a server that Nova does not know every host is looked at; another one that is enrolled just now is taken for this machine. */
const folder = mkdtempSync(join(tmpdir(), 'expunge-ports-'));
const site = join(folder, 'expunge.yaml');

function expunge(argv: readonly string[]) {
  return run(argv, { site });
}

interface Owned {
  /** of a server that Nova does not know: nothing else than the port is there */
  readonly server: string;
  readonly id: string;
}

beforeAll(async () => {
  await takeTurn(lab);
  const text = readFileSync(siteFile(), 'utf8');
  const taken = text.includes(`${nodeName}:`) ? '' : `\n  ${nodeName}: { transport: local }`;
  writeFileSync(site, text.replace(/^hosts:$/m, `hosts:${taken}`), { mode: 0o600 });
  await setServicePlugins(lab, ['router', 'trunk']);
  network = (await readSeed(lab)).network;
});

/** By rows, because a test that failed may have left what no API lets go of. */
afterAll(async () => {
  for (const port of [...made.floating, ...made.ports])
    await change(lab, 'neutron', [
      [
        `DELETE FROM ipamallocations WHERE (ip_address, ipam_subnet_id) IN (
           SELECT a.ip_address, s.id FROM ipallocations a JOIN ipamsubnets s ON s.neutron_subnet_id = a.subnet_id WHERE a.port_id = ?)`,
        [port],
      ],
      ...['floatingips WHERE floating_port_id', 'trunks WHERE port_id', 'ports WHERE id'].map(
        (of): [string, string[]] => [
          `DELETE FROM standardattributes WHERE id IN (SELECT standard_attr_id FROM ${of} = ?)`,
          [port],
        ],
      ),
    ]);
  await setServicePlugins(lab, []);
  rmSync(folder, { recursive: true, force: true });
});

async function createPort(body: Record<string, unknown>): Promise<string> {
  const all = { port: { network_id: network, ...body } };
  const { port } = await ask(lab, 'network', 'POST', '/ports', withPort, all);
  made.ports.push(port.id);
  return port.id;
}

function randomMac(): string {
  return ['fa', '16', '3f', ...[...randomBytes(3)].map((byte) => byte.toString(16).padStart(2, '0'))].join(
    ':',
  );
}

/** A port with all that one can have here, as bound as a running server's. */
async function createRichPort(name: string): Promise<Owned> {
  const server = randomUUID();
  const id = await createPort({
    name,
    device_id: server,
    device_owner: 'compute:nova',
    'binding:host_id': 'compute1',
    'binding:profile': { pci_slot: '0000:81:01.2', capabilities: ['switchdev'] },
    allowed_address_pairs: [{ ip_address: '10.99.0.0/24' }],
    extra_dhcp_opts: [{ opt_name: 'mtu', opt_value: '1400' }],
    numa_affinity_policy: 'preferred',
  });
  await call(lab, 'network', 'PUT', `/ports/${id}/tags/web`);
  const outer = randomUUID();
  const floating = randomUUID();
  made.floating.push(outer);
  const attribute =
    'INSERT INTO standardattributes (resource_type, created_at, updated_at) VALUES (?, NOW(), NOW())';
  await change(lab, 'neutron', [
    ["INSERT INTO portdnses VALUES (?, '', '', '', '', 'web', '')", [id]],
    ["INSERT INTO portdataplanestatuses VALUES (?, 'ACTIVE')", [id]],
    ['INSERT INTO portuplinkstatuspropagation VALUES (?, 1)', [id]],
    [attribute, ['ports']],
    [
      `INSERT INTO ports (project_id, id, name, network_id, mac_address, admin_state_up, status, device_id, device_owner, standard_attr_id)
       SELECT '', ?, '', network_id, ?, 1, 'N/A', ?, 'network:floatingip', LAST_INSERT_ID() FROM ports WHERE id = ?`,
      [outer, randomMac(), floating, id],
    ],
    [attribute, ['floatingips']],
    [
      `INSERT INTO floatingips (project_id, id, floating_ip_address, floating_network_id, floating_port_id, fixed_port_id, fixed_ip_address, status, standard_attr_id)
       SELECT project_id, ?, '203.0.113.9', network_id, ?, id, '10.0.0.9', 'DOWN', LAST_INSERT_ID() FROM ports WHERE id = ?`,
      [floating, outer, id],
    ],
  ]);
  return { server, id };
}

/** What an act did to the cloud, in words that are the same for both ports. */
async function deltaOf(port: Owned, name: string, act: () => Promise<void>): Promise<readonly string[]> {
  const before = await takeSnapshot(lab);
  await act();
  const after = await takeSnapshot(lab);
  const roles = findRoles(before, { id: port.server, name, prePort: undefined });
  // The agent on the host reports for itself; a port without an interface it has nothing to say of.
  return canonicalise(diffSnapshots(before, after), roles).filter((line) => / neutron\./.test(line));
}

async function purge(server: string, ...options: readonly string[]) {
  return expunge(['purge', `uuid:${server}`, '--yes', ...options]);
}

async function rowsOf(table: string, column: string, value: string): Promise<number> {
  return (await query(lab, 'neutron', `SELECT 1 FROM ${table} WHERE ${column} = ?`, [value])).length;
}

describe('by its rows, compared with the API on an equal port', () => {
  test('a delete', async () => {
    const [one, two] = [await createRichPort('surgery'), await createRichPort('surgery')];
    const api = await deltaOf(one, 'surgery', async () => {
      await call(lab, 'network', 'DELETE', `/ports/${one.id}`);
    });
    const rows = await deltaOf(two, 'surgery', async () => {
      const ended = await purge(two.server, '--ports', 'delete', '--port-surgery', two.id);
      expect(ended.exit, ended.out + ended.err).toBe(0);
    });
    expect(api.length).toBeGreaterThan(12);
    expect(api.some((line) => line.includes('neutron.ipamallocations'))).toBe(true);
    expect(compareDeltas(api, rows, [])).toEqual({ missing: [], extra: [] });
  });

  test('an unbinding, with the body that Nova sends', async () => {
    const [one, two] = [await createRichPort('surgery'), await createRichPort('surgery')];
    const body = {
      port: {
        device_id: '',
        device_owner: '',
        'binding:host_id': null,
        'binding:profile': { capabilities: ['switchdev'] },
      },
    };
    const api = await deltaOf(one, 'surgery', async () => {
      await call(lab, 'network', 'PUT', `/ports/${one.id}`, { body });
    });
    const rows = await deltaOf(two, 'surgery', async () => {
      const ended = await purge(two.server, '--ports', 'keep', '--port-surgery', two.id);
      expect(ended.exit, ended.out + ended.err).toBe(0);
    });
    // JSON without the spaces that Python writes.
    const plainly = (lines: readonly string[]) => lines.map((line) => line.replaceAll('": ', '":'));
    expect(compareDeltas(plainly(api), plainly(rows), [])).toEqual({ missing: [], extra: [] });
  });

  test('undo brings the rows back, and the API knows the port again', async () => {
    const port = await createRichPort('surgery');
    const before = await call(lab, 'network', 'GET', `/ports/${port.id}`);
    const ended = await purge(port.server, '--ports', 'delete', '--port-surgery', port.id);
    expect(ended.exit, ended.out + ended.err).toBe(0);
    const [run = ''] = /\d{8}T\d{6}Z-[0-9a-f-]+/.exec(ended.out) ?? [];
    const undone = await expunge(['undo', run, '--yes']);
    expect(undone.exit, undone.out + undone.err).toBe(0);
    expect(await call(lab, 'network', 'GET', `/ports/${port.id}`)).toEqual(before);
    await call(lab, 'network', 'DELETE', `/ports/${port.id}`);
    expect(await rowsOf('ports', 'id', port.id)).toBe(0);
  });
});

describe('a port that has lost its active binding', () => {
  async function broken(): Promise<Owned> {
    const port = await createRichPort('lost');
    await change(lab, 'neutron', [
      ['DELETE FROM ml2_port_binding_levels WHERE port_id = ?', [port.id]],
      ['DELETE FROM ml2_port_bindings WHERE port_id = ?', [port.id]],
    ]);
    return port;
  }

  test('stays when its API is asked to delete it, and goes with --surgery, IPAM and standard attributes included', async () => {
    const port = await broken();
    const failed = await purge(port.server, '--ports', 'delete');
    expect(failed.exit).toBe(1);
    expect(failed.out + failed.err).toContain('--surgery');
    expect(await rowsOf('ports', 'id', port.id)).toBe(1);
    const [row] = await query(lab, 'neutron', 'SELECT standard_attr_id FROM ports WHERE id = ?', [port.id]);
    const ended = await purge(port.server, '--ports', 'delete', '--surgery');
    expect(ended.exit, ended.out + ended.err).toBe(0);
    expect(await rowsOf('ports', 'id', port.id)).toBe(0);
    expect(await rowsOf('standardattributes', 'id', row?.['standard_attr_id'] ?? '')).toBe(0);
    expect(
      await query(
        lab,
        'neutron',
        'SELECT 1 FROM ipamallocations WHERE ip_address NOT IN (SELECT ip_address FROM ipallocations)',
      ),
    ).toEqual([]);
  });

  test('cannot be unbound by its API, and can with --surgery', async () => {
    const port = await broken();
    expect((await purge(port.server, '--ports', 'keep')).exit).toBe(1);
    const ended = await purge(port.server, '--ports', 'keep', '--surgery');
    expect(ended.exit, ended.out + ended.err).toBe(0);
    const shape = z.object({ port: z.looseObject({ device_id: z.string(), status: z.string() }) });
    const { port: free } = await ask(lab, 'network', 'GET', `/ports/${port.id}`, shape);
    expect(free).toMatchObject({
      device_id: '',
      status: 'DOWN',
      'binding:vif_type': 'unbound',
      'binding:host_id': '',
    });
  });
});

describe('the parent of a trunk', () => {
  async function trunkOf(name: string) {
    const port = await createRichPort(name);
    const sub = await createPort({ name: `${name}-sub` });
    // The driver for Open vSwitch makes no trunk of a port that is bound already.
    const bind = (host: string) =>
      call(lab, 'network', 'PUT', `/ports/${port.id}`, { body: { port: { 'binding:host_id': host } } });
    await bind('');
    const trunk = await createTrunk(lab, name, { parent: port.id, subport: sub });
    await bind('compute1');
    return { ...port, sub, trunk };
  }

  async function isGone(one: Awaited<ReturnType<typeof trunkOf>>, attribute: string): Promise<void> {
    expect(await rowsOf('ports', 'id', one.id)).toBe(0);
    expect(await rowsOf('trunks', 'id', one.trunk)).toBe(0);
    expect(await rowsOf('subports', 'trunk_id', one.trunk)).toBe(0);
    expect(await rowsOf('standardattributes', 'id', attribute)).toBe(0);
    expect(await rowsOf('ports', 'id', one.sub)).toBe(1);
  }

  async function attributeOf(trunk: string): Promise<string> {
    const [row] = await query(lab, 'neutron', 'SELECT standard_attr_id FROM trunks WHERE id = ?', [trunk]);
    return row?.['standard_attr_id'] ?? '';
  }

  test('that is kept is unbound; the trunk stays, DOWN', async () => {
    const one = await trunkOf('kept');
    const ended = await purge(one.server, '--ports', 'keep');
    expect(ended.exit, ended.out + ended.err).toBe(0);
    expect(await query(lab, 'neutron', 'SELECT status FROM trunks WHERE id = ?', [one.trunk])).toEqual([
      { status: 'DOWN' },
    ]);
  });

  test('that is to be deleted is refused without --delete-trunk, and goes after its trunk with it', async () => {
    const one = await trunkOf('gone');
    const attribute = await attributeOf(one.trunk);
    expect((await purge(one.server, '--ports', 'delete')).exit).toBe(3);
    const ended = await purge(one.server, '--ports', 'delete', '--delete-trunk');
    expect(ended.exit, ended.out + ended.err).toBe(0);
    await isGone(one, attribute);
  });

  test('goes by its rows too, and leaves the same as the API does', async () => {
    const [one, two] = [await trunkOf('rows'), await trunkOf('rows')];
    const attribute = await attributeOf(two.trunk);
    const options = ['--ports', 'delete', '--delete-trunk'];
    const api = await deltaOf(one, 'rows', async () => {
      expect((await purge(one.server, ...options)).exit).toBe(0);
    });
    const rows = await deltaOf(two, 'rows', async () => {
      const ended = await purge(two.server, ...options, '--port-surgery', two.id);
      expect(ended.exit, ended.out + ended.err).toBe(0);
    });
    expect(compareDeltas(api, rows, [])).toEqual({ missing: [], extra: [] });
    await isGone(two, attribute);
  });
});
