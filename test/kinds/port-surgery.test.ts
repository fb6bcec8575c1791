/** Ports that Neutron's API cannot let go of, and trunks: on a simulated cloud with Neutron's own schema and its foreign keys. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Planted } from '../../src/simulator/plant.ts';
import type { World } from '../../src/simulator/world.ts';
import { inNoTime } from '../support/faults/virtual-time.ts';
import { type SimulatedCloud, simulateCloud } from '../support/simulated-cloud.ts';
import { difference, dumpWorld } from '../support/world-dump.ts';

const TRUNK = '7a000000-0000-4000-8000-000000000001';
const SUBPORT = '7b000000-0000-4000-8000-000000000001';
const FLOATING = '7c000000-0000-4000-8000-000000000001';

interface Ports {
  /** made by Nova */
  readonly novas: string;
  /** made by the user beforehand */
  readonly users: string;
}

type Broken = SimulatedCloud & Ports & { readonly server: Planted };

/** A server that is deleting for ever, with the two ports of its recording. */
async function cloudWith(
  change: (world: World, ports: Ports & { readonly uuid: string }) => void,
): Promise<Broken> {
  const cloud = await simulateCloud({
    hosts: { 'cmp-1': 'dead' },
    servers: [{ name: 'vm', state: 'deleting-forever', host: 'cmp-1' }],
  });
  const [server] = cloud.servers;
  if (server === undefined) throw new Error('no server');
  const rows = cloud.world
    .db('neutron')
    .prepare('SELECT id, name FROM ports WHERE device_id = ?')
    .all(server.uuid);
  const idOf = (named: boolean) => String(rows.find((row) => (row['name'] !== '') === named)?.['id']);
  const ports = { novas: idOf(false), users: idOf(true) };
  change(cloud.world, { ...ports, uuid: server.uuid });
  return { ...cloud, ...ports, server };
}

function run(world: World, sql: string, ...values: (string | number)[]): void {
  world
    .db('neutron')
    .prepare(sql)
    .run(...values);
}

function count(world: World, sql: string, ...values: (string | number)[]): number {
  return world
    .db('neutron')
    .prepare(sql)
    .all(...values).length;
}

function newAttribute(world: World, type: string): number {
  const made = world
    .db('neutron')
    .prepare(
      "INSERT INTO standardattributes (resource_type, created_at, updated_at, revision_number) VALUES (?, '2026-11-01 10:00:00', '2026-11-01 10:00:00', 3)",
    )
    .run(type);
  return Number(made.lastInsertRowid);
}

/** What a port can have besides a binding and addresses. */
function enrich(world: World, port: string): void {
  run(world, "INSERT INTO allowedaddresspairs VALUES (?, 'fa:16:3e:00:00:99', '10.9.9.0/24')", port);
  run(
    world,
    "INSERT INTO extradhcpopts (id, port_id, opt_name, opt_value, ip_version) VALUES ('e1', ?, 'mtu', '1400', 4)",
    port,
  );
  run(
    world,
    "INSERT INTO tags (standard_attr_id, tag) SELECT standard_attr_id, 'web' FROM ports WHERE id = ?",
    port,
  );
  const attribute = newAttribute(world, 'floatingips');
  const outer = newAttribute(world, 'ports');
  run(
    world,
    `INSERT INTO ports (project_id, id, name, network_id, mac_address, admin_state_up, status, device_id, device_owner, standard_attr_id)
     SELECT '', '7d000000-0000-4000-8000-000000000001', '', network_id, 'fa:16:3e:00:00:98', 1, 'N/A', ?, 'network:floatingip', ? FROM ports WHERE id = ?`,
    FLOATING,
    outer,
    port,
  );
  run(
    world,
    `INSERT INTO floatingips (project_id, id, floating_ip_address, floating_network_id, floating_port_id, fixed_port_id, fixed_ip_address, status, standard_attr_id)
     SELECT project_id, ?, '203.0.113.7', network_id, '7d000000-0000-4000-8000-000000000001', id, '10.0.0.9', 'DOWN', ? FROM ports WHERE id = ?`,
    FLOATING,
    attribute,
    port,
  );
}

function loseBinding(world: World, port: string): void {
  run(world, 'DELETE FROM ml2_port_binding_levels WHERE port_id = ?', port);
  run(world, 'DELETE FROM ml2_port_bindings WHERE port_id = ?', port);
}

function makeTrunk(world: World, parent: string, up = 1): void {
  const own = newAttribute(world, 'trunks');
  const ofSubport = newAttribute(world, 'ports');
  run(
    world,
    `INSERT INTO ports (project_id, id, name, network_id, mac_address, admin_state_up, status, device_id, device_owner, standard_attr_id)
     SELECT project_id, ?, 'sub', network_id, 'fa:16:3e:00:00:97', 1, 'ACTIVE', '', 'trunk:subport', ? FROM ports WHERE id = ?`,
    SUBPORT,
    ofSubport,
    parent,
  );
  run(world, "INSERT INTO ml2_port_bindings (port_id, vif_type) VALUES (?, 'unbound')", SUBPORT);
  run(
    world,
    "INSERT INTO trunks (admin_state_up, project_id, id, name, port_id, status, standard_attr_id) VALUES (?, 'p', ?, 'vlans', ?, 'ACTIVE', ?)",
    up,
    TRUNK,
    parent,
    own,
  );
  run(world, "INSERT INTO subports VALUES (?, ?, 'vlan', 101)", SUBPORT, TRUNK);
}

const isNeutrons = (line: string) => line.startsWith('neutron.');
/** Times and revisions differ by how many requests it took. */
const plainly = (lines: readonly string[]) =>
  lines.map((line) =>
    line
      .replaceAll(/"(updated_at|revision_number)":("[^"]*"|\d+|null)/g, '"$1":0')
      .replace(/^([-+] .{0,396}).*$/s, '$1'),
  );

async function purge(cloud: Broken, ...options: readonly string[]) {
  const before = dumpWorld(cloud.world).filter(isNeutrons);
  const ended = await cloud.expunge(['purge', cloud.server.uuid, '--yes', ...options]);
  const after = dumpWorld(cloud.world).filter(isNeutrons);
  return { ...ended, changed: plainly(difference(plainly(before), plainly(after))) };
}

describe('by its rows', () => {
  test('a port is deleted as the API deletes it, row by row: addresses, pairs, options, tags, floating address', async () => {
    const byApi = await cloudWith((world, { novas }) => enrich(world, novas));
    const byRows = await cloudWith((world, { novas }) => enrich(world, novas));
    const api = await purge(byApi);
    const rows = await purge(byRows, '--port-surgery', byRows.novas);
    expect([api.exit, rows.exit], rows.out + rows.err).toEqual([0, 0]);
    expect(rows.changed).toEqual(api.changed);
    expect(rows.changed.join('\n')).toMatch(/- neutron\.ipamallocations/);
    expect(count(byRows.world, 'SELECT 1 FROM floatingips WHERE fixed_port_id IS NULL')).toBe(1);
    expect(rows.out).toContain('floating address 203.0.113.7');
  });

  test('a port of the user’s is unbound as the API unbinds it', async () => {
    const byApi = await cloudWith(() => {});
    const byRows = await cloudWith(() => {});
    const api = await purge(byApi);
    const rows = await purge(byRows, '--port-surgery', byRows.users);
    expect([api.exit, rows.exit], rows.out + rows.err).toEqual([0, 0]);
    expect(rows.changed).toEqual(api.changed);
  });

  test('the bookkeeping of OVN stays, without the port; the quota is to be counted anew', async () => {
    const cloud = await cloudWith((world, { novas }) => {
      run(
        world,
        `INSERT INTO ovn_revision_numbers (standard_attr_id, resource_uuid, resource_type, revision_number, created_at)
         SELECT standard_attr_id, id, 'ports', 4, '2026-11-01 10:00:00' FROM ports WHERE id = ?`,
        novas,
      );
      run(
        world,
        "INSERT INTO quotausages (project_id, resource, dirty, in_use, reserved) SELECT project_id, 'port', 0, 7, 0 FROM ports WHERE id = ?",
        novas,
      );
    });
    const { exit, out, err } = await purge(cloud, '--port-surgery', cloud.novas);
    expect(exit, out + err).toBe(0);
    expect(
      count(
        cloud.world,
        'SELECT 1 FROM ovn_revision_numbers WHERE resource_uuid = ? AND standard_attr_id IS NULL',
        cloud.novas,
      ),
    ).toBe(1);
    expect(count(cloud.world, "SELECT 1 FROM quotausages WHERE resource = 'port' AND dirty = 1")).toBe(1);
  });

  test('undo brings the rows of a deleted port back', async () => {
    const cloud = await cloudWith((world, { novas }) => enrich(world, novas));
    // The agent has reported the port DOWN before its rows went.
    const of = (lines: readonly string[]) =>
      plainly(lines)
        .filter((line) => line.includes(cloud.novas))
        .map((line) => line.replace('"status":"DOWN"', '"status":"ACTIVE"'));
    const before = of(dumpWorld(cloud.world).filter(isNeutrons));
    expect((await purge(cloud, '--port-surgery', cloud.novas)).exit).toBe(0);
    const [name = ''] = readdirSync(cloud.runs);
    expect(readFileSync(join(cloud.runs, name, 'before.jsonl'), 'utf8')).toContain('"extradhcpopts"');
    const undone = await cloud.expunge(['undo', name, '--yes']);
    expect(undone.exit, undone.out + undone.err).toBe(0);
    expect(of(dumpWorld(cloud.world).filter(isNeutrons))).toEqual(before);
    const undo = readdirSync(cloud.runs).find((each) => each.includes('Z-') && each !== name) ?? '';
    const redone = await cloud.expunge(['undo', undo, '--yes']);
    expect(redone.exit, redone.out + redone.err).toBe(0);
    expect(count(cloud.world, 'SELECT id FROM ports WHERE id = ?', cloud.novas)).toBe(0);
  });

  test('a row that nobody knows keeps the port: nothing is touched', async () => {
    const cloud = await cloudWith((world, { novas }) =>
      run(world, "INSERT INTO arista_provisioned_vms (id, port_id) VALUES ('a', ?)", novas),
    );
    const { exit, changed, err } = await purge(cloud, '--port-surgery', cloud.novas);
    expect({ exit, changed }, err).toEqual({ exit: 3, changed: [] });
    const { refusals } = await cloud.plan(cloud.server.uuid, '--port-surgery', cloud.novas);
    expect(refusals).toMatchObject([
      {
        code: 'port-surgery-blocked',
        flag: null,
        sentence: expect.stringContaining('arista_provisioned_vms'),
      },
    ]);
  });

  test('a trunk goes with its parent only when that is asked for, with its own standard attributes', async () => {
    const cloud = await cloudWith((world, { novas }) => makeTrunk(world, novas));
    const refused = await cloud.plan(cloud.server.uuid, '--port-surgery', cloud.novas);
    expect(refused.refusals.map(({ code }) => code)).toContain('port-surgery-blocked');
    const { exit, out, err } = await purge(cloud, '--port-surgery', cloud.novas, '--delete-trunk');
    expect(exit, out + err).toBe(0);
    expect(count(cloud.world, 'SELECT 1 FROM trunks')).toBe(0);
    expect(count(cloud.world, "SELECT 1 FROM standardattributes WHERE resource_type = 'trunks'")).toBe(0);
    expect(count(cloud.world, 'SELECT 1 FROM ports WHERE id = ?', SUBPORT)).toBe(1);
  });
});

describe('without an active binding', () => {
  test('the API keeps the port, and the failure says what may be tried', async () => {
    const cloud = await cloudWith((world, { novas }) => loseBinding(world, novas));
    const { exit, out, err } = await inNoTime(() => purge(cloud));
    expect(exit).toBe(1);
    expect(out + err).toMatch(/--surgery\s+mends\s+a\s+binding/);
    expect(count(cloud.world, 'SELECT 1 FROM ports WHERE id = ?', cloud.novas)).toBe(1);
  });

  test.each(['novas', 'users'] as const)(
    '--surgery mends it, and the API does the rest: %s',
    async (which) => {
      const cloud = await cloudWith((world, ports) => loseBinding(world, ports[which]));
      const plan = await cloud.plan(cloud.server.uuid, '--surgery');
      const steps = plan.steps.filter(({ id }) => id.startsWith(`ports/${cloud[which]}/`));
      expect(steps.map(({ act }) => act.door)).toEqual(['sql', 'http']);
      expect(steps[1]?.needs).toContain(steps[0]?.id);
      const whole = await cloudWith(() => {});
      const [mended, usual] = [await purge(cloud, '--surgery'), await purge(whole)];
      expect(mended.exit, mended.out + mended.err).toBe(0);
      const onlyAfter = (lines: readonly string[]) => lines.filter((line) => line.startsWith('+'));
      expect(onlyAfter(mended.changed)).toEqual(onlyAfter(usual.changed));
    },
  );

  test('--surgery has nothing to do with a port that is in order', async () => {
    const cloud = await cloudWith(() => {});
    const plan = await cloud.plan(cloud.server.uuid, '--surgery');
    expect(plan.steps.filter(({ kind }) => kind === 'ports').map(({ act }) => act.door)).toEqual([
      'http',
      'http',
    ]);
  });
});

describe('the parent of a trunk', () => {
  test('that is the user’s is unbound, and the trunk stays with its subports', async () => {
    const cloud = await cloudWith((world, { users }) => makeTrunk(world, users));
    const { exit, out } = await purge(cloud);
    expect(exit).toBe(0);
    expect(out).toContain(`port ${SUBPORT}, a subport of trunk ${TRUNK}`);
    expect(count(cloud.world, "SELECT 1 FROM trunks WHERE id = ? AND status = 'DOWN'", TRUNK)).toBe(1);
    expect(count(cloud.world, 'SELECT 1 FROM subports')).toBe(1);
  });

  test('that is to be deleted goes after its trunk, when that is asked for; subports stay', async () => {
    const cloud = await cloudWith((world, { novas }) => makeTrunk(world, novas));
    const refused = await purge(cloud);
    expect({ exit: refused.exit, changed: refused.changed }).toEqual({ exit: 3, changed: [] });
    expect(refused.out + refused.err).toContain('--delete-trunk');
    const { exit, out, err } = await purge(cloud, '--delete-trunk');
    expect(exit, out + err).toBe(0);
    expect(count(cloud.world, 'SELECT 1 FROM trunks')).toBe(0);
    expect(count(cloud.world, "SELECT 1 FROM standardattributes WHERE resource_type = 'trunks'")).toBe(0);
    expect(count(cloud.world, 'SELECT 1 FROM ports WHERE id IN (?, ?)', cloud.novas, SUBPORT)).toBe(1);
  });

  test('whose trunk may not be changed is refused, whatever flag is given', async () => {
    const cloud = await cloudWith((world, { novas }) => makeTrunk(world, novas, 0));
    const plan = await cloud.plan(cloud.server.uuid, '--delete-trunk');
    expect(plan.refusals).toMatchObject([
      { code: 'port-in-trunk', flag: null, sentence: expect.stringContaining('admin_state_up') },
    ]);
  });
});
