import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { databasePassword } from './config/ini.ts';
import { type Lab, ports } from './paths.ts';
import { withDatabase } from './sql.ts';
import { readAccount } from './users.ts';

/** Every database of the cloud, with the service user that owns it. */
export const databases = {
  keystone: 'keystone',
  glance: 'glance',
  placement: 'placement',
  nova: 'nova',
  nova_api: 'nova',
  nova_cell0: 'nova',
  neutron: 'neutron',
  cinder: 'cinder',
} as const;

/** Services in whose databases expunge may work. */
const TOUCHED: readonly string[] = ['nova', 'neutron', 'cinder'];

export type DatabaseName = keyof typeof databases;

/** The lab's own server: its files, its socket, nothing of the machine's /etc/mysql or /var/lib/mysql. */
export function mariadbArgv(lab: Lab): readonly string[] {
  return ['/usr/sbin/mariadbd', `--defaults-file=${join(lab.etc, 'mariadb.cnf')}`];
}

export async function prepareMariadb(lab: Lab): Promise<void> {
  const data = join(lab.dir, 'mysql');
  const { uid, gid } = readAccount('mysql');
  writeFileSync(
    join(lab.etc, 'mariadb.cnf'),
    `[mysqld]
user = mysql
datadir = ${data}
socket = ${lab.mysqlSocket}
pid-file = ${join(data, 'mariadbd.pid')}
bind-address = 127.0.0.1
port = ${ports.mysql}
max-connections = 500
character-set-server = utf8mb3
innodb-flush-log-at-trx-commit = 2
innodb-buffer-pool-size = 256M
skip-name-resolve
init-file = ${join(lab.etc, 'mariadb-init.sql')}

[client]
socket = ${lab.mysqlSocket}
user = root
password = ${lab.secrets.mysqlRoot}
`,
    { mode: 0o640 },
  );
  writeFileSync(join(lab.etc, 'mariadb-init.sql'), renderAccounts(lab), { mode: 0o640 });
  for (const name of ['mariadb.cnf', 'mariadb-init.sql']) chownSync(join(lab.etc, name), 0, gid);
  chownSync(lab.run, 0, gid);
  chmodSync(lab.run, 0o775);
  if (existsSync(join(lab.done, 'mariadb'))) return;
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { mode: 0o700 });
  chownSync(data, uid, gid);
  await run([
    'mariadb-install-db',
    '--no-defaults',
    '--user=mysql',
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
  ]);
  writeFileSync(join(lab.done, 'mariadb'), '');
}

/** Runs at every start of the server, so that the accounts always are as the lab's files say. */
function renderAccounts(lab: Lab): string {
  const { mysqlRoot, expunge, expungeReadOnly } = lab.secrets;
  const lines = [`ALTER USER root@localhost IDENTIFIED BY '${mysqlRoot}';`];
  const account = (user: string, password: string): void => {
    lines.push(`CREATE OR REPLACE USER '${user}'@'127.0.0.1' IDENTIFIED BY '${password}';`);
  };
  for (const user of new Set(Object.values(databases))) account(user, databasePassword(lab, user));
  account('expunge', expunge);
  account('expunge_ro', expungeReadOnly);
  for (const [name, user] of Object.entries(databases)) {
    lines.push(`GRANT ALL ON ${name}.* TO '${user}'@'127.0.0.1';`);
    if (!TOUCHED.includes(user)) continue;
    lines.push(`GRANT ALL ON ${name}.* TO 'expunge'@'127.0.0.1';`);
    lines.push(`GRANT SELECT ON ${name}.* TO 'expunge_ro'@'127.0.0.1';`);
  }
  return `${lines.join('\n')}\n`;
}

/** An empty database: a sync that was interrupted half-way cannot be trusted to go on. */
export async function recreateDatabase(lab: Lab, name: DatabaseName): Promise<void> {
  await withDatabase(lab, undefined, (connection) =>
    connection.query(`DROP DATABASE IF EXISTS ${name}; CREATE DATABASE ${name} CHARACTER SET utf8mb3`),
  );
}

export async function isMariadbUp(lab: Lab): Promise<boolean> {
  try {
    await withDatabase(lab, undefined, (connection) => connection.query('SELECT 1'));
    return true;
  } catch {
    return false;
  }
}
