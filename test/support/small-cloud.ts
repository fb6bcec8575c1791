/**
 * A cloud of one cell with one server in it that was never scheduled: a build request and its mapping. Everything is real but
 * the servers that answer, and what is deleted is gone.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MysqlAnswer } from './fake-mysql.ts';
import { startMysql } from './fake-mysql.ts';
import { type FakeOpenstackOptions, PASSWORD, startOpenstack } from './fake-openstack.ts';
import { SERVER } from './plans.ts';
import { databaseUrl } from './sites.ts';
import { tempFolder } from './temp.ts';

export interface SmallCloud {
  readonly site: string;
  readonly runs: string;
  readonly env: Readonly<Record<string, string>>;
  /** statements that changed something */
  readonly written: string[];
  requested: boolean;
}

export interface SmallCloudOptions {
  readonly name?: string;
  readonly password?: string;
  readonly requested?: boolean;
  /** before all else; undefined leaves it to the cloud */
  readonly sql?: (sql: string, cloud: SmallCloud) => MysqlAnswer | undefined;
  readonly routes?: FakeOpenstackOptions['routes'];
  readonly token?: object;
  readonly siteFile?: string;
}

const NOW = '2026-11-22 10:00:00';

function answer(sql: string, cloud: SmallCloud, name: string, port: () => number): MysqlAnswer | undefined {
  const request = {
    id: 7,
    instance_uuid: SERVER,
    project_id: 'p1',
    created_at: '2026-11-22 08:00:00',
    updated_at: null,
    instance: JSON.stringify({ 'nova_object.data': { display_name: name } }),
  };
  // Nobody else is at work here.
  if (/^select (get_lock|release_lock)\('expunge:[0-9a-f-]{36}'/.test(sql))
    return [sql.includes('get_lock') ? { got: 1 } : { released: 1 }];
  if (/^select is_used_lock\('expunge:[0-9a-f-]{36}'\) as holder, connection_id\(\) as own$/.test(sql))
    return [{ holder: 1, own: 1 }];
  const ofServer = sql.includes(SERVER);
  const ofAnother = !ofServer && sql.includes('`instance_uuid` = ');
  const requests = cloud.requested && !ofAnother ? [request] : [];
  if (sql.startsWith('explain ')) return [{ id: 1 }];
  if (/^(update|delete|insert) /.test(sql)) {
    cloud.written.push(sql);
    if (!sql.startsWith('delete from `build_requests`') || !ofServer || !cloud.requested)
      return { affected: 0 };
    cloud.requested = false;
    return { affected: 1 };
  }
  if (sql.includes('from cell_mappings'))
    return [{ uuid: 'c1', name: 'cell1', database_connection: databaseUrl(port(), 'nova') }];
  if (sql.includes('count(*) as `n` from `build_requests`')) return [{ n: requests.length }];
  if (sql.includes('utc_timestamp() as `now` from `build_requests`'))
    return requests.map(({ created_at, updated_at }) => ({ created_at, updated_at, now: NOW }));
  if (sql.includes('from `build_requests`')) return requests;
  return /^select /.test(sql) ? [] : undefined;
}

export async function startSmallCloud(options: SmallCloudOptions = {}): Promise<SmallCloud> {
  const { name = 'web-1', password = PASSWORD, requested = true } = options;
  const folder = tempFolder();
  const cloud = {
    site: join(folder, 'expunge.yaml'),
    runs: join(folder, 'runs'),
    env: {} as Record<string, string>,
    written: [] as string[],
    requested,
  };
  const db = await startMysql({
    answer: (sql) => options.sql?.(sql, cloud) ?? answer(sql, cloud, name, () => db.port),
  });
  const stack = await startOpenstack({
    ...(options.token === undefined ? {} : { token: options.token }),
    routes: {
      'GET /network/v2.0/ports': { body: { ports: [] } },
      'GET /image/v2/images': { body: { images: [] } },
      [`GET /placement/allocations/${SERVER}`]: { body: { allocations: {} } },
      ...options.routes,
    },
  });
  cloud.env = {
    OS_AUTH_URL: `${stack.url}/identity`,
    OS_USERNAME: 'admin',
    OS_PASSWORD: password,
    OS_PROJECT_NAME: 'admin',
  };
  const lines = [`databases: {nova_api: "${databaseUrl(db.port)}"}`, `runs_dir: ${cloud.runs}`];
  writeFileSync(cloud.site, options.siteFile ?? `${lines.join('\n')}\n`, { mode: 0o600 });
  return cloud;
}
