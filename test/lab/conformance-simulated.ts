/** A simulated cloud seen as the lab is seen: the same `Snapshot`, and the roles of a server that was planted broken. */
import { type HostView, hostFolders, libvirtFolders, type Things } from '../../lab/delta/host.ts';
import type { Roles, Subject } from '../../lab/delta/roles.ts';
import { isVolatile, type Rows, withoutVolatile } from '../../lab/delta/rows.ts';
import { findRoles, type Snapshot } from '../../lab/delta.ts';
import type { TextRow } from '../../lab/sql.ts';
import type { Planted } from '../../src/simulator/plant.ts';
import { SERVICE_DATABASES, type ServiceDatabase, type World } from '../../src/simulator/world.ts';

export function snapshotOf(world: World, host: string): Snapshot {
  return {
    rows: Object.assign({}, ...SERVICE_DATABASES.map((name) => readDatabase(world, name))) as Rows,
    host: readMachine(world, host),
  };
}

function readDatabase(world: World, name: ServiceDatabase): Rows {
  const database = world.db(name);
  const tables = database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .all()
    .map((row) => String(row['name']))
    .filter((table) => !isVolatile(`${name}.${table}`));
  return Object.fromEntries(
    tables.map((table) => {
      const place = `${name}.${table}`;
      const key = database
        .prepare('SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY cid')
        .all(table)
        .map((row) => String(row['name']));
      const keyed: Record<string, TextRow> = {};
      for (const raw of database.prepare(`SELECT * FROM "${table}"`).all()) {
        const row = withoutVolatile(place, toText(raw));
        let own = key.length === 0 ? JSON.stringify(row) : key.map((column) => row[column]).join('|');
        while (own in keyed) own += '#';
        keyed[own] = row;
      }
      return [place, keyed];
    }),
  );
}

function toText(row: Readonly<Record<string, unknown>>): TextRow {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [column, value === null ? null : String(value)]),
  );
}

function readMachine(world: World, host: string): HostView {
  const ask = (statement: string, of = host): readonly TextRow[] =>
    world.machines.prepare(statement).all(of).map(toText);
  const instances = `${ask('SELECT instances FROM hosts WHERE name = ?')[0]?.['instances']}/`;
  const files = ask('SELECT * FROM files WHERE host = ? ORDER BY path');
  return {
    domains: toThings(
      ask('SELECT * FROM domains WHERE host = ?'),
      'uuid',
      (row) => `${row['name']} ${row['state']}`,
    ),
    domainXml: toThings(ask('SELECT * FROM domains WHERE host = ?'), 'uuid', (row) => row['xml'] ?? ''),
    links: toThings(
      ask('SELECT * FROM links WHERE host = ?'),
      'name',
      (row) => `${row['kind'] ?? 'device'} peer=${row['peer'] ?? '-'} master=${row['master'] ?? '-'}`,
    ),
    ovs: toThings(ask('SELECT * FROM switch_ports WHERE host = ?'), 'name', describeSwitchPort),
    firewall: countAgain(ask('SELECT rule FROM firewall WHERE host = ?').map((row) => row['rule'] ?? '')),
    namespaces: toThings(ask('SELECT name FROM namespaces WHERE host = ?'), 'name', () => ''),
    iscsi: {},
    rbd: {},
    files: listBelow(files, instances, (path) => path.slice(instances.length), hostFolders),
    libvirtFiles: Object.assign(
      {},
      ...libvirtFolders.map((folder) => listBelow(files, `${folder}/`, String)),
    ) as Things,
    imageFiles: toThings(
      ask('SELECT * FROM files WHERE host = ?', 'glance').filter((row) => row['kind'] === 'file'),
      'path',
      describeFile,
    ),
  };
}

function toThings(rows: readonly TextRow[], name: string, describe: (row: TextRow) => string): Things {
  return Object.fromEntries(rows.map((row) => [row[name] ?? '', describe(row)]));
}

function listBelow(
  files: readonly TextRow[],
  folder: string,
  show: (path: string) => string,
  except: ReadonlySet<string> = new Set(),
): Things {
  const below = files
    .filter((row) => row['path']?.startsWith(folder))
    .map((row) => ({ ...row, path: show(row['path'] ?? '') }))
    .filter(({ path }) => !except.has(path.split('/')[0] ?? ''));
  return toThings(below, 'path', describeFile);
}

function describeFile(row: TextRow): string {
  return `${row['kind']} ${row['mode']} ${row['owner']}`;
}

/** As ovs-vsctl writes them as JSON: an empty set for no tag, maps as sorted pairs. */
function describeSwitchPort(row: TextRow): string {
  const ids = Object.entries(JSON.parse(row['external_ids'] ?? '{}') as Record<string, string>).sort();
  const tag = row['tag'] === null ? '["set",[]]' : row['tag'];
  return `tag=${tag} external_ids=${JSON.stringify(['map', ids])}`;
}

function countAgain(rules: readonly string[]): Things {
  const found: Record<string, string> = {};
  for (const rule of rules) {
    let key = rule;
    while (key in found) key += ' (again)';
    found[key] = '';
  }
  return found;
}

/**
 * Who is who for a server that was never whole here. What its rows no longer say of its ports, the recording does: ports are
 * named before anything else, and `mac:1` and `ip:1` are of `uuid:1`.
 */
export function rolesOf(broken: Snapshot, planted: Planted): Roles {
  const { identities } = planted;
  const vifs = Object.values(broken.rows['nova.virtual_interfaces'] ?? {})
    .filter((row) => row['instance_uuid'] === planted.uuid)
    .map((row) => row['uuid']);
  const subject: Subject = { id: planted.uuid, name: planted.name, prePort: identities.get('uuid:1') };
  const known = findRoles(broken, subject);
  const own = new Map<string, string>();
  for (const [key, id] of identities) {
    const number = /^uuid:(\d+)$/.exec(key)?.[1];
    if (number === undefined || !(number === '1' || vifs.includes(id))) continue;
    const who = number === '1' ? 'pre' : 'own';
    own.set(id, `<port:${who}>`);
    own.set(id.slice(0, 11), `<port:${who}:11>`);
    own.set(id.slice(0, 10), `<port:${who}:10>`);
    for (const [kind, value] of [
      ['mac', identities.get(`mac:${number}`)],
      ['mac', identities.get(`mac:${number}`)?.toUpperCase()],
      ['ip', identities.get(`ip:${number}`)],
    ])
      if (value !== undefined) own.set(value, `<${kind}:${who}>`);
  }
  const all = new Map([...known.own, ...own]);
  return { own: sortLongestFirst(all), shared: known.shared };
}

/** A name must never hide a longer one. */
export function sortLongestFirst(texts: ReadonlyMap<string, string>): Roles['own'] {
  return [...texts].sort(([a], [b]) => b.length - a.length || (a < b ? -1 : 1));
}
