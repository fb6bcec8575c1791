import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { disksConfig } from './config/disks.ts';
import { authUrl, databaseUrl, renderIni } from './config/ini.ts';
import { novaConfig } from './config/nova.ts';
import { type DatabaseName, recreateDatabase } from './mariadb.ts';
import { type Lab, region } from './paths.ts';
import { markEnv, stopMarked } from './process.ts';

interface Sync {
  readonly name: string;
  readonly databases: readonly DatabaseName[];
  work(lab: Lab): Promise<void>;
}

/** The longest first: they run side by side, and this machine has two cores. */
const syncs: readonly Sync[] = [
  { name: 'neutron', databases: ['neutron'], work: syncNeutron },
  { name: 'keystone', databases: ['keystone'], work: syncKeystone },
  { name: 'nova-cells', databases: ['nova_api', 'nova_cell0'], work: syncNovaCells },
  {
    name: 'nova',
    databases: ['nova'],
    work: (lab) => manage(lab, 'nova', 'nova.conf', 'db', 'sync', '--local_cell'),
  },
  {
    name: 'cinder',
    databases: ['cinder'],
    work: (lab) => manage(lab, 'cinder', 'cinder.conf', 'db', 'sync'),
  },
  {
    name: 'glance',
    databases: ['glance'],
    work: (lab) => manage(lab, 'glance', 'glance-api.conf', 'db_sync'),
  },
  {
    name: 'placement',
    databases: ['placement'],
    work: (lab) => manage(lab, 'placement', 'placement.conf', 'db', 'sync'),
  },
];

/** Makes the schemas that this state does not have yet; one that was interrupted starts from an empty database. */
export async function syncDatabases(lab: Lab): Promise<void> {
  await stopMarked(lab, syncMark);
  const waiting = syncs.filter((sync) => !existsSync(doneFile(lab, sync)));
  const worker = async (): Promise<void> => {
    for (let sync = waiting.shift(); sync !== undefined; sync = waiting.shift()) {
      for (const name of sync.databases) await recreateDatabase(lab, name);
      await sync.work(lab);
      writeFileSync(doneFile(lab, sync), '');
    }
  };
  await Promise.all([worker(), worker(), worker()]);
}

const syncMark = 'database-sync';

function doneFile(lab: Lab, sync: Sync): string {
  return join(lab.done, `sync-${sync.name}`);
}

async function manage(lab: Lab, service: string, file: string, ...words: readonly string[]): Promise<void> {
  await run([`/usr/bin/${service}-manage`, '--config-file', join(lab.etc, file), ...words], {
    env: markEnv(lab, syncMark),
  });
}

async function syncNeutron(lab: Lab): Promise<void> {
  const files = ['neutron.conf', 'ml2.ini'].flatMap((name) => ['--config-file', join(lab.etc, name)]);
  await run(['/usr/bin/neutron-db-manage', ...files, 'upgrade', 'heads'], { env: markEnv(lab, syncMark) });
}

async function syncKeystone(lab: Lab): Promise<void> {
  const keystone = (...words: readonly string[]) => manage(lab, 'keystone', 'keystone.conf', ...words);
  const owner = ['--keystone-user', 'root', '--keystone-group', 'root'];
  await keystone('db_sync');
  await keystone('fernet_setup', ...owner);
  await keystone('credential_setup', ...owner);
  await keystone(
    'bootstrap',
    '--bootstrap-password',
    lab.secrets.admin,
    '--bootstrap-region-id',
    region,
    '--bootstrap-public-url',
    `${authUrl}/v3`,
    '--bootstrap-admin-url',
    `${authUrl}/v3`,
    '--bootstrap-internal-url',
    `${authUrl}/v3`,
  );
}

/** The API database, cell0 (mapped by a plain url) and cell1 (mapped by a template, as larger sites do). */
async function syncNovaCells(lab: Lab): Promise<void> {
  const nova = (...words: readonly string[]) => manage(lab, 'nova', 'nova.conf', ...words);
  await nova('api_db', 'sync');
  await nova('cell_v2', 'map_cell0', '--database_connection', databaseUrl(lab, 'nova', 'nova_cell0'));
  await nova(
    'cell_v2',
    'create_cell',
    '--name',
    'cell1',
    '--database_connection',
    '{scheme}://{username}:{password}@{hostname}:{port}/{path}?{query}',
    '--transport-url',
    '{scheme}://{username}:{password}@{hostname}:{port}/',
  );
  const ini = novaConfig(lab, disksConfig(lab, 'files'));
  const cell0 = { ...ini, database: { connection: databaseUrl(lab, 'nova', 'nova_cell0') } };
  writeFileSync(join(lab.etc, 'nova-cell0.conf'), renderIni(cell0), { mode: 0o640 });
  await manage(lab, 'nova', 'nova-cell0.conf', 'db', 'sync', '--local_cell');
}
