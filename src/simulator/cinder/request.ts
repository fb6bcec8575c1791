import { type Answer, type Asked, notTaught, unknownKeys } from '../http/exchange.ts';
import type { Caller } from '../keystone/tokens.ts';
import { fault } from '../nova-api/errors.ts';

/** A request to Cinder whose token, version and project are known and good. */
export interface VolumeRequest {
  readonly asked: Asked;
  readonly caller: Caller;
  /** the second number of the microversion; the first is 3 */
  readonly version: number;
  /** below version and project: `/volumes/…` */
  readonly path: string;
  /** roles of the service that asks beside the user */
  readonly serviceRoles: readonly string[];
}

export interface Given {
  readonly column: string;
  readonly value: string;
}

/**
 * The filters of a list's query that are given, with their columns; `all_tenants` is each list's own to read.
 *
 * @returns an answer that names them, when there are others
 */
export function readFilters(
  asked: Asked,
  columns: Readonly<Record<string, string>>,
): readonly Given[] | Answer {
  const unknown = unknownKeys(asked.query, [...Object.keys(columns), 'all_tenants']);
  if (unknown.length > 0) return fault(501, notTaught(asked, `the query ${unknown.join(', ')}`));
  return Object.entries(columns).flatMap(([key, column]) => {
    const value = asked.query.get(key);
    return value === null ? [] : [{ column, value }];
  });
}
