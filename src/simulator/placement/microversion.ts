/** Which version of Placement's API a request wants (microversion-parse 1.0 `middleware.py`, placement 8 `microversion.py`). */
import type { Fault } from './errors.ts';

/** The second number; the first is 1. */
const NEWEST = 39;

/** @returns the second number of the version, 0 when none is asked for, or why there is none */
export function readMicroversion(headers: Readonly<Record<string, string>>): number | Fault {
  const asked = (headers['openstack-api-version'] ?? '')
    .split(',')
    .map((each) => each.trim().split(/\s+/))
    .find(([service]) => service?.toLowerCase() === 'placement')?.[1];
  if (asked === undefined) return 0;
  if (asked === 'latest') return NEWEST;
  const numbers = /^(\d+)\.(\d+)$/.exec(asked);
  if (numbers === null)
    return { status: 400, detail: `Invalid microversion: invalid version string: ${asked}` };
  const minor = Number(numbers[2]);
  if (numbers[1] === '1' && minor <= NEWEST) return minor;
  return {
    status: 406,
    detail: `Invalid microversion: Unacceptable version header: ${asked}`,
    also: { max_version: `1.${NEWEST}`, min_version: '1.0' },
  };
}
