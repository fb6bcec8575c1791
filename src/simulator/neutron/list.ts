/** What Neutron's lists have in common: filters, pages, `fields`. */
import type { SQLInputValue } from 'node:sqlite';
import { type Answer, type Asked, type DatabaseRow, notTaught } from '../http/exchange.ts';
import { readMeta, type World } from '../world.ts';
import { neutronError, notImplemented } from './errors.ts';

export interface Collection {
  /** `ports`: the key of the answer too */
  readonly name: string;
  /** rows of one table, whose key is `id` */
  readonly from: string;
  /** filter to the SQL that it is compared with; texts in it are this program's own */
  readonly filters: ReadonlyMap<string, string>;
  /** filters whose values are truth values */
  readonly flags: ReadonlySet<string>;
  /** filters that Neutron knows and the simulator does not */
  readonly untaught: ReadonlySet<string>;
  readonly notFound: (id: string) => Answer;
}

const PAGING = ['limit', 'marker', 'fields'];
const PAGING_UNTAUGHT = ['page_reverse', 'sort_key', 'sort_dir'];

/** Filters of every resource with standard attributes that were not taught. */
export const UNTAUGHT_FILTERS: readonly string[] = [
  'tags',
  'tags-any',
  'not-tags',
  'not-tags-any',
  'changed_since',
  'revision_number',
];

/**
 * Answers a GET on a collection. With a limit, or in a world with `neutron.page_size` (`[DEFAULT]pagination_max_limit`), the
 * answer has the links that neutron 21 `api/api_common.py:get_pagination_links` writes: to the next page whenever a page is full.
 *
 * @param project rows of this project only; null for all
 */
export function listCollection(
  world: World,
  asked: Asked,
  collection: Collection,
  project: string | null,
  show: (row: DatabaseRow) => Readonly<Record<string, unknown>>,
): Answer {
  const { query } = asked;
  const refusal = refuseKeys(asked, collection);
  if (refusal !== null) return refusal;
  const limit = readLimit(world, query);
  if (limit === null)
    return neutronError(
      400,
      'BadRequest',
      `Bad limit request: Limit must be an integer 0 or greater and not '${query.get('limit')}'.`,
    );
  const { conditions, values } = where(query, collection);
  if (project !== null) {
    conditions.push('project_id = ?');
    values.push(project);
  }
  const marker = limit === 0 ? null : query.get('marker');
  if (marker !== null) {
    if (find(world, collection, marker) === undefined) return collection.notFound(marker);
    conditions.push('id > ?');
    values.push(marker);
  }
  const rows = world
    .db('neutron')
    .prepare(
      `SELECT id FROM ${collection.from}${conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`} ORDER BY id${limit === 0 ? '' : ` LIMIT ${limit}`}`,
    )
    .all(...values);
  const fields = query.getAll('fields');
  const items = rows.map((row) => pick(show(row), fields));
  const links = limit === 0 ? [] : makeLinks(asked, rows, limit);
  return {
    status: 200,
    body: {
      [collection.name]: items,
      ...(links.length === 0 ? {} : { [`${collection.name}_links`]: links }),
    },
  };
}

function find(world: World, { from }: Collection, id: string): DatabaseRow | undefined {
  return world.db('neutron').prepare(`SELECT id FROM ${from} WHERE id = ?`).get(id);
}

/** Neutron's own refusal of a filter that it does not know is a 400 (neutron 21 `api/api_common.py:get_filters_from_dict`). */
function refuseKeys(asked: Asked, { filters, untaught }: Collection): Answer | null {
  const keys = [...new Set(asked.query.keys())].filter((key) => !PAGING.includes(key) && !filters.has(key));
  const known = keys.filter((key) => untaught.has(key) || PAGING_UNTAUGHT.includes(key));
  if (known.length > 0) return notImplemented(notTaught(asked, `the query ${known.join(', ')}`));
  if (keys.length === 0) return null;
  const names = keys.map((key) => `'${key}'`).join(', ');
  return neutronError(400, 'HTTPBadRequest', `[${names}] is invalid attribute for filtering`);
}

/** @returns 0 for no limit, null for a limit that is none */
function readLimit(world: World, query: URLSearchParams): number | null {
  const given = query.get('limit') ?? '0';
  if (!/^\s*\+?\d+\s*$/.test(given)) return null;
  const most = Number(readMeta(world, 'neutron.page_size') ?? 0);
  const limit = Number(given);
  return most > 0 ? Math.min(most, limit) || most : limit;
}

/** One key given several times is a choice between its values. */
function where(
  query: URLSearchParams,
  { filters, flags }: Collection,
): { conditions: string[]; values: SQLInputValue[] } {
  const conditions: string[] = [];
  const values: SQLInputValue[] = [];
  for (const [key, sql] of filters) {
    const wanted = query.getAll(key);
    if (wanted.length === 0) continue;
    conditions.push(`${sql} IN (${wanted.map(() => '?').join(', ')})`);
    values.push(...wanted.map((value) => (flags.has(key) ? asFlag(value) : value)));
  }
  return { conditions, values };
}

function asFlag(value: string): number {
  return value.toLowerCase() === 'true' || value === '1' ? 1 : 0;
}

function pick(
  body: Readonly<Record<string, unknown>>,
  fields: readonly string[],
): Readonly<Record<string, unknown>> {
  return fields.length === 0
    ? body
    : Object.fromEntries(Object.entries(body).filter(([key]) => fields.includes(key)));
}

function makeLinks(asked: Asked, rows: readonly DatabaseRow[], limit: number): unknown[] {
  const link = (rel: string, marker: unknown, also: Record<string, string>) => {
    const query = new URLSearchParams(asked.query);
    query.delete('marker');
    if (marker !== undefined) query.set('marker', String(marker));
    for (const [key, value] of Object.entries(also)) query.set(key, value);
    return { rel, href: `${asked.base}${asked.path}?${query}` };
  };
  return [
    ...(rows.length < limit ? [] : [link('next', rows.at(-1)?.['id'], {})]),
    link('previous', rows[0]?.['id'], { page_reverse: 'True' }),
  ];
}
