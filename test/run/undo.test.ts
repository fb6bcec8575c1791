/** Purge through the front door, undo through the front door, and every table as it was before. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import type { State } from '../../src/simulator/recordings.ts';
import { loadServer } from '../../src/simulator/recordings.ts';
import { plantBuildRequest } from '../support/plants.ts';
import { type SimulatedCloud, simulateCloud } from '../support/simulated-cloud.ts';
import { tempFolder } from '../support/temp.ts';
import { dumpWorld } from '../support/world-dump.ts';

const NOVA = /^nova(?:_api|_cell0)?\./;

/** Every row of every table of Nova's databases, but for the heartbeats of services, as text. */
function novaRows({ world }: SimulatedCloud): readonly string[] {
  return dumpWorld(world).filter((line) => NOVA.test(line));
}

async function stuck(state: State = 'deleting-forever') {
  const { compute } = await loadServer(state);
  const cloud = await simulateCloud({
    hosts: { 'cmp-1': compute },
    servers: [
      { name: 'web', state, host: 'cmp-1' },
      { name: 'web-2', state: 'healthy', host: 'cmp-1' },
    ],
  });
  return { cloud, uuid: cloud.servers[0]?.uuid ?? '', nova: cloud.world.db('nova') };
}

/** Each run with a folder of runs of its own: two of one process and one second would have one name. */
async function expunge(cloud: SimulatedCloud, ...argv: readonly string[]) {
  const state = tempFolder();
  const ended = await cloud.expunge(argv, { env: { XDG_STATE_HOME: state } });
  const runs = join(state, 'expunge', 'runs');
  return { ...ended, run: existsSync(runs) ? join(runs, readdirSync(runs).join()) : '' };
}

async function purge(cloud: SimulatedCloud, uuid: string, ...options: readonly string[]): Promise<string> {
  const ended = await expunge(cloud, 'purge', uuid, '--yes', ...options);
  expect(ended, ended.out + ended.err).toMatchObject({ exit: 0, err: '' });
  return ended.run;
}

function set(database: DatabaseSync, sql: string, ...values: (string | number)[]): void {
  expect(database.prepare(sql).run(...values).changes).toBe(1);
}

describe.each(['deleting-forever', 'host-was-down'] as const)('%s', (state) => {
  test('every row of every table of Nova is as before, and an undo is undone in turn', async () => {
    const { cloud, uuid } = await stuck(state);
    const before = novaRows(cloud);
    const run = await purge(cloud, uuid, '--ports', 'delete');
    const purged = novaRows(cloud);
    expect(purged).not.toEqual(before);

    const undone = await expunge(cloud, 'undo', run, '--yes');
    expect(undone, undone.out + undone.err).toMatchObject({ exit: 0, err: '' });
    expect(undone.out).toContain('Brought back: looked again');
    expect(novaRows(cloud)).toEqual(before);

    const again = await expunge(cloud, 'undo', run, '--yes');
    expect(again).toMatchObject({ exit: 0, err: '' });
    expect(again.out).toContain('All that can come back is as it was before the run.');
    expect(novaRows(cloud)).toEqual(before);

    const redone = await expunge(cloud, 'undo', undone.run, '--yes');
    expect(redone, redone.out + redone.err).toMatchObject({ exit: 0, err: '' });
    // The row that the purge made comes again, with the times that were saved of it.
    expect(novaRows(cloud)).toEqual(purged);
  });
});

describe('what somebody did since the run', () => {
  test('a column that the run did not write: refused by table, row and column, and nothing is written', async () => {
    const { cloud, uuid, nova } = await stuck();
    const run = await purge(cloud, uuid, '--ports', 'delete');
    set(nova, "UPDATE instances SET display_name = 'other' WHERE uuid = ?", uuid);
    const changed = novaRows(cloud);
    const ended = await expunge(cloud, 'undo', run, '--yes');
    expect(ended.exit).toBe(3);
    expect(ended.err).toMatch(/instances: row \d+: changed since the run \(display_name\)/);
    expect(ended.err).toContain('undo-row-changed');
    expect(novaRows(cloud)).toEqual(changed);
  });
  test('a column that the run wrote, with another value: refused too', async () => {
    const { cloud, uuid, nova } = await stuck();
    const run = await purge(cloud, uuid, '--ports', 'delete');
    set(nova, "UPDATE instances SET task_state = 'restoring' WHERE uuid = ?", uuid);
    const ended = await expunge(cloud, 'undo', run, '--yes');
    expect(ended.exit).toBe(3);
    expect(ended.err).toMatch(/instances: row \d+: changed since the run \(task_state\)/);
  });
  test('a time that moved is put back: of a time nobody knows what the database wrote', async () => {
    const { cloud, uuid, nova } = await stuck();
    const before = novaRows(cloud);
    const run = await purge(cloud, uuid, '--ports', 'delete');
    set(nova, "UPDATE instances SET updated_at = '2026-11-22 04:00:00' WHERE uuid = ?", uuid);
    expect(await expunge(cloud, 'undo', run, '--yes')).toMatchObject({ exit: 0, err: '' });
    expect(novaRows(cloud)).toEqual(before);
  });
  test('rows that are gone come back whole', async () => {
    const { cloud, uuid, nova } = await stuck();
    const before = novaRows(cloud);
    const run = await purge(cloud, uuid, '--ports', 'delete');
    set(nova, 'DELETE FROM instance_extra WHERE instance_uuid = ?', uuid);
    set(nova, 'DELETE FROM instance_info_caches WHERE instance_uuid = ?', uuid);
    expect(await expunge(cloud, 'undo', run, '--yes')).toMatchObject({ exit: 0, err: '' });
    expect(novaRows(cloud)).toEqual(before);
  });
  test('rows that Nova archived are refused: back in the table, they would stop the next archiving', async () => {
    const { cloud, uuid, nova } = await stuck();
    const run = await purge(cloud, uuid, '--ports', 'delete');
    set(nova, 'INSERT INTO shadow_instance_extra SELECT * FROM instance_extra WHERE instance_uuid = ?', uuid);
    set(nova, 'DELETE FROM instance_extra WHERE instance_uuid = ?', uuid);
    const ended = await expunge(cloud, 'undo', run, '--yes');
    expect(ended.exit).toBe(3);
    expect(ended.err).toMatch(/instance_extra: row \d+: archived by Nova since the run/);
    expect(ended.err).toContain('undo-row-archived');
  });
  test('a row that came after the run is named and stays', async () => {
    const { cloud, uuid, nova } = await stuck();
    const before = novaRows(cloud);
    const run = await purge(cloud, uuid, '--ports', 'delete');
    set(nova, 'INSERT INTO instance_extra (instance_uuid, deleted) VALUES (?, 0)', uuid);
    const ended = await expunge(cloud, 'undo', run, '--yes');
    expect(ended).toMatchObject({ exit: 0, err: '' });
    expect(ended.out).toMatch(
      /Came after the run, and stays\n {2}database of cell1: row \d+ of instance_extra/,
    );
    const added = novaRows(cloud).filter((line) => !before.includes(line));
    expect(added).toHaveLength(1);
    expect(added[0]).toContain('nova.instance_extra');
  });
});

describe('ports', () => {
  test("a user's port that was bound to no host is the server's again, before its rows live", async () => {
    const { cloud, uuid } = await stuck();
    const neutron = cloud.world.db('neutron');
    const port = neutron
      .prepare("SELECT id FROM ports WHERE device_id = ? AND name LIKE 'pre-%'")
      .get(uuid)?.['id'];
    // The simulated Neutron does not bind a port to a host: here it was on none.
    set(
      neutron,
      "UPDATE ml2_port_bindings SET host = '', vif_type = 'unbound' WHERE port_id = ?",
      String(port),
    );
    const deviceOf = () =>
      neutron.prepare('SELECT device_id, device_owner FROM ports WHERE id = ?').get(String(port));
    const before = { nova: novaRows(cloud), port: deviceOf() };
    const run = await purge(cloud, uuid);
    expect(deviceOf()).toEqual({ device_id: '', device_owner: '' });

    const ended = await expunge(cloud, 'undo', run, '--yes', '--format', 'json');
    expect(ended, ended.out + ended.err).toMatchObject({ exit: 0, err: '' });
    expect({ nova: novaRows(cloud), port: deviceOf() }).toEqual(before);
    const [report] = JSON.parse(ended.out).servers;
    expect(report.steps.map((step: { phase: string }) => step.phase)).toEqual(['ports', 'rows']);
    expect(report.steps[1].needs).toEqual([report.steps[0].id]);
  });
  test('one that another server took meanwhile stays there, and the rest comes back', async () => {
    const { cloud, uuid } = await stuck();
    const before = novaRows(cloud);
    const run = await purge(cloud, uuid);
    const neutron = cloud.world.db('neutron');
    const other = cloud.servers[1]?.uuid ?? '';
    set(neutron, "UPDATE ports SET device_id = ? WHERE device_id = '' AND name LIKE 'pre-%'", other);
    const ended = await expunge(cloud, 'undo', run, '--yes');
    expect(ended, ended.out + ended.err).toMatchObject({ exit: 0, err: '' });
    expect(ended.out).toContain(`it belongs to ${other} now`);
    expect(novaRows(cloud)).toEqual(before);
  });
});

test('mapping and build request come back too, the mapping before the rows of the server live', async () => {
  const { cloud, uuid } = await stuck();
  const api = cloud.world.db('nova_api');
  set(api, 'UPDATE instance_mappings SET queued_for_delete = 0 WHERE instance_uuid = ?', uuid);
  const [server] = cloud.servers;
  if (server === undefined) throw new Error('no server');
  plantBuildRequest(cloud.world, server);
  const before = novaRows(cloud);
  const run = await purge(cloud, uuid, '--ports', 'delete');
  expect(novaRows(cloud).filter((line) => line.startsWith('nova_api.build_requests'))).toEqual([]);
  const ended = await expunge(cloud, 'undo', run, '--yes', '--format', 'json');
  expect(ended, ended.out + ended.err).toMatchObject({ exit: 0, err: '' });
  expect(novaRows(cloud)).toEqual(before);
  const { steps } = JSON.parse(ended.out).servers[0];
  const [mapping, ...rows] = steps;
  expect(mapping.phase).toBe('mapping');
  expect(rows.map((step: { phase: string }) => step.phase)).toEqual(['rows', 'rows']);
  for (const step of rows) expect(step.needs).toEqual([mapping.id]);
});

test('what cannot come back is named before anything is done', async () => {
  const { cloud, uuid } = await stuck();
  const run = await purge(cloud, uuid, '--ports', 'delete');
  const ended = await expunge(cloud, 'undo', run, '--yes', '--format', 'json');
  expect(ended.exit).toBe(0);
  const [report] = JSON.parse(ended.out).servers;
  const kinds = new Set(report.kept.map((kept: { kind: string }) => kept.kind));
  expect(kinds).toEqual(new Set(['domain', 'interfaces', 'files', 'ports', 'allocations']));
});
