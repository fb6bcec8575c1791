/** One request to a simulated service and its answer, and what all services do with them alike. */
import { createHash, randomUUID } from 'node:crypto';
import type { SQLOutputValue } from 'node:sqlite';
import type { RawRequest } from '../../site/http/request.ts';

export interface Asked {
  readonly method: string;
  /** where the service is: `http://demo/network` */
  readonly base: string;
  /** what comes after it, without the query: `/v2.0/ports` */
  readonly path: string;
  /** in the order in which they were given */
  readonly query: URLSearchParams;
  /** names in small letters */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** `req-…`, new with every request, as oslo.middleware's `request_id.py` makes it */
  readonly requestId: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or text; none with 204 */
  readonly body?: unknown;
}

export type DatabaseRow = Readonly<Record<string, SQLOutputValue>>;

/** The name in front that the simulated cloud's catalog gives each service. */
export function parseAsked(request: RawRequest): { service: string; asked: Asked } {
  const { url } = request;
  const [, service = '', rest = ''] = /^\/([^/]*)(.*)$/.exec(url.pathname) ?? [];
  return {
    service,
    asked: {
      method: request.method,
      base: `${url.origin}/${service}`,
      path: decodeURIComponent(rest),
      query: url.searchParams,
      headers: Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]),
      ),
      body: request.body === undefined ? undefined : JSON.parse(JSON.stringify(request.body)),
      requestId: `req-${randomUUID()}`,
    },
  };
}

/** What a service of this simulator says to something that it was not taught, in the words of all of them. */
export function notTaught({ method, path }: Asked, what?: string): string {
  return `The simulator was not taught ${method} ${path}${what === undefined ? '' : `: ${what}`}`;
}

/** The keys of the query that are not among the known ones. */
export function unknownKeys(query: URLSearchParams, known: Iterable<string>): string[] {
  const all = new Set(known);
  return [...new Set(query.keys())].filter((key) => !all.has(key));
}

/** `2026-11-01 10:00:00` as `2026-11-01T10:00:00Z`; null stays null. */
export function isoTime(value: SQLOutputValue | undefined): string | null {
  return typeof value === 'string' ? `${value.slice(0, 19).replace(' ', 'T')}Z` : null;
}

/** 32 hex digits that follow from a text: ids that nobody recorded, the same in every run. */
export function hexId(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** JSON in a text column; null when there is none. */
export function readJson(value: SQLOutputValue | undefined): unknown {
  return typeof value === 'string' && value !== '' ? JSON.parse(value) : null;
}

/** JSON as Python's `json.dumps` writes it into a column: a space after each comma and colon, and ASCII only. */
export function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([key, each]) => `${pythonJson(key)}: ${pythonJson(each)}`)
      .join(', ')}}`;
  return JSON.stringify(value).replaceAll(
    /[\u0080-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
