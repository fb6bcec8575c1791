/** The recordings themselves: whole, of one server each, and fit to be set up side by side. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findTokens, findTokensIn } from '../../lab/record/tokens.ts';
import { plantCloud, plantHost, plantServer } from '../../src/simulator/plant.ts';
import type { Recording } from '../../src/simulator/recorded/types.ts';
import { loadCloud, loadHost, loadServer, STATES, type State } from '../../src/simulator/recordings.ts';
import { createWorld, SERVICE_DATABASES } from '../../src/simulator/world.ts';

const cloud = await loadCloud();
const host = await loadHost();
const servers = await Promise.all(STATES.map(async (state) => [state, await loadServer(state)] as const));

const literals = new Set(findTokensIn(JSON.stringify(cloud)));
const nobody = /^(127\.0\.0\.1|0\.0\.0\.0|255\.255\.255\.255|00(:00){5})$/;

/** What of each kind a state has: ports, Placement's allocations, live rows of the cell, domains and the folders of disks. */
const shapes: Readonly<
  Record<State, Partial<Record<'ports' | 'allocations' | 'live' | 'domains' | 'taps', number>>>
> = {
  healthy: { ports: 2, allocations: 3, live: 1, domains: 1, taps: 2 },
  'healthy-native': { ports: 2, allocations: 3, live: 1, domains: 1, taps: 2 },
  'deleting-forever': { ports: 2, allocations: 3, live: 1, domains: 1, taps: 2 },
  'host-was-down': { ports: 1, allocations: 0, live: 0, domains: 1, taps: 2 },
  'row-gone-domain-runs': { ports: 2, allocations: 3, live: 0, domains: 1, taps: 2 },
  'error-never-scheduled': { allocations: 0, live: 0, domains: 0, taps: 0 },
  'build-request-only': { allocations: 0, live: 0, domains: 0, taps: 0 },
  'shelved-offloaded': { ports: 2, allocations: 0, live: 1, domains: 0, taps: 0 },
  'shelving-stuck': { ports: 2, allocations: 3, live: 1, domains: 1, taps: 2 },
  // The old flavor's allocation belongs to the migration.
  'resize-both-dirs': { ports: 2, allocations: 6, live: 1, domains: 1, taps: 2 },
  'half-cleaned': { ports: 2, allocations: 3, live: 1, domains: 0, taps: 0 },
  'native-plug': { ports: 2, allocations: 3, live: 1, domains: 1, taps: 0 },
  'already-clean': { ports: 1, allocations: 0, live: 0, domains: 0, taps: 0 },
};

function measure({ rows, host: things }: Recording): (typeof shapes)[State] {
  const live = (rows['nova.instances'] ?? []).filter((row) => row['deleted'] === 0);
  return {
    ports: rows['neutron.ports']?.length ?? 0,
    allocations: rows['placement.allocations']?.length ?? 0,
    live: live.length,
    domains: things.domains.length,
    taps: things.links.filter(({ name }) => name.startsWith('tap')).length,
  };
}

describe.each(servers)('%s', (state, recording) => {
  test('names nothing that is not the cloud’s', () => {
    expect(recording.name).toBe(state);
    const tokens = [
      ...Object.values(recording.rows).flat().flatMap(findTokens),
      ...findTokensIn(JSON.stringify(recording.host)),
    ];
    expect(tokens.filter((token) => !literals.has(token) && !nobody.test(token))).toEqual([]);
  });

  test('has what this state has', () => {
    expect(measure(recording)).toMatchObject(shapes[state]);
  });

  test('is of one server, which every table names', () => {
    const rows = recording.rows['nova.instances'] ?? recording.rows['nova_cell0.instances'] ?? [];
    expect(rows.length).toBe(state === 'build-request-only' ? 0 : 1);
    expect(JSON.stringify(recording.rows)).toContain('{{server}}');
  });
});

test('the cloud has no host and no server, and its databases no password but a made-up one', () => {
  for (const place of ['nova.instances', 'nova.compute_nodes', 'neutron.ports', 'placement.allocations'])
    expect(cloud.rows[place] ?? []).toEqual([]);
  expect((cloud.rows['nova_api.cell_mappings'] ?? []).map((row) => row['database_connection'])).toEqual([
    'mysql+pymysql://nova:nova@127.0.0.1/nova_cell0',
    'mysql+pymysql://nova:nova@127.0.0.1/nova',
  ]);
  const ofKeystone = Object.keys(cloud.rows).filter((place) => place.startsWith('keystone.'));
  expect(ofKeystone.sort()).toEqual(
    ['alembic_version', 'local_user', 'project', 'role', 'user'].map((name) => `keystone.${name}`),
  );
});

test('the host is one that Placement and Nova know, and nothing of it is in use', () => {
  expect(host.rows['placement.inventories']).toHaveLength(3);
  expect(host.rows['nova.compute_nodes']).toMatchObject([{ vcpus_used: 0, running_vms: 0 }]);
  expect(host.rows['nova_api.host_mappings']).toHaveLength(1);
  expect(JSON.stringify(host)).not.toMatch(/(tap|qbr|qvb|qvo)[0-9a-f]{8}/);
});

test('all of them stand in one world twice, on two hosts, and every foreign key leads somewhere', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'recordings-'));
  const world = await createWorld(folder, { now: new Date('2026-11-22T12:00:00Z') });
  try {
    plantCloud(world, cloud);
    for (const name of ['cmp-1', 'cmp-2']) {
      plantHost(world, host, { name, instances: '/var/lib/nova/instances' });
      for (const [state, recording] of servers)
        plantServer(world, recording, { name: `${state}-${name}`, host: name });
    }
    for (const name of SERVICE_DATABASES)
      expect(world.db(name).prepare('PRAGMA foreign_key_check').all(), name).toEqual([]);
    const uuids = world
      .db('nova')
      .prepare('SELECT count(*) AS n, count(DISTINCT uuid) AS d FROM instances')
      .get();
    expect(uuids?.['n']).toBe(uuids?.['d']);
    const owners = world
      .db('placement')
      .prepare('SELECT count(DISTINCT resource_provider_id) AS n FROM allocations')
      .get();
    expect(owners).toEqual({ n: 2 });
  } finally {
    world.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
