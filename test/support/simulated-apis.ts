/** A simulated cloud with one host and one healthy server, asked through the real client, and rows to add to it. */
import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SQLInputValue } from 'node:sqlite';
import { onTestFinished } from 'vitest';
import { openSimulatedHttp } from '../../src/simulator/http/client.ts';
import { type Planted, plantCloud, plantHost, plantServer } from '../../src/simulator/plant.ts';
import { loadCloud, loadHost, loadServer } from '../../src/simulator/recordings.ts';
import { createWorld, openWorld, type ServiceDatabase, type World } from '../../src/simulator/world.ts';
import type { CloudAuth } from '../../src/site/config/clouds.ts';
import type { RawAnswer } from '../../src/site/http/request.ts';
import { ApiSession } from '../../src/site/http/session.ts';
import { tempFolder } from './temp.ts';

const NOW = new Date('2026-11-01T10:00:00Z');

export interface SimulatedCloud {
  readonly world: World;
  readonly server: Planted;
  /** logged in as admin */
  readonly api: ApiSession;
  session(auth?: Partial<CloudAuth['auth']>): ApiSession;
  /** One request with whatever comes back; the token is admin's, unless headers say otherwise. */
  ask(
    method: string,
    path: string,
    also?: { headers?: Record<string, string>; body?: unknown },
  ): Promise<RawAnswer>;
  /** a token of one of the cloud's users, on a project */
  token(username: string, project: string): Promise<string>;
  /** times that the world was given the chance to go on by itself */
  readonly reactions: () => number;
}

/** Made once, because it takes ten times as long as a copy. */
let template: Promise<{ readonly folder: string; readonly server: Planted }> | undefined;

async function makeTemplate(): Promise<{ folder: string; server: Planted }> {
  const folder = mkdtempSync(join(tmpdir(), 'expunge-test-'));
  const world = await createWorld(folder, { now: NOW });
  plantCloud(world, await loadCloud());
  plantHost(world, await loadHost(), { name: 'compute1', instances: '/var/lib/nova/instances' });
  const server = plantServer(world, await loadServer('healthy'), { name: 'web-1', host: 'compute1' });
  world.close();
  return { folder, server };
}

export async function simulatedCloud(): Promise<SimulatedCloud> {
  template ??= makeTemplate();
  const { folder, server } = await template;
  const own = tempFolder();
  cpSync(folder, own, { recursive: true });
  const world = openWorld(own);
  onTestFinished(() => world.close());
  let reactions = 0;
  const client = openSimulatedHttp(world, () => {
    reactions++;
  });
  const token = async (username: string, project: string) => {
    const { headers } = await client.send('Keystone', {
      method: 'POST',
      url: new URL('http://demo/identity/v3/auth/tokens'),
      headers: {},
      body: {
        auth: {
          identity: {
            methods: ['password'],
            password: { user: { name: username, domain: { name: 'Default' }, password: 'demo' } },
          },
          scope: { project: { name: project, domain: { name: 'Default' } } },
        },
      },
    });
    return String(headers['x-subject-token']);
  };
  const session = (auth: Partial<CloudAuth['auth']> = {}) =>
    new ApiSession(authOf(auth), () => openSimulatedHttp(world, () => {}));
  return {
    world,
    server,
    api: session(),
    session,
    token,
    reactions: () => reactions,
    async ask(method, path, { headers = {}, body } = {}) {
      return client.send('test', {
        method,
        url: new URL(path, 'http://demo'),
        headers: { 'X-Auth-Token': await token('admin', 'admin'), ...headers },
        ...(body === undefined ? {} : { body }),
      });
    },
  };
}

function authOf(changes: Partial<CloudAuth['auth']>): CloudAuth {
  return {
    auth: {
      auth_url: 'http://demo/identity/v3',
      username: 'admin',
      password: 'demo',
      project_name: 'admin',
      user_domain_name: 'Default',
      project_domain_name: 'Default',
      ...changes,
    },
    region: 'RegionOne',
    interface: 'public',
    tls: { verify: true },
  };
}

export function insert(
  world: World,
  database: ServiceDatabase,
  table: string,
  row: Readonly<Record<string, SQLInputValue>>,
): number {
  const columns = Object.keys(row).map((column) => `"${column}"`);
  return Number(
    world
      .db(database)
      .prepare(`INSERT INTO "${table}" (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`)
      .run(...Object.values(row)).lastInsertRowid,
  );
}

/** All rows of a table, or those that a condition holds for. */
export function rowsOf(
  world: World,
  database: ServiceDatabase,
  table: string,
  where: Readonly<Record<string, SQLInputValue>> = {},
): readonly Readonly<Record<string, unknown>>[] {
  const conditions = Object.keys(where).map((column) => `"${column}" = ?`);
  return world
    .db(database)
    .prepare(`SELECT * FROM "${table}"${conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`}`)
    .all(...Object.values(where))
    .map((row) => ({ ...row }));
}

/** The id of the project `admin` in the recorded cloud. */
export function adminProject(world: World): string {
  return String(rowsOf(world, 'keystone', 'project', { name: 'admin' })[0]?.['id']);
}
