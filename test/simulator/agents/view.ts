/** All that a world holds, as lines of text in which identities and times are replaced by what they are. */
import type { DatabaseSync } from 'node:sqlite';
import { SERVICE_DATABASES, type World } from '../../../src/simulator/world.ts';

/** Names of tables, `database.table`, to their rows as sorted lines. */
export type View = ReadonlyMap<string, readonly string[]>;

/** Everything, as it is: two views are equal when nothing has changed. */
export function viewExactly(world: World): View {
  return viewWorld(world, (_table, row) => JSON.stringify(row));
}

/** The same without what tells one server from another, so that two worlds can be compared in which each has one server. */
export function viewAlike(world: World, server: { readonly uuid: string; readonly name: string }): View {
  return viewWorld(world, (table, row) =>
    Object.entries(row)
      .map(([column, value]) => `${column}=${blur(table, column, value, row, server)}`)
      .join(', '),
  );
}

/** What one view has and the other has not, as `- line` and `+ line`, with the table in front. */
export function compareViews(before: View, after: View): readonly string[] {
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((table) => {
    const [old, now] = [before.get(table) ?? [], after.get(table) ?? []];
    return [
      ...subtract(old, now).map((line) => `- ${table}: ${line}`),
      ...subtract(now, old).map((line) => `+ ${table}: ${line}`),
    ];
  });
}

function viewWorld(
  world: World,
  render: (table: string, row: Readonly<Record<string, unknown>>) => string,
): View {
  const databases: readonly (readonly [string, DatabaseSync])[] = [
    ...SERVICE_DATABASES.map((name) => [name, world.db(name)] as const),
    ['machines', world.machines],
  ];
  const view = new Map<string, readonly string[]>();
  for (const [name, database] of databases)
    for (const table of listTables(database)) {
      const rows = database.prepare(`SELECT * FROM "${table}"`).all();
      const lines = rows.map((row) => render(`${name}.${table}`, row)).sort();
      if (lines.length > 0) view.set(`${name}.${table}`, lines);
    }
  return view;
}

function listTables(database: DatabaseSync): readonly string[] {
  return database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .all()
    .map((row) => String(row['name']));
}

function subtract(from: readonly string[], what: readonly string[]): readonly string[] {
  const left = [...what];
  return from.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

function blur(
  table: string,
  column: string,
  value: unknown,
  row: Readonly<Record<string, unknown>>,
  server: { readonly uuid: string; readonly name: string },
): string {
  if (value === null) return 'NULL';
  if (column === 'deleted' && value !== 0 && value === row['id']) return '<own id>';
  if (typeof value === 'number')
    return /(^|_)id$/.test(column) || COUNTED.has(`${table}.${column}`) ? '<n>' : String(value);
  return (
    String(value)
      .replaceAll(server.uuid, '<server>')
      .replaceAll(server.name, '<name>')
      .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, '<uuid>')
      .replace(/(tap|qbr|qvb|qvo)[0-9a-f]{8}-[0-9a-f]{2}/g, '$1<port>')
      .replace(/(neutron-openvswi-[ios])[0-9a-f]{8}-[0-9a-f]/g, '$1<port>')
      .replace(/^[0-9a-f]{8}-[0-9a-f]$/, '<port>')
      .replace(/\b[0-9a-f]{64}\b/g, '<hash>')
      .replace(/\b[0-9a-f]{32}\b/g, '<hex>')
      .replace(/\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b/gi, '<mac>')
      .replace(/\b\d+\.\d+\.\d+\.\d+\b/g, '<address>')
      .replace(/instance-[0-9a-f]{8}/g, '<domain>')
      // Whether Neutron had told of the port's being wired when Nova last wrote the cache: two boots differ in it.
      .replace(/"active": (true|false)/g, '"active": <either>')
      // A set in Python, written down in the order of that process.
      .replace(/("nova_object\.changes": )\[[^\]]*\]/g, '$1<set>')
      .replace(/\/dev\/pts\/\d+/g, '/dev/pts/<n>')
      .replace(/(<domain type='\w+' id=)'\d+'/g, "$1'<n>'")
      .replace(/--zone \d+/g, '--zone <n>')
      .replace(/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?/g, '<time>')
  );
}

/** Numbers that are handed out, or that count what a service did. */
const COUNTED = new Set([
  'nova.console_auth_tokens.port',
  'nova.console_auth_tokens.expires',
  'nova.services.report_count',
  'neutron.standardattributes.revision_number',
  'machines.links.ifindex',
]);
