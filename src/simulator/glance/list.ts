/** `GET /v2/images` (glance 25 `api/v2/images.py:index`, `db/sqlalchemy/api.py:image_get_all`). */
import type { SQLInputValue } from 'node:sqlite';
import { type Answer, type Asked, type DatabaseRow, notTaught } from '../http/exchange.ts';
import { type Caller, isAdmin } from '../keystone/tokens.ts';
import { readMeta, type World } from '../world.ts';
import { glanceError } from './errors.ts';
import { findImage, imageBody } from './images.ts';

/** `[DEFAULT]limit_param_default` and `api_limit_max`. `glance.page_size` of the world is both. */
const DEFAULT_LIMIT = 25;
const MOST = 1000;

const COLUMNS = [
  'id',
  'name',
  'status',
  'owner',
  'disk_format',
  'container_format',
  'checksum',
  'visibility',
];
const FLAGS = ['protected', 'os_hidden'];
const VISIBILITIES = ['community', 'public', 'private', 'shared', 'all'];

/** Keys that Glance gives a meaning of their own. Any other is the name of a property. */
const UNTAUGHT = [
  'member_status',
  'tag',
  'sort',
  'sort_key',
  'sort_dir',
  'changes-since',
  'created_at',
  'updated_at',
  'size_min',
  'size_max',
  'size',
  'min_ram',
  'min_disk',
  'virtual_size',
  'os_hash_algo',
  'os_hash_value',
  'deleted',
];

export function listImages(world: World, asked: Asked, caller: Caller): Answer {
  const { query } = asked;
  const limit = readLimit(world, query);
  if (typeof limit === 'string') return glanceError(400, limit);
  const condition = where(asked);
  if ('status' in condition) return condition;
  const { conditions, values } = condition;
  if (!isAdmin(caller)) {
    conditions.push("(owner = ? OR visibility IN ('public', 'community'))");
    values.push(caller.project);
  }
  const marker = query.get('marker');
  if (marker !== null) {
    const image = findImage(world, marker);
    if (image === null) return glanceError(400, `No image found with ID ${marker}`);
    conditions.push('(created_at, id) < (?, ?)');
    values.push(image['created_at'] ?? null, image['id'] ?? null);
  }
  const rows = world
    .db('glance')
    .prepare(
      `SELECT * FROM images WHERE ${conditions.join(' AND ')} ORDER BY created_at DESC, id DESC LIMIT ${limit}`,
    )
    .all(...values);
  return { status: 200, body: listBody(world, query, rows, limit) };
}

function readLimit(world: World, query: URLSearchParams): number | string {
  const own = readMeta(world, 'glance.page_size');
  const most = own === null ? MOST : Number(own);
  const given = query.get('limit');
  if (given === null) return own === null ? DEFAULT_LIMIT : most;
  if (!/^\s*[+-]?\d+\s*$/.test(given)) return 'limit param must be an integer';
  const limit = Number(given);
  return limit < 0 ? 'limit param must be positive' : Math.min(limit, most);
}

/** @returns the conditions, or Glance's refusal */
function where(asked: Asked): Answer | { conditions: string[]; values: SQLInputValue[] } {
  const { query } = asked;
  const conditions = ['deleted = 0'];
  const values: SQLInputValue[] = [];
  const keys = [...new Set(query.keys())].filter((key) => key !== 'limit' && key !== 'marker');
  const untaught = keys.filter((key) => UNTAUGHT.includes(key));
  if (untaught.length > 0) return glanceError(501, notTaught(asked, `the query ${untaught.join(', ')}`));
  if (!keys.includes('os_hidden')) conditions.push('os_hidden = 0');
  for (const key of keys) {
    // Of a filter that is given twice the last one counts: webob's params become one dictionary.
    const value = query.getAll(key).at(-1) ?? '';
    if (FLAGS.includes(key)) {
      if (value !== 'true' && value !== 'false')
        return glanceError(
          400,
          `Invalid value '${value}' for '${key}' filter. Valid values are 'true' or 'false'.`,
        );
      conditions.push(`${key} = ?`);
      values.push(value === 'true' ? 1 : 0);
    } else if (key === 'visibility' && !VISIBILITIES.includes(value))
      return glanceError(400, `Invalid visibility value: ${value}`);
    else if (COLUMNS.includes(key)) {
      if (value.startsWith('in:')) return glanceError(501, notTaught(asked, `the query ${key}=in:`));
      if (key === 'visibility' && value === 'all') continue;
      conditions.push(`${key} = ?`);
      values.push(value);
    } else {
      conditions.push(
        'id IN (SELECT image_id FROM image_properties WHERE name = ? AND value = ? AND deleted = 0)',
      );
      values.push(key, value);
    }
  }
  return { conditions, values };
}

/** A page that is full has a link to the next one, even if that is empty. */
function listBody(
  world: World,
  query: URLSearchParams,
  rows: readonly DatabaseRow[],
  limit: number,
): unknown {
  const first = new URLSearchParams(query);
  first.delete('marker');
  const next = new URLSearchParams(first);
  next.set('marker', String(rows.at(-1)?.['id']));
  return {
    images: rows.map((row) => imageBody(world, row)),
    first: first.size === 0 ? '/v2/images' : `/v2/images?${first}`,
    schema: '/v2/schemas/images',
    ...(rows.length > 0 && rows.length === limit ? { next: `/v2/images?${next}` } : {}),
  };
}
