import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Everything that is fixed about a lab: where its state lies, its passwords and its ports. */
export interface Lab {
  readonly dir: string;
  readonly etc: string;
  readonly log: string;
  readonly run: string;
  /** A file here says that a phase of `up` was finished once for this state. */
  readonly done: string;
  /** Nova's instances_path. */
  readonly instances: string;
  readonly mysqlSocket: string;
  readonly secrets: Secrets;
}

interface Secrets {
  readonly admin: string;
  readonly service: string;
  readonly mysqlRoot: string;
  /** Nova's own database password; it has characters that must be percent-encoded in a url, as real ones have. */
  readonly novaDatabase: string;
  /** The other services' database password: Keystone's schema tool cannot take such characters. */
  readonly database: string;
  readonly expunge: string;
  readonly expungeReadOnly: string;
}

export const host = 'compute1';
export const region = 'RegionOne';

export const ports = {
  mysql: 3306,
  memcached: 11211,
  epmd: 4370,
  amqp: 5672,
  amqpDistribution: 25_672,
  keystone: 5000,
  glance: 9292,
  placement: 8778,
  nova: 8774,
  novnc: 6080,
  neutron: 9696,
  cinder: 8776,
  ovsdb: 6640,
  sshd: 2222,
} as const;

/** The lab of this machine. Makes no folder: `makeFolders` does. */
export function openLab(): Lab {
  const dir = resolve(process.env['EXPUNGE_LAB'] ?? '/var/lib/expunge-lab');
  return {
    dir,
    etc: join(dir, 'etc'),
    log: join(dir, 'log'),
    run: join(dir, 'run'),
    done: join(dir, 'done'),
    instances: join(dir, 'nova', 'instances'),
    mysqlSocket: join(dir, 'run', 'mysqld.sock'),
    secrets: readSecrets(join(dir, 'secrets.json')),
  };
}

export function makeFolders(lab: Lab): void {
  // 0755 all the way down: QEMU runs as libvirt-qemu and must reach its disks.
  const folders = [lab.dir, lab.etc, lab.log, lab.run, lab.done, join(lab.dir, 'nova'), lab.instances];
  for (const folder of folders) mkdirSync(folder, { recursive: true, mode: 0o755 });
  for (const name of ['nova-locks', 'neutron-locks', 'cinder-locks'])
    mkdirSync(join(lab.run, name), { recursive: true });
  for (const name of [
    'neutron',
    'cinder',
    'images',
    'keystone/fernet',
    'keystone/credential',
    'ovs',
    'ssh',
  ]) {
    mkdirSync(join(lab.dir, name), { recursive: true });
  }
  const file = join(lab.dir, 'secrets.json');
  if (!existsSync(file)) writeFileSync(file, `${JSON.stringify(lab.secrets, null, 2)}\n`, { mode: 0o600 });
}

/** The secrets of an existing lab, or new ones (written by `makeFolders`). */
function readSecrets(file: string): Secrets {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Secrets;
  const word = (): string => randomBytes(9).toString('hex');
  return {
    admin: word(),
    service: word(),
    mysqlRoot: word(),
    novaDatabase: `${word()}@:/%`,
    database: word(),
    expunge: `${word()}@:/%`,
    expungeReadOnly: word(),
  };
}
