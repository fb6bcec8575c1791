/** The links from one page of a collection to the next. */

import { LookError } from '../../plan/errors.ts';
import { isRecord } from '../parse.ts';

/**
 * A next link may be absolute and name a proxy's inner address: only its path and query are followed. A path begins with its version,
 * which for Cinder, with the project, stands in the catalog too (`api/common.py:ViewBuilder._get_next_link` of Cinder, Juno to master).
 *
 * @param base the service's URL in the catalog
 */
export function nextPage(
  place: string,
  body: Record<string, unknown>,
  key: string,
  base: string | null,
): string | null {
  const links = body[`${key}_links`];
  const link = Array.isArray(links) ? links.filter(isRecord).find((l) => l['rel'] === 'next') : undefined;
  const next = body['next'] ?? link?.['href'];
  if (next === undefined || next === null) return null;
  if (typeof next !== 'string' || !URL.canParse(next, 'http://any'))
    throw new LookError(place, `the link to the next page of ${key} is no link`, {
      code: 'answer-not-understood',
    });
  const url = new URL(next, 'http://any');
  const path = fromVersion(url.pathname) ?? url.pathname;
  const said = fromVersion(URL.parse(base ?? '')?.pathname ?? '');
  return `${said !== null && path.startsWith(`${said}/`) ? path.slice(said.length) : path}${url.search}`;
}

function fromVersion(path: string): string | null {
  const at = path.search(/\/v\d/);
  return at < 0 ? null : path.slice(at);
}
