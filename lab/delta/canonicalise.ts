import type { TextRow } from '../sql.ts';
import type { Change } from './diff.ts';
import type { Roles } from './roles.ts';

/** Columns that tell two rows of one server apart. */
const telling = new Set([
  'key',
  'name',
  'tag',
  'resource_class_id',
  'device_name',
  'source_type',
  'image_id',
  'security_group_id',
]);

/**
 * Columns whose last value in a row that is going away says nothing. Nova empties the cache, and an event of Neutron
 * that comes a moment later may fill it again with a port that it kept: two deletes by Nova itself differ in it.
 */
const unsettled = new Set([
  'nova.instance_info_caches.network_info',
  'nova_cell0.instance_info_caches.network_info',
]);

/** Columns whose number is handed out anew for every server. */
const counted = new Set(['port']);

/** Numbers in these columns mean the same in every cloud; in every other `id` or `…_id` column they are counted up. */
const constantIds = new Set(['resource_class_id']);

/**
 * A delta as sorted lines of text, in which identities and times are replaced by what they are. Two deltas that did the
 * same are the same text; a line that stands twice was done to two rows.
 */
export function canonicalise(changes: readonly Change[], roles: Roles): readonly string[] {
  const lines = changes
    .filter((change) => change.place !== 'host.firewall' && !saysNothing(change))
    .map((change) => renderChange(change, roles));
  return [...lines, ...countRules(changes, roles)].sort();
}

/** Some eighty rules go with each port. They are the agent's, so one line says how many of a port there are in a table. */
function countRules(changes: readonly Change[], roles: Roles): readonly string[] {
  const counts = new Map<string, number>();
  for (const change of changes.filter((each) => each.place === 'host.firewall' && !isAgentsOwn(each))) {
    const text = renderChange(change, roles);
    const [sign, place, family, table] = text.split(' ');
    const port = /<port:(\w+)(?::1[01])?>/.exec(text)?.[1];
    const line = port === undefined ? text : `${sign} ${place} ${family} ${table} <port:${port}>`;
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return [...counts].map(([line, count]) => `${line} (${count} rules)`);
}

/** The agent lays its own chains when it first has something to do, be it during a delete. A delete lays none, and takes none away. */
function isAgentsOwn({ before, after }: Change): boolean {
  const port = /neutron-openvswi-[ios][0-9a-f]{8}-|(?:tap|qvb)[0-9a-f]{8}-/;
  return before === undefined && !port.test(after?.['name'] ?? '');
}

function renderChange(change: Change, roles: Roles): string {
  const { place, before, after } = change;
  if (place.startsWith('host.')) {
    const sign = before === undefined ? '+' : after === undefined ? '-' : '~';
    return `${sign} ${place} ${renderThing(after ?? before, roles)}`;
  }
  if (before === undefined && after !== undefined) return `+ ${place} ${renderRow(after, roles, () => true)}`;
  if (after === undefined && before !== undefined)
    return `- ${place} ${renderRow(before, roles, () => true)}`;
  if (before === undefined || after === undefined) return `? ${place}`;
  const changed = changedColumns(place, before, after);
  if (place === 'cinder.quota_usages') return renderUsage(place, before, after);
  const which = renderRow(
    before,
    roles,
    (column, value) => before[column] === after[column] && isTelling(column, value, roles),
  );
  return `~ ${place} [${which}] ${renderRow(after, roles, (column) => changed.has(column))}`;
}

/** What is used is a sum over all that a project has: what one server took or gave back is the difference. */
function renderUsage(place: string, before: TextRow, after: TextRow): string {
  const columns = ['in_use', 'reserved'].filter((column) => before[column] !== after[column]);
  const changes = columns.map((column) => {
    const difference = Number(after[column]) - Number(before[column]);
    return `${column}${difference < 0 ? '' : '+'}${difference}`;
  });
  return `~ ${place} [resource=${after['resource']}] ${changes.join(', ')}`;
}

function saysNothing({ place, before, after }: Change): boolean {
  return before !== undefined && after !== undefined && changedColumns(place, before, after).size === 0;
}

function changedColumns(place: string, before: TextRow, after: TextRow): ReadonlySet<string> {
  const columns = Object.keys(after).filter((column) => before[column] !== after[column]);
  return new Set(columns.filter((column) => !isUnsettled(place, column, after)));
}

function isUnsettled(place: string, column: string, after: TextRow): boolean {
  return unsettled.has(`${place}.${column}`) && after['deleted'] !== '0';
}

function isTelling(column: string, value: string | null, roles: Roles): boolean {
  if (telling.has(column)) return true;
  return value !== null && value.length <= 255 && roles.own.some(([text]) => value.includes(text));
}

function renderRow(
  row: TextRow,
  roles: Roles,
  shows: (column: string, value: string | null) => boolean,
): string {
  return Object.entries(row)
    .filter(([column, value]) => shows(column, value))
    .map(([column, value]) => `${column}=${renderValue(column, value, row, roles)}`)
    .sort()
    .join(', ');
}

function renderValue(column: string, value: string | null, row: TextRow, roles: Roles): string {
  if (value === null) return 'NULL';
  if (column === 'deleted' && value !== '0' && value === row['id']) return '<own id>';
  if ((/^(id|.*_id)$/.test(column) || counted.has(column)) && /^\d+$/.test(value) && !constantIds.has(column))
    return '<n>';
  // Roles and the like are sets, and are written in any order.
  const list = /^\w+(,\w+)+$/.test(value) ? value.split(',').sort().join(',') : value;
  // `10.0.0.1:3260,3 iqn.… 1`: the target and the LUN are whichever numbers were free (cinder 21 `volume/targets/iscsi.py:_iscsi_location`).
  if (column === 'provider_location')
    return replaceIdentities(list.replace(/,\d+ (iqn\.\S+) \d+$/, ',<n> $1 <n>'), roles);
  const text = replaceIdentities(list, roles);
  return text.length > 120 ? `${text.slice(0, 100)}…` : text;
}

function renderThing(thing: TextRow | undefined, roles: Roles): string {
  const text = `${thing?.['name'] ?? ''} ${thing?.['value'] ?? ''}`.trimEnd();
  return (
    replaceIdentities(text, roles)
      .replace(/--zone \d+/, '--zone <zone>')
      .replace(/ifindex \d+/, 'ifindex <n>')
      // The agent's own number of a network on this host, another one after it was started anew.
      .replace(/\btag=\d+/, 'tag=<vlan>')
      // On a target that others use too the number is whichever was free; tgt makes WWIDs of such numbers.
      .replace(/-lun-\d+/, '-lun-<n>')
      .replace(/\b3[0-9a-f]{32}\b/, '<wwid>')
  );
}

/** Says of every identity in a text what it is, not which. */
export function replaceIdentities(value: string, roles: Roles): string {
  let text = value;
  for (const [literal, role] of [...roles.own, ...roles.shared]) text = text.replaceAll(literal, role);
  return text
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<uuid>')
    .replace(/\b[0-9a-f]{64}\b/g, '<hash>')
    .replace(/\b[0-9a-f]{32}\b/g, '<hex>')
    .replace(/\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?/g, '<time>')
    .replace(/\b1[6-9]\d{8}(\.\d+)?\b/g, '<epoch>');
}

/** A line of expunge's that Nova's delta has not, a line of Nova's that expunge's has not, or one in place of the other. */
export interface Deviation {
  readonly line?: string;
  readonly insteadOf?: string;
  readonly why: string;
}

export interface Comparison {
  /** Nova does it, expunge did not. */
  readonly missing: readonly string[];
  /** expunge did it, Nova does not, and no deviation explains it. */
  readonly extra: readonly string[];
}

/** Compares two canonical deltas line by line, with multiplicity. */
export function compareDeltas(
  nova: readonly string[],
  ours: readonly string[],
  allowed: readonly Deviation[],
): Comparison {
  const expected = [...nova];
  for (const { line, insteadOf } of allowed) {
    const at = insteadOf === undefined ? -1 : expected.indexOf(insteadOf);
    if (at >= 0) expected.splice(at, 1);
    if (line !== undefined) expected.push(line);
  }
  return { missing: subtract(expected, ours), extra: subtract(ours, expected) };
}

function subtract(from: readonly string[], what: readonly string[]): readonly string[] {
  const left = [...what];
  return from.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
